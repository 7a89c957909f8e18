// arange: evenly spaced numbers.
import type { DType } from "../dtype.ts";
import { HebbError } from "../errors.ts";
import type { Node } from "../node.ts";
import { full, iota } from "./creation.ts";
import { add, cast, mul } from "./elementwise.ts";

/** start, start + step, … below end. */
export function arange(start: number, end: number, step: number, dtype: DType): Node {
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (!Number.isFinite(count)) throw new HebbError(`arange: cannot count from ${start} to ${end} in steps of ${step}`);
  const places = cast(iota([count], 0), dtype);
  const scaled = step === 1 ? places : mul(places, full([], step, dtype));
  return start === 0 ? scaled : add(scaled, full([], start, dtype));
}
