// Reusable buffers of collectives: every step needs the same ones, and fresh memory costs more than the work done in it.
import { koffi } from "../backends/c/native.ts";
import { allocate, elementTypeOf, type TypedArray, viewOf } from "../graph/dtype.ts";

/** An array of the same type. */
export function like<T extends TypedArray>(values: T, length: number): T {
  return allocate(elementTypeOf(values), length) as T;
}

/** Memory kept at most: as many sums are seldom under way at once. */
const mostKept = 32;
const mostKeptBytes = 64 * 2 ** 20;
/** Programs that write into it want the boundary of a cache line. */
const line = 64;

interface Memory {
  readonly buffer: ArrayBuffer;
  /** The first byte on a boundary. */
  readonly start: number;
  readonly bytes: number;
}

export class Scratch {
  /** By size, the smallest first. */
  readonly #free: Memory[] = [];
  readonly #lent = new WeakMap<ArrayBufferLike, Memory>();
  #keptBytes = 0;

  /** An array of that type and length, with anything in it: in the smallest memory kept that holds it, or in place of the largest kept. */
  borrow<T extends TypedArray>(values: T, length: number): T {
    const bytes = length * values.BYTES_PER_ELEMENT;
    const fits = this.#free.findIndex((memory) => memory.bytes >= bytes);
    // Where none holds it, the last, which is the largest, goes.
    const [kept] = this.#free.splice(fits, 1);
    if (kept !== undefined) this.#keptBytes -= kept.bytes;
    const memory = fits >= 0 && kept !== undefined ? kept : fresh(bytes);
    this.#lent.set(memory.buffer, memory);
    return viewOf(elementTypeOf(values), memory.buffer, memory.start, length) as T;
  }

  giveBack(...arrays: readonly TypedArray[]): void {
    for (const { buffer } of arrays) {
      const memory = this.#lent.get(buffer);
      if (memory === undefined) continue;
      this.#lent.delete(buffer);
      if (this.#free.length >= mostKept || this.#keptBytes + memory.bytes > mostKeptBytes) continue;
      const place = this.#free.findIndex(({ bytes }) => bytes >= memory.bytes);
      this.#free.splice(place < 0 ? this.#free.length : place, 0, memory);
      this.#keptBytes += memory.bytes;
    }
  }
}

function fresh(bytes: number): Memory {
  const buffer = new ArrayBuffer(bytes + line);
  const address = Number(koffi().address(new Uint8Array(buffer)));
  return { buffer, start: (line - (address % line)) % line, bytes };
}
