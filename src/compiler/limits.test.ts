// The largest values and loops that 32-bit indices can count, and cats with the most parts that one kernel selects among.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { isOp, type Node, withScope } from "../graph/node.ts";
import { relu } from "../graph/ops/elementwise.ts";
import { dot } from "../graph/ops/matmul.ts";
import { cat, catOp } from "../graph/ops/movement.ts";
import { mostElements } from "../graph/shape.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { checkCounted, checkStored } from "./limits.ts";
import { splitCats } from "./splitCats.ts";

const leaf = (shape: readonly number[]): Node => inputNode({ shape, dtype: "float32" });

describe("limits", () => {
  const half = mostElements / 2;
  it("allow as many elements as there are indices, and name the value that has more", () => {
    expect(() => checkStored(relu(leaf([2, half])))).not.toThrow();
    const large = withScope("encoder", () => relu(leaf([2, half + 1])));
    expect(() => checkStored(large)).toThrow(
      `relu: float32[2, ${half + 1}] has ${mostElements + 2} elements, and a tensor in memory can have at most ${mostElements}; compute it in parts (in "encoder")`,
    );
  });
  it("allow as many rows, columns and summands in a product", () => {
    expect(() => checkCounted(dot(leaf([2, half, 1]), leaf([1, 3]), 0, 1))).not.toThrow();
    expect(() => checkCounted(dot(leaf([2, half + 1, 1]), leaf([1, 3]), 0, 1))).toThrow(
      `${mostElements + 2} iterations`,
    );
    expect(() => checkCounted(dot(leaf([2, 2, half + 1]), leaf([2, half + 1, 3]), 0, 2))).toThrow("iterations");
    expect(() => checkCounted(relu(leaf([2, half + 1])))).not.toThrow();
  });
});

describe("a cat", () => {
  /** The number of parts of each cat. */
  const parts = (count: number, rows: number, dim: number): number[] => {
    const whole = cat(
      Array.from({ length: count }, () => leaf([rows, 16])),
      dim,
    );
    const order = topologicalOrder(splitCats([relu(whole)]));
    return order.filter((node) => isOp(node, catOp)).map(({ inputs }) => inputs.length);
  };
  it("with 256 parts stays one cat; with more it becomes a cat of cats", () => {
    expect(parts(256, 1, 0)).toEqual([256]);
    expect(parts(257, 1, 0)).toEqual([256, 1, 2].filter((size) => size > 1));
    expect(parts(700, 1, 1)).toEqual([256, 256, 188, 3]);
  });
  it("with parts computed in place stays one cat, however many parts there are", () => {
    expect(parts(700, 16, 0)).toEqual([700]);
    expect(parts(700, 15, 0)).toEqual([256, 256, 188, 3]);
    expect(parts(700, 16, 1)).toEqual([256, 256, 188, 3]);
  });
  it("that is a result is selected from its parts", () => {
    const whole = cat(
      Array.from({ length: 300 }, () => leaf([16, 16])),
      0,
    );
    expect(splitCats([whole])[0]?.inputs.length).toBe(2);
  });
});
