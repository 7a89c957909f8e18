// Sets of half-open ranges: disjoint, sorted, with adjacent ones merged.

export class Ranges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** The first offset at or after `start` with `size` free bytes. */
  gapFrom(start: number, size: number): number {
    let place = start;
    for (let at = this.#firstEndingAfter(start); at < this.#starts.length; at++) {
      if ((this.#starts[at] ?? 0) >= place + size) break;
      place = this.#ends[at] ?? place;
    }
    return place;
  }

  /** Whether the set contains the whole range. */
  covers(start: number, end: number): boolean {
    const at = this.#firstEndingAfter(start);
    return start >= end || ((this.#starts[at] ?? end) <= start && (this.#ends[at] ?? start) >= end);
  }

  add(start: number, end: number): void {
    const from = this.#firstEndingAfter(start - 1);
    let to = from;
    let [low, high] = [start, end];
    for (; to < this.#starts.length && (this.#starts[to] ?? 0) <= end; to++) {
      low = Math.min(low, this.#starts[to] ?? low);
      high = Math.max(high, this.#ends[to] ?? high);
    }
    this.#starts.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
  }

  #firstEndingAfter(place: number): number {
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) > place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
