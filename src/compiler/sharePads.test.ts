// Paddings of one value become windows of the widest where that is smaller than all of them.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { isOp, type Node } from "../graph/node.ts";
import { type Pad, pad, padOp, sliceOp } from "../graph/ops/movement.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { sharePads } from "./sharePads.ts";

const x = inputNode({ shape: [4, 6], dtype: "float32" });
const padded = (...pads: readonly Pad[]): Node => pad(x, pads, 0);

/** The pads that are left, and how many slices there are. */
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
  it("are windows of one that is as wide as each on every side", () => {
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
  it("take no window of what is the widest itself, and one along each dim that is smaller", () => {
    expect(shared(padded([1, 1], [2, 2]), padded([0, 1], [2, 2])).slices).toBe(1);
    expect(shared(padded([1, 1], [2, 2]), padded([0, 1], [2, 1])).slices).toBe(2);
  });
  it("stay apart where all of them are as small as the one", () => {
    // [8, 6] and [4, 12] beside [8, 12]: 48 + 48 is not more than 96; with one row more it is.
    const tall = padded([2, 2], [0, 0]);
    expect(shared(tall, padded([0, 0], [3, 3])).pads).toHaveLength(2);
    expect(shared(tall, padded([0, 0], [3, 3]), padded([1, 0], [0, 0])).pads).toHaveLength(1);
    expect(shared(tall, padded([1, 0], [3, 3])).pads).toHaveLength(1);
  });
  it("stay as they are where there is one, or where they differ in their value or what they pad", () => {
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
  it("stay as they are where they take away, or put zeros between", () => {
    const wide = padded([1, 1], [2, 2]);
    expect(shared(wide, padded([0, 1], [-1, 2])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [2, -1])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [2, 2, 1])).pads).toHaveLength(2);
    expect(shared(wide, padded([0, 1], [0, 0])).pads).toHaveLength(1);
  });
});
