// Of numbers on the host: where they are not 0, how often each stands there, which rows of them are equal. Plain loops, which take a fifth of the time of iterators.
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";

/** The places of what is not 0, in order. */
export function placesOf(data: TypedArray): Int32Array {
  const places = new Int32Array(data.length);
  let count = 0;
  // Without a branch, which a random mask misleads.
  for (let place = 0; place < data.length; place++) {
    places[count] = place;
    count += Number(data[place] !== 0);
  }
  return places.slice(0, count);
}

/** How often each whole number from 0 on stands there, with at least so many counts. */
export function countsOf(data: TypedArray, minlength: number): TypedArray {
  let counts = allocate("int32", minlength);
  let length = minlength;
  for (let k = 0; k < data.length; k++) {
    const value = data[k] as number;
    if (value < 0) throw new HebbError(`bincount: counts numbers from 0 on, got ${value}`);
    if (value >= length) {
      length = value + 1;
      if (length > counts.length) {
        const longer = allocate("int32", Math.max(length, 2 * counts.length));
        longer.set(counts);
        counts = longer;
      }
    }
    counts[value] = (counts[value] as number) + 1;
  }
  return counts.slice(0, length);
}

/** The slices of a dim, with `inner` elements behind each of its places, as rows; −0 is 0. */
export function rowsOf(data: TypedArray, extent: number, inner: number): Float64Array {
  const rows = new Float64Array(data.length);
  const width = data.length / extent;
  let from = 0;
  for (let start = 0; start < width; start += inner)
    for (let row = 0; row < extent; row++)
      for (let k = 0; k < inner; k++) rows[row * width + start + k] = (data[from++] as number) + 0;
  return rows;
}

/** The first row of each group, and the group of each row. */
interface Groups {
  readonly firsts: Int32Array;
  readonly groups: Int32Array;
}

/** Groups of equal rows, in the order of their values. NaN equals nothing, itself included, and comes last. */
export function groupRows(rows: Float64Array, extent: number): Groups {
  const width = rows.length / extent;
  const words = new Int32Array(rows.buffer);
  const hashOf = (row: number): number => {
    let hash = 0;
    for (let k = row * width; k < (row + 1) * width; k++) {
      if (Number.isNaN(rows[k])) return row;
      hash ^= (words[2 * k] as number) ^ Math.imul(words[2 * k + 1] as number, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    }
    return hash ^ (hash >>> 15);
  };
  // The first rows of groups, counted from 1, by their hash: each in the first slot that is free.
  const lastSlot = 2 ** Math.ceil(Math.log2(2 * extent + 1)) - 1;
  const slots = new Int32Array(lastSlot + 1);
  const groups = new Int32Array(extent);
  const found = new Int32Array(extent);
  let count = 0;
  for (let row = 0; row < extent; row++) {
    let slot = hashOf(row) & lastSlot;
    let first = slots[slot] as number;
    while (first > 0 && order(rows, width, first - 1, row) !== 0) {
      slot = (slot + 1) & lastSlot;
      first = slots[slot] as number;
    }
    if (first === 0) {
      found[count++] = row;
      first = row + 1;
      slots[slot] = first;
    }
    groups[row] = first - 1;
  }
  const firsts = found.slice(0, count).sort((a, b) => order(rows, width, a, b));
  const ranks = new Int32Array(extent);
  for (let rank = 0; rank < count; rank++) ranks[firsts[rank] as number] = rank;
  for (let row = 0; row < extent; row++) groups[row] = ranks[groups[row] as number] as number;
  return { firsts, groups };
}

/** Runs of equal rows. */
export function runsOfRows(rows: Float64Array, extent: number): Groups {
  const groups = new Int32Array(extent);
  const firsts = new Int32Array(extent);
  let count = 0;
  for (let row = 0; row < extent; row++) {
    if (row === 0 || order(rows, rows.length / extent, row - 1, row) !== 0) firsts[count++] = row;
    groups[row] = count - 1;
  }
  return { firsts: firsts.slice(0, count), groups };
}

/** Below 0 where row a comes before row b, 0 where they are equal. */
function order(rows: Float64Array, width: number, a: number, b: number): number {
  for (let k = 0; k < width; k++) {
    const x = rows[a * width + k] as number;
    const y = rows[b * width + k] as number;
    if (x !== y) return x < y ? -1 : x > y ? 1 : Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
  }
  return 0;
}
