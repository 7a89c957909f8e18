// The extents of a product: all that its mapping depends on.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { extentOf } from "../analysis/steps.ts";

export interface Extents {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export const extentsOf = ({ batch, m, n, k }: ContractionKernel): Extents => ({
  batch: extentOf(batch),
  m: extentOf(m),
  n: extentOf(n),
  k: extentOf(k),
});
