// Ends a stalled transfer.

export interface Silence {
  /** Aborted after this many seconds without data. */
  readonly signal: AbortSignal;
  /** Data arrived: the timer restarts. */
  heard(): void;
  end(): void;
}

export function silenceOf(seconds: number): Silence {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Error(`nothing was received for ${seconds} seconds`)), 1000 * seconds);
  };
  heard();
  return { signal: stop.signal, heard, end: () => clearTimeout(timer) };
}
