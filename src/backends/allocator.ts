// Allocates blocks in one growing memory: exact sizes come from free lists, the rest is best fit with coalescing.

const alignment = 64;
const alignUp = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

interface Hole {
  address: number;
  bytes: number;
}

export class Allocator {
  /** Freed blocks by size, ready for reuse. */
  readonly #ready = new Map<number, number[]>();
  #readyBytes = 0;
  /** Sorted by address; no two touch. */
  readonly #holes: Hole[] = [];
  #end: number;
  readonly #grow: (end: number) => number;

  /** Allocates from [start, end). When that is full, calls `grow` with the end it needs; `grow` returns the new end. */
  constructor(start: number, end: number, grow: (end: number) => number) {
    this.#end = end;
    this.#grow = grow;
    const first = alignUp(start);
    if (end > first) this.#holes.push({ address: first, bytes: end - first });
  }

  /** Returns the address of a 64-byte aligned block. */
  allocate(bytes: number): number {
    const size = Math.max(alignment, alignUp(bytes));
    const kept = this.#ready.get(size)?.pop();
    if (kept !== undefined) {
      this.#readyBytes -= size;
      return kept;
    }
    let hole = this.#bestHole(size);
    if (hole < 0 && this.#readyBytes > 0) {
      this.#join();
      hole = this.#bestHole(size);
    }
    if (hole < 0) {
      const last = this.#holes.at(-1);
      const from = last !== undefined && last.address + last.bytes === this.#end ? last.address : this.#end;
      const newEnd = this.#grow(from + size);
      this.#insert(this.#end, newEnd - this.#end);
      this.#end = newEnd;
      hole = this.#bestHole(size);
    }
    const found = this.#holes[hole];
    if (found === undefined) throw new RangeError(`no room for ${bytes} bytes`);
    const { address } = found;
    found.address += size;
    found.bytes -= size;
    if (found.bytes === 0) this.#holes.splice(hole, 1);
    return address;
  }

  free(address: number, bytes: number): void {
    const size = Math.max(alignment, alignUp(bytes));
    const list = this.#ready.get(size);
    if (list === undefined) this.#ready.set(size, [address]);
    else list.push(address);
    this.#readyBytes += size;
  }

  #bestHole(size: number): number {
    let best = -1;
    let bestBytes = Number.POSITIVE_INFINITY;
    for (let place = 0; place < this.#holes.length; place++) {
      const bytes = this.#holes[place]?.bytes ?? 0;
      if (bytes >= size && bytes < bestBytes) {
        best = place;
        bestBytes = bytes;
        if (bytes === size) break;
      }
    }
    return best;
  }

  #join(): void {
    for (const [size, addresses] of this.#ready) for (const address of addresses) this.#insert(address, size);
    this.#ready.clear();
    this.#readyBytes = 0;
  }

  #insert(address: number, bytes: number): void {
    if (bytes <= 0) return;
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#holes[middle]?.address ?? 0) < address) low = middle + 1;
      else high = middle;
    }
    const before = this.#holes[low - 1];
    const after = this.#holes[low];
    if (before !== undefined && before.address + before.bytes === address) {
      before.bytes += bytes;
      if (after !== undefined && before.address + before.bytes === after.address) {
        before.bytes += after.bytes;
        this.#holes.splice(low, 1);
      }
    } else if (after !== undefined && address + bytes === after.address) {
      after.address = address;
      after.bytes += bytes;
    } else {
      this.#holes.splice(low, 0, { address, bytes });
    }
  }
}
