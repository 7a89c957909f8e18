// Analyses a contraction for the emitters: which axes merge, and how the epilogue walks through memory.
import { canonical, rewrite, visitScalar } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { type Axis, axisValue, binary, int, newAxis, type Scalar } from "../../graph/scalar.ts";
import { isLinear, type Operand, stridesOf } from "./operand.ts";
import { extentOf } from "./steps.ts";

export interface KStep {
  readonly extent: number;
  readonly left: number;
  readonly right: number;
}

/** The steps along k, the first outermost; neighbours that both sides take evenly are joined. */
export function joined(axes: readonly Axis[], left: (axis: Axis) => number, right: (axis: Axis) => number): KStep[] {
  const steps: KStep[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const step: KStep = { extent: axis.extent, left: left(axis), right: right(axis) };
    const outer = steps.at(-1);
    if (outer !== undefined && outer.left === step.left * step.extent && outer.right === step.right * step.extent) {
      steps[steps.length - 1] = { ...step, extent: outer.extent * step.extent };
    } else steps.push(step);
  }
  return steps;
}

/** The expression with axes replaced, indices in canonical form. */
export function replaceAxes(value: Scalar, by: ReadonlyMap<number, Scalar>): Scalar {
  const done = new Map<Scalar, Scalar>();
  const replace = (scalar: Scalar): Scalar =>
    rewrite(
      scalar,
      (part) => {
        if (part.kind === "axis") return by.get(part.axis.id);
        return part.kind === "load" ? { ...part, index: canonical(replace(part.index)) } : undefined;
      },
      done,
    );
  return replace(value);
}

/** The last axes of a group as one, where the epilogue, and the operands given, step evenly along them. */
export interface Group {
  readonly outer: readonly Axis[];
  readonly inner: readonly Axis[];
  readonly merged: Axis;
}

export function mergedGroup(
  group: readonly Axis[],
  statements: readonly Statement[],
  operands: readonly Operand[] = [],
): Group {
  const axes = group.filter((axis) => axis.extent !== 1);
  const { indices, exposed } = accesses(statements);
  const last = axes.at(-1);
  if (last === undefined) return { outer: [], inner: [], merged: newAxis(1) };
  let first = axes.length - 1;
  let size = last.extent;
  while (first > 0 && !exposed.has(last.id)) {
    const outer = axes[first - 1];
    if (outer === undefined || exposed.has(outer.id)) break;
    const steps = size;
    if (indices.some((strides) => (strides.get(outer.id) ?? 0) !== (strides.get(last.id) ?? 0) * steps)) break;
    if (operands.some((operand) => operand.strideOf(outer) !== operand.strideOf(last) * steps)) break;
    size *= outer.extent;
    first--;
  }
  return groupFrom(axes, first);
}

/** The axes from a place on as one. */
export function groupFrom(axes: readonly Axis[], first: number): Group {
  const inner = axes.slice(first);
  const [only] = inner;
  const merged = inner.length === 1 && only !== undefined ? only : newAxis(extentOf(inner));
  return { outer: axes.slice(0, first), inner, merged };
}

/** The strides of each linear index, and the axes that are used in any other way. */
export function accesses(statements: readonly Statement[]): {
  readonly indices: readonly ReadonlyMap<number, number>[];
  readonly exposed: ReadonlySet<number>;
} {
  const indices: ReadonlyMap<number, number>[] = [];
  const exposed = new Set<number>();
  const index = (scalar: Scalar): void => {
    if (isLinear(scalar)) indices.push(stridesOf(scalar).strides);
    else value(scalar);
  };
  const seen = new Set<Scalar>();
  const value = (scalar: Scalar): void => {
    if (seen.has(scalar)) return;
    seen.add(scalar);
    switch (scalar.kind) {
      case "axis":
        exposed.add(scalar.axis.id);
        break;
      case "load":
        index(scalar.index);
        break;
      case "guard":
        value(scalar.index);
        break;
      case "unary":
      case "cast":
      case "bitcast":
        value(scalar.x);
        break;
      case "binary":
        value(scalar.a);
        value(scalar.b);
        break;
      case "select":
        value(scalar.condition);
        value(scalar.a);
        value(scalar.b);
        break;
      default:
        break;
    }
  };
  for (const statement of statements) {
    if (statement.kind === "let") value(statement.value);
    else if (statement.kind === "store") {
      index(statement.index);
      value(statement.value);
    }
  }
  return { indices, exposed };
}

export function mergeStatements(statements: readonly Statement[], groups: readonly Group[]): Statement[] {
  const by = new Map<number, Scalar>();
  for (const { inner, merged } of groups) {
    if (inner.length < 2) continue;
    inner.forEach((axis, place) => {
      by.set(axis.id, place === inner.length - 1 ? axisValue(merged) : int(0));
    });
  }
  if (by.size === 0) return [...statements];
  return statements.map((statement): Statement => {
    if (statement.kind === "let") return { ...statement, value: replaceAxes(statement.value, by) };
    if (statement.kind !== "store") return statement;
    return { ...statement, index: replaceAxes(statement.index, by), value: replaceAxes(statement.value, by) };
  });
}

/** The share of loads and stores along an axis that are contiguous, or do not depend on it. */
export function contiguity(statements: readonly Statement[], axis: Axis): number {
  const { indices } = accesses(statements);
  if (indices.length === 0) return 1;
  const strides = indices.map((index) => index.get(axis.id) ?? 0);
  return strides.filter((stride) => stride === 0 || stride === 1).length / indices.length;
}

export function hasFloat64(statements: readonly Statement[]): boolean {
  let found = false;
  eachScalar(statements, (scalar) => {
    if (scalar.dtype === "float64") found = true;
  });
  return found;
}

export function eachScalar(statements: readonly Statement[], visit: (scalar: Scalar) => void): void {
  const seen = new Set<Scalar>();
  for (const statement of statements) {
    if (statement.kind !== "let" && statement.kind !== "store") continue;
    visitScalar(statement.value, visit, seen);
    if (statement.kind === "store") visitScalar(statement.index, visit, seen);
  }
}

export function axesIn(value: Scalar): ReadonlySet<number> {
  const axes = new Set<number>();
  visitScalar(value, (scalar) => {
    if (scalar.kind === "axis") axes.add(scalar.axis.id);
  });
  return axes;
}

/** Whether neighbours along an axis are neighbours in memory, for the first load of an expression that depends on it. */
export function isContiguousAlong(value: Scalar, axis: Axis | undefined): boolean {
  if (axis === undefined || axis.extent < 2) return false;
  let found: number | undefined;
  visitScalar(value, (scalar) => {
    if (found !== undefined || scalar.kind !== "load" || !isLinear(scalar.index)) return;
    found = stridesOf(scalar.index).strides.get(axis.id);
  });
  return found === 1;
}

/** A contraction as plain loops, in the memory order of the result. */
export function asLoops(kernel: ContractionKernel): LoopKernel {
  const store = kernel.epilogue.find((statement) => statement.kind === "store");
  const strides = store?.kind === "store" && isLinear(store.index) ? stridesOf(store.index).strides : undefined;
  const strideOf = (axis: Axis): number => Math.abs(strides?.get(axis.id) ?? 0);
  const axes = [...kernel.batch, ...kernel.m, ...kernel.n];
  return {
    kind: "loops",
    name: kernel.name,
    axes: strides === undefined ? axes : axes.sort((a, b) => strideOf(b) - strideOf(a)),
    body: [
      {
        kind: "reduce",
        local: kernel.result,
        combine: "sum",
        axes: kernel.k,
        value: binary("mul", kernel.a, kernel.b),
      },
      ...kernel.epilogue,
    ],
  };
}
