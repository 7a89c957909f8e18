// A product of float16 numbers in WGSL by subgroup matrices, with sums in float32 (Chromium's experimental extension).

import { extentOf } from "../../analysis/steps.ts";
import type { Mapping } from "../../gpu/mapping.ts";
import { matrixHeightOf, matrixWidthOf, subgroupsAcross } from "../../gpu/matrices.ts";
import { Panels, placeTile } from "./panel.ts";
import { serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => place);

/** Writes the body and returns the declarations. `part` is the index of the subgroup, `own` that of an invocation in it. */
export function writeMatrices(
  w: Writer,
  { kernel, tile, workgroup }: Extract<Mapping, { kind: "matrices" }>,
): string[] {
  const { shape, side, depth } = tile;
  const [m, n] = [extentOf(kernel.m), extentOf(kernel.n)];
  const [tall, wide] = [matrixHeightOf(tile), matrixWidthOf(tile)];
  const results = shape.m * shape.n;
  const places = range(side).flatMap((i) => range(side).map((j) => [i, j] as const));

  placeTile(w, kernel, { tall, wide });
  w.line(`let downOf = part / ${subgroupsAcross}u * ${side * shape.m}u;`);
  w.line(`let acrossOf = part % ${subgroupsAcross}u * ${side * shape.n}u;`);
  const panels = new Panels(w, kernel, { tall, wide }, { depth, workgroup, content: "matrices" });
  const { a, b } = panels;
  for (const [i, j] of places) w.line(`var sum${i}_${j} = Sum();`);

  panels.eachBlock(() => {
    w.block(`for (var z = 0u; z < ${depth}u; z += ${shape.k}u)`, () => {
      for (const i of range(side)) {
        w.line(`let placeOfA${i} = z * ${a.stride}u + downOf + ${i * shape.m}u;`);
        w.line(`let a${i} = subgroupMatrixLoad<Left>(&shared_a, placeOfA${i}, true, ${a.stride}u);`);
      }
      for (const j of range(side)) {
        w.line(`let placeOfB${j} = z * ${b.stride}u + acrossOf + ${j * shape.n}u;`);
        w.line(`let b${j} = subgroupMatrixLoad<Right>(&shared_b, placeOfB${j}, false, ${b.stride}u);`);
      }
      for (const [i, j] of places)
        w.line(`sum${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, sum${i}_${j});`);
    });
  });
  // The results go to shared memory one matrix at a time, because only there is the position of each result known.
  w.line(`let placeOfSum = part * ${results}u;`);
  w.block(`for (var f = 0u; f < ${side * side}u; f++)`, () => {
    w.block("switch (f)", () => {
      for (const [i, j] of places) {
        const last = i === side - 1 && j === side - 1;
        w.block(last ? "default:" : `case ${i * side + j}u:`, () =>
          w.line(`subgroupMatrixStore(&shared_sum, placeOfSum, sum${i}_${j}, false, ${shape.n}u);`),
        );
      }
    });
    w.line("workgroupBarrier();");
    w.line(`let y0 = top + i32(downOf + f / ${side}u * ${shape.m}u);`);
    w.line(`let x0 = left + i32(acrossOf + f % ${side}u * ${shape.n}u);`);
    w.block(`for (var e = i32(own); e < ${results}i; e += ${shape.subgroup}i)`, () => {
      w.line(`let y = y0 + e / ${shape.n}i;`);
      w.line(`let x = x0 + e % ${shape.n}i;`);
      w.block(`if (y < ${m}i && x < ${n}i)`, () => {
        w.bindAxes(kernel.m, "y");
        w.bindAxes(kernel.n, "x");
        w.line(`let ${w.rename(kernel.result.id)} = shared_sum[i32(placeOfSum) + e];`);
        serialStatements(w, kernel.epilogue);
      });
    });
    w.line("workgroupBarrier();");
  });
  return [
    `alias Left = subgroup_matrix_left<f16, ${shape.k}, ${shape.m}>;`,
    `alias Right = subgroup_matrix_right<f16, ${shape.n}, ${shape.k}>;`,
    `alias Sum = subgroup_matrix_result<f32, ${shape.n}, ${shape.m}>;`,
    ...panels.declarations,
    `var<workgroup> shared_sum: array<f32, ${subgroupsAcross ** 2 * results}>;`,
  ];
}
