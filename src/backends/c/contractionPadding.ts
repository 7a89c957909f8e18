// What tiles leave out: products with the zeros that pad an image. Rows of a tile that read padding at some step of k are known.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { type PaddedDim, walkOf } from "../analysis/padding.ts";
import { extentOf } from "../analysis/steps.ts";
import type { Factor } from "./contractionPlan.ts";
import type { Tap } from "./contractionTile.ts";

/** Rows of a tile from `first` up to `end`. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** Panels of rows that read padding at the same steps. */
export interface LivePanels {
  /** Rows in the panel. */
  readonly height: number;
  /** The steps of k that are taken, in units of `taps` of them. */
  readonly steps: readonly number[];
  /** For each of the `taps` steps in one, the rows that may not be 0. */
  readonly ranges: readonly RowRange[];
}

export interface Live {
  /** Steps along the last axis of k, taken together. */
  readonly taps: number;
  readonly kinds: readonly LivePanels[];
  /** Axes of the batch along which panels may differ, the first outermost. */
  readonly moving: readonly Axis[];
  /** The kind of each panel of rows, at each point of those axes. */
  readonly kindOf: readonly number[];
  /** The part of the products that is left. */
  readonly share: number;
}

/** Less left out is not worth functions of its own. */
const mostShare = 0.98;
const mostKinds = 16;
/** More steps written out one after the other would be long code. */
const mostTaps = 8;
/** Comparisons made at most while compiling. */
const mostWork = 4e6;

/** Undefined where nothing worth it can be left out. */
export function livePanels(
  kernel: ContractionKernel,
  rows: Factor,
  height: number,
  batch: readonly Axis[],
  dims: readonly PaddedDim[],
): Live | undefined {
  const { operand, group } = rows;
  if (operand === undefined) return undefined;
  const walk = walkOf(operand, [...batch, ...group.inner, ...kernel.k], dims);
  if (walk === undefined) return undefined;
  const padded = dims.flatMap(({ first, end, extent }, dim) => (first > 0 || end < extent ? [dim] : []));
  const stepOf = (axis: Axis): number[] => padded.map((dim) => walk.stepOf(axis)[dim] ?? 0);
  const moving = batch.filter((axis) => stepOf(axis).some((step) => step !== 0));
  const start = padded.map((dim) => walk.start[dim] ?? 0);
  /** Places in the padded dimensions at all points of the axes. */
  const placesOf = (axes: readonly Axis[], from: readonly number[]): number[][] =>
    axes.reduce(
      (places, axis) =>
        places.flatMap((place) =>
          Array.from({ length: axis.extent }, (_, i) => place.map((at, d) => at + i * (stepOf(axis)[d] ?? 0))),
        ),
      [[...from]],
    );
  const origin = padded.map(() => 0);
  const k = kernel.k.filter(({ extent }) => extent > 1);
  const last = k.at(-1);
  const together = last !== undefined && last.extent <= mostTaps && stepOf(last).some((step) => step !== 0);
  const taps = together ? placesOf([last], origin) : [origin];
  const outer = placesOf(together ? k.slice(0, -1) : k, origin);
  // Steps that differ in channels alone read the same places.
  const distinct = new Map<string, { readonly place: readonly number[]; readonly steps: number[] }>();
  outer.forEach((place, step) => {
    const known = distinct.get(place.join());
    if (known === undefined) distinct.set(place.join(), { place, steps: [step] });
    else known.steps.push(step);
  });
  const points = extentOf([...moving, ...group.inner]);
  if (points * distinct.size * taps.length > mostWork) return undefined;
  const panels = placesOf(moving, start).flatMap((place) => {
    const own = placesOf(group.inner, place);
    return Array.from({ length: Math.ceil(own.length / height) }, (_, panel) =>
      own.slice(panel * height, (panel + 1) * height),
    );
  });
  const bounds = padded.map((dim) => dims[dim] as PaddedDim);
  const isLive = (...places: (readonly number[])[]): boolean =>
    bounds.every(({ first, end }, d) => {
      const at = places.reduce((sum, place) => sum + (place[d] ?? 0), 0);
      return at >= first && at < end;
    });
  const kinds: LivePanels[] = [];
  const kindByKey = new Map<string, number>();
  const kindOf: number[] = [];
  let products = 0;
  for (const panel of panels) {
    const ranges = taps.map(() => ({ first: panel.length, end: 0 }));
    const taken = [...distinct.values()].filter(({ place }) => {
      const live = taps.map((tap) => panel.flatMap((row, at) => (isLive(row, place, tap) ? [at] : [])));
      live.forEach((at, tap) => {
        const range = ranges[tap] as { first: number; end: number };
        range.first = Math.min(range.first, at[0] ?? panel.length);
        range.end = Math.max(range.end, (at.at(-1) ?? -1) + 1);
      });
      return live.some((at) => at.length > 0);
    });
    const key = JSON.stringify([panel.length, taken.map(({ place }) => place), ranges]);
    let kind = kindByKey.get(key);
    if (kind === undefined) {
      const steps = taken.flatMap((group) => group.steps).sort((a, b) => a - b);
      kind = kinds.push({ height: panel.length, steps, ranges }) - 1;
      kindByKey.set(key, kind);
    }
    kindOf.push(kind);
    const { steps } = kinds[kind] as LivePanels;
    for (const { first, end } of ranges) products += steps.length * Math.max(0, end - first);
  }
  const share = products / (points * outer.length * taps.length);
  return share <= mostShare && kinds.length <= mostKinds
    ? { taps: taps.length, kinds, moving, kindOf, share }
    : undefined;
}

/**
 * The steps that are left, in C: `kinds` of the panels of rows; for each kind where the steps of each block of k start, in `starts`,
 * and end; how far from the first block's beginning they lie on either side, `ka` and `kb`.
 */
export function liveSteps(
  { taps, kinds, kindOf }: Live,
  depth: number,
  k: number,
  offsets: { row(step: number): number; column(step: number): number },
): { readonly statics: string; readonly kinds: readonly { readonly height: number; readonly taps: readonly Tap[] }[] } {
  const blocks = Math.ceil(k / depth);
  const all = kinds.flatMap(({ steps }) => steps.map((step) => step * taps));
  let before = 0;
  const starts = kinds.map(({ steps }) => {
    const first = before;
    before += steps.length;
    return Array.from({ length: blocks + 1 }, (_, block) => {
      const later = steps.findIndex((step) => step * taps >= block * depth);
      return first + (later < 0 ? steps.length : later);
    });
  });
  return {
    statics: `  static const unsigned char kinds[] = {${kindOf.join(", ")}};
  static const int starts[][${blocks + 1}] = {${starts.map((own) => `{${own.join(", ")}}`).join(", ")}};
  static const int ka[] = {${all.map(offsets.row).join(", ")}};
  static const int kb[] = {${all.map(offsets.column).join(", ")}};
`,
    kinds: kinds.map(({ height, ranges }) => ({
      height,
      taps: ranges.map(({ first, end }, tap) => ({
        row: offsets.row(tap) - offsets.row(0),
        column: offsets.column(tap) - offsets.column(0),
        first,
        end,
      })),
    })),
  };
}
