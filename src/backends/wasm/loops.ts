// Emits a loop kernel: chooses lanes, splits the work into units, writes the outer loops.

import type { LoopKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { Dependence, type LaneModel } from "../analysis/cost.ts";
import { type LoopPlan, planLoops } from "../analysis/loopPlan.ts";
import { splitReductions } from "../analysis/split.ts";
import { extentOf, type Step, storedIn } from "../analysis/steps.ts";
import { ValueTable } from "../analysis/values.ts";
import { stepsInWindows } from "../analysis/windows.ts";
import { type EmitContext, highParam, type KernelCode, lowParam, type Phase } from "./emitter.ts";
import { Expressions } from "./expression.ts";
import type { Bound } from "./nests.ts";
import { Statements } from "./statements.ts";

/** Approximate nanoseconds per simple instruction. */
const nanosecondsPerCost = 0.15;

/** Four 32-bit lanes; the remainder of a row is computed element by element. */
const wasmLanes: LaneModel = { lanes: 4, doubles: false, masked: false, halves: true, scattered: 10 };

export function emitLoops(kernel: LoopKernel, context: EmitContext): KernelCode {
  return { phases: splitReductions(kernel, context).flatMap((part) => emitPhase(part, context)) };
}

function emitPhase(kernel: LoopKernel, context: EmitContext): Phase[] {
  const stored = storedIn(kernel.body);
  const newTable = (): ValueTable =>
    new ValueTable((buffer) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) }));
  const { axes, steps, table } = stepsInWindows(kernel, newTable);
  if (extentOf(axes) === 0 || steps.length === 0) return [];
  const f = context.phase(kernel.name);
  const emitter = new LoopEmitter(new Expressions(f, context, table), axes, steps);
  const { units, cost } = emitter.emitKernel();
  return [{ fn: f, units, cost: cost * nanosecondsPerCost }];
}

/** Emits a complete loop kernel into a function. */
class LoopEmitter extends Statements {
  readonly #axes: readonly Axis[];
  readonly #steps: readonly Step[];

  constructor(expressions: Expressions, axes: readonly Axis[], steps: readonly Step[]) {
    super(expressions, new Dependence(axes, steps, wasmLanes));
    this.#axes = axes;
    this.#steps = steps;
  }

  emitKernel(): { units: number; cost: number } {
    const plan = planLoops(this.#axes, this.#steps, this.dependence);
    this.innerLanes = !plan.lanes;
    this.#emitUnits(plan);
    return plan;
  }

  #emitUnits({ inner, lanes, unitAxes, loopAxes, blocks, block }: LoopPlan): void {
    const { f } = this;
    const steps = this.#steps;
    const extent = inner?.extent ?? 1;
    const within = inner === undefined ? [] : [inner];
    this.hoist(steps, this.#axes);

    const unit = f.local("i32");
    const place = f.local("i32");
    const low = f.local("i32");
    const high = f.local("i32");
    const body = (start: Bound, end: Bound): void => {
      this.nest(loopAxes, steps, within, () => {
        if (inner === undefined) this.emitSteps(steps, 1);
        else this.#innermost(inner, start, end, steps, lanes);
      });
    };

    if (unitAxes.length === 0) {
      if (blocks === 1) return body({ constant: 0 }, { constant: extent });
      if (loopAxes.length > 0) return this.#emitBlocks({ blocks, block, extent }, { low, high }, body);
      // One long axis: a range of units is a range of elements.
      f.get(lowParam).i32(block).op("i32.mul").set(low);
      f.get(highParam)
        .i32(block)
        .op("i32.mul")
        .tee(high)
        .i32(extent)
        .get(high)
        .i32(extent)
        .op("i32.lt_s")
        .op("select")
        .set(high);
      return body({ local: low }, { local: high });
    }
    f.get(lowParam).set(unit);
    f.loop((again) => {
      this.expressions.scope(() => {
        f.get(unit);
        if (blocks > 1) {
          f.i32(blocks).op("i32.rem_u").i32(block).op("i32.mul").tee(low).i32(block).op("i32.add").tee(high);
          f.i32(extent).get(high).i32(extent).op("i32.lt_s").op("select").set(high);
          f.get(unit).i32(blocks).op("i32.div_u");
        }
        f.set(place);
        const counters = unitAxes.map((axis) => ({ axis, counter: f.local("i32") }));
        for (const { axis, counter } of [...counters].reverse()) {
          const { extent: size } = axis;
          if (axis === unitAxes[0]) f.get(place).set(counter);
          else f.get(place).i32(size).op("i32.rem_u").set(counter).get(place).i32(size).op("i32.div_u").set(place);
        }
        for (const { axis, counter } of counters) this.expressions.bindAxis(axis, counter);
        this.hoist(steps, [...loopAxes, ...within]);
        body(blocks > 1 ? { local: low } : { constant: 0 }, blocks > 1 ? { local: high } : { constant: extent });
        for (const { counter } of counters) f.release(counter);
      });
      f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_s").brIf(again);
    });
  }

  /** One block of the innermost axis at a time, with loops over the other axes inside. */
  #emitBlocks(
    { blocks, block, extent }: { readonly blocks: number; readonly block: number; readonly extent: number },
    { low, high }: { readonly low: number; readonly high: number },
    body: (start: Bound, end: Bound) => void,
  ): void {
    const { f } = this;
    const unit = f.local("i32");
    f.get(lowParam).set(unit);
    f.loop((again) => {
      this.expressions.scope(() => {
        f.get(unit).i32(block).op("i32.mul").tee(low).i32(block).op("i32.add").tee(high);
        if (extent !== blocks * block) f.i32(extent).get(high).i32(extent).op("i32.lt_s").op("select");
        f.set(high);
        body({ local: low }, { local: high });
      });
      f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_s").brIf(again);
    });
    f.release(unit);
  }

  #innermost(axis: Axis, start: Bound, end: Bound, steps: readonly Step[], lanes: boolean): void {
    if (!lanes) {
      this.loop(axis, { start, end }, () => this.emitSteps(steps, 1), steps);
      return;
    }
    this.laneLoop(axis, { start, end }, this.copiesFor(steps, axis), steps, (copies) => this.emitSteps(steps, copies));
  }
}
