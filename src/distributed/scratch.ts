// Reusable buffers of collectives: every step needs the same ones, and allocating memory costs more than the work done in it.
import { koffi } from "../backends/c/native.ts";
import { allocate, elementTypeOf, type TypedArray, viewOf } from "../graph/dtype.ts";

/** An array of the same type. */
export function like<T extends TypedArray>(values: T, length: number): T {
  return allocate(elementTypeOf(values), length) as T;
}

/** The maximum of free buffers kept: more sums are seldom in flight at once. */
const mostKept = 32;
const mostKeptBytes = 64 * 2 ** 20;
/** Cache line size, the alignment that programs expect. */
const line = 64;

interface Memory {
  readonly buffer: ArrayBuffer;
  /** The first aligned byte. */
  readonly start: number;
  readonly bytes: number;
}

export class Scratch {
  /** Sorted by size, smallest first. */
  readonly #free: Memory[] = [];
  readonly #lent = new WeakMap<ArrayBufferLike, Memory>();
  #keptBytes = 0;

  /** An uninitialised array of that type and length: in the smallest free buffer that fits, or a new one that replaces the largest. */
  borrow<T extends TypedArray>(values: T, length: number): T {
    const bytes = length * values.BYTES_PER_ELEMENT;
    const fits = this.#free.findIndex((memory) => memory.bytes >= bytes);
    // If none fits, this removes the last one, which is the largest.
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
