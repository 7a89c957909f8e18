// A product in WGSL whose invocations share nothing: each walks over k by itself, with its results in registers.

import { extentOf } from "../../analysis/steps.ts";
import type { Mapping } from "../../gpu/mapping.ts";
import { loops, serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

/** Sums are added to others after this many steps of k, a power of two, so that long ones keep their accuracy. */
const stepsOfSum = 128;
/** Steps of k that are written out where they divide its extent: what a loop costs is shared by them. */
const unrolls = [8, 4, 2] as const;

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
  // Beyond the edge the last one is computed again, and not stored.
  const tops = range(rows).map((i) => w.bindAxes(kernel.m, `min(row + ${i * side}i, ${m - 1}i)`));
  const lefts = range(columns).map((j) => w.bindAxes(kernel.n, `min(column + ${j * side}i, ${n - 1}i)`));
  for (const sum of all) w.line(`var sum${sum} = ${zero};`);
  if (long) {
    for (const sum of all) w.line(`var part${sum} = ${zero};`);
    w.line("var steps = 0u;");
  }
  const outer = kernel.k.slice(0, -1);
  const inner = kernel.k.slice(-1);
  const innerSteps = extentOf(inner);
  const unrolled = unrolls.find((count) => innerSteps % count === 0) ?? 1;
  loops(w, outer, () => {
    w.block(`for (var start = 0i; start < ${innerSteps}i; start += ${unrolled}i)`, () => {
      for (const step of range(unrolled))
        w.block("", () => {
          w.bindAxes(inner, step === 0 ? "start" : `(start + ${step}i)`);
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
        });
      if (!long) return;
      w.line(`steps += ${unrolled}u;`);
      w.block(`if ((steps & ${stepsOfSum - 1}u) == 0u)`, () => {
        for (const sum of all) {
          w.line(`sum${sum} += part${sum};`);
          w.line(`part${sum} = ${zero};`);
        }
      });
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
