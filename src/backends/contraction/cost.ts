// The cost of a contraction plan, in estimated cycles.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import type { Axis } from "../../graph/scalar.ts";
import { extentOf } from "../analysis/steps.ts";
import { contiguity, hasFloat64 } from "./groups.ts";
import type { Machine } from "./machine.ts";
import type { Tiling } from "./plan.ts";
import { canTransposePack, kSteps, outerSteps, type Side, usedBatch } from "./sides.ts";

/** Lanes of a full vector. */
export const vectorLanes = (dtype: ElementType, { vectorBytes }: Pick<Machine, "vectorBytes">): number =>
  vectorBytes / byteSize(dtype);

const kStride = (side: Side, kernel: ContractionKernel): number => Math.abs(kSteps(side, kernel).at(-1)?.stride ?? 0);

/** Extra cycles per element of rows read in place, if they are far apart. */
export function farRows(a: Side, kernel: ContractionKernel, mr: number, machine: Machine): number {
  const { costs, conflictBytes } = machine;
  const outer = Math.abs(outerSteps(a).at(-1)?.stride ?? 0);
  const k = kStride(a, kernel);
  // Rows that are whole pages apart compete for the few ways of one L1 set.
  if (mr > 8 && outer > 0 && (outer * byteSize(kernel.dtype)) % conflictBytes === 0) return costs.conflict / 4;
  if (k >= 256 && k % 256 === 0 && extentOf(kernel.k) > 32) return (2 * costs.conflict) / mr;
  return outer > 16 && k > 1 ? costs.farApart : 0;
}

/** Extra cycles per load of a side read in place, if its type in memory differs from the product's. */
export const converting = ({ operand }: Side, { dtype }: ContractionKernel, { costs }: Machine): number =>
  operand === undefined || operand.dtype === dtype ? 0 : costs.converted;

/** Extra cycles per step of k for a tile whose columns are read in place. */
export function columnMisses(b: Side, kernel: ContractionKernel, nr: number, machine: Machine): number {
  const { costs, firstCacheBytes } = machine;
  const k = extentOf(kernel.k);
  const stride = kStride(b, kernel);
  const lines = Math.ceil(nr / 16) + 1;
  if (k > 32 && stride >= 256 && stride % 256 === 0) return lines * costs.conflict;
  return k * nr * 4 > firstCacheBytes ? lines * costs.miss : 0;
}

/** Cycles to pack one element of a side, for every point of the batch it depends on; `ahead` of all tiles, or where it is used. */
export function packing(
  side: Side,
  kernel: ContractionKernel,
  batch: readonly Axis[],
  ahead: boolean,
  { costs, longestTable }: Machine,
): number {
  const times = extentOf(usedBatch(side, batch));
  const traffic = ahead ? costs.packedAhead : 0;
  if (side.operand === undefined) return times * (costs.gathered + traffic);
  const [outer, k] = [outerSteps(side), kSteps(side, kernel)];
  if (outer.length === 1 && outer[0]?.stride === 1 && outer[0].extent >= 8) return times * (costs.copied + traffic);
  if (canTransposePack(side, kernel, longestTable)) return times * (costs.transposed + traffic);
  const gathered = (costs.gathered + costs.transposed) / 2;
  return times * ((k.length + outer.length > 2 ? costs.divided : gathered) + traffic);
}

const storing = (share: number, { stored, scattered }: Machine["costs"]): number =>
  share * stored + (1 - share) * scattered;

/** The axis along which the epilogue stores results most cheaply, and the cost per result. */
export function cheapestEpilogue(
  { m, n, mr, epilogue }: Pick<Tiling, "m" | "n" | "mr" | "epilogue">,
  dtype: ElementType,
  { costs, epilogue: limits }: Machine,
): { readonly epilogueLanes: Tiling["epilogueLanes"]; readonly perResult: number } {
  const lanes = limits.doubles || (dtype !== "float64" && !hasFloat64(epilogue));
  const [canM, canN] = [m.extent >= limits.rows && mr % limits.rowMultiple === 0, n.extent >= limits.columns];
  const alongN = storing(contiguity(epilogue, n), costs);
  // Along the rows, the tile itself is read across its columns.
  const alongM = storing(contiguity(epilogue, m), costs) + costs.turned;
  if (lanes && canM && (alongM < alongN || !canN)) return { epilogueLanes: "m", perResult: alongM };
  if (lanes && canN) return { epilogueLanes: "n", perResult: alongN };
  return { epilogueLanes: "none", perResult: costs.scattered };
}

/** Cycles to store all results with lanes along the columns. */
export const storedAlongN = (
  { batch, m, n, epilogue }: Pick<Tiling, "batch" | "m" | "n" | "epilogue">,
  { costs }: Machine,
): number => extentOf([...batch, m, n]) * storing(contiguity(epilogue, n), costs);
