// Chooses the plan of a contraction: the cheapest valid one on a machine. Pure arithmetic.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";
import type { Axis } from "../../graph/scalar.ts";
import { along } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { cheapestEpilogue, columnMisses, converting, farRows, packing, vectorLanes } from "./cost.ts";
import type { Machine, PaddingOf } from "./machine.ts";
import type { DotPlan, OuterPlan, Plan } from "./plan.ts";
import {
  bothPacked,
  canCopyPack,
  canTransposePack,
  contiguousK,
  evenK,
  kSteps,
  outerSteps,
  type Side,
  type Sides,
  sidesOf,
} from "./sides.ts";
import type { PaddingSkip } from "./skipPadding.ts";
import { kBlock, roundUp, share, shortenedLanes, tileOf } from "./tile.ts";

/** The cheapest possible plan. */
export function planContraction(kernel: ContractionKernel, machine: Machine, paddingOf: PaddingOf): Plan {
  return plansOf(kernel, machine, paddingOf).reduce(cheaper);
}

/** The cheapest plan with tiles of outer products. */
export function planOuter(kernel: ContractionKernel, machine: Machine): OuterPlan {
  return plansOf(kernel, machine, () => undefined)
    .filter((plan) => plan.kind === "outer")
    .reduce(cheaper);
}

function plansOf(kernel: ContractionKernel, machine: Machine, paddingOf: PaddingOf): readonly Plan[] {
  const { inPlace } = machine;
  return inPlace.kind === "ruled" ? ruledPlans(kernel, machine, inPlace) : inPlace.plans(kernel, machine, paddingOf);
}

const cheaper = <P extends Plan>(best: P, plan: P): P => (plan.cycles < best.cycles ? plan : best);

/** The sides, and which of them are packed. */
export interface Way extends Sides {
  readonly packA: boolean;
  readonly packB: boolean;
}

export const either = [false, true] as const;

type Rule = Extract<Machine["inPlace"], { kind: "ruled" }>;

/** One plan per order of the sides. */
function ruledPlans(kernel: ContractionKernel, machine: Machine, rule: Rule): Plan[] {
  return either.flatMap((swapped): Plan[] => {
    const sides = sidesOf(kernel, machine, swapped, bothPacked);
    const { a, b } = sides;
    const [m, n, k] = [a.group.merged.extent, b.group.merged.extent, extentOf(kernel.k)];
    const few = m <= rule.fewRows;
    const isContiguous = hasContiguousColumns(b);
    if (few && !isContiguous && outerSteps(b).length === 1 && kernel.dtype !== "float64" && isDot(sides, kernel)) {
      const dot = dotPlan(kernel, machine, sides);
      if (dot !== undefined) return [dot];
    }
    const steps = kSteps(a, kernel);
    const isApart =
      (steps.length > 1 && k > rule.unevenSteps) || (k > rule.apartSteps && Math.abs(steps.at(-1)?.stride ?? 0) > 1);
    const packA = isApart && n > 2 * tileIn(sides, kernel, machine).nr;
    const packB = !isContiguous || (!few && k * n > rule.columnElements);
    return [outerPlan(kernel, machine, { ...sides, packA, packB })];
  });
}

/** Whether k is one contiguous run on both sides, and their rows and columns have a uniform positive stride. */
const isDot = ({ a, b }: Sides, kernel: ContractionKernel): boolean =>
  [a, b].every((side) => {
    const [steps, outer] = [kSteps(side, kernel), outerSteps(side)];
    return steps.length === 1 && steps[0]?.stride === 1 && outer.length <= 1 && (outer[0]?.stride ?? 0) >= 0;
  });

/** The tile for products of these sides. */
function tileIn({ a, b }: Sides, { dtype }: ContractionKernel, machine: Machine) {
  const n = b.group.merged.extent;
  const lanes = shortenedLanes(vectorLanes(dtype, machine), n);
  const { mr, vectors } = tileOf(a.span, Math.ceil(n / lanes), machine.tile);
  return { lanes, mr, vectors, nr: vectors * lanes };
}

/** The products with padding that tiles with this many rows in place can skip. */
type SkipOf = (sides: Sides, rows: number) => PaddingSkip | undefined;

/** A plan with tiles of outer products; `skipOf`: what can be skipped if the rows are padded. */
export function outerPlan(
  kernel: ContractionKernel,
  machine: Machine,
  { packA, packB: packsB, ...sides }: Way,
  skipOf?: SkipOf,
): OuterPlan {
  const { costs, kBlocks } = machine;
  const { a, b, batch } = sides;
  const [m, n, k] = [a.group.merged, b.group.merged, extentOf(kernel.k)];
  const { lanes, mr, vectors, nr } = tileIn(sides, kernel, machine);
  const packB = !packsB ? "no" : packsInUnit(sides, kernel, machine, nr) ? "inUnit" : "ahead";
  // A panel packed in its unit ends at the end of a contiguous run of its columns.
  const run = packB === "inUnit" ? evenK(b, kernel) : k;
  const isEven = (packed: boolean, side: Side): boolean => packed || kSteps(side, kernel).length <= 1;
  let kc = kBlocks.uneven || (isEven(packA, a) && isEven(packsB, b)) ? kBlock(run, kBlocks) : k;
  let skip = packA ? undefined : skipOf?.(sides, mr);
  if (skip !== undefined) {
    const even = packsB || (b.operand !== undefined && along(b.operand, skip.channels).length <= 1);
    // Blocks end at the end of a round; panels packed in their unit, at the end of a run.
    if (!even || (packB === "inUnit" && kc % skip.round !== 0 && run !== k)) skip = undefined;
    else kc = roundUp(kc, skip.round);
  }
  const points = extentOf(batch);
  const [rowPanels, columnPanels] = [Math.ceil(m.extent / mr), Math.ceil(n.extent / nr)];
  const tiles = points * rowPanels * columnPanels;
  // Evenly shared rows fill their tiles.
  const rowSteps = machine.tile.even ? m.extent / mr : rowPanels;
  const [convertedA, convertedB] = [
    packA ? 0 : converting(a, kernel, machine),
    packsB ? 0 : converting(b, kernel, machine),
  ];
  const perStep = (high: number, wide: number): number =>
    Math.max(high * wide * costs.multiplyAdd, (high + wide) * costs.load, high * wide < 8 ? costs.latency : 0) +
    high * convertedA +
    wide * convertedB;
  const lastColumns = (n.extent - (columnPanels - 1) * nr) / lanes;
  const halved = lanes * byteSize(kernel.dtype) === 64;
  const lastVectors = halved ? Math.ceil(2 * lastColumns) / 2 : Math.ceil(lastColumns);
  let cycles = points * rowSteps * k * ((columnPanels - 1) * perStep(mr, vectors) + perStep(mr, lastVectors));
  cycles = cycles * (skip?.share ?? 1) + tiles * costs.tile;
  cycles += tiles * (Math.ceil(k / kc) - 1) * (mr * vectors * costs.waiting + costs.tile);
  if (packsB) cycles += packing(b, kernel, batch, packB === "ahead", machine) * columnPanels * nr * k;
  if (packA) cycles += packing(a, kernel, batch, true, machine) * rowPanels * mr * k;
  else cycles += points * m.extent * k * columnPanels * farRows(a, kernel, mr, machine);
  if (!packsB) cycles += tiles * k * columnMisses(b, kernel, nr, machine);
  const { epilogueLanes, perResult } = cheapestEpilogue({ ...sides, m, n, mr }, kernel.dtype, machine);
  cycles += points * m.extent * n.extent * perResult;
  return { kind: "outer", ...sides, m, n, mr, nr, lanes, packA, packB, kc, skip, epilogueLanes, cycles };
}

/** Whether neighbouring columns are contiguous in memory. */
export function hasContiguousColumns(b: Side): boolean {
  const steps = outerSteps(b);
  return steps.length === 0 || (steps.length === 1 && steps[0]?.stride === 1);
}

/** Whether a unit packs its own columns: few rows, no panel shared by several points of the batch, and whole, evenly spaced vectors. */
function packsInUnit({ a, b, batch }: Sides, kernel: ContractionKernel, machine: Machine, nr: number): boolean {
  if (a.group.merged.extent > machine.mostRowsInUnit) return false;
  if (!batch.every((axis: Axis) => b.operand?.strideOf(axis) !== 0)) return false;
  if (canCopyPack(b, kernel)) return nr % Math.min(nr, vectorLanes(kernel.dtype, machine)) === 0;
  if (machine.transposes === undefined || nr % machine.transposes !== 0) return false;
  if (!canTransposePack(b, kernel, machine.longestTable)) return false;
  const run = evenK(b, kernel);
  return run === extentOf(kernel.k) || run % Math.ceil(run / machine.kBlocks.longest) === 0;
}

/** Undefined if k is not contiguous on both sides, or needs too many offsets. */
export function dotPlan(kernel: ContractionKernel, machine: Machine, sides: Sides): DotPlan | undefined {
  const { costs, longestTable, dot } = machine;
  const lanes = vectorLanes(kernel.dtype, machine);
  const [a, b] = [sides.a.operand, sides.b.operand];
  if (a === undefined || b === undefined) return undefined;
  const last = kernel.k.filter((axis) => axis.extent > 1).at(-1);
  if (last === undefined || a.strideOf(last) !== 1 || b.strideOf(last) !== 1) return undefined;
  const contiguous = contiguousK(kernel, a, b);
  const [m, n, k] = [sides.a.group.merged, sides.b.group.merged, extentOf(kernel.k)];
  if (contiguous < lanes / 2 || Math.max(k / contiguous, m.extent, n.extent) > longestTable) return undefined;
  const mr = Math.min(m.extent, dot.tallest);
  const widest = Math.min(n.extent, dot.widest, Math.floor(dot.sums / mr));
  const nr = share(n.extent, widest, machine.tile.even);
  const vectors = (k / contiguous) * Math.ceil(contiguous / lanes);
  const points = extentOf(sides.batch);
  const rowPanels = Math.ceil(m.extent / mr);
  const sums = points * rowPanels * mr * n.extent;
  // Besides the products, each vector of k loads the rows and columns of the tile.
  const converted = mr * converting(sides.a, kernel, machine) + nr * converting(sides.b, kernel, machine);
  const perStep =
    Math.max(costs.multiplyAdd, ((mr + nr) * costs.load) / (mr * nr), costs.dotLatency / (mr * nr)) +
    converted / (mr * nr);
  const { epilogueLanes, perResult } = cheapestEpilogue({ ...sides, m, n, mr }, kernel.dtype, machine);
  const rest = contiguous % lanes === 0 ? 1 : costs.dotRest;
  const cycles =
    sums * (vectors * perStep * costs.dotOverhead * rest + costs.acrossLanes) +
    points * rowPanels * Math.ceil(n.extent / nr) * costs.tile +
    points * m.extent * n.extent * perResult;
  const kc = machine.kBlocks.dots ? kBlock(k, machine.kBlocks) : k;
  return { kind: "dot", ...sides, m, n, mr, nr, kc, lanes, operands: [a, b], contiguous, epilogueLanes, cycles };
}
