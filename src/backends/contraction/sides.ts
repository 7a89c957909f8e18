// The two operands of a contraction as tiles read them: a provides rows, one element at a time, and b columns, in vectors.
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
  /** The strides, where it is what tiles can read. */
  readonly operand: Operand | undefined;
  readonly group: Group;
  /** Rows or columns of the group that no tile reaches beyond: all of them, or where they are read in place as many as lie together. */
  readonly span: number;
}

/** The product with its operands in the order of the tiles, which may be the other than the kernel's. */
export interface Sides {
  readonly a: Side;
  readonly b: Side;
  /** The axes around a product of matrices. */
  readonly batch: readonly Axis[];
  readonly epilogue: readonly Statement[];
}

/** Which sides are read in place, without packing, and how the rows are gathered into tiles. */
export interface InPlace {
  readonly a: boolean;
  readonly b: boolean;
  /** Whether rows may be those of several even pieces of memory. */
  readonly pieces: boolean;
  /** So many rows may lie anywhere. */
  readonly mostUneven: number;
}

export const bothPacked: InPlace = { a: false, b: false, pieces: false, mostUneven: 0 };

/** The memory that tiles of a machine read an operand of a product from, if they can. */
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
 * Rows that tiles read in place: evenly, or for the few of one tile anywhere. With `pieces`, the axes outside them, from
 * the place `least` on, count as rows too where they step evenly among themselves: tiles of one unit then read the same columns.
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

/** The steps of a side along its rows or columns, and along k. */
export const outerSteps = ({ operand, group }: Side): Stride[] =>
  operand === undefined ? [] : along(operand, group.inner);
export const kSteps = ({ operand }: Side, { k }: ContractionKernel): Stride[] =>
  operand === undefined ? [] : along(operand, k);

/** The axes of the batch that a side depends on: at other points the same panels serve. */
export function usedBatch({ operand, value }: Side, batch: readonly Axis[]): readonly Axis[] {
  const used = operand === undefined ? axesIn(value) : undefined;
  return batch.filter((axis) => (used === undefined ? operand?.strideOf(axis) !== 0 : used.has(axis.id)));
}

/** Whether tiles can read the side in place: it has few enough offsets along k. */
export const isReadable = (side: Side, kernel: ContractionKernel, longestTable: number): boolean =>
  side.operand !== undefined && (kSteps(side, kernel).length <= 1 || extentOf(kernel.k) <= longestTable);

/** Steps of k that lie evenly. */
export const evenK = (side: Side, kernel: ContractionKernel): number => kSteps(side, kernel).at(-1)?.extent ?? 1;

/** Whether packing copies whole vectors: neighbours of a panel are neighbours in memory, at even steps along k. */
export function canCopyPack(side: Side, kernel: ContractionKernel): boolean {
  if (side.operand === undefined || extentOf(side.group.inner) < 8) return false;
  const outer = outerSteps(side);
  return outer.length === 1 && outer[0]?.stride === 1 && kSteps(side, kernel).length <= 1;
}

/** Whether packing transposes: the side has rows whose neighbours in memory are neighbours along the last axis of k. */
export function canTransposePack(side: Side, kernel: ContractionKernel, longestTable: number): boolean {
  if (side.operand === undefined || byteSize(kernel.dtype) !== 4) return false;
  // Integers move as the bits of floats, which narrower ones are not.
  if (kernel.dtype === "int32" && side.operand.dtype !== "int32") return false;
  const run = kSteps(side, kernel).at(-1);
  if (outerSteps(side).length > 1 || run === undefined || run.stride !== 1 || run.extent < 8) return false;
  return extentOf(kernel.k) / run.extent <= longestTable;
}

/** Steps along k that both sides take from one neighbour in memory to the next. */
export function contiguousK(kernel: ContractionKernel, a: Operand, b: Operand): number {
  let run = 1;
  for (const axis of [...kernel.k].reverse()) {
    if (axis.extent === 1) continue;
    if (a.strideOf(axis) !== run || b.strideOf(axis) !== run) break;
    run *= axis.extent;
  }
  return run;
}
