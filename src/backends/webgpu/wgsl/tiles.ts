// A tiled matrix product in WGSL: each workgroup loads blocks of both operands into shared memory and computes a tile of results in registers.
// Source for the scheme: V. Volkov, J. Demmel, Benchmarking GPUs to tune dense linear algebra, 2008.

import { extentOf } from "../../analysis/steps.ts";
import { heightOf, type Mapping, widthOf } from "../../gpu/mapping.ts";
import { Panels, placeTile } from "./panel.ts";
import { serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

/** Partial sums are flushed after this many blocks of k, so that long sums stay accurate. */
const blocksOfSum = 8;

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => place);

/** Writes the body; returns the declarations of shared memory. */
export function writeTiles(
  w: Writer,
  { kernel, tile, workgroup, halves }: Extract<Mapping, { kind: "tiles" }>,
): string[] {
  const { dtype, result } = kernel;
  const [m, n, k] = [extentOf(kernel.m), extentOf(kernel.n), extentOf(kernel.k)];
  const { down, across, depth } = tile;
  const [tall, wide] = [heightOf(tile), widthOf(tile)];
  const element = dtype === "float32" ? "f32" : "i32";
  const type = `vec4<${element}>`;
  const long = dtype === "float32" && k > depth * blocksOfSum;
  const rows = range(tile.rows);

  placeTile(w, kernel, { tall, wide });
  w.line(`let row = i32(lane) / ${across}i;`);
  w.line(`let column = i32(lane) % ${across}i;`);
  const panels = new Panels(w, kernel, { tall, wide }, { depth, workgroup, content: halves ? "halves" : element });
  const { a, b } = panels;
  for (const i of rows) w.line(`var sum${i} = ${type}();`);
  if (long) for (const i of rows) w.line(`var part${i} = ${type}();`);

  panels.eachBlock(() => {
    w.block(`for (var z = 0i; z < ${depth}i; z++)`, () => {
      for (const part of range(tile.rows / 4)) w.line(`let a${part} = ${a.quad("z", `row + ${part * down}i`)};`);
      w.line(`let b0 = ${b.quad("z", "column")};`);
      for (const i of rows)
        w.line(`${long ? "part" : "sum"}${i} += a${Math.floor(i / 4)}.${"xyzw".charAt(i % 4)} * b0;`);
    });
    if (long)
      w.block(`if ((step / ${depth}i) % ${blocksOfSum}i == ${blocksOfSum - 1}i)`, () => {
        for (const i of rows) {
          w.line(`sum${i} += part${i};`);
          w.line(`part${i} = ${type}();`);
        }
      });
  });
  for (const i of rows) {
    const y = `(top + row * 4i + ${Math.floor(i / 4) * down * 4 + (i % 4)}i)`;
    for (const j of range(tile.columns)) {
      const x = `(left + column * 4i + ${j}i)`;
      w.block(`if (${y} < ${m}i && ${x} < ${n}i)`, () => {
        w.bindAxes(kernel.m, y);
        w.bindAxes(kernel.n, x);
        const lane = "xyzw".charAt(j);
        w.line(`let ${w.rename(result.id)} = ${long ? `sum${i}.${lane} + part${i}.${lane}` : `sum${i}.${lane}`};`);
        serialStatements(w, kernel.epilogue);
      });
    }
  }
  return panels.declarations;
}
