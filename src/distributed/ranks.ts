// Collectives over a byte transport. hebb computes reductions itself, in rank order, so that results do not depend on the MPI library.
import { elementTypeOf, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import type {
  BroadcastOptions,
  CollectiveOptions,
  Combining,
  Communicator,
  Pending,
  ReduceOptions,
} from "../runtime/index.ts";
import { together } from "../tensor/cutProgram.ts";
import { combineParts } from "./combine.ts";
import { Patience } from "./patience.ts";
import { like, Scratch } from "./scratch.ts";
import { SharedMemory } from "./sharedMemory.ts";
import type { Request, Transport } from "./transport.ts";

/** Up to this size, every rank gathers the values of all and adds them itself: one message, but more bytes. */
const smallBytes = 4096;
/** Larger values are reduced in pieces of this size, two of which are in flight at once, so that buffers stay bounded. */
const pieceBytes = 8 * 2 ** 20;
/** The maximum number of pieces in flight: before the next one begins, the first is added up, which frees its buffer. */
const mostWaiting = 8;
/** Elements that fill a cache line for any type, so that no two ranks write to the same line. */
const sharedLine = 64;

export class Ranks implements Communicator {
  readonly together = together;
  readonly #transport: Transport;
  readonly #patience: Patience;
  readonly #scratch = new Scratch();
  /** Undefined if ranks are on several machines. */
  readonly #shared: SharedMemory | undefined;
  /** Pieces not added up yet, in the order in which they began. */
  readonly #waiting: Begun[] = [];
  /** The last message in the second lane. */
  #latest: Request | undefined;

  /** `crowded`: there are more ranks than cores; `neighbours`: all are on one machine. */
  constructor(transport: Transport, options: { readonly crowded: boolean; readonly neighbours?: boolean }) {
    this.#transport = transport;
    this.#shared = options.neighbours === true ? new SharedMemory(this) : undefined;
    this.#patience = new Patience((waited) => transport.checkRanks(waited), options.crowded);
  }

  get rank(): number {
    return this.#transport.rank;
  }

  get size(): number {
    return this.#transport.size;
  }

  get description(): string {
    return this.#transport.description;
  }

  allReduce<T extends TypedArray>(values: T, options: ReduceOptions<T> = {}): T {
    return this.beginAllReduce(values, options).wait();
  }

  beginAllReduce<T extends TypedArray>(values: T, { into, combine = "sum" }: ReduceOptions<T> = {}): Pending<T> {
    const result = into ?? like(values, values.length);
    checkLength("allReduce", result, values.length, values);
    if (result !== values) result.set(values);
    const regions = values.byteLength > smallBytes ? this.#shared?.ofAll(result, elementTypeOf(result)) : undefined;
    const perPiece =
      regions === undefined ? this.size * Math.ceil(pieceBytes / this.size / values.BYTES_PER_ELEMENT) : values.length;
    const pieces: Begun[] = [];
    let next = 0;
    const begin = (): void => {
      if (next >= values.length) return;
      const piece = part(result, next, Math.min(values.length, next + perPiece));
      next += perPiece;
      pieces.push(regions === undefined ? this.#beginPiece(piece, combine) : this.#beginShared(regions, combine));
    };
    // Two are in flight: while the sums of one are sent, so are the values of the next.
    begin();
    begin();
    return {
      wait: () => {
        for (let k = 0; k < pieces.length; k++) {
          this.#addUpTo(pieces[k] as Begun);
          const before = pieces[k - 1];
          if (before !== undefined) this.#finish(before);
          if (k > 0) begin();
        }
        const last = pieces.at(-1);
        if (last !== undefined) this.#finish(last);
        return result;
      },
    };
  }

  /** Sums a piece in place: the values of each share go to one rank, and the sums of that share to all. */
  #beginPiece<T extends TypedArray>(values: T, combine: Combining): Begun {
    const { size } = this;
    if (values.byteLength <= smallBytes) {
      const all = like(values, size * values.length);
      const arrived = this.#transport.allGather(bytesOf(values), bytesOf(all));
      const add = (): undefined => {
        combineParts(inParts(all, size), [values], combine);
      };
      return this.#enter({ arrived, add });
    }
    if (this.#waiting.length >= mostWaiting) this.#addUpTo(this.#waiting[0] as Begun);
    const share = Math.ceil(values.length / size);
    const padded = share * size;
    const sent = padded === values.length ? values : this.#scratch.borrow(values, padded);
    if (sent !== values) sent.set(values);
    const received = this.#scratch.borrow(values, padded);
    const own = this.#scratch.borrow(values, share);
    return this.#enter({
      arrived: this.#transport.allToAll(bytesOf(sent), bytesOf(received)),
      add: () => {
        combineParts(inParts(received, size), [own], combine);
        this.#scratch.giveBack(received);
        return this.#transport.allGather(bytesOf(own), bytesOf(sent), 1);
      },
      finish: () => {
        if (sent !== values) values.set(part(sent, 0, values.length));
        this.#scratch.giveBack(own, ...(sent === values ? [] : [sent]));
      },
    });
  }

  /** The same with shared memory: each rank adds up its share of all ranks' values, and writes the sums to all regions. */
  #beginShared<T extends TypedArray>(regions: readonly T[], combine: Combining): Begun {
    const [first] = regions;
    const length = first?.length ?? 0;
    const share = sharedLine * Math.ceil(length / this.size / sharedLine);
    const from = Math.min(length, this.rank * share);
    const own = regions.map((region) => part(region, from, Math.min(length, from + share)));
    return this.#enter({
      arrived: this.#transport.barrier(),
      add: () => {
        combineParts(own, own, combine);
        return this.#transport.barrier(1);
      },
    });
  }

  #enter(begun: Begun): Begun {
    this.#waiting.push(begun);
    return begun;
  }

  progress(): void {
    for (let next = this.#waiting[0]; next?.arrived.test() === true; next = this.#waiting[0]) this.#addNext();
    if (this.#waiting.length === 0) this.#latest?.test();
  }

  #addNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const sums = next.add();
    if (sums !== undefined) {
      next.sums = sums;
      this.#latest = sums;
    }
  }

  /** Adds up in the order in which pieces began, so that the second messages have the same order on all ranks. */
  #addUpTo(begun: Begun): void {
    while (this.#waiting.includes(begun)) {
      this.#patience.wait((this.#waiting[0] as Begun).arrived);
      this.#addNext();
    }
  }

  #finish(begun: Begun): void {
    this.#addUpTo(begun);
    if (begun.sums !== undefined) this.#patience.wait(begun.sums);
    begun.finish?.();
  }

  borrow<T extends TypedArray>(values: T, length: number): T {
    const bytes = length * values.BYTES_PER_ELEMENT;
    const shared = bytes > smallBytes ? this.#shared?.borrow(elementTypeOf(values), length) : undefined;
    return (shared as T | undefined) ?? this.#scratch.borrow(values, length);
  }

  giveBack(values: TypedArray): void {
    if (this.#shared?.giveBack(values) !== true) this.#scratch.giveBack(values);
  }

  broadcast<T extends TypedArray>(values: T, { root = 0, into }: BroadcastOptions<T> = {}): T {
    if (!(Number.isInteger(root) && root >= 0 && root < this.size))
      throw new HebbError(`broadcast: the root must be a rank from 0 to ${this.size - 1}, got ${describe(root)}`);
    const result = into ?? like(values, values.length);
    checkLength("broadcast", result, values.length, values);
    if (result !== values) result.set(values);
    const bytes = bytesOf(result);
    for (let start = 0; start < bytes.length; start += pieceBytes)
      this.#patience.wait(this.#transport.broadcast(bytes.subarray(start, start + pieceBytes), root));
    return result;
  }

  allGather<T extends TypedArray>(values: T, options: CollectiveOptions<T> = {}): T {
    return this.beginAllGather(values, options).wait();
  }

  beginAllGather<T extends TypedArray>(values: T, { into }: CollectiveOptions<T> = {}): Pending<T> {
    const { size, rank } = this;
    const { length } = values;
    const result = into ?? like(values, size * length);
    checkLength("allGather", result, size * length, values);
    if (length === 0) return { wait: () => result };
    const wait = (begun: Begun): Pending<T> => ({
      wait: () => {
        this.#finish(begun);
        return result;
      },
    });
    const regions = this.#shared?.ofAll(result, elementTypeOf(result));
    if (regions !== undefined) {
      const there = part(result, rank * length, (rank + 1) * length);
      if (there.byteOffset !== values.byteOffset || there.buffer !== values.buffer) there.set(values);
      const add = (): Request => {
        regions.forEach((region, from) => {
          if (from !== rank) result.set(part(region, from * length, (from + 1) * length), from * length);
        });
        return this.#transport.barrier(1);
      };
      return wait(this.#enter({ arrived: this.#transport.barrier(), add }));
    }
    const perPiece = Math.max(1, Math.floor(pieceBytes / size / values.BYTES_PER_ELEMENT));
    // MPI forbids overlap of send and receive buffers.
    const own = result.buffer !== values.buffer ? values : (values.slice() as T);
    if (length <= perPiece)
      return wait(
        this.#enter({ arrived: this.#transport.allGather(bytesOf(own), bytesOf(result)), add: () => undefined }),
      );
    return {
      wait: () => {
        for (let start = 0; start < length; start += perPiece) {
          const end = Math.min(length, start + perPiece);
          const all = this.#scratch.borrow(values, size * (end - start));
          this.#patience.wait(this.#transport.allGather(bytesOf(part(own, start, end)), bytesOf(all)));
          inParts(all, size).forEach((piece, from) => void result.set(piece, from * length + start));
          this.#scratch.giveBack(all);
        }
        return result;
      },
    };
  }

  beginAllGatherInto<T extends TypedArray>(values: T, take: (piece: T, start: number) => void): Pending<void> {
    const { size } = this;
    const { length } = values;
    if (length === 0) return { wait: () => undefined };
    const regions = this.#shared?.ofAll(values, elementTypeOf(values));
    if (regions !== undefined) {
      const add = (): Request => {
        regions.forEach((region, from) => {
          take(region, from * length);
        });
        return this.#transport.barrier(1);
      };
      const begun = this.#enter({ arrived: this.#transport.barrier(), add });
      return { wait: () => this.#finish(begun) };
    }
    const perPiece = Math.max(1, Math.floor(pieceBytes / size / values.BYTES_PER_ELEMENT));
    const begin = (start: number): Begun => {
      const piece = part(values, start, Math.min(length, start + perPiece));
      const all = this.#scratch.borrow(values, size * piece.length);
      const add = (): undefined => {
        inParts(all, size).forEach((each, from) => {
          take(each, from * length + start);
        });
        this.#scratch.giveBack(all);
      };
      return this.#enter({ arrived: this.#transport.allGather(bytesOf(piece), bytesOf(all)), add });
    };
    const first = begin(0);
    return {
      wait: () => {
        this.#finish(first);
        for (let start = perPiece; start < length; start += perPiece) this.#finish(begin(start));
      },
    };
  }

  reduceScatter<T extends TypedArray>(values: T, options: ReduceOptions<T> = {}): T {
    return this.beginReduceScatter(values, options).wait();
  }

  beginReduceScatter<T extends TypedArray>(values: T, { into, combine = "sum" }: ReduceOptions<T> = {}): Pending<T> {
    const { size, rank } = this;
    const length = values.length / size;
    if (!Number.isInteger(length))
      throw new HebbError(
        `reduceScatter: ${values.length} values cannot be divided equally among ${size} ranks; pad them to a multiple`,
      );
    const result = into ?? like(values, length);
    checkLength("reduceScatter", result, length, values);
    const wait = (begun: Begun): Pending<T> => ({
      wait: () => {
        this.#finish(begun);
        return result;
      },
    });
    const regions = this.#shared?.ofAll(values, elementTypeOf(values));
    if (regions !== undefined && result.buffer !== values.buffer) {
      const own = regions.map((region) => part(region, rank * length, (rank + 1) * length));
      const add = (): Request => {
        combineParts(own, [result], combine);
        return this.#transport.barrier(1);
      };
      return wait(this.#enter({ arrived: this.#transport.barrier(), add }));
    }
    const perPiece = Math.max(1, Math.floor(pieceBytes / size / values.BYTES_PER_ELEMENT));
    if (length <= perPiece) {
      const received = this.#scratch.borrow(values, values.length);
      const add = (): undefined => {
        combineParts(inParts(received, size), [result], combine);
        this.#scratch.giveBack(received);
      };
      return wait(this.#enter({ arrived: this.#transport.allToAll(bytesOf(values), bytesOf(received)), add }));
    }
    return {
      wait: () => {
        this.#reduceScatterInPieces(values, result, { perPiece, combine });
        return result;
      },
    };
  }

  #reduceScatterInPieces<T extends TypedArray>(
    values: T,
    result: T,
    { perPiece, combine }: { readonly perPiece: number; readonly combine: Combining },
  ): void {
    const { size } = this;
    const { length } = result;
    // The output may overlap the values of later pieces, which are still to be sent.
    const out = result.buffer !== values.buffer ? result : like(values, length);
    for (let start = 0; start < length; start += perPiece) {
      const end = Math.min(length, start + perPiece);
      const send = this.#scratch.borrow(values, size * (end - start));
      for (let to = 0; to < size; to++)
        send.set(part(values, to * length + start, to * length + end), to * (end - start));
      const received = this.#scratch.borrow(values, send.length);
      this.#patience.wait(this.#transport.allToAll(bytesOf(send), bytesOf(received)));
      combineParts(inParts(received, size), [part(out, start, end)], combine);
      this.#scratch.giveBack(received, send);
    }
    if (out !== result) result.set(out);
  }

  barrier(): void {
    this.#patience.wait(this.#transport.barrier());
  }

  abort(exitCode: number): never {
    return this.#transport.abort(exitCode);
  }
}

/** A collective in flight. */
interface Begun {
  /** Completes when the values of the others have arrived. */
  readonly arrived: Request;
  /** Processes them after arrival. The returned request is for a message in the second lane. */
  add(): Request | undefined;
  sums?: Request;
  finish?(): void;
}

const part = <T extends TypedArray>(values: T, start: number, end: number): T => values.subarray(start, end) as T;

/** Splits values into equal consecutive parts. */
const inParts = <T extends TypedArray>(values: T, parts: number): T[] =>
  Array.from({ length: parts }, (_, k) => part(values, (k * values.length) / parts, ((k + 1) * values.length) / parts));

/** The memory of an array. Reading the buffer of a tiny array fixes its address. */
const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function checkLength(where: string, result: TypedArray, length: number, values: TypedArray): void {
  if (result.length !== length || elementTypeOf(result) !== elementTypeOf(values))
    throw new HebbError(
      `${where}: the result has ${length} values of ${elementTypeOf(values)}, and what is to take it ${result.length} of ${elementTypeOf(result)}; give an array of that length, or none`,
    );
}
