// The statements of a kernel inside its loops: stores, inner loops, reductions and scans.
import { newLocal } from "../../graph/scalar.ts";
import { runningDtype } from "../analysis/combine.ts";
import { bestLane } from "../analysis/cost.ts";
import { extentOf, type Step } from "../analysis/steps.ts";
import { failureRecorder } from "./failure.ts";
import { whole } from "./nests.ts";
import { scalarType } from "./operations.ts";
import { Reductions } from "./reductions.ts";

export class Statements extends Reductions {
  /** copies = 0: scalar, in the remainder of lanes; otherwise scalar (1), or this many vectors if lanes are bound. */
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
          this.#emitCheck(step);
          break;
      }
    }
  }

  #emitCheck({ site, holds, axes, index, place, extent }: Extract<Step, { kind: "check" }>): void {
    const { f, expressions } = this;
    const inRange = (): void => {
      expressions.pushScalar(index);
      f.i32(extent).op("i32.lt_u");
    };
    const record = (): void => {
      f.i32(site);
      expressions.pushScalar(index);
      expressions.pushScalar(place);
      f.call(failureRecorder(expressions.context));
    };
    expressions.pushScalar(holds);
    f.op("i32.eqz").if(() =>
      expressions.scope(() =>
        this.nest(axes, [], [], () => {
          inRange();
          f.op("i32.eqz").if(() => expressions.scope(record));
        }),
      ),
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
        this.laneLoop(lane, whole(lane), copiesHere, step.body, (width) => this.emitSteps(step.body, width));
      }
    });
  }

  protected emitScan(step: Extract<Step, { kind: "scan" }>): void {
    const { f, expressions } = this;
    const { dtype } = step.value;
    const { combine, axis, value, buffer, index } = step;
    if (axis.extent === 0) return;
    const wide = runningDtype(combine, dtype);
    const running = f.local(scalarType(wide));
    this.pushIdentity(step, wide, false);
    f.set(running);
    const result = newLocal(dtype);
    const resultLocal = f.local(scalarType(dtype));
    const asSteps: Step[] = [{ kind: "force", value }];
    this.hoist(asSteps, [axis], false);
    this.loop(axis, whole(axis), () => {
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
