// Writes reductions as C: serial or in lanes, several points at a time as a tree; long float sums carry on in float64.

import { byteSize } from "../../graph/dtype.ts";
import type { Axis } from "../../graph/scalar.ts";
import { combineFn, identityOf } from "../analysis/combine.ts";
import { bestLane, isHeavy } from "../analysis/cost.ts";
import { type Interruption, interruption, isFloatSum } from "../analysis/longSums.ts";
import { extentOf, type Step } from "../analysis/steps.ts";
import { type Linear, strideAlong, type Value, visitParts } from "../analysis/values.ts";
import { code } from "./code.ts";
import { needReduction } from "./horizontal.ts";
import { literal, scalarType, vectorType } from "./lanes.ts";
import { Nests } from "./nests.ts";
import { scalarBinary, vectorBinary } from "./operations.ts";
import { needWide } from "./wide.ts";

export type Reduce = Extract<Step, { kind: "reduce" }>;

/** Points, or vectors of points, that one iteration combines, over all its reductions. */
const mostTogether = 12;
/** Larger expressions are not unrolled in loops over single points. */
const largestRepeated = 16;

/** Strides of at least this many bytes are prefetched this many steps ahead. */
const farBytes = 256;
const farSteps = 32;

/** A range of points of an axis. */
interface Range {
  readonly start: string;
  readonly count: number;
}

/** A reduction in progress. */
interface Running {
  readonly step: Reduce;
  /** 0: a single element. */
  readonly lanes: number;
  readonly type: string;
  readonly name: string;
  /** The float64 total of a long sum. */
  readonly wide: { readonly type: string; readonly name: string } | undefined;
}

export class Reductions extends Nests {
  /** Reductions over the same axes, in one loop. */
  protected emitReduces(steps: readonly Reduce[]): void {
    const axes = steps[0]?.axes ?? [];
    const lane = this.innerLanes && extentOf(axes) > 0 ? bestLane(axes, steps, this.dependence) : undefined;
    if (lane === undefined) this.serialReduce(steps, axes);
    else this.laneReduce(steps, axes, lane);
  }

  /** Reduces one element, or one vector of elements, per point. */
  private serialReduce(steps: readonly Reduce[], axes: readonly Axis[]): void {
    const { e } = this;
    const { out, laneCount } = e;
    const last = axes.at(-1);
    const asSteps = steps.map(({ value }): Step => ({ kind: "force", value }));
    const copies = last !== undefined && steps.every(isLight) ? copiesOf(steps, last.extent) : 1;
    const cut = interruption(steps, axes, copies);
    const sums = steps.map((step) =>
      this.begin(step, laneCount > 0 && e.isVarying(step.value) ? laneCount : 0, cut !== undefined),
    );
    const far = sums.flatMap(({ step, lanes }) => (lanes > 0 ? farLoads(step) : []));
    const point = (): string[] => {
      for (const { buffer, index, stride } of far)
        out.line(code`__builtin_prefetch(${e.at(buffer, index)} + ${stride * farSteps}, 0, 2);`);
      return sums.map(({ step, lanes }) => (lanes > 0 ? e.vector(step.value) : e.scalar(step.value)));
    };
    if (extentOf(axes) > 0) {
      this.hoist(asSteps, axes);
      this.interrupted(axes, cut, asSteps, sums, (range) => {
        if (last === undefined || range === undefined) this.combine(sums, [point()]);
        else
          this.along(range, 1, copies, (points) => {
            const values = points.map(({ place }) => {
              let found: string[] = [];
              e.scope(() => {
                e.bindAxis(last, place);
                found = point();
              });
              return found;
            });
            this.combine(sums, values);
          });
      });
    }
    for (const sum of sums) {
      const { step, type, name, wide, lanes } = sum;
      if (wide !== undefined) out.line(`${name} = ${lanes > 0 ? `${type}_ofW(${wide.name})` : `(float)${wide.name}`};`);
      e.bindLocal(step.local, name, lanes > 0);
    }
  }

  /** Reduces with lanes along one of the reduced axes; the lanes are combined at the end. */
  private laneReduce(steps: readonly Reduce[], axes: readonly Axis[], lane: Axis): void {
    const { e, lanes } = this;
    const { out } = e;
    const ordered = [...axes.filter((axis) => axis !== lane), lane];
    const asSteps = steps.map(({ value }): Step => ({ kind: "force", value }));
    const copies = Math.min(steps.some(hasHeavy) ? 2 : 4, copiesOf(steps, lane.extent / lanes));
    const cut = interruption(steps, ordered, lanes * copies);
    const sums = steps.map((step) => {
      needReduction(e.context, step.combine, step.local.dtype, lanes);
      return this.begin(step, lanes, cut !== undefined);
    });
    const innerLanes = this.innerLanes;
    this.innerLanes = false;
    this.hoist(asSteps, axes);
    this.interrupted(ordered, cut, asSteps, sums, (range) => {
      if (range === undefined) return;
      this.hoist(asSteps, [lane]);
      this.along(range, lanes, copies, (points) => {
        const values = points.map((point) => {
          const mask =
            point.lanes < lanes ? out.define(`I${lanes}`, "m", `I${lanes}_first(${point.lanes})`) : undefined;
          let found: string[] = [];
          e.withLanes(lane, lanes, point.place, mask, () => {
            found = sums.map(({ step, type }) => {
              const value = e.vector(step.value);
              return mask === undefined ? value : `${type}_sel(${mask}, ${value}, ${this.identity(step, lanes)})`;
            });
          });
          return found;
        });
        this.combine(sums, values);
      });
    });
    this.innerLanes = innerLanes;
    for (const { step, type, name, wide } of sums) {
      const { dtype } = step.local;
      const across = `${step.combine}_${dtype === "bool" ? `M${lanes}` : type}`;
      const text = wide === undefined ? `${across}(${name})` : `(float)sum_${wide.type}(${wide.name})`;
      e.bindLocal(step.local, out.define(scalarType(dtype), "r", text), false);
    }
  }

  private begin(step: Reduce, lanes: number, isLong: boolean): Running {
    const { e } = this;
    const { out } = e;
    const { dtype } = step.local;
    const type = lanes > 0 ? vectorType(dtype, lanes) : scalarType(dtype);
    const name = out.name("r");
    out.line(`${type} ${name} = ${this.identity(step, lanes)};`);
    if (!isLong || !isFloatSum(step)) return { step, lanes, type, name, wide: undefined };
    const wide = { type: lanes > 0 ? needWide(e.context, lanes) : "double", name: out.name("w") };
    out.line(`${wide.type} ${wide.name} = ${lanes > 0 ? `${wide.type}_zero()` : "0"};`);
    return { step, lanes, type, name, wide };
  }

  /** Combines the values of some points, as a tree, into the running values. */
  private combine(sums: readonly Running[], points: readonly (readonly string[])[]): void {
    const { out } = this.e;
    for (const [place, sum] of sums.entries()) {
      let values = points.map((values) => values[place] ?? "");
      while (values.length > 1) {
        const half = Math.ceil(values.length / 2);
        const others = values.slice(half);
        values = values.slice(0, half).map((value, i) => {
          const other = others[i];
          return other === undefined ? value : out.define(sum.type, "r", this.combined(sum, value, other));
        });
      }
      // A single long sum uses float64 directly: nothing else is faster.
      if (sum.wide !== undefined && sum.lanes === 0) out.line(`${sum.wide.name} += ${values[0] ?? ""};`);
      else out.line(`${sum.name} = ${this.combined(sum, sum.name, values[0] ?? "")};`);
    }
  }

  private combined({ step, lanes }: Running, a: string, b: string): string {
    const { dtype } = step.local;
    const fn = combineFn[step.combine];
    return lanes > 0
      ? vectorBinary(this.e.context, fn, dtype, [a, b], lanes)
      : scalarBinary(this.e.context, fn, dtype, a, b);
  }

  private identity(step: Reduce, lanes: number): string {
    const { dtype } = step.local;
    const value = literal(identityOf(step.combine, dtype), dtype);
    if (lanes === 0) return value;
    return dtype === "bool" ? `I${lanes}_splat(-${value})` : `${vectorType(dtype, lanes)}_splat(${value})`;
  }

  /** Runs the body for the last axis inside loops over the others. At the cut, long sums are flushed to float64. */
  private interrupted(
    axes: readonly Axis[],
    cut: Interruption | undefined,
    steps: readonly Step[],
    sums: readonly Running[],
    body: (range: Range | undefined) => void,
  ): void {
    const last = axes.at(-1);
    const over = (outer: readonly Axis[]): void =>
      this.nest(outer, steps, last === undefined ? [] : [last], () => body(last && { start: "0", count: last.extent }));
    const axis = cut && axes[cut.place];
    const carried = sums.some(({ lanes, wide }) => lanes > 0 && wide !== undefined);
    if (!carried || cut === undefined || axis === undefined) return over(axes.slice(0, -1));
    const within = axes.slice(cut.place + 1);
    this.nest(axes.slice(0, cut.place), steps, [axis, ...within], () =>
      this.blocks(axis, cut.steps, (range) => {
        if (axis === last) body(range);
        else
          this.counted(range, 1, (place) =>
            this.e.scope(() => {
              this.e.bindAxis(axis, place);
              this.hoist(steps, within);
              over(within.slice(0, -1));
            }),
          );
        for (const { step, lanes, name, wide } of sums) {
          if (wide === undefined || lanes === 0) continue;
          this.e.out.line(`${wide.name} = ${wide.type}_add(${wide.name}, ${name});`);
          this.e.out.line(`${name} = ${this.identity(step, lanes)};`);
        }
      }),
    );
  }

  /** Runs the body for each block of steps of an axis, and for the remainder. */
  private blocks({ extent }: Axis, count: number, body: (range: Range) => void): void {
    const rest = extent % count;
    const block = (start: string, count: number): void => this.e.scope(() => body({ start, count }));
    if (rest < extent) this.counted({ start: "0", count: extent - rest }, count, (start) => block(start, count));
    if (rest > 0) block(`${extent - rest}`, rest);
  }

  /** Takes `copies` points or vectors of a range at a time, then the remainder. */
  private along(
    { start, count }: Range,
    width: number,
    copies: number,
    body: (points: readonly Point[]) => void,
  ): void {
    const together = copies * width;
    const points = (place: string, elements: number): Point[] =>
      Array.from({ length: Math.ceil(elements / width) }, (_, copy) => ({
        place: copy === 0 ? place : `(${place} + ${copy * width})`,
        lanes: Math.min(width, elements - copy * width),
      }));
    const rest = count % together;
    if (rest < count) this.counted({ start, count: count - rest }, together, (place) => body(points(place, together)));
    if (rest > 0)
      this.counted({ start: `${start} + ${count - rest}`, count: 1 }, 1, (place) => body(points(place, rest)));
  }

  /** A loop with a trip count the compiler can see. */
  private counted({ start, count }: Range, step: number, body: (place: string) => void): void {
    const { out } = this.e;
    const name = out.name("i");
    if (count <= step)
      return out.block("", () => {
        out.line(`const long ${name} = ${start};`);
        body(name);
      });
    if (start === "0")
      return out.block(`for (long ${name} = 0; ${name} < ${count}; ${name} += ${step})`, () => body(name));
    const turn = out.name("j");
    out.block(`for (long ${turn} = 0; ${turn} < ${count}; ${turn} += ${step})`, () => {
      out.line(`const long ${name} = ${start} + ${turn};`);
      body(name);
    });
  }
}

/** A point of the last axis, or a vector with this many valid lanes. */
interface Point {
  readonly place: string;
  readonly lanes: number;
}

/** Points combined before they reach the running values: a tree has less latency than a chain. */
function copiesOf(steps: readonly Reduce[], extent: number): number {
  let copies = 4;
  while (copies > 1 && (extent < copies || steps.length * copies > mostTogether)) copies /= 2;
  return copies;
}

/** Loads whose stride along the innermost axis defeats the hardware prefetcher. */
function farLoads({ axes, value }: Reduce): { buffer: number; index: Linear; stride: number }[] {
  const found: { buffer: number; index: Linear; stride: number }[] = [];
  const last = axes.at(-1);
  if (last === undefined) return found;
  eachPart(value, (part) => {
    if (part.kind !== "load") return;
    const { buffer, index } = part;
    const stride = strideAlong(index, last);
    if (Math.abs(stride) * byteSize(part.dtype) >= farBytes && index.terms.every(({ atom }) => atom.kind === "axis"))
      found.push({ buffer, index, stride });
  });
  return found;
}

/** Visits each part of the value once, except the indices of loads. */
function eachPart(value: Value, visit: (part: Value) => void): void {
  visitParts((part) => {
    visit(part);
    return part.kind !== "load";
  })(value);
}

function hasHeavy({ value }: Reduce): boolean {
  let found = false;
  eachPart(value, (part) => {
    found ||= isHeavy(part);
  });
  return found;
}

function isLight(step: Reduce): boolean {
  let parts = 0;
  eachPart(step.value, () => {
    parts++;
  });
  return parts <= largestRepeated && !hasHeavy(step);
}
