// The two operands of a contraction as tiles read them: a provides rows, one element at a time; b provides columns, in vectors.
import type { ContractionKernel, Statement } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { byteSize } from "../../graph/dtype.ts";
import type { Axis, Scalar } from "../../graph/scalar.ts";
import { axesIn } from "../analysis/axes.ts";
import { along, type Operand, type Stride } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { type Group, groupFrom, mergedGroup, mergeStatements } from "./groups.ts";

/** One operand of the product. */
export interface Side {
  readonly value: Scalar;
  /** The strides, if tiles can read it. */
  readonly operand: Operand | undefined;
  readonly group: Group;
  /** Rows or columns of the group that a tile must not cross: all, or if they are read in place, those with a uniform stride. */
  readonly span: number;
}

/** The product with its operands in the tiles' order, which may differ from the kernel's. */
export interface Sides {
  readonly a: Side;
  readonly b: Side;
  /** The axes around a product of matrices. */
  readonly batch: readonly Axis[];
  readonly epilogue: readonly Statement[];
}

/** Which sides are read in place, without packing, and how rows are gathered into tiles. */
export interface InPlace {
  readonly a: boolean;
  readonly b: boolean;
  /** Whether rows may come from several evenly strided pieces of memory. */
  readonly pieces: boolean;
  /** Maximum number of arbitrarily placed rows. */
  readonly mostUneven: number;
}

export const bothPacked: InPlace = { a: false, b: false, pieces: false, mostUneven: 0 };

/** The operand of a value, if tiles of a machine can read it from memory. */
export interface Reads {
  readonly operandOf: (value: Scalar) => Operand | undefined;
}

export function sidesOf(kernel: ContractionKernel, { operandOf }: Reads, swapped: boolean, inPlace: InPlace): Sides {
  const side = (axes: readonly Axis[], value: Scalar, isRows: boolean): Side => {
    const operand = operandOf(value);
    if (operand !== undefined && isRows && inPlace.a) {
      const { outer, inner } = mergedGroup(axes, kernel.epilogue);
      return { value, operand, ...rowsInPlace([...outer, ...inner], outer.length, operand, inPlace) };
    }
    const evenly = operand !== undefined && inPlace.b && !isRows ? [operand] : [];
    const group = mergedGroup(axes, kernel.epilogue, evenly);
    return { value, operand, group, span: group.merged.extent };
  };
  const [first, second] = [side(kernel.m, kernel.a, !swapped), side(kernel.n, kernel.b, swapped)];
  const groups = [first.group, second.group];
  const batch = [...kernel.batch, ...groups.flatMap(({ outer }) => outer)].filter(({ extent }) => extent !== 1);
  const epilogue = mergeStatements(kernel.epilogue, groups);
  return swapped ? { a: second, b: first, batch, epilogue } : { a: first, b: second, batch, epilogue };
}

/**
 * Rows that tiles read in place: evenly strided, or anywhere if they fit one tile. With `pieces`, the axes outside them, down to
 * index `least`, count as rows too if they are evenly strided among themselves: the tiles of one unit then read the same columns.
 */
function rowsInPlace(
  axes: readonly Axis[],
  least: number,
  operand: Operand,
  { pieces, mostUneven }: InPlace,
): Pick<Side, "group" | "span"> {
  const strideAt = (place: number): number => operand.strideOf(at(axes, place));
  let first = axes.length;
  let span = 1;
  let even = true;
  while (first > least) {
    const outer = first - 1;
    const continues: boolean = first === axes.length || (even && strideAt(outer) === strideAt(axes.length - 1) * span);
    const { extent } = at(axes, outer);
    if (!continues && span * extent > mostUneven) break;
    even &&= continues;
    span *= extent;
    first--;
  }
  for (let panels = 1, last = first - 1; pieces && first > least; first--) {
    if (panels > 1 && strideAt(first - 1) !== strideAt(last) * panels) break;
    panels *= at(axes, first - 1).extent;
  }
  return { group: groupFrom(axes, first), span };
}

/** The strides of a side along its rows or columns, and along k. */
export const outerSteps = ({ operand, group }: Side): Stride[] =>
  operand === undefined ? [] : along(operand, group.inner);
export const kSteps = ({ operand }: Side, { k }: ContractionKernel): Stride[] =>
  operand === undefined ? [] : along(operand, k);

/** The batch axes that a side depends on. Along the others, its panels are shared. */
export function usedBatch({ operand, value }: Side, batch: readonly Axis[]): readonly Axis[] {
  const used = operand === undefined ? axesIn(value) : undefined;
  return batch.filter((axis) => (used === undefined ? operand?.strideOf(axis) !== 0 : used.has(axis.id)));
}

/** Whether tiles can read the side in place: it needs few enough offsets along k. */
export const isReadable = (side: Side, kernel: ContractionKernel, longestTable: number): boolean =>
  side.operand !== undefined && (kSteps(side, kernel).length <= 1 || extentOf(kernel.k) <= longestTable);

/** Steps of k with a uniform stride. */
export const evenK = (side: Side, kernel: ContractionKernel): number => kSteps(side, kernel).at(-1)?.extent ?? 1;

/** Whether packing copies whole vectors: neighbours in a panel are contiguous in memory, with a uniform stride along k. */
export function canCopyPack(side: Side, kernel: ContractionKernel): boolean {
  if (side.operand === undefined || extentOf(side.group.inner) < 8) return false;
  const outer = outerSteps(side);
  return outer.length === 1 && outer[0]?.stride === 1 && kSteps(side, kernel).length <= 1;
}

/** Whether packing transposes: the side has rows and is contiguous along the last axis of k. */
export function canTransposePack(side: Side, kernel: ContractionKernel, longestTable: number): boolean {
  if (side.operand === undefined || byteSize(kernel.dtype) !== 4) return false;
  // Integers are moved as the bits of floats; narrower integers are not 32 bits wide.
  if (kernel.dtype === "int32" && side.operand.dtype !== "int32") return false;
  const run = kSteps(side, kernel).at(-1);
  if (outerSteps(side).length > 1 || run === undefined || run.stride !== 1 || run.extent < 8) return false;
  return extentOf(kernel.k) / run.extent <= longestTable;
}

/** Steps along k that are contiguous on both sides. */
export function contiguousK(kernel: ContractionKernel, a: Operand, b: Operand): number {
  let run = 1;
  for (const axis of [...kernel.k].reverse()) {
    if (axis.extent === 1) continue;
    if (a.strideOf(axis) !== run || b.strideOf(axis) !== run) break;
    run *= axis.extent;
  }
  return run;
}
