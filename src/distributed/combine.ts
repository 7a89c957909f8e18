// Sums, maxima and minima over ranks: in the order of the ranks, in float64, rounded once.
import type { TypedArray } from "../graph/dtype.ts";
import type { Combining } from "../runtime/index.ts";

/** out[i] = parts[i] ∘ parts[n + i] ∘ …, over `ranks` parts of n = out.length values. */
export function combineParts<T extends TypedArray>(parts: T, out: T, ranks: number, combine: Combining): void {
  if (combine !== "sum") limit(parts, out, ranks, combine === "max" ? Math.max : Math.min);
  else if (parts instanceof Float32Array && out instanceof Float32Array) sumFloat32(parts, out, ranks);
  else if (parts instanceof Float64Array && out instanceof Float64Array) sumFloat64(parts, out, ranks);
  else sumWhole(parts, out, ranks);
}

// The same loop for each type, so that the engine compiles each for its own array.

function sumFloat32(parts: Float32Array, out: Float32Array, ranks: number): void {
  const n = out.length;
  for (let i = 0; i < n; i++) {
    let sum = parts[i] as number;
    for (let place = n + i, rank = 1; rank < ranks; rank++, place += n) sum += parts[place] as number;
    out[i] = sum;
  }
}

function sumFloat64(parts: Float64Array, out: Float64Array, ranks: number): void {
  const n = out.length;
  for (let i = 0; i < n; i++) {
    let sum = parts[i] as number;
    for (let place = n + i, rank = 1; rank < ranks; rank++, place += n) sum += parts[place] as number;
    out[i] = sum;
  }
}

/** The array itself wraps the sum, which is exact: below 2⁵³ for up to 2²¹ ranks. */
function sumWhole(parts: TypedArray, out: TypedArray, ranks: number): void {
  const n = out.length;
  for (let i = 0; i < n; i++) {
    let sum = parts[i] as number;
    for (let place = n + i, rank = 1; rank < ranks; rank++, place += n) sum += parts[place] as number;
    out[i] = sum;
  }
}

function limit(parts: TypedArray, out: TypedArray, ranks: number, of: (a: number, b: number) => number): void {
  const n = out.length;
  for (let i = 0; i < n; i++) {
    let most = parts[i] as number;
    for (let place = n + i, rank = 1; rank < ranks; rank++, place += n) most = of(most, parts[place] as number);
    out[i] = most;
  }
}
