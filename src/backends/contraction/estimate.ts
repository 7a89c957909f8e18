// Enumerates and estimates all valid plans of a contraction on a machine whose costs are known.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { extentOf } from "../analysis/steps.ts";
import { dotPlan, either, hasContiguousColumns, outerPlan, type Way } from "./choose.ts";
import { vectorLanes } from "./cost.ts";
import type { Machine, PaddingOf } from "./machine.ts";
import type { Plan } from "./plan.ts";
import { bothPacked, isReadable, type Sides, sidesOf } from "./sides.ts";
import { type PaddingSkip, paddingSkip } from "./skipPadding.ts";
import { mostUneven, tileOf } from "./tile.ts";
import { windowPlan } from "./windows.ts";

/** All plans that are possible, each with its estimated cycles: of which operands are packed, which way round, and the two other kinds. */
export function estimatedPlans(kernel: ContractionKernel, machine: Machine, paddingOf: PaddingOf): Plan[] {
  const skipOf = ({ a, batch }: Sides, rows: number): PaddingSkip | undefined => {
    const dims = a.operand && paddingOf(a.operand.buffer);
    return dims && paddingSkip(kernel, a, rows, batch, dims);
  };
  const plans: (Plan | undefined)[] = [];
  for (const swapped of either) {
    for (const packB of either) {
      for (const packA of either) {
        const way = { ...tiledSides(kernel, machine, swapped, { a: !packA, b: !packB }), packA, packB };
        if (isPossible(way, kernel, machine)) plans.push(outerPlan(kernel, machine, way, skipOf));
      }
    }
  }
  const swapped = extentOf(kernel.m) > extentOf(kernel.n) && extentOf(kernel.n) <= 4;
  plans.push(dotPlan(kernel, machine, sidesOf(kernel, machine, swapped, bothPacked)), windowPlan(kernel, machine));
  return plans.filter((plan) => plan !== undefined);
}

/** The sides; rows in place are in pieces only where those are whole tiles. */
function tiledSides(
  kernel: ContractionKernel,
  machine: Machine,
  swapped: boolean,
  inPlace: { readonly a: boolean; readonly b: boolean },
): Sides {
  const uneven = mostUneven(machine);
  const whole = sidesOf(kernel, machine, swapped, { ...inPlace, mostUneven: uneven, pieces: true });
  const { a, b } = whole;
  const wide = Math.ceil(b.group.merged.extent / vectorLanes(kernel.dtype, machine));
  return a.span === a.group.merged.extent || a.span % tileOf(a.span, wide, machine.tile).mr === 0
    ? whole
    : sidesOf(kernel, machine, swapped, { ...inPlace, mostUneven: uneven, pieces: false });
}

/** Whether tiles can read in place what is not packed. */
const isPossible = ({ a, b, packA, packB }: Way, kernel: ContractionKernel, { longestTable }: Machine): boolean =>
  (packA || isReadable(a, kernel, longestTable)) &&
  (packB || (isReadable(b, kernel, longestTable) && hasContiguousColumns(b)));
