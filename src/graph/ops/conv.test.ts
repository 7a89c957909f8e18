// The iteration space of convolutions and their gradients: the axes of the resulting contractions.
import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff.ts";
import { type Node, sourceNode } from "../node.ts";
import { topologicalOrder } from "../walk.ts";
import { conv2d } from "./conv.ts";
import { matmul } from "./matmul.ts";
import { sum } from "./reduce.ts";

const input = (...shape: number[]): Node => sourceNode({ shape, dtype: "float32" }, { sourceKind: "argument" });

/** The extents of the axes, without dims of size 1, of every contraction behind a value. */
function contractions(output: Node): { op: string; batch: number[]; m: number[]; n: number[]; k: number[] }[] {
  const many = (extents: readonly number[]): number[] => extents.filter((extent) => extent !== 1);
  return topologicalOrder([output]).flatMap(({ op, attributes, inputs }) => {
    if (op.rule.kind !== "contract") return [];
    const { batch, m, n, k } = op.rule.contract(attributes, inputs);
    return [{ op: op.name, batch: many(batch), m: many(m), n: many(n), k: many(k) }];
  });
}

describe("conv2d", () => {
  const x = input(8, 3, 10, 9);
  const w = input(16, 3, 5, 4);
  const y = conv2d(x, w, undefined, { padding: 1 });

  it("has output channels as rows, and images and positions as columns", () => {
    expect(contractions(y)).toEqual([{ op: "convolution", batch: [], m: [16], n: [8, 8, 8], k: [3, 5, 4] }]);
  });

  it("has a weight gradient summed over images and positions", () => {
    const [dw] = gradients(sum(y), [w]);
    expect(dw?.shape).toEqual([16, 3, 5, 4]);
    expect(contractions(dw as Node).at(-1)).toEqual({
      op: "convolution",
      batch: [],
      m: [16],
      n: [3, 5, 4],
      k: [8, 8, 8],
    });
  });

  it("has an input gradient summed over output channels and the kernel", () => {
    const [dx] = gradients(sum(y), [x]);
    expect(contractions(dx as Node).at(-1)).toEqual({
      op: "convolution",
      batch: [],
      m: [3],
      n: [8, 12, 11],
      k: [16, 5, 4],
    });
  });

  it("has its groups as a batch", () => {
    expect(contractions(conv2d(input(2, 6, 4, 4), input(4, 3, 2, 2), undefined, { groups: 2 }))[0]).toMatchObject({
      batch: [2],
      m: [2],
      k: [3, 2, 2],
    });
  });
});

describe("matmul", () => {
  it("takes all rows at once if the right side is one matrix, and sums its gradient over them", () => {
    const [x, w] = [input(4, 5, 6), input(6, 7)];
    const y = matmul(x, w);
    expect(contractions(y)).toEqual([{ op: "matmul", batch: [], m: [4, 5], n: [7], k: [6] }]);
    const [dw] = gradients(sum(y), [w]);
    expect(contractions(dw as Node).at(-1)).toEqual({ op: "matmul", batch: [], m: [6], n: [7], k: [4, 5] });
  });

  it("keeps batches of both sides", () => {
    expect(contractions(matmul(input(2, 3, 4, 5), input(3, 5, 6)))).toEqual([
      { op: "matmul", batch: [2, 3], m: [4], n: [6], k: [5] },
    ]);
  });
});
