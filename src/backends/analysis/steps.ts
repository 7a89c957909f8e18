// A kernel's statements over numbered values, with loops merged where every access allows it.

import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { Combine } from "../../graph/node.ts";
import { type Axis, type Local, newAxis } from "../../graph/scalar.ts";
import { mostElements } from "../../graph/shape.ts";
import { combineFn, identityOf } from "./combine.ts";
import { type Linear, type Value, type ValueTable, visitParts } from "./values.ts";

export type Step =
  /** Computes a value here, because a later store changes what it reads. */
  | { readonly kind: "force"; readonly value: Value }
  | {
      readonly kind: "store";
      readonly buffer: number;
      readonly index: Linear;
      readonly value: Value;
      readonly accumulate: boolean;
    }
  | { readonly kind: "for"; readonly axes: readonly Axis[]; readonly parallel: boolean; readonly body: readonly Step[] }
  | {
      readonly kind: "reduce";
      readonly local: Local;
      readonly combine: Combine;
      readonly axes: readonly Axis[];
      readonly value: Value;
      readonly parts: boolean;
    }
  | {
      readonly kind: "scan";
      readonly combine: Combine;
      readonly axis: Axis;
      readonly value: Value;
      readonly buffer: number;
      readonly index: Linear;
    }
  | {
      readonly kind: "check";
      readonly site: number;
      readonly holds: Value;
      /** Searched only where the check fails. */
      readonly axes: readonly Axis[];
      readonly index: Value;
      readonly place: Value;
      readonly extent: number;
    };

/** Reductions of at most this many points are unrolled; of a larger window, only the innermost axis. */
const longestUnrolled = 9;
const mostWrittenPoints = 128;

export const extentOf = (axes: readonly Axis[]): number => axes.reduce((product, axis) => product * axis.extent, 1);

/** The kernel's axes and steps; adjacent loops merge where no access depends on the split. */
export function stepsOf(
  kernel: LoopKernel,
  newTable: () => ValueTable,
  unrolledPoints = longestUnrolled,
): { axes: readonly Axis[]; steps: readonly Step[]; table: ValueTable } {
  const lists = axisLists(kernel.axes, kernel.body);
  const merging = lists.some((axes) => axes.filter((axis) => axis.extent !== 1).length > 1);
  const merged: Merges = { into: new Map(), gone: new Set() };
  if (merging) {
    const written = newTable();
    const facts = accesses(convert(kernel.body, written, undefined), written.unguarded);
    for (const axes of lists) mergeAxes(axes, facts, merged);
  }
  const table = newTable();
  for (const id of merged.gone) table.substitute(id, table.constant(0, "int32"));
  for (const [id, axis] of merged.into) table.substitute(id, table.axis(axis));
  return { axes: mergedAxes(kernel.axes, merged), steps: convert(kernel.body, table, merged, unrolledPoints), table };
}

interface Merges {
  /** The last axis of a merged run represents the whole run; the others are 0. */
  readonly into: Map<number, Axis>;
  readonly gone: Set<number>;
}

const mergedAxes = (axes: readonly Axis[], merges: Merges | undefined): Axis[] =>
  axes
    .filter((axis) => axis.extent !== 1 && !merges?.gone.has(axis.id))
    .map((axis) => merges?.into.get(axis.id) ?? axis);

function axisLists(axes: readonly Axis[], body: readonly Statement[]): (readonly Axis[])[] {
  const lists: (readonly Axis[])[] = [axes];
  for (const statement of body) {
    if (statement.kind === "for") lists.push(...axisLists(statement.axes, statement.body));
    else if (statement.kind === "reduce") lists.push(statement.axes);
  }
  return lists;
}

interface Accesses {
  /** For each access, the coefficient of each axis. */
  readonly strides: readonly ReadonlyMap<number, number>[];
  /** Axes whose value is used other than as a term of an address. */
  readonly exposed: ReadonlySet<number>;
}

/** A place without its guard counts as an access: on a merged axis that it does not follow, the guard would be needed again. */
function accesses(steps: readonly Step[], unguarded: readonly Linear[]): Accesses {
  const strides: Map<number, number>[] = [];
  const exposed = new Set<number>();
  const visit = visitParts((value) => {
    if (value.kind === "axis") exposed.add(value.axis.id);
    else if (value.kind === "load") visitIndex(value.index);
    return value.kind !== "load";
  });
  const visitIndex = (index: Linear): void => {
    const here = new Map<number, number>();
    for (const { atom, coefficient } of index.terms) {
      if (atom.kind === "axis") here.set(atom.axis.id, coefficient);
      else visit(atom);
    }
    strides.push(here);
  };
  visitSteps(steps, visit, visitIndex);
  for (const place of unguarded) visitIndex(place);
  return { strides, exposed };
}

/** Calls back for every value and index directly in the steps, nested ones too. */
export function visitSteps(
  steps: readonly Step[],
  value: (value: Value) => void,
  index: (index: Linear, buffer: number) => void,
): void {
  for (const step of steps) {
    switch (step.kind) {
      case "force":
      case "reduce":
        value(step.value);
        break;
      case "store":
      case "scan":
        index(step.index, step.buffer);
        value(step.value);
        break;
      case "check":
        value(step.holds);
        break;
      case "for":
        visitSteps(step.body, value, index);
        break;
    }
  }
}

function mergeAxes(axes: readonly Axis[], { strides, exposed }: Accesses, merged: Merges): void {
  const [last, ...others] = axes.filter(({ extent }) => extent !== 1).reverse();
  if (last === undefined) return;
  let run = { inner: last, points: last.extent };
  for (const outer of others) {
    const { inner, points } = run;
    const together = points * outer.extent;
    const even = strides.every((access) => (access.get(outer.id) ?? 0) === (access.get(inner.id) ?? 0) * points);
    if (exposed.has(inner.id) || exposed.has(outer.id) || !even || together > mostElements) {
      run = { inner: outer, points: outer.extent };
      continue;
    }
    run = { inner, points: together };
    merged.gone.add(outer.id);
    merged.into.set(inner.id, newAxis(together));
  }
}

/** While merges are being found, loops stay as they are written. */
export function convert(
  body: readonly Statement[],
  table: ValueTable,
  merges: Merges | undefined,
  unrolledPoints = longestUnrolled,
): Step[] {
  const steps: Step[] = [];
  for (const statement of body) {
    switch (statement.kind) {
      case "let": {
        const value = table.of(statement.value);
        table.bind(statement.local, value);
        if (value.pinned) steps.push({ kind: "force", value });
        break;
      }
      case "store": {
        const { buffer, accumulate } = statement;
        const value = table.of(statement.value);
        steps.push({
          kind: "store",
          buffer,
          index: table.linear(statement.index),
          value,
          accumulate: accumulate === true,
        });
        table.invalidate(buffer);
        break;
      }
      case "for": {
        const stored = storedIn(statement.body);
        for (const buffer of stored) table.invalidate(buffer);
        const axes = mergedAxes(statement.axes, merges);
        const inner = convert(statement.body, table, merges, unrolledPoints);
        if (axes.length === 0) steps.push(...inner);
        else steps.push({ kind: "for", axes, parallel: statement.order === "parallel", body: inner });
        for (const buffer of stored) table.invalidate(buffer);
        break;
      }
      case "reduce": {
        const axes = mergedAxes(statement.axes, merges);
        const points = extentOf(axes);
        const written = merges !== undefined && points > 0 && statement.local.dtype !== "uint8";
        if (written && points <= unrolledPoints) {
          const value = unrolled(statement, axes, table);
          table.bind(statement.local, value);
          if (value.pinned) steps.push({ kind: "force", value });
          break;
        }
        const last = axes.at(-1);
        const rows = written && points <= mostWrittenPoints && last !== undefined && last.extent <= longestUnrolled;
        const value = rows ? unrolled(statement, [last], table) : table.of(statement.value);
        const outer = rows ? axes.slice(0, -1) : axes;
        const { local, combine, parts = false } = statement;
        steps.push({ kind: "reduce", local, combine, axes: outer, value, parts });
        break;
      }
      case "scan": {
        const value = table.of(statement.value);
        const index = table.linear(statement.index);
        steps.push({
          kind: "scan",
          combine: statement.combine,
          axis: statement.axis,
          value,
          buffer: statement.buffer,
          index,
        });
        table.invalidate(statement.buffer);
        break;
      }
      case "check": {
        const [holds, index, place] = [table.of(statement.holds), table.of(statement.index), table.of(statement.place)];
        steps.push({ ...statement, holds, index, place });
        break;
      }
    }
  }
  return steps;
}

function unrolled(statement: Extract<Statement, { kind: "reduce" }>, axes: readonly Axis[], table: ValueTable): Value {
  const { combine, local } = statement;
  let total: Value | undefined = combine === "sum" ? table.constant(0, local.dtype) : undefined;
  const visit = (place: number): void => {
    const axis = axes[place];
    if (axis === undefined) {
      const value = table.of(statement.value);
      total = total === undefined ? value : table.binary(combineFn[combine], total, value);
      return;
    }
    for (let i = 0; i < axis.extent; i++) table.withAxis(axis, i, () => visit(place + 1));
  };
  visit(0);
  return total ?? table.constant(identityOf(combine, local.dtype), local.dtype);
}

export function storedIn(body: readonly Statement[]): Set<number> {
  const stored = new Set<number>();
  for (const statement of body) {
    if (statement.kind === "for") for (const buffer of storedIn(statement.body)) stored.add(buffer);
    else if (statement.kind === "store" || statement.kind === "scan") stored.add(statement.buffer);
  }
  return stored;
}

/** Ids of the axes and locals that the steps bind. */
export function boundIn(steps: readonly Step[], bound = new Set<number>()): Set<number> {
  for (const step of steps) {
    if (step.kind === "for") {
      for (const axis of step.axes) bound.add(axis.id);
      boundIn(step.body, bound);
    } else if (step.kind === "reduce") {
      for (const axis of step.axes) bound.add(axis.id);
      bound.add(step.local.id);
    } else if (step.kind === "scan") bound.add(step.axis.id);
    else if (step.kind === "check") for (const axis of step.axes) bound.add(axis.id);
  }
  return bound;
}
