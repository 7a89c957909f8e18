// Merges independent reductions over the same extents into one loop, so that memory is read once for all.

import { visitScalar } from "../../compiler/indexing.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import { axisValue } from "../../graph/scalar.ts";
import { replaceAxes } from "./axes.ts";

type Reduce = Extract<Statement, { kind: "reduce" }>;

/** The most reductions in one loop: each needs registers and reads its own memory. */
const mostTogether = 4;

export function mergeReductions(kernel: LoopKernel): LoopKernel {
  const body: Statement[] = [];
  for (const statement of kernel.body) {
    const place = statement.kind === "reduce" ? placeBeside(body, statement) : undefined;
    const first = place === undefined ? undefined : body[place];
    if (statement.kind !== "reduce" || place === undefined || first?.kind !== "reduce") body.push(statement);
    else {
      const by = new Map(statement.axes.map((axis, i) => [axis.id, axisValue(first.axes[i] ?? axis)]));
      body.splice(place + 1, 0, { ...statement, axes: first.axes, value: replaceAxes(statement.value, by) });
    }
  }
  return { ...kernel, body };
}

/** The index of the reduction that this one can be merged with. */
function placeBeside(body: readonly Statement[], reduce: Reduce): number | undefined {
  const needed = new Set<number>();
  visitScalar(reduce.value, (scalar) => {
    if (scalar.kind === "local") needed.add(scalar.local.id);
  });
  let together = 0;
  let found: number | undefined;
  for (let place = body.length - 1; place >= 0; place--) {
    const statement = body[place] as Statement;
    // A store may change the memory that this one reads, and its operands must already be computed.
    if (statement.kind !== "let" && statement.kind !== "reduce") break;
    if (needed.has(statement.local.id)) break;
    if (statement.kind !== "reduce" || !fits(statement, reduce)) continue;
    found ??= place;
    together++;
  }
  return together < mostTogether ? found : undefined;
}

/** Long float32 sums accumulate in float64, so only reductions of the same dtype are merged. */
const fits = (a: Reduce, b: Reduce): boolean =>
  a.local.dtype === b.local.dtype &&
  a.parts === b.parts &&
  a.axes.length === b.axes.length &&
  a.axes.every((axis, i) => axis.extent === b.axes[i]?.extent);
