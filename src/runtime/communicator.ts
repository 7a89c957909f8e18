// The interface for communication between ranks: the collectives of one group of processes, and the current group.
import type { Output } from "../compiler/compiled.ts";
import type { TypedArray } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import type { DeviceMemory } from "./deviceMemory.ts";
import type { BoundProgram } from "./execution.ts";
import type { Cell, Storage } from "./storage.ts";

/** The reduction over the values of the ranks. "sum" of integers wraps around, like arithmetic on tensors. */
export type Combining = "sum" | "max" | "min";

export interface CollectiveOptions<T> {
  /** The array for the result; the input itself: in place. Default: a new array. */
  readonly into?: T;
}

export interface ReduceOptions<T> extends CollectiveOptions<T> {
  /** Default: "sum". */
  readonly combine?: Combining;
}

export interface BroadcastOptions<T> extends CollectiveOptions<T> {
  /** The rank that provides the values. Default: 0. */
  readonly root?: number;
}

/** A collective in progress. */
export interface Pending<T> {
  /** Waits for the result. Call it once, on all ranks in the same order. */
  wait(): T;
}

/** A program split into parts; the ranks exchange values between the parts. */
export interface CutProgram {
  readonly parts: readonly BoundProgram[];
  readonly memory: DeviceMemory;
  readonly cells: readonly Cell[];
  /** Runs once. Returns the values of the outputs that update no cell, in order. */
  run(args: readonly Storage[]): Storage[];
  release(): void;
}

export interface CutOptions {
  readonly checks: readonly Node[];
  readonly argumentCount: number;
  readonly memory: DeviceMemory;
}

/** Rows [first, first + count) of a batch of `whole` rows. */
export interface BatchShare {
  readonly first: number;
  readonly count: number;
  readonly whole: number;
}

/** How ranks compute collectives on tensors and draw random numbers. Only distributed programs load an implementation. */
export interface Togetherness {
  cut(world: Communicator, name: string, outputs: readonly Output[], options: CutOptions): CutProgram;
  /** The value of a collective, given that of its input. */
  value(world: Communicator, node: Node, input: Storage): Storage;
  /** Runs `body`, which traces a step over a share, with the random numbers of the same rows in `whole`, which traces the whole batch. */
  drawShare<T>(share: BatchShare, whole: () => unknown, body: () => T): T;
}

/**
 * The processes of one program, numbered from 0. All of them call the same collectives in the same order, with arrays of the same dtype and
 * length; each call waits for the others. A sum adds the values of ranks 0, 1, … in this order, floats in float64, and rounds once: the same
 * number of ranks gives the same bits, whatever the transport. Source of the names: MPI; torch.distributed.
 */
export interface Communicator {
  /** The number of this process. */
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  readonly together: Togetherness;
  /** The transport, in one line. */
  readonly description: string;
  /** [n] on each → [n] on all: rank 0's ∘ rank 1's ∘ …, elementwise. */
  allReduce<T extends TypedArray>(values: T, options?: ReduceOptions<T>): T;
  /** The same without waiting: others may begin meanwhile, on all ranks in the same order. The values must stay unchanged until the wait. */
  beginAllReduce<T extends TypedArray>(values: T, options?: ReduceOptions<T>): Pending<T>;
  /** Advances pending collectives as far as possible without waiting. */
  progress(): void;
  /**
   * Uninitialised memory like `values` that is sent with fewer copies than any other: for ranks on one machine, memory shared by all.
   * All ranks borrow and give back the same lengths in the same order.
   */
  borrow<T extends TypedArray>(values: T, length: number): T;
  giveBack(values: TypedArray): void;
  /** [n] of the root → [n] on all. */
  broadcast<T extends TypedArray>(values: T, options?: BroadcastOptions<T>): T;
  /** [n] on each → [size · n] on all: rank 0's, then rank 1's, … */
  allGather<T extends TypedArray>(values: T, options?: CollectiveOptions<T>): T;
  /** [size · n] on each → [n]: part number `rank` of allReduce's result. */
  reduceScatter<T extends TypedArray>(values: T, options?: ReduceOptions<T>): T;
  /** allGather and reduceScatter without waiting, like beginAllReduce. */
  beginAllGather<T extends TypedArray>(values: T, options?: CollectiveOptions<T>): Pending<T>;
  /** allGather without an array for the result: `take` receives pieces, each starting at index `start` of the result, and must not keep them. */
  beginAllGatherInto<T extends TypedArray>(values: T, take: (piece: T, start: number) => void): Pending<void>;
  beginReduceScatter<T extends TypedArray>(values: T, options?: ReduceOptions<T>): Pending<T>;
  /** Returns once all ranks have called it. */
  barrier(): void;
  /** Terminates the processes of all ranks, for a failure of one that the others wait for. */
  abort(exitCode: number): never;
}

let current: Communicator | undefined;

/** The ranks that layers and compiled steps communicate with; undefined: this process is alone. */
export const currentWorld = (): Communicator | undefined => current;

export function setCurrentWorld(world: Communicator | undefined): void {
  current = world;
}

/** Rank 0's text, on all. */
export function broadcastText(world: Communicator, text: string): string {
  const own = new TextEncoder().encode(text);
  const [length = 0] = world.broadcast(Float64Array.of(own.length));
  const bytes = new Uint8Array(length);
  bytes.set(own.subarray(0, length));
  return new TextDecoder().decode(world.broadcast(bytes, { into: bytes }));
}

/** The text of every rank, on all. */
export function gatherTexts(world: Communicator, text: string): string[] {
  const own = new TextEncoder().encode(text);
  const lengths = world.allGather(Float64Array.of(own.length));
  const widest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const padded = new Uint8Array(widest);
  padded.set(own);
  const all = world.allGather(padded);
  return Array.from(lengths, (length, rank) =>
    new TextDecoder().decode(all.subarray(rank * widest, rank * widest + length)),
  );
}

/** Rank 0's numbers, on all. */
export const broadcastNumbers = (world: Communicator, numbers: readonly number[]): Float64Array =>
  world.broadcast(Float64Array.from(numbers));

/** A rank's share of `count` items: [first, end). Shares differ by at most one. */
export const shareOf = (
  count: number,
  { rank, size }: Pick<Communicator, "rank" | "size">,
): readonly [number, number] => [Math.floor((rank * count) / size), Math.floor(((rank + 1) * count) / size)];
