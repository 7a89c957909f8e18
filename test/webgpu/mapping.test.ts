// The mapping of kernels to a card: large tiles for large products, smaller ones or a workgroup for each sum for small ones. On a processor nothing
// is shared.
import { expect, it } from "vitest";
import { formsOf } from "../../src/backends/analysis/kernelForms.ts";
import { heightOf, type Mapping, mapKernel, type Target, widthOf } from "../../src/backends/gpu/mapping.ts";
import { type MatrixShape, matrixHeightOf, matrixTileFor, matrixWidthOf } from "../../src/backends/gpu/matrices.ts";
import { phasesOf } from "../../src/backends/gpu/phases.ts";
import { trialBatches, trialExtents } from "../../src/backends/webgpu/halves.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Node } from "../../src/graph/node.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { inputNode } from "../conformance/run.ts";

function mappingsOf(node: Node, target: Target): readonly Mapping[] {
  const { program } = compileGraph("kernel", [{ node }]);
  const [formed] = formsOf(program);
  if (formed === undefined) throw new Error("no kernel");
  return phasesOf(formed.form, target).forms.map(({ kernel }) => mapKernel(kernel, target));
}

function product([m = 0, k = 0, n = 0]: readonly number[]): Node {
  const a = inputNode({ shape: [m, k], dtype: "float32" });
  const b = inputNode({ shape: [k, n], dtype: "float32" });
  return dot(a, b, 0, 1);
}

function described(mapping: Mapping): string {
  const { kind, workgroup, groups } = mapping;
  switch (kind) {
    case "points":
      return `${groups} workgroups of ${workgroup} points`;
    case "rows":
      return `a workgroup of ${workgroup} for each of ${groups} results`;
    case "tiles":
      return `tiles of ${heightOf(mapping.tile)} × ${widthOf(mapping.tile)}, ${groups} workgroups of ${workgroup}`;
    case "matrices":
      return `matrices for ${matrixHeightOf(mapping.tile)} × ${matrixWidthOf(mapping.tile)}, ${groups} workgroups of ${workgroup}`;
    case "blocks": {
      const { side, rows, columns } = mapping.tile;
      return `blocks of ${side * rows} × ${side * columns}, ${groups} workgroups`;
    }
  }
}

const onCard = (node: Node): readonly string[] =>
  mappingsOf(node, { kind: "card", subgroups: false, float16: false }).map(described);
const onProcessor = (node: Node): readonly string[] => mappingsOf(node, { kind: "processor" }).map(described);

it.each([
  [[4096, 4096, 4096], ["tiles of 128 × 64, 2048 workgroups of 256"]],
  [[1024, 1024, 1024], ["tiles of 128 × 64, 128 workgroups of 256"]],
  [[512, 512, 512], ["tiles of 32 × 64, 128 workgroups of 128"]],
  [
    [256, 2048, 256],
    ["tiles of 128 × 64, 128 workgroups of 256", "1024 workgroups of 64 points"],
  ],
  [[128, 64, 784], ["tiles of 32 × 32, 100 workgroups of 64"]],
  [[64, 64, 64], ["tiles of 16 × 32, 8 workgroups of 32"]],
  [[8, 100, 4096], ["tiles of 16 × 32, 128 workgroups of 32"]],
  [
    [10, 4096, 64],
    ["tiles of 16 × 32, 64 workgroups of 32", "a workgroup of 64 for each of 640 results"],
  ],
  [[10, 4099, 64], ["a workgroup of 256 for each of 640 results"]],
  [[2, 64, 2], ["a workgroup of 64 for each of 4 results"]],
])("a card: m, k, n = %j", (sizes, expected) => {
  expect(onCard(product(sizes))).toEqual(expected);
});

it.each([
  [[4096, 4096, 4096], ["blocks of 32 × 32, 16384 workgroups"]],
  [[64, 784, 128], ["blocks of 32 × 32, 8 workgroups"]],
  [[12, 784, 10], ["blocks of 16 × 16, 1 workgroups"]],
  [[2, 64, 2], ["1 workgroups of 64 points"]],
])("a processor: m, k, n = %j", (sizes, expected) => {
  expect(onProcessor(product(sizes))).toEqual(expected);
});

const sums = (rows: number, columns: number): Node => sum(inputNode({ shape: [rows, columns], dtype: "float32" }), [1]);

it("long sums are shared by a workgroup on a card, and not shared on a processor", () => {
  expect(onCard(sums(100, 2000))).toEqual(["a workgroup of 256 for each of 100 results"]);
  expect(onProcessor(sums(100, 2000))).toEqual(["2 workgroups of 64 points"]);
});

it("long sums of few results are split into parts on a card", () => {
  expect(onCard(sums(2, 1_000_000))).toEqual([
    "a workgroup of 256 for each of 128 results",
    "a workgroup of 64 for each of 2 results",
  ]);
});

const ofHalves = ([m = 0, k = 0, n = 0]: readonly number[]): Node =>
  dot(inputNode({ shape: [m, k], dtype: "float16" }), inputNode({ shape: [k, n], dtype: "float16" }), 0, 1);

it.each([
  [[4096, 4096, 4096], ["matrices for 128 × 128, 1024 workgroups of 128"]],
  [[512, 512, 1024], ["matrices for 64 × 64, 128 workgroups of 128"]],
  [[40, 100, 40], ["matrices for 32 × 32, 4 workgroups of 128"]],
  // Smaller than a matrix.
  [[8, 100, 4096], ["tiles of 16 × 32, 128 workgroups of 32"]],
])("a card with subgroup matrices: m, k, n = %j of float16", (sizes, expected) => {
  const matrices = { m: 16, n: 16, k: 16, subgroup: 32 };
  const card = { kind: "card", subgroups: true, float16: true, matrices } as const;
  expect(mappingsOf(ofHalves(sizes), card).map(described)).toEqual(expected);
});

it("subgroup matrices are not used if they are as large as a workgroup or exceed its shared memory", () => {
  const of = (matrices: MatrixShape): readonly string[] =>
    mappingsOf(ofHalves([256, 256, 256]), { kind: "card", subgroups: true, float16: true, matrices }).map(
      ({ kind }) => kind,
    );
  expect(of({ m: 16, n: 16, k: 16, subgroup: 128 })).toEqual(["tiles"]);
  expect(of({ m: 64, n: 64, k: 16, subgroup: 32 })).toEqual(["tiles"]);
});

/** Shapes of matrices that cards could offer. */
const shapes = [8, 16].flatMap((m) =>
  [8, 16].flatMap((n) =>
    [8, 16, 32].flatMap((k) => [8, 16, 32, 64].map((subgroup): MatrixShape => ({ m, n, k, subgroup }))),
  ),
);
const sidesOf = (shape: MatrixShape, batches: readonly number[], extents: typeof trialExtents): readonly number[] =>
  [...new Set(batches.flatMap((batch) => matrixTileFor({ batch, ...extents }, shape, 128)?.tile.side ?? []))].sort();
const manyBatches = Array.from({ length: 300 }, (_, place) => place + 1);

it("each invocation loads a whole number of groups of both operands of a matrix tile", () => {
  const uneven = shapes.flatMap((shape) =>
    manyBatches.flatMap((batch) => {
      const found = matrixTileFor({ batch, ...trialExtents }, shape, 128);
      if (found === undefined) return [];
      const { tile, workgroup } = found;
      const loads = [matrixHeightOf(tile), matrixWidthOf(tile)].map((width) => (width * tile.depth) / 4 / workgroup);
      return loads.every(Number.isInteger) ? [] : [{ shape, batch, loads }];
    }),
  );
  expect(uneven).toEqual([]);
  // The smallest tile of these would have fewer groups than invocations.
  expect(sidesOf({ m: 8, n: 8, k: 8, subgroup: 32 }, manyBatches, trialExtents)).toEqual([2, 4]);
});

it.each(shapes)("the trial exercises every tile of matrices of $m × $n × $k for subgroups of $subgroup", (shape) => {
  expect(sidesOf(shape, trialBatches, trialExtents)).toEqual(sidesOf(shape, manyBatches, { m: 200, n: 200, k: 200 }));
});
