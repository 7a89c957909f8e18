// How the loops of a kernel are laid out: which axis has lanes, what a unit of work is, and in what order memory is read.
import { at } from "../../graph/at.ts";
import type { Axis } from "../../graph/scalar.ts";
import { canVectorize, costOf, type Dependence } from "./cost.ts";
import { type Step, visitSteps } from "./steps.ts";
import { type Linear, strideAlong, visitParts } from "./values.ts";

/** Elements of the innermost axis in one unit of work, when rows are cut. */
const elementBlock = 4096;
/** The same when each element has inner loops. */
const columnBlock = 64;
/** The same when each point stores this many elements. */
const manyStores = 8;
const tileBlock = 256;
/** Enough units for threads to share evenly. */
const enoughUnits = 64;
/** With fewer points than this, rows are cut too. */
const fewPoints = 16;
/** The innermost axis of a transpose is cut into pieces of this many elements: a cache line. */
const tile = 16;
/** Shorter axes are not worth lanes. */
const shortestLanes = 4;

/** Units are the points of the first axes, and blocks of the innermost one where those are few. */
export interface LoopPlan {
  /** The innermost axis, and whether lanes go along it; none where points run loops of their own, which are units themselves. */
  readonly inner: Axis | undefined;
  readonly lanes: boolean;
  /** The axes whose points are units, and the axes of loops within a unit, the first outermost. */
  readonly unitAxes: readonly Axis[];
  readonly loopAxes: readonly Axis[];
  /** How many blocks the innermost axis is cut into, and of how many elements. */
  readonly blocks: number;
  readonly block: number;
  readonly units: number;
  /** Of all points, in simple instructions. */
  readonly cost: number;
}

export function planLoops(axes: readonly Axis[], steps: readonly Step[], dependence: Dependence): LoopPlan {
  let lane: Axis | undefined;
  let cost = costOf(steps, undefined, dependence, axes);
  for (const axis of [...axes].reverse()) {
    if (axis.extent < shortestLanes || !canVectorize(steps, axis, dependence)) continue;
    const laneCost = costOf(steps, axis, dependence, axes);
    if (laneCost < cost) {
      lane = axis;
      cost = laneCost;
    }
  }
  const nested = steps.some(({ kind }) => kind !== "store" && kind !== "force");
  const inner = lane ?? (nested ? undefined : axes.at(-1));
  const others = axes.filter((axis) => axis !== inner);
  const across = inner === undefined ? undefined : acrossAxis(steps, others, inner);
  const plainBlock = steps.filter(({ kind }) => kind === "store").length < manyStores ? elementBlock : tileBlock;
  const block = across !== undefined ? tile : nested ? columnBlock : plainBlock;
  // A transpose goes along the other axis within each block, so that the lines it reads stay in the cache.
  const outer = across === undefined ? others : [...others.filter((axis) => axis !== across), across];
  const most = across === undefined ? outer.length : outer.length - 1;
  let count = 0;
  let points = 1;
  while (count < most && points < enoughUnits) points *= at(outer, count++).extent;
  const cut = inner !== undefined && (across !== undefined || points < fewPoints);
  const blocks = cut ? Math.max(1, Math.ceil(inner.extent / block)) : 1;
  return {
    inner,
    lanes: lane !== undefined,
    unitAxes: outer.slice(0, count),
    loopAxes: outer.slice(count),
    blocks,
    block,
    units: points * blocks,
    cost,
  };
}

/** The axis along which an access is contiguous that is strided along the innermost axis: a transpose. */
function acrossAxis(steps: readonly Step[], outer: readonly Axis[], inner: Axis): Axis | undefined {
  let found: Axis | undefined;
  const see = (index: Linear): void => {
    if (Math.abs(strideAlong(index, inner)) < tile) return;
    found ??= outer.find((axis) => axis.extent >= tile && Math.abs(strideAlong(index, axis)) === 1);
  };
  const visit = visitParts((value) => {
    if (value.kind === "load") see(value.index);
    return true;
  });
  visitSteps(steps, visit, see);
  return found;
}
