// Ctrl-C and SIGTERM: running work saves and then exits; if nothing is running, the process exits at once.

type Signal = "SIGINT" | "SIGTERM";

const handlers: (() => void)[] = [];
let last: ((signal: Signal) => void) | undefined;

function interrupted(signal: Signal): void {
  const handler = handlers.pop();
  if (handlers.length === 0 && last === undefined) listen(false);
  if (handler !== undefined) handler();
  else last?.(signal);
}

function listen(on: boolean): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.off(signal, interrupted);
    if (on) process.on(signal, interrupted);
  }
}

/** Calls `handler` once in place of ending the process; the returned function ends that. */
export function onInterrupt(handler: () => void): () => void {
  handlers.push(handler);
  listen(true);
  return () => {
    const place = handlers.indexOf(handler);
    if (place >= 0) handlers.splice(place, 1);
    if (handlers.length === 0 && last === undefined) listen(false);
  };
}

/** Calls `handler` for a signal that nothing at work takes, as the system would end the process then. */
export function onLastInterrupt(handler: (signal: Signal) => void): void {
  last = handler;
  listen(true);
}

/** The exit code that shells give to a process that a signal ended. */
export const exitCodeFor = (signal: Signal): number => (signal === "SIGINT" ? 130 : 143);
