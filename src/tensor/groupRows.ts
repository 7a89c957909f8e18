// Host arrays: positions of non-zeros, counts, equal rows. Plain loops, which take a fifth of the time of iterators.
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { checkExtents } from "../graph/shape.ts";

/** The positions of non-zero elements, in order. */
export function placesOf(data: TypedArray): Int32Array {
  const places = new Int32Array(data.length);
  let count = 0;
  // Branch-free, because a random mask causes mispredictions.
  for (let place = 0; place < data.length; place++) {
    places[count] = place;
    count += Number(data[place] !== 0);
  }
  return places.slice(0, count);
}

/** The count of each whole number from 0 on, at least `minlength` counts. */
export function countsOf(data: TypedArray, minlength: number): TypedArray {
  checkExtents("bincount", [minlength]);
  let counts = allocate("int32", minlength);
  let length = minlength;
  for (let k = 0; k < data.length; k++) {
    const value = data[k] as number;
    if (value < 0) throw new HebbError(`bincount: values must be at least 0, got ${value}`);
    if (value >= length) {
      length = value + 1;
      checkExtents("bincount", [length]);
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

/** The numbers with −0 as 0. */
export function rowsOf(data: TypedArray): Float64Array {
  const rows = new Float64Array(data);
  for (let k = 0; k < rows.length; k++) rows[k] = (rows[k] as number) + 0;
  return rows;
}

/** The first row of each group, and the group of each row. */
interface Groups {
  readonly firsts: Int32Array;
  readonly groups: Int32Array;
}

/** Groups of equal rows, in the order of their values, or of consecutive equal rows. NaN equals nothing, itself included, and comes last. */
export function groupRows(rows: Float64Array, extent: number, consecutive: boolean): Groups {
  const width = rows.length / extent;
  const words = new Int32Array(rows.buffer);
  const hashOf = (row: number): number => {
    let hash = 0;
    for (let k = row * width; k < (row + 1) * width; k++) {
      if (Number.isNaN(rows[k])) return row;
      hash ^= (words[2 * k] as number) ^ Math.imul(words[2 * k + 1] as number, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    }
    return hash;
  };
  // The first row of each group, counted from 1, by hash, in the first free slot. For runs the last one is enough.
  const lastSlot = consecutive ? 0 : 2 ** Math.ceil(Math.log2(2 * extent + 1)) - 1;
  const slots = new Int32Array(lastSlot + 1);
  const groups = new Int32Array(extent);
  const found = new Int32Array(extent);
  let count = 0;
  for (let row = 0; row < extent; row++) {
    let slot = consecutive ? 0 : hashOf(row) & lastSlot;
    let first = slots[slot] as number;
    while (first > 0 && order(rows, width, first - 1, row) !== 0) {
      slot = (slot + 1) & lastSlot;
      first = consecutive ? 0 : (slots[slot] as number);
    }
    if (first === 0) {
      found[count++] = row;
      first = row + 1;
      slots[slot] = first;
    }
    groups[row] = first - 1;
  }
  const firsts = found.slice(0, count);
  if (!consecutive) firsts.sort((a, b) => order(rows, width, a, b));
  const ranks = new Int32Array(extent);
  for (let rank = 0; rank < count; rank++) ranks[firsts[rank] as number] = rank;
  for (let row = 0; row < extent; row++) groups[row] = ranks[groups[row] as number] as number;
  return { firsts, groups };
}

/** Negative if row a comes before row b, 0 if they are equal. Of two NaN the first row comes first. */
function order(rows: Float64Array, width: number, a: number, b: number): number {
  for (let k = 0; k < width; k++) {
    const x = rows[a * width + k] as number;
    const y = rows[b * width + k] as number;
    if (x !== y) return x > y || (Number.isNaN(x) && (a > b || !Number.isNaN(y))) ? 1 : -1;
  }
  return 0;
}
