// The byte transport between ranks: the few collectives that all others are built on, started without waiting.

/** An operation in flight. */
export interface Request {
  /** Whether it is complete; calling this also makes progress. */
  test(): boolean;
}

/** Within a lane, all ranks begin the same operations in the same order. Lanes are independent of each other. */
export type Lane = 0 | 1 | 2;

/** Buffers must not change until the request is complete. */
export interface Transport {
  readonly rank: number;
  readonly size: number;
  readonly description: string;
  /** Sends block r of `send` to rank r, and receives block r of `receive` from it. Blocks have equal sizes. */
  allToAll(send: Uint8Array, receive: Uint8Array): Request;
  /** Fills `receive` with every rank's `send`, in rank order. */
  allGather(send: Uint8Array, receive: Uint8Array, lane?: Lane): Request;
  broadcast(data: Uint8Array, root: number): Request;
  barrier(lane?: Lane): Request;
  /** Throws HebbError if a rank that others wait for has ended. Called now and then while waiting, with the milliseconds since the wait began. */
  checkRanks(waited: number): void;
  abort(exitCode: number): never;
}
