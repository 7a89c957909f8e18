// The collectives over a transport of bytes. Reductions are our own, in the order of the ranks, so that no choice of MPI's changes a bit.
import type { TypedArray } from "../graph/dtype.ts";
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
import { dtypeOf, like, Scratch } from "./scratch.ts";
import type { Request, Transport } from "./transport.ts";

/** Up to this size every rank takes the values of all and adds them up itself: one message, more bytes. */
const smallBytes = 4096;
/** Larger values are reduced in pieces of this size, so that buffers stay bounded. */
const pieceBytes = 32 * 2 ** 20;

export class Ranks implements Communicator {
  readonly together = together;
  readonly #transport: Transport;
  readonly #patience: Patience;
  readonly #scratch = new Scratch();

  constructor(transport: Transport, options: { readonly crowded: boolean }) {
    this.#transport = transport;
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
    const perPiece = Math.max(1, Math.floor(pieceBytes / values.BYTES_PER_ELEMENT));
    const pieces: Piece[] = [];
    const inPlace = result === values;
    for (let start = 0; start < values.length; start += perPiece) {
      const end = Math.min(values.length, start + perPiece);
      const piece = part(values, start, end);
      pieces.push(this.#beginPiece(piece, inPlace ? piece : part(result, start, end), combine));
    }
    return {
      wait: () => {
        // All are added up before the first is waited for again: its sum travels meanwhile.
        for (const piece of pieces) piece.add();
        for (const piece of pieces) piece.finish();
        return result;
      },
    };
  }

  #beginPiece<T extends TypedArray>(values: T, out: T, combine: Combining): Piece {
    const { size } = this;
    const wait = (request: Request): void => this.#patience.wait(request);
    if (values.byteLength <= smallBytes) {
      const all = like(values, size * values.length);
      const request = this.#transport.allGather(bytesOf(values), bytesOf(all));
      return {
        add: () => {
          wait(request);
          combineParts(all, out, size, combine);
        },
        finish: () => {},
      };
    }
    const share = Math.ceil(values.length / size);
    const padded = share * size;
    // In place and without padding, the values themselves are sent, and the sums arrive where they were.
    const direct = out === values && padded === values.length;
    const sent = direct ? values : this.#scratch.borrow(values, padded);
    if (!direct) sent.set(values);
    const received = this.#scratch.borrow(values, padded);
    const own = this.#scratch.borrow(values, share);
    const scattered = this.#transport.allToAll(bytesOf(sent), bytesOf(received));
    let gathered: Request | undefined;
    return {
      add: () => {
        wait(scattered);
        combineParts(received, own, size, combine);
        gathered = this.#transport.allGather(bytesOf(own), bytesOf(sent));
      },
      finish: () => {
        if (gathered !== undefined) wait(gathered);
        if (!direct) out.set(part(sent, 0, values.length));
        this.#scratch.giveBack(received, own, ...(direct ? [] : [sent]));
      },
    };
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

  allGather<T extends TypedArray>(values: T, { into }: CollectiveOptions<T> = {}): T {
    const { size } = this;
    const { length } = values;
    const result = into ?? like(values, size * length);
    checkLength("allGather", result, size * length, values);
    const perPiece = Math.max(1, Math.floor(pieceBytes / size / values.BYTES_PER_ELEMENT));
    // MPI takes no values that lie in what takes the result.
    const apart = result.buffer !== values.buffer;
    if (apart && length <= perPiece) {
      if (length > 0) this.#patience.wait(this.#transport.allGather(bytesOf(values), bytesOf(result)));
      return result;
    }
    const own = apart ? values : (values.slice() as T);
    for (let start = 0; start < length; start += perPiece) {
      const end = Math.min(length, start + perPiece);
      const all = this.#scratch.borrow(values, size * (end - start));
      this.#patience.wait(this.#transport.allGather(bytesOf(part(own, start, end)), bytesOf(all)));
      for (let rank = 0; rank < size; rank++)
        result.set(part(all, rank * (end - start), (rank + 1) * (end - start)), rank * length + start);
      this.#scratch.giveBack(all);
    }
    return result;
  }

  reduceScatter<T extends TypedArray>(values: T, { into, combine = "sum" }: ReduceOptions<T> = {}): T {
    const { size } = this;
    const length = values.length / size;
    if (!Number.isInteger(length))
      throw new HebbError(
        `reduceScatter: ${values.length} values cannot be shared out equally among ${size} ranks; pad them to a multiple`,
      );
    const result = into ?? like(values, length);
    checkLength("reduceScatter", result, length, values);
    const perPiece = Math.max(1, Math.floor(pieceBytes / size / values.BYTES_PER_ELEMENT));
    const whole = length <= perPiece;
    // The values are sent as they lie where one piece takes all. What takes the result may lie among them, of which later pieces are still to be sent.
    const out = whole || result.buffer !== values.buffer ? result : like(values, length);
    for (let start = 0; start < length; start += perPiece) {
      const end = Math.min(length, start + perPiece);
      const send = whole ? values : this.#scratch.borrow(values, size * (end - start));
      for (let rank = 0; rank < size && !whole; rank++)
        send.set(part(values, rank * length + start, rank * length + end), rank * (end - start));
      const received = this.#scratch.borrow(values, send.length);
      this.#patience.wait(this.#transport.allToAll(bytesOf(send), bytesOf(received)));
      combineParts(received, part(out, start, end), size, combine);
      this.#scratch.giveBack(received, ...(whole ? [] : [send]));
    }
    if (out !== result) result.set(out);
    return result;
  }

  barrier(): void {
    this.#patience.wait(this.#transport.barrier());
  }

  abort(exitCode: number): never {
    return this.#transport.abort(exitCode);
  }
}

/** A part of an allReduce: first the values arrive and are added up, then the sums. */
interface Piece {
  add(): void;
  finish(): void;
}

const part = <T extends TypedArray>(values: T, start: number, end: number): T => values.subarray(start, end) as T;

/** The memory of an array. Asking for its buffer moves a tiny one where it stays. */
const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function checkLength(where: string, result: TypedArray, length: number, values: TypedArray): void {
  if (result.length !== length || dtypeOf(result) !== dtypeOf(values))
    throw new HebbError(
      `${where}: the result has ${length} values of ${dtypeOf(values)}, and what is to take it ${result.length} of ${dtypeOf(result)}; give an array of that length, or none`,
    );
}
