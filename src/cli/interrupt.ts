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

/** Removing a listener drops signals that have arrived but not been delivered, so it stays between two pieces of work. */
function listen(on: boolean): void {
  if (listening === on) return;
  listening = on;
  for (const signal of signals) {
    if (on) process.on(signal, interrupted);
    else process.off(signal, interrupted);
  }
}

const needed = (): boolean => handlers.length > 0 || last !== undefined;

/** Returns signals to the system after the event loop has delivered those that arrived during the work that ends. */
function leaveSoon(): void {
  if (needed()) return;
  // Signals are delivered between two immediates.
  setImmediate(() => {
    setImmediate(() => {
      if (!needed()) listen(false);
    });
  });
}

/** Calls `handler` once instead of ending the process; the returned function unregisters it. */
export function onInterrupt(handler: () => void): () => void {
  handlers.push(handler);
  listen(true);
  return () => {
    const place = handlers.indexOf(handler);
    if (place >= 0) handlers.splice(place, 1);
    leaveSoon();
  };
}

/** Calls `handler` for a signal that no running work handles, in place of the system's default. */
export function onLastInterrupt(handler: (signal: Signal) => void): void {
  last = handler;
  listen(true);
}

/** The exit code that shells report for a process ended by a signal. */
export const exitCodeFor = (signal: Signal): number => (signal === "SIGINT" ? 130 : 143);
