// Skips products with the zeros that pad an image. At compile time it is known which rows of a tile read padding at which step of k.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { along, type Operand } from "../analysis/operand.ts";
import { type PaddedDim, type Walk, walkOf } from "../analysis/padding.ts";
import { extentOf } from "../analysis/steps.ts";
import type { Side } from "./sides.ts";

/** Rows of a tile from `first` up to `end`. */
interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** The steps that panels of one kind take. */
interface PanelSteps {
  /** Rows in the panel. */
  readonly height: number;
  /** The steps of a round to take. */
  readonly steps: readonly number[];
  /** For each tap, the rows that may be nonzero. */
  readonly ranges: readonly RowRange[];
}

export interface PaddingSkip {
  /** Steps along the last axis of k that are taken together: one step of a round. */
  readonly taps: number;
  /** Steps of k until the pattern repeats, in the next channel. */
  readonly round: number;
  /** The axes of k outside a round. */
  readonly channels: readonly Axis[];
  readonly kinds: readonly PanelSteps[];
  /** Batch axes along which panels may differ, the first outermost. */
  readonly moving: readonly Axis[];
  /** The kind of each panel of rows, at each point of those axes. */
  readonly kindOf: readonly number[];
  /** The share of products that remain. */
  readonly share: number;
}

/** If more than this share of the products remains, separate functions do not pay. */
const mostShare = 0.98;
const mostKinds = 16;
/** Unrolling more steps would make the code long. */
const mostTaps = 8;
/** Limits on the rows, and on the comparisons, at compile time. */
const mostRows = 32_768;
const mostWork = 1e6;

/** Coordinates in the padded dimensions. */
type Place = readonly number[];

/** Undefined if nothing worthwhile can be skipped. */
export function paddingSkip(
  kernel: ContractionKernel,
  { operand, group }: Side,
  height: number,
  batch: readonly Axis[],
  dims: readonly PaddedDim[],
): PaddingSkip | undefined {
  const k = kernel.k.filter(({ extent }) => extent > 1);
  const walk = operand && paddedWalk(operand, [...batch, ...group.inner, ...k], dims);
  if (operand === undefined || walk === undefined) return undefined;
  const moves = (axis: Axis): boolean => walk.stepOf(axis).some((step) => step !== 0);
  const moving = batch.filter(moves);
  const last = k.at(-1);
  const tapAxes = last !== undefined && last.extent <= mostTaps && moves(last) ? [last] : [];
  const outer = k.slice(0, k.length - tapAxes.length);
  const firstMoving = outer.findIndex(moves);
  const channels = outer.slice(0, firstMoving < 0 ? outer.length : firstMoving);
  if (along(operand, channels).length > 1) return undefined;
  const [steps, taps] = [outer.slice(channels.length), tapAxes].map((axes) => placesOf(walk, axes, walk.none));
  if (steps === undefined || taps === undefined) return undefined;
  const rows = extentOf([...moving, ...group.inner]);
  if (rows > mostRows || mostLeftOut(walk, [...moving, ...group.inner, ...k]) < 1 - mostShare) return undefined;
  const panels = placesOf(walk, moving, walk.start).flatMap((from) => {
    const places = placesOf(walk, group.inner, from);
    return Array.from({ length: Math.ceil(places.length / height) }, (_, panel) =>
      places.slice(panel * height, (panel + 1) * height),
    );
  });
  const kinds = new Map<string, { readonly kind: number; readonly panel: PanelSteps }>();
  const seen = new Map<string, { readonly kind: number; readonly panel: PanelSteps }>();
  const kindOf: number[] = [];
  let products = 0;
  for (const panel of panels) {
    const where = panel.join(";");
    let own = seen.get(where);
    if (own === undefined) {
      if (seen.size * steps.length * taps.length * height > mostWork) return undefined;
      const live = liveRows(walk, panel, steps, taps);
      const key = JSON.stringify(live);
      own = kinds.get(key) ?? { kind: kinds.size, panel: live };
      kinds.set(key, own);
      seen.set(where, own);
      if (kinds.size > mostKinds) return undefined;
    }
    kindOf.push(own.kind);
    for (const { first, end } of own.panel.ranges) products += own.panel.steps.length * (end - first);
  }
  const share = products / (rows * steps.length * taps.length);
  if (share > mostShare) return undefined;
  const round = steps.length * taps.length;
  return {
    taps: taps.length,
    round,
    channels,
    kinds: [...kinds.values()].map(({ panel }) => panel),
    moving,
    kindOf,
    share,
  };
}

/** A walk restricted to the padded dimensions. */
interface PaddedWalk extends Walk {
  readonly none: Place;
  readonly bounds: readonly PaddedDim[];
}

function paddedWalk(operand: Operand, axes: readonly Axis[], dims: readonly PaddedDim[]): PaddedWalk | undefined {
  const walk = walkOf(operand, axes, dims);
  if (walk === undefined) return undefined;
  const padded = dims.flatMap(({ first, end, extent }, dim) => (first > 0 || end < extent ? [dim] : []));
  const only = (place: Place): Place => padded.map((dim) => place[dim] ?? 0);
  const steps = new Map(axes.map((axis) => [axis, only(walk.stepOf(axis))]));
  const none = padded.map(() => 0);
  return {
    start: only(walk.start),
    stepOf: (axis) => steps.get(axis) ?? none,
    none,
    bounds: padded.map((dim) => dims[dim] as PaddedDim),
  };
}

/** The coordinates at all points of the axes. */
function placesOf(walk: Walk, axes: readonly Axis[], from: Place): Place[] {
  let places = [from];
  for (const axis of axes) {
    const step = walk.stepOf(axis);
    places = places.flatMap((place) =>
      Array.from({ length: axis.extent }, (_, i) => place.map((at, dim) => at + i * (step[dim] ?? 0))),
    );
  }
  return places;
}

/** An upper bound on the share of products with padding: the sum over the dimensions. */
function mostLeftOut({ start, bounds, stepOf }: PaddedWalk, axes: readonly Axis[]): number {
  return bounds.reduce((sum, { first, end }, dim) => {
    let places = [start[dim] ?? 0];
    for (const axis of axes) {
      const step = stepOf(axis)[dim] ?? 0;
      if (step !== 0) places = places.flatMap((at) => Array.from({ length: axis.extent }, (_, i) => at + i * step));
    }
    return sum + places.filter((at) => at < first || at >= end).length / places.length;
  }, 0);
}

/** The steps that any row of the panel takes, and for each tap the rows that take part in any of them. */
function liveRows(
  { bounds }: PaddedWalk,
  panel: readonly Place[],
  steps: readonly Place[],
  taps: readonly Place[],
): PanelSteps {
  const isLive = (row: Place, step: Place, tap: Place): boolean =>
    bounds.every(({ first, end }, dim) => {
      const at = (row[dim] ?? 0) + (step[dim] ?? 0) + (tap[dim] ?? 0);
      return at >= first && at < end;
    });
  const taken: number[] = [];
  const ranges = taps.map(() => ({ first: panel.length, end: 0 }));
  for (const [number, step] of steps.entries()) {
    let live = false;
    for (const [place, tap] of taps.entries()) {
      const range = ranges[place] ?? { first: 0, end: 0 };
      for (const [at, row] of panel.entries()) {
        if (!isLive(row, step, tap)) continue;
        live = true;
        range.first = Math.min(range.first, at);
        range.end = Math.max(range.end, at + 1);
      }
    }
    if (live) taken.push(number);
  }
  const rows = ranges.map(({ first, end }): RowRange => ({ first: Math.min(first, end), end }));
  return { height: panel.length, steps: taken, ranges: rows };
}

/** The offset in either side after a number of steps of k. */
interface StepOffsets {
  a(step: number): number;
  b(step: number): number;
}

/** One of several steps of k taken together. */
export interface Tap extends RowRange {
  /** Offset from the first tap. */
  readonly a: number;
  readonly b: number;
}

/** For each kind of panel, its height, its taps and its round: the number of remaining steps, the offset of the next round, and that of each step. */
export function roundsOf({ taps, round, kinds }: PaddingSkip, { a, b }: StepOffsets) {
  return kinds.map(({ height, steps, ranges }) => ({
    height,
    taps: ranges.map((rows, tap): Tap => ({ a: a(tap), b: b(tap), ...rows })),
    steps: [steps.length, a(round), b(round), ...steps.flatMap((step) => [a(step * taps), b(step * taps)])],
  }));
}
