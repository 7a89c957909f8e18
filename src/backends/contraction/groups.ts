// Merges axes of m and of n along which the epilogue and the operands have uniform strides.
import { visitScalar } from "../../compiler/indexing.ts";
import type { Statement } from "../../compiler/kernel.ts";
import { type Axis, axisValue, int, newAxis, operandsOf, type Scalar } from "../../graph/scalar.ts";
import { replaceAxes } from "../analysis/axes.ts";
import { isLinear, type Operand, stridesOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";

/** The last axes of a group merged into one, as far as the epilogue and the given operands have a uniform stride along them. */
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

/** Merges the axes from an index on. */
export function groupFrom(axes: readonly Axis[], first: number): Group {
  const inner = axes.slice(first);
  const [only] = inner;
  const merged = inner.length === 1 && only !== undefined ? only : newAxis(extentOf(inner));
  return { outer: axes.slice(0, first), inner, merged };
}

/** The strides of each linear index, and the axes with any other use. */
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
    if (scalar.kind === "axis") exposed.add(scalar.axis.id);
    else if (scalar.kind === "load") index(scalar.index);
    else operandsOf(scalar).forEach(value);
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

/** The share of loads and stores that are contiguous along an axis, or independent of it. */
export function contiguity(statements: readonly Statement[], axis: Axis): number {
  const { indices } = accesses(statements);
  if (indices.length === 0) return 1;
  const strides = indices.map((index) => index.get(axis.id) ?? 0);
  return strides.filter((stride) => stride === 0 || stride === 1).length / indices.length;
}

export function hasFloat64(statements: readonly Statement[]): boolean {
  let found = false;
  eachScalar(statements, ({ dtype }) => {
    found ||= dtype === "float64";
  });
  return found;
}

/** Visits each expression of an epilogue once. */
export function eachScalar(statements: readonly Statement[], visit: (scalar: Scalar) => void): void {
  const seen = new Set<Scalar>();
  for (const statement of statements) {
    if (statement.kind !== "let" && statement.kind !== "store") continue;
    visitScalar(statement.value, visit, seen);
    if (statement.kind === "store") visitScalar(statement.index, visit, seen);
  }
}
