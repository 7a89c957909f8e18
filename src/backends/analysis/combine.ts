// What reductions and scans combine values by.
import { type ElementType, rangeOf } from "../../graph/dtype.ts";
import type { Combine } from "../../graph/node.ts";
import type { BinaryFn } from "../../graph/scalar.ts";

export const combineFn: Readonly<Record<Combine, BinaryFn>> = { sum: "add", prod: "mul", max: "max", min: "min" };

/** What a combination starts from, and gives for an empty extent. */
export function identityOf(combine: Combine, dtype: ElementType): number {
  if (combine === "sum") return 0;
  if (combine === "prod") return 1;
  return rangeOf(dtype)[combine === "max" ? 0 : 1];
}

/** In what a scan keeps its running value. */
export const runningDtype = (combine: Combine, dtype: ElementType): ElementType =>
  dtype === "float32" && (combine === "sum" || combine === "prod") ? "float64" : dtype;
