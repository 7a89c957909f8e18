// The shapes of loops: plain ones, nests, lanes with a remainder, blocks; and the values hoisted out of them.
import type { Axis } from "../../graph/scalar.ts";
import { type Dependence, isHeavy } from "../analysis/cost.ts";
import { hoistInvariants, nestLoops } from "../analysis/hoist.ts";
import { boundIn, type Step, visitSteps } from "../analysis/steps.ts";
import { visitParts } from "../analysis/values.ts";
import type { Expressions } from "./expression.ts";
import type { FunctionBuilder } from "./module.ts";

/** A bound of a loop: a constant, or an i32 local. */
export type Bound = { readonly constant: number } | { readonly local: number };

/** [start, end), which may be empty. */
export interface Bounds {
  readonly start: Bound;
  readonly end: Bound;
}

export const whole = ({ extent }: Axis): Bounds => ({ start: { constant: 0 }, end: { constant: extent } });

/** The values computed at once: several vectors, or single elements. */
interface Copies {
  readonly vector: boolean;
  readonly copies: number;
}

export class Nests {
  protected readonly f: FunctionBuilder;
  protected readonly expressions: Expressions;
  protected readonly dependence: Dependence;
  /** Whether inner loops may be vectorised: not inside lanes, nor in their remainder, which must give the same bits. */
  protected innerLanes = false;

  constructor(expressions: Expressions, dependence: Dependence) {
    this.f = expressions.f;
    this.expressions = expressions;
    this.dependence = dependence;
  }

  /** Plain loops over the axes, the first outermost. Values invariant in the inner loops are computed before them, in each copy. */
  protected nest(
    axes: readonly Axis[],
    steps: readonly Step[],
    inside: readonly Axis[],
    body: () => void,
    { vector, copies }: Copies = { vector: this.expressions.vectorized, copies: 1 },
  ): void {
    const loop = (axis: Axis, within: () => void): void => this.loop(axis, whole(axis), within);
    nestLoops(axes, inside, { loop, hoist: (rest) => this.hoist(steps, rest, vector, copies) }, body);
  }

  /** for (axis = start; axis < end; axis++) body. */
  protected loop(axis: Axis, { start, end }: Bounds, body: (counter: number) => void, hoisted?: readonly Step[]): void {
    const { f } = this;
    if (hoisted !== undefined) this.hoist(hoisted, [axis]);
    const counter = f.local("i32");
    this.pushBound(start);
    f.set(counter);
    this.rawLoop(
      counter,
      end,
      1,
      "constant" in start && "constant" in end ? start.constant < end.constant : undefined,
      () => {
        this.expressions.bindAxis(axis, counter);
        body(counter);
      },
    );
    f.release(counter);
  }

  /** Repeats the body while counter < end; `enters`: whether it runs at least once, if known. */
  protected rawLoop(counter: number, end: Bound, step: number, enters: boolean | undefined, body: () => void): void {
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

  protected pushBound(bound: Bound): void {
    if ("constant" in bound) this.f.i32(bound.constant);
    else this.f.get(bound.local);
  }

  /**
   * Runs the body over [start, end) with lanes along the axis: `copies` vectors at a time, then one, then single elements
   * with copies = 0. All three do the same operations on each element.
   */
  protected laneLoop(
    axis: Axis,
    { start, end }: Bounds,
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

  /** The number of vectors to process at once: enough to hide latency, few enough not to spill. */
  protected copiesFor(steps: readonly Step[], axis: Axis): number {
    let weight = 0;
    let heavy = false;
    let loops = false;
    const visit = visitParts((value) => {
      if (value.kind === "const" || !this.dependence.axesOf(value).has(axis.id)) return false;
      if (isHeavy(value)) heavy = true;
      weight++;
      return true;
    });
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

  /** Computes values of the steps that are invariant in a loop over `axes`. */
  protected hoist(
    steps: readonly Step[],
    axes: readonly Axis[],
    vector = this.expressions.vectorized,
    copies = 1,
  ): void {
    const bound = boundIn(steps, new Set(axes.map((axis) => axis.id)));
    const { expressions } = this;
    for (let copy = 0; copy < copies; copy++) {
      expressions.copy = copy;
      hoistInvariants(steps, bound, expressions.hoisting(vector));
    }
    expressions.copy = 0;
  }
}
