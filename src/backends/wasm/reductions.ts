// Reductions: serial or in lanes, several points at a time as a tree; long float sums carry on in float64.
import { at } from "../../graph/at.ts";
import type { ElementType } from "../../graph/dtype.ts";
import type { Axis } from "../../graph/scalar.ts";
import { combineFn, identityOf } from "../analysis/combine.ts";
import { bestLane, isHeavy } from "../analysis/cost.ts";
import { type Interruption, interruption } from "../analysis/longSums.ts";
import { extentOf, type Step } from "../analysis/steps.ts";
import { type Value, visitParts } from "../analysis/values.ts";
import type { ValueType } from "./module.ts";
import { type Bound, Nests } from "./nests.ts";
import { scalarBinary, scalarType, vectorBinary } from "./operations.ts";

type Reduce = Extract<Step, { kind: "reduce" }>;

/** In loops over single points, expressions with at most this many parts are unrolled four times, or twice. */
const mostInFour = 8;
const mostInTwo = 16;

/** A range of points of an axis. */
interface Range {
  readonly start: Bound;
  readonly offset: number;
  readonly count: number;
}

/** The running values of a reduction; a long sum also has totals in float64. */
interface Running {
  readonly step: Reduce;
  readonly vector: boolean;
  readonly values: readonly number[];
  /** Per value, one local, or two with two lanes each. */
  readonly totals: readonly number[];
}

export class Reductions extends Nests {
  protected emitReduce(step: Reduce, vectors: number): void {
    const lane =
      this.innerLanes && step.local.dtype !== "float64" && extentOf(step.axes) > 0
        ? bestLane(step.axes, [step], this.dependence)
        : undefined;
    if (lane === undefined) this.#serialReduce(step, vectors);
    else this.#laneReduce(step, lane);
  }

  protected combine(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: ElementType, vector: boolean): void {
    const { f, expressions } = this;
    if (vector) vectorBinary(f, expressions.context, combineFn[step.combine], dtype);
    else scalarBinary(f, expressions.context, combineFn[step.combine], dtype);
  }

  protected pushIdentity(step: Extract<Step, { kind: "reduce" | "scan" }>, dtype: ElementType, vector: boolean): void {
    const constant = this.expressions.values.constant(identityOf(step.combine, dtype), dtype);
    if (vector) this.expressions.pushVector(constant);
    else this.expressions.pushScalar(constant);
  }

  /** Reduces one element, or one vector of elements, per point. */
  #serialReduce(step: Reduce, vectors: number): void {
    const { f, expressions } = this;
    const { axes, local } = step;
    const vector = vectors > 0;
    const copies = Math.max(1, vectors);
    const last = axes.at(-1);
    const together = last === undefined ? 1 : togetherIn(step.value, last.extent);
    const cut = interruption([step], axes, together);
    const sum = this.#begin(step, vector, copies, cut !== undefined);
    const push = (): void => (vector ? expressions.pushVector(step.value) : expressions.pushScalar(step.value));
    const turn = (counter: number | undefined, count: number): void => {
      if (last !== undefined && counter !== undefined) expressions.bindAxis(last, counter);
      for (let copy = 0; copy < copies; copy++) {
        expressions.copy = copy;
        this.#into(sum, copy, () =>
          this.#tree(step, vector, 0, count, (place) =>
            last === undefined ? push() : expressions.further(last, place, push),
          ),
        );
      }
      expressions.copy = 0;
    };
    if (extentOf(axes) > 0) {
      const asSteps: Step[] = [{ kind: "force", value: step.value }];
      this.hoist(asSteps, axes, vector, copies);
      this.#interrupted({ axes, cut }, asSteps, sum, copies, (range) => {
        if (range === undefined) turn(undefined, 1);
        else this.#along(range, together, turn);
      });
    }
    sum.values.forEach((value, copy) => {
      expressions.copy = copy;
      if (cut !== undefined && vector)
        f.get(at(sum.totals, 2 * copy))
          .op("f32x4.demote_f64x2_zero")
          .get(at(sum.totals, 2 * copy + 1))
          .op("f32x4.demote_f64x2_zero")
          .shuffle32(0, 1, 4, 5)
          .set(value);
      else if (cut !== undefined) f.get(at(sum.totals, 0)).op("f32.demote_f64").set(value);
      expressions.bindLocal(local, value);
    });
    expressions.copy = 0;
    for (const total of sum.totals) f.release(total);
  }

  /** Reduces with lanes along one of the reduced axes; the lanes are combined at the end. */
  #laneReduce(step: Reduce, lane: Axis): void {
    const { f, expressions } = this;
    const { dtype } = step.local;
    const axes = [...step.axes.filter((axis) => axis !== lane), lane];
    const asSteps: Step[] = [{ kind: "force", value: step.value }];
    let copies = this.copiesFor(asSteps, lane) === 1 ? 2 : 4;
    while (copies > 1 && lane.extent < 4 * copies) copies /= 2;
    const cut = interruption([step], axes, 4 * copies);
    // Elements left over after the whole vectors have a separate sum.
    const sum = this.#begin(step, true, 1, cut !== undefined);
    const rest = this.#begin(step, false, 1, cut !== undefined);
    const [all, single] = [at(sum.values, 0), at(rest.values, 0)];
    const turn = (counter: number, count: number): void => {
      const whole = Math.floor(count / 4);
      // Values cached for these points do not apply to the leftover elements.
      if (whole > 0)
        expressions.scope(() =>
          this.#into(sum, 0, () => {
            expressions.bindLanes(lane, counter);
            this.#tree(step, true, 0, whole, (copy) => {
              expressions.copy = copy;
              expressions.pushVector(step.value);
            });
            expressions.endLanes();
          }),
        );
      if (count % 4 === 0) return;
      expressions.scope(() => {
        expressions.bindAxis(lane, counter);
        this.#into(rest, 0, () =>
          this.#tree(step, false, 4 * whole, count % 4, (place) =>
            expressions.further(lane, place, () => expressions.pushScalar(step.value)),
          ),
        );
      });
    };
    const innerLanes = this.innerLanes;
    this.innerLanes = false;
    this.hoist(asSteps, axes, true);
    this.#interrupted({ axes, cut }, asSteps, sum, 1, (range) => {
      if (range === undefined) return;
      this.hoist(asSteps, [lane], true);
      this.#along(range, 4 * copies, turn);
    });
    this.innerLanes = innerLanes;
    this.#across(sum);
    if (cut === undefined) {
      f.get(single);
      this.combine(step, dtype, false);
    } else f.get(at(rest.totals, 0)).op("f64.add").op("f32.demote_f64");
    f.set(single);
    for (const local of [all, ...sum.totals, ...rest.totals]) f.release(local);
    expressions.bindLocal(step.local, single);
  }

  /** Pushes the combination of the four lanes, or of the totals of a long sum. */
  #across({ step, values: [all = 0], totals }: Running): void {
    const { f, expressions } = this;
    const { dtype } = step.local;
    const [low, high] = totals;
    if (low !== undefined && high !== undefined) {
      f.get(low).get(high).op("f64x2.add").tee(low).lane("f64x2.extract_lane", 0);
      f.get(low).lane("f64x2.extract_lane", 1).op("f64.add");
      return;
    }
    f.get(all).get(all).get(all).shuffle32(2, 3, 2, 3);
    this.combine(step, dtype, true);
    f.tee(all).get(all).get(all).shuffle32(1, 1, 1, 1);
    this.combine(step, dtype, true);
    expressions.extractLane(dtype, 0);
  }

  #begin(step: Reduce, vector: boolean, copies: number, isLong: boolean): Running {
    const { f } = this;
    const values = repeat(copies, () => f.local(typeOf(step, vector)));
    for (const local of values) {
      this.pushIdentity(step, step.local.dtype, vector);
      f.set(local);
    }
    const totals = isLong ? repeat(vector ? 2 * copies : 1, () => f.local(vector ? "v128" : "f64")) : [];
    for (const local of totals) (vector ? f.f64x2(0) : f.f64(0)).set(local);
    return { step, vector, values, totals };
  }

  /** Combines the pushed value with a running value. A single long sum uses float64 directly: nothing else is faster. */
  #into({ step, vector, values, totals }: Running, copy: number, push: () => void): void {
    const { f } = this;
    const [value, total] = [at(values, copy), totals[copy]];
    if (!vector && total !== undefined) {
      f.get(total);
      push();
      f.op("f64.promote_f32").op("f64.add").set(total);
      return;
    }
    f.get(value);
    push();
    this.combine(step, step.local.dtype, vector);
    f.set(value);
  }

  /** Adds float32 lanes to their float64 totals. */
  #flush({ values, totals }: Running): void {
    const { f } = this;
    values.forEach((value, copy) => {
      const [low, high] = [at(totals, 2 * copy), at(totals, 2 * copy + 1)];
      f.get(low).get(value).op("f64x2.promote_low_f32x4").op("f64x2.add").set(low);
      f.get(high).get(value).get(value).shuffle32(2, 3, 2, 3).op("f64x2.promote_low_f32x4").op("f64x2.add").set(high);
      f.f32x4(0).set(value);
    });
  }

  /** Pushes the combination of `count` values as a balanced tree. */
  #tree(step: Reduce, vector: boolean, first: number, count: number, push: (place: number) => void): void {
    if (count === 1) return push(first);
    const half = Math.ceil(count / 2);
    this.#tree(step, vector, first, half, push);
    this.#tree(step, vector, first + half, count - half, push);
    this.combine(step, step.local.dtype, vector);
  }

  // ---- loops with known trip counts

  /** Runs the body for the last axis inside loops over the others. At the cut, long sums are flushed to float64. */
  #interrupted(
    { axes, cut }: { readonly axes: readonly Axis[]; readonly cut: Interruption | undefined },
    steps: readonly Step[],
    sum: Running,
    copies: number,
    body: (range: Range | undefined) => void,
  ): void {
    const { vector } = sum;
    const last = axes.at(-1);
    const over = (outer: readonly Axis[]): void =>
      this.nest(
        outer,
        steps,
        last === undefined ? [] : [last],
        () => body(last && { start: { constant: 0 }, offset: 0, count: last.extent }),
        { vector, copies },
      );
    const axis = cut && axes[cut.place];
    if (!vector || cut === undefined || axis === undefined) return over(axes.slice(0, -1));
    const within = axes.slice(cut.place + 1);
    const block = (range: Range): void => {
      if (axis === last) body(range);
      else
        this.#counted(range, 1, (counter) => {
          this.expressions.bindAxis(axis, counter);
          this.hoist(steps, within, vector, copies);
          over(within.slice(0, -1));
        });
      this.#flush(sum);
    };
    const blocks = (): void => {
      const rest = axis.extent % cut.steps;
      const even = axis.extent - rest;
      if (even > 0)
        this.#counted({ start: { constant: 0 }, offset: 0, count: even }, cut.steps, (local) =>
          block({ start: { local }, offset: 0, count: cut.steps }),
        );
      if (rest > 0) block({ start: { constant: even }, offset: 0, count: rest });
    };
    this.nest(axes.slice(0, cut.place), steps, [axis, ...within], blocks, { vector, copies });
  }

  /** Takes `together` points of a range at a time, then the remainder. */
  #along({ start, offset, count }: Range, together: number, turn: (counter: number, count: number) => void): void {
    const rest = count % together;
    if (rest < count)
      this.#counted({ start, offset, count: count - rest }, together, (counter) => turn(counter, together));
    if (rest > 0)
      this.#counted({ start, offset: offset + count - rest, count: 1 }, 1, (counter) => turn(counter, rest));
  }

  #counted({ start, offset, count }: Range, step: number, body: (counter: number) => void): void {
    const { f } = this;
    const counter = f.local("i32");
    const from = (by: number): void => {
      if ("constant" in start) f.i32(start.constant + by);
      else {
        f.get(start.local);
        if (by !== 0) f.i32(by).op("i32.add");
      }
    };
    from(offset);
    f.set(counter);
    if (count <= step) this.expressions.scope(() => body(counter));
    else if ("constant" in start)
      this.rawLoop(counter, { constant: start.constant + offset + count }, step, true, () => body(counter));
    else {
      const end = f.local("i32");
      from(offset + count);
      f.set(end);
      this.rawLoop(counter, { local: end }, step, true, () => body(counter));
      f.release(end);
    }
    f.release(counter);
  }
}

const typeOf = (step: Reduce, vector: boolean): ValueType => (vector ? "v128" : scalarType(step.local.dtype));

const repeat = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** Points combined before they reach the running values: a tree has less latency than a chain. */
function togetherIn(value: Value, extent: number): number {
  let parts = 0;
  visitParts((part) => {
    parts += isHeavy(part) ? mostInTwo : 1;
    return part.kind !== "load";
  })(value);
  const most = parts <= mostInFour ? 4 : parts <= mostInTwo ? 2 : 1;
  return most > 2 && extent < 4 ? 2 : extent < 2 ? 1 : most;
}
