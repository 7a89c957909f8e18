// Emits a loop kernel: chooses lanes, cuts the work into units, writes the loops, reductions and scans.
import type { LoopKernel } from "../../compiler/kernel.ts";
import type { DType } from "../../graph/dtype.ts";
import { type Axis, newAxis } from "../../graph/scalar.ts";
import { bestLane, canVectorize, costOf, Dependence, isHeavy } from "./cost.ts";
import { type EmitContext, highParam, type KernelCode, lowParam, type Phase, phaseParams } from "./emitter.ts";
import { Expressions } from "./expression.ts";
import type { FunctionBuilder, ValueType } from "./module.ts";
import { scalarBinary, scalarType, vectorBinary } from "./operations.ts";
import { splitReductions } from "./split.ts";
import { boundIn, combineFn, extentOf, identityOf, type Step, stepsOf, storedIn, visitSteps } from "./steps.ts";
import { type Linear, operands, type Value, ValueTable } from "./values.ts";

/** Elements of the innermost axis in one unit of work, when rows are cut. */
const elementBlock = 4096;
/** The same when each element runs loops of its own. */
const columnBlock = 64;
/** Enough units for threads to share evenly. */
const enoughUnits = 64;
/** The innermost axis of a transpose is cut into pieces of this many elements: a cache line. */
const tile = 16;
/** Sums of more points than this are carried in float64 from block to block. */
const longSum = 2048;
const sumBlock = 1024;
/** Rough nanoseconds per simple instruction. */
const nanosecondsPerCost = 0.15;

/** A bound of a loop: known, or in an i32 local. */
type Bound = { readonly constant: number } | { readonly local: number };

export function emitLoops(kernel: LoopKernel, context: EmitContext): KernelCode {
  return { phases: splitReductions(kernel, context).flatMap((part) => emitPhase(part, context)) };
}

function emitPhase(kernel: LoopKernel, context: EmitContext): Phase[] {
  const stored = storedIn(kernel.body);
  const newTable = (): ValueTable =>
    new ValueTable((buffer) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) }));
  const { axes, steps, table } = stepsOf(kernel, newTable);
  if (extentOf(axes) === 0 || steps.length === 0) return [];
  const f = context.module.function(`${context.module.functions.length}:${kernel.name}`, phaseParams);
  const emitter = new LoopEmitter(new Expressions(f, context, table), axes, steps);
  const { units, cost } = emitter.emitKernel();
  return [{ fn: f, units, cost: cost * nanosecondsPerCost }];
}

/** Emits steps into a function; `emitKernel` the whole of a loop kernel. */
export class LoopEmitter {
  private readonly f: FunctionBuilder;
  private readonly expressions: Expressions;
  private readonly axes: readonly Axis[];
  private readonly steps: readonly Step[];
  private readonly dependence: Dependence;
  /** Whether inner loops may take lanes: not inside lanes, nor in the remainder of them, whose bits must be the same. */
  private innerLanes = false;

  constructor(expressions: Expressions, axes: readonly Axis[], steps: readonly Step[]) {
    this.f = expressions.f;
    this.expressions = expressions;
    this.axes = axes;
    this.steps = steps;
    this.dependence = new Dependence(axes, steps);
  }

  emitKernel(): { units: number; cost: number } {
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
    const units = this.emitUnits(outer, inner, lane !== undefined, across);
    return { units, cost };
  }

  /** The axis along which something is contiguous that the innermost axis strides over: a transpose. */
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
  private emitUnits(
    allOuter: readonly Axis[],
    inner: Axis | undefined,
    lanes: boolean,
    across: Axis | undefined,
  ): number {
    const { f, steps } = this;
    const nested = steps.some(isNested);
    const block = across !== undefined ? tile : nested ? columnBlock : elementBlock;
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
    this.hoist(steps, this.axes);

    const unit = f.local("i32");
    const place = f.local("i32");
    const low = f.local("i32");
    const high = f.local("i32");
    const body = (start: Bound, end: Bound): void => {
      const rest = outer.slice(prefix);
      this.nest(rest, steps, inner === undefined ? [] : [inner], () => {
        if (inner === undefined) this.emitSteps(steps, 1);
        else this.innermost(inner, start, end, steps, lanes);
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
        this.emitBlocks(blocks, block, extent, low, high, body);
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
          const counter = counters[axis] ?? 0;
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
  private emitBlocks(
    blocks: number,
    block: number,
    extent: number,
    low: number,
    high: number,
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

  private innermost(axis: Axis, start: Bound, end: Bound, steps: readonly Step[], lanes: boolean): void {
    if (!lanes) {
      this.loop(axis, start, end, 1, () => this.emitSteps(steps, 1), steps);
      return;
    }
    this.laneLoop(axis, start, end, this.copiesFor(steps, axis), steps, (copies) => this.emitSteps(steps, copies));
  }

  /** Plain loops over the axes, the first outermost. */
  private nest(axes: readonly Axis[], steps: readonly Step[], boundInside: readonly Axis[], body: () => void): void {
    const visit = (place: number): void => {
      const axis = axes[place];
      if (axis === undefined) return body();
      this.loop(axis, { constant: 0 }, { constant: axis.extent }, 1, () => {
        const rest = [...axes.slice(place + 1), ...boundInside];
        if (rest.length > 0) this.hoist(steps, rest);
        visit(place + 1);
      });
    };
    visit(0);
  }

  /** for (axis = start; axis < end; axis += step) body. The range may be empty. */
  private loop(
    axis: Axis,
    start: Bound,
    end: Bound,
    step: number,
    body: (counter: number) => void,
    hoisted?: readonly Step[],
  ): void {
    const { f } = this;
    if (hoisted !== undefined) this.hoist(hoisted, [axis]);
    const counter = f.local("i32");
    this.pushBound(start);
    f.set(counter);
    this.rawLoop(
      counter,
      end,
      step,
      "constant" in start && "constant" in end ? start.constant < end.constant : undefined,
      () => {
        this.expressions.bindAxis(axis, counter);
        body(counter);
      },
    );
    f.release(counter);
  }

  /** Repeats the body while counter < end; `enters` says whether it is known to run at least once. */
  private rawLoop(counter: number, end: Bound, step: number, enters: boolean | undefined, body: () => void): void {
    const { f } = this;
    if (enters === false) return;
    const condition = (): void => {
      this.pushBound(end);
      f.op("i32.lt_s");
    };
    const loop = (): void => {
      f.loop((again) => {
        this.expressions.scope(body);
        f.get(counter).i32(step).op("i32.add").tee(counter);
        condition();
        f.brIf(again);
      });
    };
    if (enters) return loop();
    f.get(counter);
    condition();
    f.if(loop);
  }

  private pushBound(bound: Bound): void {
    if ("constant" in bound) this.f.i32(bound.constant);
    else this.f.get(bound.local);
  }

  /**
   * Runs the body over [start, end) with lanes along the axis: `copies` vectors at a time, then one, then single elements
   * with copies = 0. The three do the same operations for each element.
   */
  private laneLoop(
    axis: Axis,
    start: Bound,
    end: Bound,
    copies: number,
    hoisted: readonly Step[],
    body: (copies: number) => void,
  ): void {
    const { f, expressions } = this;
    const innerLanes = this.innerLanes;
    this.innerLanes = false;
    this.hoist(hoisted, [axis], true);
    const counter = f.local("i32");
    const stop = f.local("i32");
    const known = "constant" in start && "constant" in end ? end.constant - start.constant : undefined;
    this.pushBound(start);
    f.set(counter);
    let left = known;
    for (const width of copies > 1 ? [copies, 1] : [1]) {
      const step = 4 * width;
      if (left !== undefined && left < step) continue;
      let bound: Bound;
      if (left !== undefined && "constant" in end) {
        bound = { constant: end.constant - (left % step) };
      } else {
        // counter + ((end - counter) & ~(step - 1)), a power of two.
        f.get(counter);
        this.pushBound(end);
        f.get(counter).op("i32.sub").i32(-step).op("i32.and").op("i32.add").set(stop);
        bound = { local: stop };
      }
      this.rawLoop(counter, bound, step, left === undefined ? undefined : true, () => {
        expressions.bindLanes(axis, counter);
        body(width);
        expressions.endLanes();
      });
      if (left !== undefined) left %= step;
    }
    if (left !== 0) {
      this.rawLoop(counter, end, 1, left === undefined ? undefined : true, () => {
        expressions.bindAxis(axis, counter);
        body(0);
      });
    }
    f.release(counter);
    f.release(stop);
    this.innerLanes = innerLanes;
  }

  /** How many vectors to work on at once: enough to hide latency, not so many that they spill. */
  private copiesFor(steps: readonly Step[], axis: Axis): number {
    let weight = 0;
    let heavy = false;
    let loops = false;
    const seen = new Set<Value>();
    const visit = (value: Value): void => {
      if (seen.has(value)) return;
      seen.add(value);
      if (value.kind === "const" || !this.dependence.axesOf(value).has(axis.id)) return;
      if (isHeavy(value)) heavy = true;
      weight++;
      for (const operand of operands(value)) visit(operand);
    };
    for (const step of steps) if (step.kind === "for" || step.kind === "reduce") loops = true;
    visitSteps(steps, visit, (index) => {
      weight++;
      for (const { atom } of index.terms) visit(atom);
    });
    const most = heavy ? (loops ? 2 : 1) : weight <= 8 ? 4 : weight <= 24 ? 2 : 1;
    let copies = most;
    while (copies > 1 && axis.extent < 4 * copies) copies /= 2;
    return copies;
  }

  /** Computes what the steps need and a loop over `axes` around them does not change. */
  private hoist(steps: readonly Step[], axes: readonly Axis[], vector = this.expressions.vectorized, copies = 1): void {
    const bound = boundIn(steps, new Set(axes.map((axis) => axis.id)));
    const { expressions } = this;
    for (let copy = 0; copy < copies; copy++) {
      expressions.copy = copy;
      const seen = { always: new Set<Value>(), sometimes: new Set<Value>() };
      visitSteps(
        steps,
        (value) => expressions.hoistValue(value, bound, vector, false, seen),
        (index, buffer) => expressions.hoistAddress(buffer, index, bound, vector, false, seen),
      );
    }
    expressions.copy = 0;
  }

  // ---- steps

  /** copies = 0: scalar, in the remainder of lanes; otherwise scalar (1) or that many vectors when lanes are bound. */
  emitSteps(steps: readonly Step[], copies: number): void {
    const { expressions } = this;
    const vectors = expressions.vectorized ? copies : 0;
    const eachCopy = (body: () => void): void => {
      for (let copy = 0; copy < Math.max(1, vectors); copy++) {
        expressions.copy = copy;
        body();
      }
      expressions.copy = 0;
    };
    for (const step of steps) {
      switch (step.kind) {
        case "force":
          eachCopy(() => {
            if (vectors > 0 && expressions.isVarying(step.value)) expressions.pushVector(step.value);
            else expressions.pushScalar(step.value);
            this.f.op("drop");
          });
          break;
        case "store":
          eachCopy(() => {
            if (vectors > 0) expressions.storeVector(step.buffer, step.index, step.value, step.accumulate);
            else expressions.storeScalar(step.buffer, step.index, step.value, step.accumulate);
          });
          break;
        case "for":
          this.emitFor(step, copies);
          break;
        case "reduce":
          this.emitReduce(step, vectors);
          break;
        case "scan":
          this.emitScan(step);
          break;
      }
    }
  }

  private emitFor(step: Extract<Step, { kind: "for" }>, copies: number): void {
    if (extentOf(step.axes) === 0) return;
    const lane = this.innerLanes && step.parallel ? bestLane(step.axes, step.body, this.dependence) : undefined;
    const plain = step.axes.filter((axis) => axis !== lane);
    const vectors = this.expressions.vectorized ? copies : 1;
    this.hoist(step.body, step.axes, this.expressions.vectorized || lane !== undefined, vectors);
    this.nest(plain, step.body, lane === undefined ? [] : [lane], () => {
      if (lane === undefined) this.emitSteps(step.body, copies);
      else {
        const copiesHere = this.copiesFor(step.body, lane);
        this.laneLoop(lane, { constant: 0 }, { constant: lane.extent }, copiesHere, step.body, (width) =>
          this.emitSteps(step.body, width),
        );
      }
    });
  }

  // ---- reductions

  private emitReduce(step: Extract<Step, { kind: "reduce" }>, vectors: number): void {
    const lane =
      this.innerLanes && step.local.dtype !== "float64" && extentOf(step.axes) > 0
        ? bestLane(step.axes, [step], this.dependence)
        : undefined;
    if (lane === undefined) this.serialReduce(step, vectors);
    else this.laneReduce(step, lane);
  }

  private combine(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: DType, vector: boolean): void {
    const { f, expressions } = this;
    if (vector) vectorBinary(f, expressions.context, combineFn[step.combine], dtype);
    else scalarBinary(f, expressions.context, combineFn[step.combine], dtype);
  }

  private pushIdentity(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: DType, vector: boolean): void {
    const constant = this.expressions.values.constant(identityOf(step.combine, dtype), dtype);
    if (vector) this.expressions.pushVector(constant);
    else this.expressions.pushScalar(constant);
  }

  /** One element, or one vector of elements, at a time; long float sums are carried in float64 from block to block. */
  private serialReduce(step: Extract<Step, { kind: "reduce" }>, vectors: number): void {
    const { f, expressions } = this;
    const { dtype } = step.local;
    const vector = vectors > 0;
    const count = Math.max(1, vectors);
    const long = step.combine === "sum" && dtype === "float32" && extentOf(step.axes) > longSum;
    const type: ValueType = vector ? "v128" : scalarType(dtype);
    const running = repeat(count, () => f.local(type));
    const totals = long ? repeat(vector ? 2 * count : 1, () => f.local(vector ? "v128" : "f64")) : [];
    for (const local of running) {
      this.pushIdentity(step, dtype, vector);
      f.set(local);
    }
    for (const local of totals) (vector ? f.f64x2(0) : f.f64(0)).set(local);

    const point = (): void => {
      running.forEach((local, copy) => {
        expressions.copy = copy;
        f.get(local);
        if (vector) expressions.pushVector(step.value);
        else expressions.pushScalar(step.value);
        this.combine(step, dtype, vector);
        f.set(local);
      });
      expressions.copy = 0;
    };
    const flush = (): void => {
      running.forEach((local, copy) => {
        if (!vector) {
          f.get(totals[0] ?? 0)
            .get(local)
            .op("f64.promote_f32")
            .op("f64.add")
            .set(totals[0] ?? 0)
            .f32(0)
            .set(local);
          return;
        }
        this.addWide(local, totals[2 * copy] ?? 0, totals[2 * copy + 1] ?? 0);
        f.f32x4(0).set(local);
      });
    };
    const asSteps: Step[] = [{ kind: "force", value: step.value }];
    if (extentOf(step.axes) > 0) {
      this.hoist(asSteps, step.axes, vector, count);
      const last = step.axes.at(-1);
      this.nestCopies(step.axes.slice(0, -1), asSteps, last === undefined ? [] : [last], vector, count, () => {
        if (last === undefined) point();
        else if (!long || last.extent <= sumBlock) {
          this.loop(last, { constant: 0 }, { constant: last.extent }, 1, point);
          if (long) flush();
        } else {
          this.blocks(last, (start, end) => {
            this.loop(last, { local: start }, { local: end }, 1, point);
            flush();
          });
        }
      });
    }
    running.forEach((local, copy) => {
      expressions.copy = copy;
      if (long) {
        if (vector) {
          f.get(totals[2 * copy] ?? 0)
            .op("f32x4.demote_f64x2_zero")
            .get(totals[2 * copy + 1] ?? 0)
            .op("f32x4.demote_f64x2_zero")
            .shuffle32(0, 1, 4, 5)
            .set(local);
        } else
          f.get(totals[0] ?? 0)
            .op("f32.demote_f64")
            .set(local);
      }
      expressions.bindLocal(step.local, local);
    });
    expressions.copy = 0;
    for (const local of totals) f.release(local);
  }

  private nestCopies(
    axes: readonly Axis[],
    steps: readonly Step[],
    inside: readonly Axis[],
    vector: boolean,
    copies: number,
    body: () => void,
  ): void {
    const visit = (place: number): void => {
      const axis = axes[place];
      if (axis === undefined) return body();
      this.loop(axis, { constant: 0 }, { constant: axis.extent }, 1, () => {
        this.hoist(steps, [...axes.slice(place + 1), ...inside], vector, copies);
        visit(place + 1);
      });
    };
    visit(0);
  }

  /** Runs the body for each block of an axis, with its bounds in locals. */
  private blocks(axis: Axis, body: (start: number, end: number) => void): void {
    const { f, expressions } = this;
    const start = f.local("i32");
    const end = f.local("i32");
    f.i32(0).set(start);
    f.loop((again) => {
      f.get(start)
        .i32(sumBlock)
        .op("i32.add")
        .tee(end)
        .i32(axis.extent)
        .get(end)
        .i32(axis.extent)
        .op("i32.lt_s")
        .op("select")
        .set(end);
      expressions.scope(() => body(start, end));
      f.get(end).tee(start).i32(axis.extent).op("i32.lt_s").brIf(again);
    });
    f.release(start);
    f.release(end);
  }

  /** Adds four float32 lanes to two float64 accumulators of two lanes. */
  private addWide(vector: number, low: number, high: number): void {
    const { f } = this;
    f.get(low).get(vector).op("f64x2.promote_low_f32x4").op("f64x2.add").set(low);
    f.get(high).get(vector).get(vector).shuffle32(2, 3, 2, 3).op("f64x2.promote_low_f32x4").op("f64x2.add").set(high);
  }

  /** Lanes along one of the reduced axes, in several accumulators that are combined at the end. */
  private laneReduce(step: Extract<Step, { kind: "reduce" }>, lane: Axis): void {
    const { f, expressions } = this;
    const { dtype } = step.local;
    const outer = step.axes.filter((axis) => axis !== lane);
    const long = step.combine === "sum" && dtype === "float32" && extentOf(step.axes) > longSum;
    const asSteps: Step[] = [{ kind: "force", value: step.value }];
    const heavy = this.copiesFor(asSteps, lane) === 1;
    let copies = heavy ? 2 : 4;
    while (copies > 1 && lane.extent < 4 * copies) copies /= 2;
    const type = scalarType(dtype);
    const running = repeat(copies, () => f.local("v128"));
    const single = f.local(type);
    const totals = long ? [f.local("v128"), f.local("v128")] : [];
    const reset = (): void => {
      for (const local of running) {
        this.pushIdentity(step, dtype, true);
        f.set(local);
      }
    };
    reset();
    this.pushIdentity(step, dtype, false);
    f.set(single);
    for (const local of totals) f.f64x2(0).set(local);
    const tail = long ? f.local("f64") : undefined;
    if (tail !== undefined) f.f64(0).set(tail);

    const body = (width: number): void => {
      if (width === 0) {
        f.get(single);
        expressions.pushScalar(step.value);
        this.combine(step, dtype, false);
        f.set(single);
        return;
      }
      for (let copy = 0; copy < width; copy++) {
        const local = running[copy] ?? 0;
        expressions.copy = copy;
        f.get(local);
        expressions.pushVector(step.value);
        this.combine(step, dtype, true);
        f.set(local);
      }
      expressions.copy = 0;
    };
    /** All accumulators into the first. */
    const gather = (): void => {
      for (let width = copies / 2; width >= 1; width /= 2) {
        for (let copy = 0; copy < width; copy++) {
          f.get(running[copy] ?? 0).get(running[copy + width] ?? 0);
          this.combine(step, dtype, true);
          f.set(running[copy] ?? 0);
        }
      }
    };
    const flush = (): void => {
      gather();
      this.addWide(running[0] ?? 0, totals[0] ?? 0, totals[1] ?? 0);
      reset();
      if (tail !== undefined) f.get(tail).get(single).op("f64.promote_f32").op("f64.add").set(tail).f32(0).set(single);
    };
    this.hoist(asSteps, step.axes, true);
    this.nestCopies(outer, asSteps, [lane], true, 1, () => {
      if (!long || lane.extent <= sumBlock) {
        this.laneLoop(lane, { constant: 0 }, { constant: lane.extent }, copies, asSteps, body);
        if (long) flush();
      } else {
        this.blocks(lane, (start, end) => {
          this.laneLoop(lane, { local: start }, { local: end }, copies, asSteps, body);
          flush();
        });
      }
    });
    if (long) {
      const [low, high] = [totals[0] ?? 0, totals[1] ?? 0];
      f.get(low)
        .get(high)
        .op("f64x2.add")
        .tee(low)
        .lane("f64x2.extract_lane", 0)
        .get(low)
        .lane("f64x2.extract_lane", 1)
        .op("f64.add");
      f.get(tail ?? 0)
        .op("f64.add")
        .op("f32.demote_f64")
        .set(single);
    } else {
      gather();
      const all = running[0] ?? 0;
      f.get(all).get(all).get(all).shuffle32(2, 3, 2, 3);
      this.combine(step, dtype, true);
      f.tee(all).get(all).get(all).shuffle32(1, 1, 1, 1);
      this.combine(step, dtype, true);
      expressions.extractLane(dtype, 0);
      f.get(single);
      this.combine(step, dtype, false);
      f.set(single);
    }
    for (const local of [...running, ...totals]) f.release(local);
    if (tail !== undefined) f.release(tail);
    expressions.bindLocal(step.local, single);
  }

  private emitScan(step: Extract<Step, { kind: "scan" }>): void {
    const { f, expressions } = this;
    const { dtype } = step.value;
    const { combine, axis, value, buffer, index } = step;
    if (axis.extent === 0) return;
    const wide: DType = dtype === "float32" && (combine === "sum" || combine === "prod") ? "float64" : dtype;
    const running = f.local(scalarType(wide));
    this.pushIdentity(step, wide, false);
    f.set(running);
    const result = newAxisLocal(dtype);
    const resultLocal = f.local(scalarType(dtype));
    const asSteps: Step[] = [{ kind: "force", value }];
    this.hoist(asSteps, [axis], false);
    this.loop(axis, { constant: 0 }, { constant: axis.extent }, 1, () => {
      f.get(running);
      expressions.pushScalar(value);
      if (wide !== dtype) f.op("f64.promote_f32");
      this.combine(step, wide, false);
      f.tee(running);
      if (wide !== dtype) f.op("f32.demote_f64");
      f.set(resultLocal);
      expressions.bindLocal(result, resultLocal);
      expressions.storeScalar(buffer, index, expressions.values.opaque(result), false);
    });
    f.release(running);
    f.release(resultLocal);
  }
}

const isNested = (step: Step): boolean => step.kind !== "store" && step.kind !== "force";

const newAxisLocal = (dtype: DType) => ({ id: newAxis(0).id, dtype });

const repeat = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
