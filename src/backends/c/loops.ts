// Writes a loop kernel as C: chooses lanes, cuts the work into units, writes the outer loops.

import type { LoopKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { canVectorize, costOf, Dependence, type LaneModel } from "../analysis/cost.ts";
import { mergeReductions } from "../analysis/mergeReductions.ts";
import { splitReductions } from "../analysis/split.ts";
import { extentOf, type Step, storedIn, visitSteps } from "../analysis/steps.ts";
import { type Linear, operands, type Value, ValueTable } from "../analysis/values.ts";
import { stepsInWindows, sumsAtOnce } from "../analysis/windows.ts";
import { code } from "./code.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { Expressions } from "./expressions.ts";
import { hasPairs } from "./lanes.ts";
import { type Range, whole } from "./nests.ts";
import { Statements } from "./statements.ts";
import type { Target } from "./target.ts";

/** Elements of the innermost axis in one unit of work, when rows are cut. */
const elementBlock = 4096;
/** The same when each element has inner loops. */
const columnBlock = 64;
/** The same when each point stores this many elements. */
const manyStores = 8;
const tileBlock = 256;
/** Enough units for threads to share evenly. */
const enoughUnits = 64;
/** The innermost axis of a transpose is cut into pieces of this many elements: a cache line. */
const tile = 16;
/** Rough nanoseconds per simple instruction. */
const nanosecondsPerCost = 0.12;

/** How the target computes lanes of 32 bits, or of 64 where float64 is among them. */
export function laneModel(target: Target, doubles: boolean): LaneModel {
  const lanes = target.vectorBytes / (doubles ? 8 : 4);
  return { lanes, doubles, masked: true, halves: hasPairs(target, lanes), scattered: 24 };
}

export function emitLoops(kernel: LoopKernel, context: EmitContext): KernelCode {
  return {
    phases: splitReductions(kernel, context).flatMap((part) => emitPhase(mergeReductions(sumsAtOnce(part)), context)),
  };
}

function emitPhase(kernel: LoopKernel, context: EmitContext): Phase[] {
  const stored = storedIn(kernel.body);
  const newTable = (): ValueTable =>
    new ValueTable((buffer) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) }));
  const { axes, steps, table } = stepsInWindows(kernel, newTable);
  if (extentOf(axes) === 0 || steps.length === 0) return [];
  const expressions = new Expressions(context, table);
  const doubles = holdsDoubles(axes, steps);
  const model = laneModel(context.target, doubles);
  const { units, cost } = new LoopWriter(expressions, axes, steps, model).write();
  const name = context.phaseName(kernel.name);
  return [{ name, units, cost: cost * nanosecondsPerCost, body: code`${expressions.body()}\n` }];
}

/** Whether a float64 value depends on any loop, so that lanes must be wide enough for it. */
export function holdsDoubles(axes: readonly Axis[], steps: readonly Step[]): boolean {
  const dependence = new Dependence(axes, steps, {
    lanes: 1,
    doubles: false,
    masked: true,
    halves: false,
    scattered: 1,
  });
  let found = false;
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (value.dtype === "float64" && dependence.axesOf(value).size > 0) found = true;
    for (const operand of operands(value)) visit(operand);
  };
  visitSteps(steps, visit, ({ terms }) => {
    for (const { atom } of terms) visit(atom);
  });
  const walk = (list: readonly Step[]): void => {
    for (const step of list) {
      if (step.kind === "for") walk(step.body);
      else if (step.kind === "reduce" && step.local.dtype === "float64") found = true;
      else if (step.kind === "store" && step.value.dtype === "float64") found = true;
    }
  };
  walk(steps);
  return found;
}

class LoopWriter extends Statements {
  private readonly axes: readonly Axis[];
  private readonly steps: readonly Step[];

  constructor(expressions: Expressions, axes: readonly Axis[], steps: readonly Step[], model: LaneModel) {
    super(expressions, new Dependence(axes, steps, model), model.lanes, true);
    this.axes = axes;
    this.steps = steps;
  }

  write(): { units: number; cost: number } {
    const { axes, steps, dependence } = this;
    let lane: Axis | undefined;
    let cost = costOf(steps, undefined, dependence, axes);
    for (const axis of [...axes].reverse()) {
      if (axis.extent < 4 || !canVectorize(steps, axis, dependence)) continue;
      const laneCost = costOf(steps, axis, dependence, axes);
      if (laneCost < cost) {
        lane = axis;
        cost = laneCost;
      }
    }
    this.innerLanes = lane === undefined;
    // Points that run loops of their own are units themselves.
    const inner = lane ?? (this.steps.some(isNested) ? undefined : axes.at(-1));
    const outer = axes.filter((axis) => axis !== inner);
    const across = inner === undefined ? undefined : this.acrossAxis(outer, inner);
    return { units: this.writeUnits(outer, inner, lane !== undefined, across), cost };
  }

  /** The axis along which an access is contiguous that is strided along the innermost axis: a transpose. */
  private acrossAxis(outer: readonly Axis[], inner: Axis): Axis | undefined {
    let found: Axis | undefined;
    const see = (index: Linear): void => {
      const strideAlong = (axis: Axis): number =>
        index.terms.find(({ atom }) => atom.kind === "axis" && atom.axis.id === axis.id)?.coefficient ?? 0;
      if (Math.abs(strideAlong(inner)) < tile) return;
      found ??= outer.find((axis) => axis.extent >= tile && Math.abs(strideAlong(axis)) === 1);
    };
    const seen = new Set<Value>();
    const visit = (value: Value): void => {
      if (seen.has(value)) return;
      seen.add(value);
      if (value.kind === "load") see(value.index);
      for (const operand of operands(value)) visit(operand);
    };
    visitSteps(this.steps, visit, see);
    return found;
  }

  /** Units are the points of the first axes, and blocks of the innermost one where those are few. */
  private writeUnits(
    allOuter: readonly Axis[],
    inner: Axis | undefined,
    lanes: boolean,
    across: Axis | undefined,
  ): number {
    const { steps } = this;
    const { out } = this.e;
    const plainBlock = steps.filter(({ kind }) => kind === "store").length < manyStores ? elementBlock : tileBlock;
    const block = across !== undefined ? tile : steps.some(isNested) ? columnBlock : plainBlock;
    // A transpose goes along the other axis within each block, so that the lines it reads stay in the cache.
    const outer = across === undefined ? allOuter : [...allOuter.filter((axis) => axis !== across), across];
    const cut = across === undefined ? outer.length : outer.length - 1;
    let prefix = 0;
    let points = 1;
    while (prefix < cut && points < enoughUnits) points *= outer[prefix++]?.extent ?? 1;
    const extent = inner?.extent ?? 1;
    const cutInner = inner !== undefined && (across !== undefined || points < 16);
    const blocks = cutInner ? Math.max(1, Math.ceil(extent / block)) : 1;
    const rest = outer.slice(prefix);
    this.hoist(steps, this.axes);
    const body = (range: Range): void => {
      this.nest(rest, steps, inner === undefined ? [] : [inner], () => {
        if (inner === undefined) this.emitSteps(steps);
        else this.innermost(inner, range, lanes);
      });
    };
    const all = inner === undefined ? { start: "0", end: "1", count: 1 } : whole(inner);
    if (prefix === 0 && blocks === 1) {
      body(all);
      return 1;
    }
    if (prefix === 0 && rest.length === 0) {
      // One long axis: a range of blocks is a range of elements.
      const end =
        extent === blocks * block
          ? `(long)high * ${block}`
          : `((long)high * ${block} < ${extent} ? (long)high * ${block} : ${extent})`;
      body({ start: `(long)low * ${block}`, end: out.define("long", "e", end), count: undefined });
      return blocks;
    }
    out.block("for (int unit = low; unit < high; unit++)", () =>
      this.e.scope(() => {
        let place = "unit";
        let range: Range = all;
        if (blocks > 1) {
          const start = out.define("long", "u", `(long)(unit % ${blocks}) * ${block}`);
          const even = extent === blocks * block;
          const end = out.define(
            "long",
            "e",
            even ? `${start} + ${block}` : `${start} + ${block} < ${extent} ? ${start} + ${block} : ${extent}`,
          );
          range = { start, end, count: even ? block : undefined };
          place = `(unit / ${blocks})`;
        }
        for (let axis = prefix - 1; axis >= 0; axis--) {
          const bound = outer[axis];
          if (bound === undefined) continue;
          const name = out.define("long", "u", axis === 0 ? place : `${place} % ${bound.extent}`);
          place = `(${place} / ${bound.extent})`;
          this.e.bindAxis(bound, name);
        }
        this.hoist(steps, [...rest, ...(inner === undefined ? [] : [inner])]);
        body(range);
      }),
    );
    return points * blocks;
  }

  private innermost(axis: Axis, range: Range, lanes: boolean): void {
    const { steps } = this;
    if (lanes) {
      this.laneLoop(axis, range, steps, () => this.emitSteps(steps));
      return;
    }
    this.hoist(steps, [axis]);
    this.loop(axis, range, () => this.emitSteps(steps));
  }
}

const isNested = (step: Step): boolean => step.kind !== "store" && step.kind !== "force";
