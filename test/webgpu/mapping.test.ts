// How products are spread over a card: large tiles where there are many, smaller ones or a workgroup for each sum where there are few.
import { expect, it } from "vitest";
import { mapKernel } from "../../src/backends/gpu/mapping.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { inputNode } from "../conformance/run.ts";

it.each([
  [[4096, 4096, 4096], "tiles of 64 × 64, 4096 workgroups"],
  [[256, 2048, 256], "tiles of 32 × 32, 64 workgroups"],
  [[128, 64, 784], "tiles of 32 × 32, 100 workgroups"],
  [[64, 64, 64], "tiles of 16 × 16, 16 workgroups"],
  [[10, 4096, 64], "a workgroup of 256 for each of 640 results"],
  [[2, 64, 2], "a workgroup of 64 for each of 4 results"],
])("m, k, n = %j", ([m = 0, k = 0, n = 0], expected) => {
  const a = inputNode({ shape: [m, k], dtype: "float32" });
  const b = inputNode({ shape: [k, n], dtype: "float32" });
  const { program } = compileGraph("product", [{ node: dot(a, b, 0, 1) }]);
  const [kernel] = program.kernels;
  if (kernel === undefined || kernel.kind === "repeat") throw new Error("no kernel");
  const mapping = mapKernel(kernel);
  const text =
    mapping.kind === "tiles"
      ? `tiles of ${mapping.tile.side * mapping.tile.rows} × ${mapping.tile.side * mapping.tile.columns}, ${mapping.groups} workgroups`
      : `a workgroup of ${mapping.workgroup} for each of ${mapping.groups} results`;
  expect(text).toBe(expected);
});
