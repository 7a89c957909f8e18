// All conformance cases, and the facts about them that the suite and the table in docs need.
import type { Op } from "../../src/graph/node.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import type { Case, ValueCase } from "./case.ts";
import { attentionCases } from "./cases/attention.ts";
import { contractionCases } from "./cases/contractions.ts";
import { elementwiseCases } from "./cases/elementwise.ts";
import { indexingCases } from "./cases/indexing.ts";
import { linearCases } from "./cases/linear.ts";
import { loopCases } from "./cases/loops.ts";
import { movementCases } from "./cases/movement.ts";
import { reductionCases } from "./cases/reductions.ts";
import { specialCases } from "./cases/special.ts";
import { windowCases } from "./cases/windows.ts";

export const cases: readonly Case[] = [
  ...elementwiseCases,
  ...specialCases,
  ...movementCases,
  ...reductionCases,
  ...indexingCases,
  ...contractionCases,
  ...windowCases,
  ...loopCases,
  ...attentionCases,
  ...linearCases,
];

export const valueCases: readonly ValueCase[] = cases.flatMap((entry) =>
  entry.kind === "forward" || entry.kind === "edge" ? [entry] : [],
);

const withoutGradient = new Set(allOps.filter((op) => op.gradient.kind === "notDifferentiable").map((op) => op.name));

/** Whether this case can have a gradient at all. */
export const isDifferentiable = (entry: ValueCase): boolean => !withoutGradient.has(entry.op);

/** Whether the case's gradient is compared with finite differences. */
export function hasGradientCheck(entry: ValueCase): boolean {
  if (!isDifferentiable(entry)) return false;
  return (
    entry.gradient === "none" || (entry.gradient ?? (entry.kind === "forward" && entry.dtypes.includes("float64")))
  );
}

export interface Row {
  /** A registered op, or a composite: a plain function of ops. */
  readonly name: string;
  readonly op: Op<never> | undefined;
  readonly forward: number;
  readonly edge: number;
  /** Error cases, and statements that an op takes every tensor. */
  readonly error: number;
  readonly gradient: number;
  /** Why no gradient flows, where none does. */
  readonly reason: string | undefined;
}

/** One row for each registered op, then one for each composite with cases, with the number of cases of each kind. */
export function rows(): Row[] {
  const registered = new Map(allOps.map((op) => [op.name, op]));
  const names = [
    ...registered.keys(),
    ...new Set(cases.map((entry) => entry.op).filter((name) => !registered.has(name))),
  ];
  return names.map((name) => {
    const mine = cases.filter((entry) => entry.op === name);
    const op = registered.get(name);
    const checked = valueCases.filter((entry) => entry.op === name && hasGradientCheck(entry));
    return {
      name,
      op,
      forward: mine.filter(({ kind }) => kind === "forward").length,
      edge: mine.filter(({ kind }) => kind === "edge").length,
      error: mine.filter(({ kind }) => kind === "error" || kind === "total").length,
      gradient: checked.length,
      reason: op?.gradient.kind === "notDifferentiable" ? op.gradient.reason : undefined,
    };
  });
}
