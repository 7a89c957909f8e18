// Writes a loop kernel as C: chooses lanes, splits the work into units, writes the outer loops.

import type { LoopKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { Dependence, type LaneModel } from "../analysis/cost.ts";
import { type LoopPlan, planLoops } from "../analysis/loopPlan.ts";
import { mergeReductions } from "../analysis/mergeReductions.ts";
import { splitReductions } from "../analysis/split.ts";
import { extentOf, type Step, storedIn, visitSteps } from "../analysis/steps.ts";
import { ValueTable, visitParts } from "../analysis/values.ts";
import { stepsInWindows, sumsAtOnce } from "../analysis/windows.ts";
import { code } from "./code.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { Expressions } from "./expressions.ts";
import { hasPairs } from "./lanes.ts";
import { type Range, whole } from "./nests.ts";
import { Statements } from "./statements.ts";
import type { Target } from "./target.ts";

/** Approximate nanoseconds per simple instruction. */
const nanosecondsPerCost = 0.12;

/** The cost model of lanes of 32 bits on the target, or of 64 bits if float64 is involved. */
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

/** Whether a float64 value depends on any loop, so that lanes must fit it. */
export function holdsDoubles(axes: readonly Axis[], steps: readonly Step[]): boolean {
  const dependence = new Dependence(axes, steps, {
    lanes: 1,
    doubles: false,
    masked: true,
    halves: false,
    scattered: 1,
  });
  let found = false;
  const visit = visitParts((value) => {
    if (value.dtype === "float64" && dependence.axesOf(value).size > 0) found = true;
    return true;
  });
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
    const plan = planLoops(this.axes, this.steps, this.dependence);
    this.innerLanes = !plan.lanes;
    this.writeUnits(plan);
    return plan;
  }

  private writeUnits({ inner, lanes, unitAxes, loopAxes, blocks, block }: LoopPlan): void {
    const { steps } = this;
    const { out } = this.e;
    const extent = inner?.extent ?? 1;
    const within = inner === undefined ? [] : [inner];
    this.hoist(steps, this.axes);
    const body = (range: Range): void => {
      this.nest(loopAxes, steps, within, () => {
        if (inner === undefined) this.emitSteps(steps);
        else this.innermost(inner, range, lanes);
      });
    };
    const all = inner === undefined ? { start: "0", end: "1", count: 1 } : whole(inner);
    if (unitAxes.length === 0 && blocks === 1) return body(all);
    if (unitAxes.length === 0 && loopAxes.length === 0) {
      // One long axis: a range of units is a range of elements.
      const end =
        extent === blocks * block
          ? `(long)high * ${block}`
          : `((long)high * ${block} < ${extent} ? (long)high * ${block} : ${extent})`;
      return body({ start: `(long)low * ${block}`, end: out.define("long", "e", end), count: undefined });
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
        for (const axis of [...unitAxes].reverse()) {
          const name = out.define("long", "u", axis === unitAxes[0] ? place : `${place} % ${axis.extent}`);
          place = `(${place} / ${axis.extent})`;
          this.e.bindAxis(axis, name);
        }
        this.hoist(steps, [...loopAxes, ...within]);
        body(range);
      }),
    );
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
