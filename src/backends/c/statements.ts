// Writes the statements of a kernel inside its loops: nests, lanes, stores, reductions and scans.
import { byteSize, type DType } from "../../graph/dtype.ts";
import { type Axis, newLocal } from "../../graph/scalar.ts";
import { bestLane, type Dependence, isHeavy } from "../analysis/cost.ts";
import { boundIn, combineFn, extentOf, identityOf, type Step, visitSteps } from "../analysis/steps.ts";
import { type Linear, operands, type Value } from "../analysis/values.ts";
import type { Expressions } from "./expressions.ts";
import { needReduction } from "./horizontal.ts";
import { literal, scalarType, vectorType } from "./lanes.ts";
import { scalarBinary, vectorBinary } from "./operations.ts";

/** Sums of more points than this are carried in float64 from block to block. */
const longSum = 2048;
/** Long sums are carried in float64 after so many points. */
const sumBlock = 1024;

/** Vectors that several sums in one loop take at most. */
const mostAccumulators = 12;

/** Steps of so many bytes are asked of memory so many steps ahead. */
const farBytes = 256;
const farSteps = 32;

type Reduce = Extract<Step, { kind: "reduce" }>;

/** Bounds of a loop, as C. */
export interface Range {
  readonly start: string;
  readonly end: string;
  /** How many points, where it is known. */
  readonly count: number | undefined;
}

export const whole = (axis: Axis): Range => ({ start: "0", end: `${axis.extent}`, count: axis.extent });

export class Statements {
  protected readonly e: Expressions;
  protected readonly dependence: Dependence;
  /** Lanes where float64 is not among what varies, and where it is. */
  protected readonly lanes: number;
  /** Whether inner loops may take lanes: not inside lanes. */
  protected innerLanes: boolean;

  /** Locals that are bound anew inside every loop: what depends on them is not computed before it. */
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

  /** Plain loops over the axes, the first outermost; what the inner ones do not change is computed before them. */
  nest(axes: readonly Axis[], steps: readonly Step[], inside: readonly Axis[], body: () => void): void {
    const visit = (place: number): void => {
      const axis = axes[place];
      if (axis === undefined) return body();
      this.loop(axis, whole(axis), () => {
        const rest = [...axes.slice(place + 1), ...inside];
        if (rest.length > 0) this.hoist(steps, rest);
        visit(place + 1);
      });
    };
    visit(0);
  }

  /** Runs the body over the range with lanes along the axis; the last lanes are taken together under a mask. */
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

  /** Computes what the steps need and a loop over `axes` around them does not change. */
  hoist(steps: readonly Step[], axes: readonly Axis[]): void {
    const bound = boundIn(steps, new Set([...this.late, ...axes.map((axis) => axis.id)]));
    const seen = { always: new Set<Value>(), sometimes: new Set<Value>() };
    visitSteps(
      steps,
      (value) => this.e.hoist(value, bound, false, seen),
      (index) => {
        for (const { atom } of index.terms) this.e.hoist(atom, bound, false, seen);
      },
    );
  }

  // ---- statements

  emitSteps(steps: readonly Step[]): void {
    const { e } = this;
    const vector = e.laneCount > 0;
    const groups = groupsOf(steps);
    for (const step of steps) {
      switch (step.kind) {
        case "force":
          if (vector && e.isVarying(step.value)) e.vector(step.value);
          else e.scalar(step.value);
          break;
        case "store":
          if (vector) e.storeVector(step.buffer, step.index, step.value, step.accumulate);
          else e.storeScalar(step.buffer, step.index, step.value, step.accumulate);
          break;
        case "for":
          this.emitFor(step);
          break;
        case "reduce": {
          const group = groups.get(step);
          if (group !== undefined) this.emitReduces(group);
          break;
        }
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
    const { e } = this;
    e.out.block(`if (!${e.scalar(holds)})`, () =>
      e.scope(() => e.out.line(`record_failure(base, ${site}, ${e.scalar(index)}, ${e.scalar(place)});`)),
    );
  }

  private emitFor(step: Extract<Step, { kind: "for" }>): void {
    if (extentOf(step.axes) === 0) return;
    const lane = this.innerLanes && step.parallel ? bestLane(step.axes, step.body, this.dependence) : undefined;
    const plain = step.axes.filter((axis) => axis !== lane);
    this.hoist(step.body, step.axes);
    this.nest(plain, step.body, lane === undefined ? [] : [lane], () => {
      if (lane === undefined) this.emitSteps(step.body);
      else this.laneLoop(lane, whole(lane), step.body, () => this.emitSteps(step.body));
    });
  }

  /** Reductions over the same axes, in one loop. */
  private emitReduces(steps: readonly Reduce[]): void {
    const axes = steps[0]?.axes ?? [];
    const lane = this.innerLanes && extentOf(axes) > 0 ? bestLane(axes, steps, this.dependence) : undefined;
    if (lane === undefined) this.serialReduce(steps, axes);
    else this.laneReduce(steps, axes, lane);
  }

  private isLong(step: Reduce): boolean {
    return step.combine === "sum" && step.local.dtype === "float32" && extentOf(step.axes) > longSum;
  }

  private combined(step: Reduce, a: string, b: string, vector: boolean): string {
    const { dtype } = step.local;
    const fn = combineFn[step.combine];
    return vector
      ? vectorBinary(this.e.context, fn, dtype, a, b, this.e.laneCount)
      : scalarBinary(this.e.context, fn, dtype, a, b);
  }

  private identity(step: Reduce, lanes: number): string {
    const { dtype } = step.local;
    const value = literal(identityOf(step.combine, dtype), dtype);
    if (lanes === 0) return value;
    return dtype === "bool" ? `I${lanes}_splat(-${value})` : `${vectorType(dtype, lanes)}_splat(${value})`;
  }

  /** One element, or one vector of elements, at a time; long float sums are carried in float64 from block to block. */
  private serialReduce(steps: readonly Reduce[], axes: readonly Axis[]): void {
    const { e } = this;
    const { out, laneCount } = e;
    const sums = steps.map((step) => {
      const { dtype } = step.local;
      const vector = laneCount > 0 && e.isVarying(step.value);
      const lanes = vector ? laneCount : 0;
      const type = vector ? vectorType(dtype, lanes) : scalarType(dtype);
      const [running, total] = [out.name("r"), out.name("w")];
      out.line(`${type} ${running} = ${this.identity(step, lanes)};`);
      const long = this.isLong(step);
      const wide = vector ? `D${lanes}` : "double";
      if (long) out.line(`${wide} ${total} = ${vector ? `(${wide}){0}` : "0"};`);
      return { step, vector, lanes, type, running, total, long, wide };
    });
    const far = sums.flatMap(({ step, vector }) => (vector ? farLoads(step) : []));
    const point = (): void => {
      for (const { buffer, index, stride } of far)
        out.line(`__builtin_prefetch(${e.at(buffer, index)} + ${stride * farSteps}, 0, 2);`);
      for (const { step, vector, running } of sums) {
        const value = vector ? e.vector(step.value) : e.scalar(step.value);
        out.line(`${running} = ${this.combined(step, running, value, vector)};`);
      }
    };
    const flush = (): void => {
      for (const { step, vector, lanes, running, total, long, wide } of sums) {
        if (!long) continue;
        out.line(`${total} += ${vector ? `__builtin_convertvector(${running}, ${wide})` : running};`);
        out.line(`${running} = ${this.identity(step, lanes)};`);
      }
    };
    if (extentOf(axes) > 0) {
      const asSteps = steps.map(({ value }): Step => ({ kind: "force", value }));
      this.hoist(asSteps, axes);
      const last = axes.at(-1);
      const long = sums.some((sum) => sum.long);
      this.inBlocks(axes.slice(0, -1), last, asSteps, long ? flush : undefined, (range) => {
        if (last === undefined || range === undefined) point();
        else this.loop(last, range, point);
      });
    }
    for (const { step, vector, type, running, total, long } of sums) {
      if (long) out.line(`${running} = ${vector ? `__builtin_convertvector(${total}, ${type})` : `(float)${total}`};`);
      e.bindLocal(step.local, running, vector);
    }
  }

  /** Lanes along one of the reduced axes, in several accumulators that are combined at the end. */
  private laneReduce(steps: readonly Reduce[], axes: readonly Axis[], lane: Axis): void {
    const { e, lanes } = this;
    const { out } = e;
    const outer = axes.filter((axis) => axis !== lane);
    const asSteps = steps.map(({ value }): Step => ({ kind: "force", value }));
    let copies = steps.some(({ value }) => hasHeavy(value)) ? 2 : 4;
    while (copies > 1 && (lane.extent < lanes * copies || steps.length * copies > mostAccumulators)) copies /= 2;
    const sums = steps.map((step) => {
      const { dtype } = step.local;
      const type = vectorType(dtype, lanes);
      needReduction(e.context, step.combine, dtype, lanes);
      const running = Array.from({ length: copies }, () => out.name("r"));
      for (const name of running) out.line(`${type} ${name} = ${this.identity(step, lanes)};`);
      const [long, total] = [this.isLong(step), out.name("w")];
      if (long) out.line(`double ${total} = 0;`);
      return { step, dtype, type, running, long, total };
    });
    const add = (copy: number, mask: string | undefined): void => {
      for (const { step, type, running } of sums) {
        const [name, value] = [running[copy] ?? "", e.vector(step.value)];
        const kept = mask === undefined ? value : `${type}_sel(${mask}, ${value}, ${this.identity(step, lanes)})`;
        out.line(`${name} = ${this.combined(step, name, kept, true)};`);
      }
    };
    const gathered = ({ step, dtype, running }: (typeof sums)[number]): string => {
      let names = running;
      while (names.length > 1) {
        const half = names.length / 2;
        names = names.slice(0, half).map((name, place) => {
          return vectorBinary(e.context, combineFn[step.combine], dtype, name, names[place + half] ?? name, lanes);
        });
      }
      return names[0] ?? "";
    };
    const flush = (): void => {
      for (const sum of sums) {
        if (!sum.long) continue;
        out.line(`${sum.total} += wide_sum_F${lanes}(${gathered(sum)});`);
        for (const name of sum.running) out.line(`${name} = ${this.identity(sum.step, lanes)};`);
      }
    };
    const innerLanes = this.innerLanes;
    this.innerLanes = false;
    this.hoist(asSteps, axes);
    this.inBlocks(outer, lane, asSteps, sums.some(({ long }) => long) ? flush : undefined, (range) => {
      if (range !== undefined) this.laneCopies(lane, range, copies, asSteps, add);
    });
    this.innerLanes = innerLanes;
    for (const sum of sums) {
      const { step, dtype, type, long, total } = sum;
      const across = `${step.combine}_${dtype === "bool" ? "M" : type.charAt(0)}${lanes}`;
      const result = out.define(scalarType(dtype), "r", long ? `(float)${total}` : `${across}(${gathered(sum)})`);
      e.bindLocal(step.local, result, false);
    }
  }

  /** Lanes along an axis, several vectors at a time, each with an accumulator of its own. */
  private laneCopies(
    axis: Axis,
    range: Range,
    copies: number,
    steps: readonly Step[],
    add: (copy: number, mask: string | undefined) => void,
  ): void {
    const { e, lanes } = this;
    const { out } = e;
    this.hoist(steps, [axis]);
    const name = out.name("i");
    const { start, end, count } = range;
    out.block("", () => {
      out.line(`long ${name} = ${start};`);
      const step = lanes * copies;
      let left = count;
      if (copies > 1 && (left === undefined || left >= step)) {
        out.block(`for (; ${name} + ${step} <= ${end}; ${name} += ${step})`, () => {
          for (let copy = 0; copy < copies; copy++) {
            e.withLanes(axis, lanes, copy === 0 ? name : `(${name} + ${copy * lanes})`, undefined, () =>
              add(copy, undefined),
            );
          }
        });
        if (left !== undefined) left %= step;
      }
      if (left === undefined || left >= lanes) {
        out.block(`for (; ${name} + ${lanes} <= ${end}; ${name} += ${lanes})`, () =>
          e.withLanes(axis, lanes, name, undefined, () => add(0, undefined)),
        );
        if (left !== undefined) left %= lanes;
      }
      if (left === undefined || left > 0) {
        out.block(`if (${name} < ${end})`, () => {
          const mask = out.define(`I${lanes}`, "m", `I${lanes}_first(${end} - ${name})`);
          e.withLanes(axis, lanes, name, mask, () => add(0, mask));
        });
      }
    });
  }

  /** Runs the body over the last axis inside loops over the others, and `flush` after blocks of points that no long sum exceeds. */
  private inBlocks(
    outer: readonly Axis[],
    last: Axis | undefined,
    steps: readonly Step[],
    flush: (() => void) | undefined,
    body: (range: Range | undefined) => void,
  ): void {
    const inside = last === undefined ? [] : [last];
    const over = (): void => body(last && whole(last));
    if (flush === undefined) return this.nest(outer, steps, inside, over);
    if (last !== undefined && last.extent > sumBlock) {
      this.nest(outer, steps, inside, () =>
        this.blocks(last, (range) => {
          body(range);
          flush();
        }),
      );
      return;
    }
    let first = outer.length;
    while (first > 0 && extentOf([...outer.slice(first - 1), ...inside]) <= sumBlock) first--;
    const within = outer.slice(first);
    this.nest(outer.slice(0, first), steps, [...within, ...inside], () => {
      this.nest(within, steps, inside, over);
      flush();
    });
  }

  /** Runs the body for each block of an axis. */
  private blocks(axis: Axis, body: (range: Range) => void): void {
    const { out } = this.e;
    const start = out.name("i");
    out.block(`for (long ${start} = 0; ${start} < ${axis.extent}; ${start} += ${sumBlock})`, () =>
      this.e.scope(() => {
        const even = axis.extent % sumBlock === 0;
        const stop = even
          ? `${start} + ${sumBlock}`
          : `(${start} + ${sumBlock} < ${axis.extent} ? ${start} + ${sumBlock} : ${axis.extent})`;
        const end = out.define("long", "e", stop);
        body({ start, end, count: even ? sumBlock : undefined });
      }),
    );
  }

  private emitScan(step: Extract<Step, { kind: "scan" }>): void {
    const { e } = this;
    const { out, context } = e;
    const { combine, axis, value, buffer, index } = step;
    const { dtype } = value;
    if (axis.extent === 0) return;
    const wide: DType = dtype === "float32" && (combine === "sum" || combine === "prod") ? "float64" : dtype;
    const running = out.name("r");
    out.line(`${scalarType(wide)} ${running} = ${literal(identityOf(combine, wide), wide)};`);
    const result = newLocal(dtype);
    this.hoist([{ kind: "force", value }], [axis]);
    this.loop(axis, whole(axis), () => {
      out.line(`${running} = ${scalarBinary(context, combineFn[combine], wide, running, e.scalar(value))};`);
      e.bindLocal(result, wide === dtype ? running : `(float)${running}`, false);
      e.storeScalar(buffer, index, e.values.opaque(result), false);
    });
  }
}

/** Reductions one after another over the same axes, none of which needs another, by their first: they are computed in one loop. */
function groupsOf(steps: readonly Step[]): Map<Step, Reduce[]> {
  const groups = new Map<Step, Reduce[]>();
  let group: Reduce[] = [];
  for (const step of steps) {
    if (step.kind !== "reduce") {
      group = [];
      continue;
    }
    const [first] = group;
    const joins =
      first !== undefined &&
      first.axes.length === step.axes.length &&
      first.axes.every((axis, place) => axis === step.axes[place]) &&
      group.every(({ local }) => !step.value.deps.has(local.id));
    if (joins) group.push(step);
    else {
      group = [step];
      groups.set(step, group);
    }
  }
  return groups;
}

/** What is read at steps of the innermost axis that the processor does not foresee. */
function farLoads({ axes, value }: Reduce): { buffer: number; index: Linear; stride: number }[] {
  const found: { buffer: number; index: Linear; stride: number }[] = [];
  const last = axes.at(-1);
  const seen = new Set<Value>();
  const visit = (part: Value): void => {
    if (seen.has(part)) return;
    seen.add(part);
    if (part.kind !== "load") for (const operand of operands(part)) visit(operand);
    else {
      const { buffer, index } = part;
      const stride = index.terms.find(({ atom }) => atom.kind === "axis" && atom.axis === last)?.coefficient ?? 0;
      if (Math.abs(stride) * byteSize(part.dtype) >= farBytes && index.terms.every(({ atom }) => atom.kind === "axis"))
        found.push({ buffer, index, stride });
    }
  };
  visit(value);
  return found;
}

function hasHeavy(value: Value): boolean {
  const seen = new Set<Value>();
  const visit = (part: Value): boolean => {
    if (seen.has(part)) return false;
    seen.add(part);
    return isHeavy(part) || operands(part).some(visit);
  };
  return visit(value);
}
