// The loops of a kernel as C: plain loops, nests, lanes with a masked tail; and the values hoisted out of them.
import type { Axis } from "../../graph/scalar.ts";
import type { Dependence } from "../analysis/cost.ts";
import { hoistInvariants, nestLoops } from "../analysis/hoist.ts";
import { boundIn, type Step } from "../analysis/steps.ts";
import type { Value } from "../analysis/values.ts";
import type { Expressions } from "./expressions.ts";

/** Bounds of a loop, as C text. */
export interface Range {
  readonly start: string;
  readonly end: string;
  /** The number of points, if known. */
  readonly count: number | undefined;
}

export const whole = (axis: Axis): Range => ({ start: "0", end: `${axis.extent}`, count: axis.extent });

export class Nests {
  protected readonly e: Expressions;
  protected readonly dependence: Dependence;
  /** Lanes per vector. */
  protected readonly lanes: number;
  /** Whether inner loops may be vectorised: not inside vectorised ones. */
  protected innerLanes: boolean;

  /** Locals that every iteration rebinds: values that depend on them are not hoisted. */
  private readonly late: readonly number[];

  constructor(
    expressions: Expressions,
    dependence: Dependence,
    lanes: number,
    innerLanes: boolean,
    late: readonly number[] = [],
  ) {
    this.late = late;
    this.e = expressions;
    this.dependence = dependence;
    this.lanes = lanes;
    this.innerLanes = innerLanes;
  }

  // ---- loops

  /** for (axis = start; axis < end; axis++) body. */
  loop(axis: Axis, range: Range, body: () => void): void {
    const { out } = this.e;
    const name = out.name("i");
    out.block(`for (long ${name} = ${range.start}; ${name} < ${range.end}; ${name}++)`, () =>
      this.e.scope(() => {
        this.e.bindAxis(axis, name);
        body();
      }),
    );
  }

  /** Plain loops over the axes, the first outermost. Values invariant in the inner loops are computed before them. */
  nest(axes: readonly Axis[], steps: readonly Step[], inside: readonly Axis[], body: () => void): void {
    const loop = (axis: Axis, within: () => void): void => this.loop(axis, whole(axis), within);
    nestLoops(axes, inside, { loop, hoist: (rest) => this.hoist(steps, rest) }, body);
  }

  /** Runs the body over the range with lanes along the axis. A mask handles the last partial vector. */
  laneLoop(axis: Axis, range: Range, steps: readonly Step[], body: () => void): void {
    const { out } = this.e;
    const { lanes } = this;
    const outer = this.innerLanes;
    this.innerLanes = false;
    this.hoist(steps, [axis]);
    const name = out.name("i");
    const masked = (first: string, count: string): void => {
      const mask = out.define(`I${lanes}`, "m", `I${lanes}_first(${count})`);
      this.e.withLanes(axis, lanes, first, mask, body);
    };
    const { start, end, count } = range;
    if (count !== undefined && count < lanes) {
      out.block("", () => {
        out.line(`const long ${name} = ${start};`);
        masked(name, `${count}`);
      });
    } else {
      out.block("", () => {
        out.line(`long ${name} = ${start};`);
        out.block(`for (; ${name} + ${lanes} <= ${end}; ${name} += ${lanes})`, () =>
          this.e.withLanes(axis, lanes, name, undefined, body),
        );
        if (count === undefined || count % lanes !== 0) {
          out.block(`if (${name} < ${end})`, () =>
            masked(name, count === undefined ? `${end} - ${name}` : `${count % lanes}`),
          );
        }
      });
    }
    this.innerLanes = outer;
  }

  /** Computes values of the steps that are invariant in a loop over `axes`. */
  hoist(steps: readonly Step[], axes: readonly Axis[]): void {
    const bound = boundIn(steps, new Set([...this.late, ...axes.map((axis) => axis.id)]));
    const compute = (value: Value): void => {
      if (value.kind === "axis" || value.kind === "local") return;
      if (this.e.isVarying(value)) this.e.vector(value);
      else this.e.scalar(value);
    };
    hoistInvariants(steps, bound, { compute });
  }
}
