// Merges independent reductions over the same extents into one loop, so that memory is read once for all.

import { visitScalar } from "../../compiler/indexing.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { axisValue } from "../../graph/scalar.ts";
import { replaceAxes } from "./axes.ts";

type Reduce = Extract<Statement, { kind: "reduce" }>;

/** The most reductions in one loop: each needs registers and reads its own memory. */
const mostTogether = 4;

export function mergeReductions(kernel: LoopKernel): LoopKernel {
  const body: Statement[] = [];
  for (const statement of kernel.body) {
    const merged = statement.kind === "reduce" ? mergedInto(body, statement) : undefined;
    if (merged === undefined) body.push(statement);
    else body.splice(merged.place + 1, 0, merged.reduce);
  }
  return { ...kernel, body };
}

/** The reduction over the axes of an earlier one that it can be merged with, and the place of that. */
function mergedInto(
  body: readonly Statement[],
  reduce: Reduce,
): { readonly place: number; readonly reduce: Reduce } | undefined {
  const needed = new Set<number>();
  visitScalar(reduce.value, (scalar) => {
    if (scalar.kind === "local") needed.add(scalar.local.id);
  });
  let together = 0;
  let found: { readonly place: number; readonly axes: Reduce["axes"] } | undefined;
  for (let place = body.length - 1; place >= 0; place--) {
    const statement = body[place] as Statement;
    // A store may change the memory that this one reads, and its operands must already be computed.
    if (statement.kind !== "let" && statement.kind !== "reduce") break;
    if (needed.has(statement.local.id)) break;
    if (statement.kind !== "reduce" || !fits(statement, reduce)) continue;
    found ??= { place, axes: statement.axes };
    together++;
  }
  if (found === undefined || together >= mostTogether) return undefined;
  const { place, axes } = found;
  const by = new Map(reduce.axes.map((axis, i) => [axis.id, axisValue(at(axes, i))]));
  return { place, reduce: { ...reduce, axes, value: replaceAxes(reduce.value, by) } };
}

/** Long float32 sums accumulate in float64, so only reductions of the same dtype are merged. */
const fits = (a: Reduce, b: Reduce): boolean =>
  a.local.dtype === b.local.dtype &&
  a.parts === b.parts &&
  a.axes.length === b.axes.length &&
  a.axes.every((axis, i) => axis.extent === b.axes[i]?.extent);
