// A priority queue of numbers, smallest first, whose first few entries can be inspected and taken out of order.

/** Entries that can be inspected; a constant, so that ordering thousands of kernels stays linear. */
const atHand = 64;

export class ReadyQueue {
  /** The smallest entries, in order. */
  readonly first: number[] = [];
  /** All others, as a heap. */
  readonly #rest: number[] = [];

  add(value: number): void {
    const { first } = this;
    const rest = this.#rest;
    const last = first.at(-1);
    if (first.length === atHand && last !== undefined && value > last) {
      rise(rest, value);
      return;
    }
    let place = first.length;
    while (place > 0 && (first[place - 1] ?? 0) > value) place--;
    first.splice(place, 0, value);
    const largest = first.length > atHand ? first.pop() : undefined;
    if (largest !== undefined) rise(rest, largest);
  }

  /** Removes the entry at an index of `first`; undefined if there is none. */
  take(place = 0): number | undefined {
    const [taken] = this.first.splice(place, 1);
    const next = taken === undefined ? undefined : sink(this.#rest);
    if (next !== undefined) this.first.push(next);
    return taken;
  }
}

/** Adds a value to a heap with the smallest entry first. */
function rise(heap: number[], value: number): void {
  let place = heap.push(value) - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const other = heap[above] ?? 0;
    if (other <= value) break;
    heap[place] = other;
    place = above;
  }
  heap[place] = value;
}

/** Removes the smallest entry from a heap. */
function sink(heap: number[]): number | undefined {
  const smallest = heap[0];
  const moved = heap.pop();
  if (moved === undefined || heap.length === 0) return smallest;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    if (below >= heap.length) break;
    if ((heap[below + 1] ?? Number.POSITIVE_INFINITY) < (heap[below] ?? 0)) below++;
    const other = heap[below] ?? 0;
    if (other >= moved) break;
    heap[place] = other;
    place = below;
  }
  heap[place] = moved;
  return smallest;
}
