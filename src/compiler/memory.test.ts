// Only memory that is read for the last time is overwritten.
import { describe, expect, it } from "vitest";
import { type Axis, add, axisValue, int, load, localValue, mul, newAxis, newLocal, unary } from "../graph/scalar.ts";
import { compile, rand, type Tensor } from "../tensor/index.ts";
import { flatAxes } from "./indexing.ts";
import type { ContractionKernel, LoopKernel } from "./kernel.ts";
import { inPlaceTemporaries, inPlaceUpdates } from "./memory.ts";

describe("inPlaceTemporaries", () => {
  const rows = 8;
  const columns = 32;
  const axes = [newAxis(rows), newAxis(columns)];
  const flat = flatAxes(axes);
  const turned = add(axisValue(axes[0] as Axis), mul(axisValue(axes[1] as Axis), int(rows)));
  const drafts = Array.from({ length: 6 }, (_, id) => ({ id, dtype: "float32" as const, length: rows * columns }));
  /** to = -from, each read and written at its own index. */
  const negated = (from: number, to: number, read = flat, write = flat): LoopKernel => ({
    kind: "loops",
    name: "neg",
    axes,
    body: [{ kind: "store", buffer: to, index: write, value: unary("neg", load(from, read, "float32")) }],
  });

  it("gives a chain one memory, and what is read again its own", () => {
    const chain = [negated(9, 0), negated(0, 1), negated(1, 2), negated(0, 3), negated(2, 9), negated(3, 9)];
    expect([...inPlaceTemporaries(chain, drafts)].map(([id, { buffer }]) => [id, buffer])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  it("leaves apart what is read and written in different orders", () => {
    const chain = [negated(9, 0), negated(0, 1, flat, turned), negated(1, 2, turned, flat), negated(2, 9)];
    expect(inPlaceTemporaries(chain, drafts).size).toBe(0);
  });

  it("leaves apart the operands of a contraction, which may be packed again while results are stored", () => {
    const [m, k] = [newAxis(rows * columns), newAxis(1)];
    const result = newLocal("float32");
    const product = (from: number, to: number): ContractionKernel => ({
      kind: "contraction",
      name: "matmul",
      dtype: "float32",
      batch: [],
      m: [m],
      n: [],
      k: [k],
      a: load(from, axisValue(m), "float32"),
      b: load(9, int(0), "float32"),
      result,
      epilogue: [
        {
          kind: "store",
          buffer: to,
          index: axisValue(m),
          value: add(localValue(result), load(from, axisValue(m), "float32")),
        },
      ],
    });
    expect(inPlaceTemporaries([negated(9, 0), product(0, 1), negated(1, 9)], drafts).size).toBe(0);
    expect(inPlaceUpdates([product(0, 1)])(0, 1)).toBe(false);
    expect(inPlaceUpdates([negated(0, 1)])(0, 1)).toBe(true);
  });

  it("computes a softmax inside the memory of its scores", () => {
    const head = compile((q: Tensor, k: Tensor, v: Tensor) => q.matmul(k.transpose(0, 1)).softmax(-1).matmul(v));
    const [q, k, v] = [rand([64, 32]), rand([64, 32]), rand([64, 32])];
    expect(head(q, k, v).dataSync()).toEqual(q.matmul(k.transpose(0, 1)).softmax(-1).matmul(v).dataSync());
    const [, bytes] = /arena of (\d+) bytes/.exec(head.explain()) ?? [];
    // The scores, and two numbers for each row.
    expect(Number(bytes)).toBeLessThanOrEqual(64 * 64 * 4 + 2 * 64 * 4);
  });
});
