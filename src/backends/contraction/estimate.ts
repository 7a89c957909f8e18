// Enumerates all valid plans of a contraction and estimates them, on a machine with known costs.
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

/** All valid plans with their estimated cycles: for each choice of packed operands, in either order, and of the two other kinds. */
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

/** The sides. Rows in place are split into pieces only if the pieces are whole tiles. */
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

/** Whether tiles can read the unpacked sides in place. */
const isPossible = ({ a, b, packA, packB }: Way, kernel: ContractionKernel, { longestTable }: Machine): boolean =>
  (packA || isReadable(a, kernel, longestTable)) &&
  (packB || (isReadable(b, kernel, longestTable) && hasContiguousColumns(b)));
