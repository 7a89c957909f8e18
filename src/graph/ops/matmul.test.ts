// The gradient of one factor, which must not depend on whether that of the other is requested.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { gradients } from "../autodiff.ts";
import type { Node } from "../node.ts";
import { matmul } from "./matmul.ts";
import { sum } from "./reduce.ts";

const device = createReferenceDevice();
const a = valueOf("float64", [2, 3], [1, 2, 3, 4, 5, 6]);
const b = valueOf("float64", [3, 2], [1, -1, 2, 0, 3, 5]);
const slopes = (wanted: (a: Node, b: Node) => readonly Node[]): readonly (readonly number[])[] =>
  evaluate(device, [a, b], ([x, y]) => {
    const [left, right] = [x ?? inputNode(a), y ?? inputNode(b)];
    return gradients(sum(matmul(left, right)), wanted(left, right)).filter((found) => found !== undefined);
  }).map(({ data }) => Array.from(data));

describe("the gradient of a product", () => {
  const [left, right] = [
    [0, 2, 8, 0, 2, 8],
    [5, 5, 7, 7, 9, 9],
  ];
  it("of both factors", () => expect(slopes((x, y) => [x, y])).toEqual([left, right]));
  it("of the first alone", () => expect(slopes((x) => [x])).toEqual([left]));
  it("of the second alone", () => expect(slopes((_, y) => [y])).toEqual([right]));
});
