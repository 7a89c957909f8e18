// How large a product is, of which the mapping depends on nothing else.
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
