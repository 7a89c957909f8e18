// Paddings of one value become windows of the widest, if that is smaller than all of them together.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { isOp, type Node } from "../graph/node.ts";
import { type Pad, pad, padOp, sliceOp } from "../graph/ops/movement.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { sharePads } from "./sharePads.ts";

const x = inputNode({ shape: [4, 6], dtype: "float32" });
const padded = (...pads: readonly Pad[]): Node => pad(x, pads, 0);

/** The remaining pads, and the number of slices. */
function shared(...outputs: readonly Node[]): { readonly pads: unknown[]; readonly slices: number } {
  const results = sharePads(outputs);
  expect(results.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
  const order = topologicalOrder(results);
  return {
    pads: order.filter((node) => isOp(node, padOp)).map((node) => node.attributes["pads"]),
    slices: order.filter((node) => isOp(node, sliceOp)).length,
  };
}

describe("paddings of one value", () => {
  it("are windows of one that covers each of them on every side", () => {
    const [left, right] = [padded([0, 0], [2, 0]), padded([0, 0], [0, 3])];
    expect(shared(left, right)).toEqual({
      pads: [
        [
          [0, 0, 0],
          [2, 3, 0],
        ],
      ],
      slices: 2,
    });
  });
  it("use the widest itself without a window, and slice only the dims that are smaller", () => {
    expect(shared(padded([1, 1], [2, 2]), padded([0, 1], [2, 2])).slices).toBe(1);
    expect(shared(padded([1, 1], [2, 2]), padded([0, 1], [2, 1])).slices).toBe(2);
  });
  it("stay separate if together they are no larger than the common one", () => {
    // [8, 6] and [4, 12] versus [8, 12]: 48 + 48 is not more than 96; with one more row it is.
    const tall = padded([2, 2], [0, 0]);
    expect(shared(tall, padded([0, 0], [3, 3])).pads).toHaveLength(2);
    expect(shared(tall, padded([0, 0], [3, 3]), padded([1, 0], [0, 0])).pads).toHaveLength(1);
    expect(shared(tall, padded([1, 0], [3, 3])).pads).toHaveLength(1);
  });
  it("are unchanged if there is only one, or if they differ in value or input", () => {
    const one = padded([1, 1], [2, 2]);
    expect(sharePads([one])[0]).toBe(one);
    const other = inputNode({ shape: [4, 6], dtype: "float32" });
    const pads = [
      [1, 1],
      [2, 1],
    ] as const;
    expect(shared(one, pad(x, pads, 1)).pads).toHaveLength(2);
    expect(shared(one, pad(other, pads, 0)).pads).toHaveLength(2);
    expect(
      shared(
        pad(x, pads, -0),
        pad(
          x,
          [
            [1, 1],
            [2, 2],
          ],
          0,
        ),
      ).pads,
    ).toHaveLength(2);
  });
  it("are unchanged if they crop, or insert zeros between elements", () => {
    const wide = padded([1, 1], [2, 2]);
    expect(shared(wide, padded([0, 1], [-1, 2])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [2, -1])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [2, 2, 1])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [0, 0])).pads).toHaveLength(1);
  });
});
