// The statements of a kernel inside its loops: stores, inner loops, reductions and scans.
import type { DType } from "../../graph/dtype.ts";
import { type Axis, newLocal } from "../../graph/scalar.ts";
import { bestLane } from "../analysis/cost.ts";
import { combineFn, extentOf, identityOf, type Step } from "../analysis/steps.ts";
import { failureRecorder } from "./failure.ts";
import type { ValueType } from "./module.ts";
import { Nests, sumBlock } from "./nests.ts";
import { scalarBinary, scalarType, vectorBinary } from "./operations.ts";

/** Sums of more points than this are carried in float64 from block to block. */
const longSum = 2048;

export class Statements extends Nests {
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
        case "check":
          this.emitCheck(step);
          break;
      }
    }
  }

  private emitCheck({ site, holds, index, place }: Extract<Step, { kind: "check" }>): void {
    const { f, expressions } = this;
    expressions.pushScalar(holds);
    f.op("i32.eqz").if(() =>
      expressions.scope(() => {
        f.i32(site);
        expressions.pushScalar(index);
        expressions.pushScalar(place);
        f.call(failureRecorder(expressions.context));
      }),
    );
  }

  protected emitFor(step: Extract<Step, { kind: "for" }>, copies: number): void {
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

  protected emitReduce(step: Extract<Step, { kind: "reduce" }>, vectors: number): void {
    const lane =
      this.innerLanes && step.local.dtype !== "float64" && extentOf(step.axes) > 0
        ? bestLane(step.axes, [step], this.dependence)
        : undefined;
    if (lane === undefined) this.serialReduce(step, vectors);
    else this.laneReduce(step, lane);
  }

  protected combine(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: DType, vector: boolean): void {
    const { f, expressions } = this;
    if (vector) vectorBinary(f, expressions.context, combineFn[step.combine], dtype);
    else scalarBinary(f, expressions.context, combineFn[step.combine], dtype);
  }

  protected pushIdentity(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: DType, vector: boolean): void {
    const constant = this.expressions.values.constant(identityOf(step.combine, dtype), dtype);
    if (vector) this.expressions.pushVector(constant);
    else this.expressions.pushScalar(constant);
  }

  /** One element, or one vector of elements, at a time; long float sums are carried in float64 from block to block. */
  protected serialReduce(step: Extract<Step, { kind: "reduce" }>, vectors: number): void {
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

  /** Adds four float32 lanes to two float64 accumulators of two lanes. */
  protected addWide(vector: number, low: number, high: number): void {
    const { f } = this;
    f.get(low).get(vector).op("f64x2.promote_low_f32x4").op("f64x2.add").set(low);
    f.get(high).get(vector).get(vector).shuffle32(2, 3, 2, 3).op("f64x2.promote_low_f32x4").op("f64x2.add").set(high);
  }

  /** Lanes along one of the reduced axes, in several accumulators that are combined at the end. */
  protected laneReduce(step: Extract<Step, { kind: "reduce" }>, lane: Axis): void {
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

  protected emitScan(step: Extract<Step, { kind: "scan" }>): void {
    const { f, expressions } = this;
    const { dtype } = step.value;
    const { combine, axis, value, buffer, index } = step;
    if (axis.extent === 0) return;
    const wide: DType = dtype === "float32" && (combine === "sum" || combine === "prod") ? "float64" : dtype;
    const running = f.local(scalarType(wide));
    this.pushIdentity(step, wide, false);
    f.set(running);
    const result = newLocal(dtype);
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

const repeat = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
