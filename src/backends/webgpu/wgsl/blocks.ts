// A matrix product in WGSL without shared memory: each invocation loops over k alone, with its results in registers.

import type { Axis } from "../../../graph/scalar.ts";
import { extentOf } from "../../analysis/steps.ts";
import type { Mapping } from "../../gpu/mapping.ts";
import { loops, serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

/** Partial sums are flushed after about this many steps of k, so that long sums stay accurate. */
const stepsOfSum = 128;
/** Most unrolled steps of k, enough for a 3 × 3 window: they share the loop overhead. */
const mostWritten = 9;

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => place);

/** Writes the body. Neighbouring invocations read the same row and neighbouring columns. */
export function writeBlocks(w: Writer, { kernel, tile }: Extract<Mapping, { kind: "blocks" }>): void {
  const { dtype, result } = kernel;
  const [m, n, k] = [extentOf(kernel.m), extentOf(kernel.n), extentOf(kernel.k)];
  const { side, rows, columns } = tile;
  const [across, down] = [Math.ceil(n / (side * columns)), Math.ceil(m / (side * rows))];
  const zero = dtype === "float32" ? "0.0f" : "0i";
  const long = dtype === "float32" && k > stepsOfSum;
  const all = range(rows).flatMap((i) => range(columns).map((j) => `${i}_${j}`));

  w.bindAxes(kernel.batch, `i32(group / ${across * down}u)`);
  w.line(`let row = i32(group / ${across}u % ${down}u) * ${side * rows}i + i32(lane) / ${side}i;`);
  w.line(`let column = i32(group % ${across}u) * ${side * columns}i + i32(lane) % ${side}i;`);
  // Beyond the edge, the last row or column is computed again and not stored.
  const tops = range(rows).map((i) => w.bindAxes(kernel.m, `min(row + ${i * side}i, ${m - 1}i)`));
  const lefts = range(columns).map((j) => w.bindAxes(kernel.n, `min(column + ${j * side}i, ${n - 1}i)`));
  for (const sum of all) w.line(`var sum${sum} = ${zero};`);
  if (long) {
    for (const sum of all) w.line(`var part${sum} = ${zero};`);
    w.line("var steps = 0u;");
  }
  const step = (): void => {
    for (const [i, names] of tops.entries()) {
      w.recall(kernel.m, names);
      const [value = ""] = w.values(kernel.a);
      w.line(`let a${i} = ${value};`);
    }
    for (const [j, names] of lefts.entries()) {
      w.recall(kernel.n, names);
      const [value = ""] = w.values(kernel.b);
      w.line(`let b${j} = ${value};`);
    }
    for (const i of range(rows))
      for (const j of range(columns)) w.line(`${long ? "part" : "sum"}${i}_${j} += a${i} * b${j};`);
  };
  walk(w, kernel.k, step, (count) => {
    if (!long) return;
    w.line(`steps += ${count}u;`);
    w.block(`if (steps >= ${stepsOfSum}u)`, () => {
      w.line("steps = 0u;");
      for (const sum of all) {
        w.line(`sum${sum} += part${sum};`);
        w.line(`part${sum} = ${zero};`);
      }
    });
  });
  for (const [i, top] of tops.entries())
    for (const [j, left] of lefts.entries())
      w.block(`if (row + ${i * side}i < ${m}i && column + ${j * side}i < ${n}i)`, () => {
        w.recall(kernel.m, top);
        w.recall(kernel.n, left);
        w.line(`let ${w.rename(result.id)} = ${long ? `sum${i}_${j} + part${i}_${j}` : `sum${i}_${j}`};`);
        serialStatements(w, kernel.epilogue);
      });
}

/** Runs `step` at every point of the axes, several times per iteration of the innermost loop; `turned` ends an iteration of `count` steps. */
function walk(w: Writer, axes: readonly Axis[], step: () => void, turned: (count: number) => void): void {
  let kept = axes.length;
  while (kept > 0 && extentOf(axes.slice(kept - 1)) <= mostWritten) kept--;
  const [outer, written] = [axes.slice(0, kept), axes.slice(kept)];
  const count = extentOf(written);
  if (count > 1 || outer.length === 0) {
    loops(w, outer, () => {
      for (const place of range(count))
        w.block("", () => {
          w.bindAxes(written, `${place}i`);
          step();
        });
      turned(count);
    });
    return;
  }
  const inner = outer.slice(-1);
  const extent = extentOf(inner);
  const together = range(mostWritten).findLast((steps) => steps > 0 && extent % steps === 0) ?? 1;
  loops(w, outer.slice(0, -1), () =>
    w.block(`for (var start = 0i; start < ${extent}i; start += ${together}i)`, () => {
      for (const place of range(together))
        w.block("", () => {
          w.bindAxes([...inner, ...written], `(start + ${place}i)`);
          step();
        });
      turned(together);
    }),
  );
}
