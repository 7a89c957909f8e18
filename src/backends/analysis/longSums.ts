// How float32 sums stay within 2 units in the last place × log₂ of their length: short runs are summed in float32, and the runs in float64.
import { at } from "../../graph/at.ts";
import type { Axis } from "../../graph/scalar.ts";
import { extentOf, type Step } from "./steps.ts";

/** The number of float32 additions before a partial sum is added to a float64 one. */
const run = 16;

/** Where loops over some axes are interrupted: after every `steps` of the axis at this place. */
export interface Interruption {
  readonly place: number;
  readonly steps: number;
}

export const isFloatSum = (step: Step): boolean =>
  step.kind === "reduce" && step.combine === "sum" && step.local.dtype === "float32";

/**
 * Where reductions over the same axes, one of them a float32 sum, are interrupted; undefined where they need not be. Of the last axis
 * `group` steps, or what is left of it, are combined as a tree, and that is one addition.
 */
export function interruption(
  steps: readonly Extract<Step, { kind: "reduce" }>[],
  axes: readonly Axis[],
  group: number,
): Interruption | undefined {
  const last = axes.length - 1;
  const points = extentOf(axes);
  if (points === 0 || !steps.some(isFloatSum)) return undefined;
  const additions = Math.ceil((axes.at(-1)?.extent ?? 1) / group);
  const total = additions * extentOf(axes.slice(0, last));
  if (steps.some(({ parts }) => parts)) return total === 1 ? undefined : { place: last, steps: group };
  // Each addition but the first rounds by at most half a unit; a summand is affected by all of them and by those of its tree.
  if (total - 1 + Math.log2(group) <= 4 * Math.log2(points)) return undefined;
  let within = additions;
  for (let place = last - 1; place >= 0 && within <= run; place--) {
    const { extent } = at(axes, place);
    if (within * extent > run) return { place, steps: Math.floor(run / within) };
    within *= extent;
  }
  return { place: last, steps: run * group };
}
