// How tiles read a side: in place, or in packed panels. Strides and offsets are in elements.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { InternalError } from "../../graph/errors.ts";
import type { Axis } from "../../graph/scalar.ts";
import { along, type Operand, type Stride, tableOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import type { Side } from "./sides.ts";
import { roundUp } from "./tile.ts";

export interface Source {
  readonly buffer: number;
  /** The type in memory, if it differs from the product's. */
  readonly dtype?: Operand["dtype"];
  readonly offset: number;
  batchStride(axis: Axis): number;
  /** Strides along rows or columns, the first outermost; packed panels add a stride of their own. */
  readonly outer: readonly Stride[];
  /** The stride along an axis of k. */
  kStride(axis: Axis): number;
  /** The offset from one block of k to the next. */
  readonly block: number;
}

/** The order of packed elements: the `width` elements of a step of k, then the steps, then the panels, then the blocks of k. */
export interface PanelLayout {
  /** Rows or columns in a panel. */
  readonly width: number;
  readonly count: number;
  readonly kc: number;
  readonly blocks: number;
  /** The batch axes that the side depends on, the first outermost. */
  readonly batch: readonly Axis[];
  /** The offset of the first panel. */
  readonly place: number;
}

/** Elements in the panels at one point of the batch, and in all of them. */
export const panelElements = ({ width, count, kc, blocks }: Omit<PanelLayout, "batch" | "place">): number =>
  width * count * kc * blocks;
export const layoutElements = (layout: Omit<PanelLayout, "place">): number =>
  extentOf(layout.batch) * panelElements(layout);

export function inPlace({ operand, group }: Side, kernel: ContractionKernel, kc: number): Source {
  if (operand === undefined) throw new InternalError("only a plain load is read in place");
  const [first] = along(operand, kernel.k);
  return {
    buffer: operand.buffer,
    dtype: operand.dtype,
    offset: operand.offset,
    batchStride: (axis) => operand.strideOf(axis),
    outer: along(operand, group.inner),
    kStride: (axis) => operand.strideOf(axis),
    block: kc * (first?.stride ?? 0),
  };
}

export function inPanels(buffer: number, layout: PanelLayout, k: readonly Axis[]): Source {
  const { width, count, kc, batch, place } = layout;
  const batchStrides = stridesFrom(panelElements(layout), batch);
  const kStrides = stridesFrom(width, k);
  return {
    buffer,
    offset: place,
    batchStride: (axis) => batchStrides.get(axis.id) ?? 0,
    outer: [
      { extent: count, stride: kc * width },
      { extent: width, stride: 1 },
    ],
    kStride: (axis) => kStrides.get(axis.id) ?? 0,
    block: count * kc * width,
  };
}

function stridesFrom(innermost: number, axes: readonly Axis[]): ReadonlyMap<number, number> {
  let stride = innermost;
  const strides = new Map<number, number>();
  for (const { id, extent } of [...axes].reverse()) {
    strides.set(id, stride);
    stride *= extent;
  }
  return strides;
}

/** The offset of panel p of a side in place, p / within · apart + p % within · stride, and the offsets of the rows or columns in a panel. */
interface PanelPlaces {
  readonly within: number;
  readonly stride: number;
  readonly apart: number;
  readonly offsets: readonly number[];
}

/** The panels of `width` rows or columns of a side that is read in place. */
export function panelPlaces({ operand, group, span }: Side, width: number): PanelPlaces {
  if (operand === undefined) throw new InternalError("only a plain load is read in place");
  const { inner } = group;
  let first = inner.length;
  for (let left = span; left > 1; first--) left /= at(inner, first - 1).extent;
  const steps = along(operand, inner.slice(first));
  if (steps.length > 1 && span !== width) throw new InternalError("uneven rows are those of one tile");
  const stride = steps[0]?.stride ?? 0;
  return {
    within: first === 0 ? Number.POSITIVE_INFINITY : span / width,
    stride: stride * width,
    apart: first > 0 ? operand.strideOf(at(inner, first - 1)) : 0,
    offsets: steps.length > 1 ? tableOf(steps) : Array.from({ length: width }, (_, row) => row * stride),
  };
}

/** Reserves parts of a memory, aligned to cache lines. */
export class Places {
  readonly #elementBytes: number;
  bytes = 0;

  constructor(elementBytes: number) {
    this.#elementBytes = elementBytes;
  }

  /** Reserves this many elements and returns their offset. */
  reserve(elements: number): number {
    const place = this.bytes / this.#elementBytes;
    this.bytes += roundUp(elements * this.#elementBytes, 64);
    return place;
  }
}
