// How kernels are spread over a card: large tiles where there are many, smaller ones or a workgroup for each sum where there are few. Over a processor: nothing is shared.
import { expect, it } from "vitest";
import { type Mapping, mapKernel, type Target } from "../../src/backends/gpu/mapping.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Node } from "../../src/graph/node.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { inputNode } from "../conformance/run.ts";

function mappingOf(node: Node, target: Target): Mapping {
  const { program } = compileGraph("kernel", [{ node }]);
  const [kernel] = program.kernels;
  if (kernel === undefined || kernel.kind === "repeat") throw new Error("no kernel");
  return mapKernel(kernel, target);
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
    case "blocks": {
      const { side, rows, columns } = mapping.tile;
      return `${kind} of ${side * rows} × ${side * columns}, ${groups} workgroups`;
    }
  }
}

it.each([
  [[4096, 4096, 4096], "tiles of 64 × 64, 4096 workgroups"],
  [[256, 2048, 256], "tiles of 32 × 32, 64 workgroups"],
  [[128, 64, 784], "tiles of 32 × 32, 100 workgroups"],
  [[64, 64, 64], "tiles of 16 × 16, 16 workgroups"],
  [[10, 4096, 64], "a workgroup of 256 for each of 640 results"],
  [[2, 64, 2], "a workgroup of 64 for each of 4 results"],
])("a card: m, k, n = %j", (sizes, expected) => {
  expect(described(mappingOf(product(sizes), "card"))).toBe(expected);
});

it.each([
  [[4096, 4096, 4096], "blocks of 32 × 32, 16384 workgroups"],
  [[64, 784, 128], "blocks of 32 × 32, 8 workgroups"],
  [[12, 784, 10], "blocks of 16 × 16, 1 workgroups"],
  [[2, 64, 2], "1 workgroups of 64 points"],
])("a processor: m, k, n = %j", (sizes, expected) => {
  expect(described(mappingOf(product(sizes), "processor"))).toBe(expected);
});

it("long sums are shared by a workgroup on a card, and by nobody on a processor", () => {
  const sums = sum(inputNode({ shape: [100, 2000], dtype: "float32" }), [1]);
  expect(described(mappingOf(sums, "card"))).toBe("a workgroup of 256 for each of 100 results");
  expect(described(mappingOf(sums, "processor"))).toBe("2 workgroups of 64 points");
});
