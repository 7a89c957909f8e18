// Emits a loop kernel: chooses lanes, cuts the work into units, writes the outer loops.

import type { LoopKernel } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import type { Axis } from "../../graph/scalar.ts";
import { canVectorize, costOf, Dependence, type LaneModel } from "../analysis/cost.ts";
import { splitReductions } from "../analysis/split.ts";
import { extentOf, type Step, storedIn, visitSteps } from "../analysis/steps.ts";
import { type Linear, operands, type Value, ValueTable } from "../analysis/values.ts";
import { stepsInWindows } from "../analysis/windows.ts";
import { type EmitContext, highParam, type KernelCode, lowParam, type Phase } from "./emitter.ts";
import { Expressions } from "./expression.ts";
import type { Bound } from "./nests.ts";
import { Statements } from "./statements.ts";

/** Elements of the innermost axis in one unit of work, when rows are cut. */
const elementBlock = 4096;
/** The same when each point stores so many elements. */
const manyStores = 8;
const tileBlock = 256;
/** The same when each element runs loops of its own. */
const columnBlock = 64;
/** Enough units for threads to share evenly. */
const enoughUnits = 64;
/** The innermost axis of a transpose is cut into pieces of this many elements: a cache line. */
const tile = 16;
/** Rough nanoseconds per simple instruction. */
const nanosecondsPerCost = 0.15;

/** Four lanes of 32 bits; the last of a row are computed one by one. */
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

/** Emits the whole of a loop kernel into a function. */
class LoopEmitter extends Statements {
  readonly #axes: readonly Axis[];
  readonly #steps: readonly Step[];

  constructor(expressions: Expressions, axes: readonly Axis[], steps: readonly Step[]) {
    super(expressions, new Dependence(axes, steps, wasmLanes));
    this.#axes = axes;
    this.#steps = steps;
  }

  emitKernel(): { units: number; cost: number } {
    const { dependence } = this;
    const axes = this.#axes;
    const steps = this.#steps;
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
    const inner = lane ?? (this.#steps.some(isNested) ? undefined : axes.at(-1));
    const outer = axes.filter((axis) => axis !== inner);
    const across = inner === undefined ? undefined : this.#acrossAxis(outer, inner);
    const units = this.#emitUnits(outer, inner, lane !== undefined, across);
    return { units, cost };
  }

  /** The axis along which something is contiguous that the innermost axis strides over: a transpose. */
  #acrossAxis(outer: readonly Axis[], inner: Axis): Axis | undefined {
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
    visitSteps(this.#steps, visit, see);
    return found;
  }

  /** Units are the points of the first axes, and blocks of the innermost one where those are few. */
  #emitUnits(allOuter: readonly Axis[], inner: Axis | undefined, lanes: boolean, across: Axis | undefined): number {
    const { f } = this;
    const steps = this.#steps;
    const nested = steps.some(isNested);
    const plainBlock = steps.filter(({ kind }) => kind === "store").length < manyStores ? elementBlock : tileBlock;
    const block = across !== undefined ? tile : nested ? columnBlock : plainBlock;
    // A transpose goes along the other axis within each block, so that the lines it reads stay in the cache.
    const outer = across === undefined ? allOuter : [...allOuter.filter((axis) => axis !== across), across];
    const cut = across === undefined ? outer.length : outer.length - 1;
    let prefix = 0;
    let points = 1;
    while (prefix < cut && points < enoughUnits) points *= outer[prefix++]?.extent ?? 1;
    const extent = inner?.extent ?? 1;
    const cutInner = inner !== undefined && (across !== undefined || points < 16);
    const blocks = cutInner ? Math.max(1, Math.ceil(extent / block)) : 1;
    const units = points * blocks;
    this.hoist(steps, this.#axes);

    const unit = f.local("i32");
    const place = f.local("i32");
    const low = f.local("i32");
    const high = f.local("i32");
    const body = (start: Bound, end: Bound): void => {
      const rest = outer.slice(prefix);
      this.nest(rest, steps, inner === undefined ? [] : [inner], () => {
        if (inner === undefined) this.emitSteps(steps, 1);
        else this.#innermost(inner, start, end, steps, lanes);
      });
    };

    if (prefix === 0) {
      if (inner === undefined) {
        body({ constant: 0 }, { constant: 1 });
        return 1;
      }
      if (blocks === 1) {
        body({ constant: 0 }, { constant: extent });
        return 1;
      }
      if (outer.length > 0) {
        this.#emitBlocks({ blocks, block, extent }, { low, high }, body);
        return units;
      }
      // One long axis: a range of blocks is a range of elements.
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
      body({ local: low }, { local: high });
      return units;
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
        const counters = outer.slice(0, prefix).map(() => f.local("i32"));
        for (let axis = prefix - 1; axis >= 0; axis--) {
          const counter = at(counters, axis);
          const size = outer[axis]?.extent ?? 1;
          if (axis === 0) f.get(place).set(counter);
          else f.get(place).i32(size).op("i32.rem_u").set(counter).get(place).i32(size).op("i32.div_u").set(place);
        }
        counters.forEach((counter, axis) => {
          const bound = outer[axis];
          if (bound !== undefined) this.expressions.bindAxis(bound, counter);
        });
        this.hoist(steps, [...outer.slice(prefix), ...(inner === undefined ? [] : [inner])]);
        body(blocks > 1 ? { local: low } : { constant: 0 }, blocks > 1 ? { local: high } : { constant: extent });
        for (const counter of counters) f.release(counter);
      });
      f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_s").brIf(again);
    });
    return units;
  }

  /** One block of the innermost axis after the other, with loops over other axes inside. */
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

const isNested = (step: Step): boolean => step.kind !== "store" && step.kind !== "force";
