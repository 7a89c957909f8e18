// The byte transport between ranks: the few collectives that all others are built on, started without waiting.

/** Something under way. */
export interface Request {
  /** Whether it is complete; asking moves it on. */
  test(): boolean;
}

/** All ranks begin the same in the same order within a lane. How lanes interleave is up to each. */
export type Lane = 0 | 1 | 2;

/** Buffers must stay as they are until the request is complete. */
export interface Transport {
  readonly rank: number;
  readonly size: number;
  readonly description: string;
  /** Block r of `send` goes to rank r, and block r of `receive` comes from it. The blocks are of equal size. */
  allToAll(send: Uint8Array, receive: Uint8Array): Request;
  /** `receive` becomes every rank's `send`, in order. */
  allGather(send: Uint8Array, receive: Uint8Array, lane?: Lane): Request;
  broadcast(data: Uint8Array, root: number): Request;
  barrier(lane?: Lane): Request;
  /** Throws HebbError where a rank has ended that others wait for. Asked now and then while waiting, with the milliseconds since the wait began. */
  checkRanks(waited: number): void;
  abort(exitCode: number): never;
}
