// A product in WGSL: each workgroup brings blocks of both operands into its memory and computes a tile of results in registers.

import { extentOf } from "../../analysis/steps.ts";
import type { Mapping } from "../../gpu/mapping.ts";
import { serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

/** Sums are added to others after this many blocks of k, so that long ones keep their accuracy. */
const blocksOfSum = 8;

/** Writes the body; returns the declarations of the workgroup's memory. */
export function writeTiles(w: Writer, { kernel, tile, workgroup }: Extract<Mapping, { kind: "tiles" }>): string[] {
  const { dtype, result } = kernel;
  const [m, n, k] = [kernel.m, kernel.n, kernel.k].map(extentOf) as [number, number, number];
  const { side, depth } = tile;
  const [tall, wide] = [side * tile.rows, side * tile.columns];
  const [type, zero] = dtype === "float32" ? ["f32", "0.0f"] : ["i32", "0i"];
  const [across, down] = [Math.ceil(n / wide), Math.ceil(m / tall)];
  const sums = Array.from({ length: tile.rows }, (_, i) => Array.from({ length: tile.columns }, (_, j) => `${i}_${j}`));
  const all = sums.flat();
  const long = dtype === "float32" && k > depth * blocksOfSum;

  w.line(`let top = i32(group / ${across}u % ${down}u) * ${tall}i;`);
  w.line(`let left = i32(group % ${across}u) * ${wide}i;`);
  w.line("let row = i32(lane) / 16i;".replace("16", String(side)));
  w.line("let column = i32(lane) % 16i;".replace("16", String(side)));
  w.bindAxes(kernel.batch, `i32(group / ${across * down}u)`);
  for (const sum of all) w.line(`var sum${sum} = ${zero};`);
  if (long) for (const sum of all) w.line(`var part${sum} = ${zero};`);

  w.block(`for (var step = 0i; step < ${k}i; step += ${depth}i)`, () => {
    load(w, "a", tall * depth, workgroup, () => {
      w.line(`let y = top + e / ${depth}i;`);
      w.line(`let z = step + e % ${depth}i;`);
      w.line(`var value = ${zero};`);
      w.block(`if (y < ${m}i && z < ${k}i)`, () => {
        w.bindAxes(kernel.m, "y");
        w.bindAxes(kernel.k, "z");
        const [value = ""] = w.values(kernel.a);
        w.line(`value = ${value};`);
      });
    });
    load(w, "b", wide * depth, workgroup, () => {
      w.line(`let x = left + e % ${wide}i;`);
      w.line(`let z = step + e / ${wide}i;`);
      w.line(`var value = ${zero};`);
      w.block(`if (x < ${n}i && z < ${k}i)`, () => {
        w.bindAxes(kernel.n, "x");
        w.bindAxes(kernel.k, "z");
        const [value = ""] = w.values(kernel.b);
        w.line(`value = ${value};`);
      });
    });
    w.line("workgroupBarrier();");
    w.block(`for (var z = 0i; z < ${depth}i; z++)`, () => {
      for (let i = 0; i < tile.rows; i++) w.line(`let a${i} = shared_a[(row + ${i * side}i) * ${depth}i + z];`);
      for (let j = 0; j < tile.columns; j++) w.line(`let b${j} = shared_b[z * ${wide}i + column + ${j * side}i];`);
      for (const [i, line] of sums.entries())
        for (const [j, sum] of line.entries()) w.line(`${long ? "part" : "sum"}${sum} += a${i} * b${j};`);
    });
    if (long)
      w.block(`if ((step / ${depth}i) % ${blocksOfSum}i == ${blocksOfSum - 1}i)`, () => {
        for (const sum of all) {
          w.line(`sum${sum} += part${sum};`);
          w.line(`part${sum} = ${zero};`);
        }
      });
    w.line("workgroupBarrier();");
  });
  for (const [i, line] of sums.entries())
    for (const [j, sum] of line.entries())
      w.block(`if (top + row + ${i * side}i < ${m}i && left + column + ${j * side}i < ${n}i)`, () => {
        w.bindAxes(kernel.m, `(top + row + ${i * side}i)`);
        w.bindAxes(kernel.n, `(left + column + ${j * side}i)`);
        w.line(`let ${w.rename(result.id)} = ${long ? `sum${sum} + part${sum}` : `sum${sum}`};`);
        serialStatements(w, kernel.epilogue);
      });
  return [
    `var<workgroup> shared_a: array<${type}, ${tall * depth}>;`,
    `var<workgroup> shared_b: array<${type}, ${wide * depth}>;`,
  ];
}

/** Fills a block of the workgroup's memory; `element` computes `value` of place `e`. */
function load(w: Writer, operand: "a" | "b", size: number, workgroup: number, element: () => void): void {
  w.block(`for (var e = i32(lane); e < ${size}i; e += ${workgroup}i)`, () => {
    element();
    w.line(`shared_${operand}[e] = value;`);
  });
}
