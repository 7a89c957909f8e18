// Ctrl-C and SIGTERM: running work saves and then exits; if nothing is running, the process exits at once.

type Signal = "SIGINT" | "SIGTERM";

const signals = ["SIGINT", "SIGTERM"] as const;
const handlers: (() => void)[] = [];
let last: ((signal: Signal) => void) | undefined;
let listening = false;

function interrupted(signal: Signal): void {
  const handler = handlers.pop() ?? (last && (() => last?.(signal)));
  if (handler === undefined) {
    listen(false);
    process.kill(process.pid, signal);
    return;
  }
  handler();
  leaveSoon();
}

/** A listener that is taken off takes a signal with it that has come and not been told. So it stays from one piece of work to the next. */
function listen(on: boolean): void {
  if (listening === on) return;
  listening = on;
  for (const signal of signals) {
    if (on) process.on(signal, interrupted);
    else process.off(signal, interrupted);
  }
}

const needed = (): boolean => handlers.length > 0 || last !== undefined;

/** Leaves signals to the system, when the event loop has told those that came during the work that ends. */
function leaveSoon(): void {
  if (needed()) return;
  // Signals are told between two immediates.
  setImmediate(() => {
    setImmediate(() => {
      if (!needed()) listen(false);
    });
  });
}

/** Calls `handler` once in place of ending the process; the returned function ends that. */
export function onInterrupt(handler: () => void): () => void {
  handlers.push(handler);
  listen(true);
  return () => {
    const place = handlers.indexOf(handler);
    if (place >= 0) handlers.splice(place, 1);
    leaveSoon();
  };
}

/** Calls `handler` for a signal that nothing at work takes, as the system would end the process then. */
export function onLastInterrupt(handler: (signal: Signal) => void): void {
  last = handler;
  listen(true);
}

/** The exit code that shells give to a process that a signal ended. */
export const exitCodeFor = (signal: Signal): number => (signal === "SIGINT" ? 130 : 143);
