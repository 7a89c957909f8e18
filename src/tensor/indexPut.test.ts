// Assignment at an index, compared with a list that is written one value at a time: positions, slices and numbers in every mix.
import { describe, expect, it } from "vitest";
import { arange, tensor, zeros } from "./index.ts";
import type { Index } from "./methods/indexing.ts";

const at = (...places: readonly number[]) => tensor(Int32Array.from(places));

const indices: Readonly<Record<string, readonly Index[]>> = {
  "positions of rows": [at(2, 0, 2)],
  "positions from the end": [at(-1, 1, -3)],
  "positions of the middle": [":", at(1, 1, 0)],
  "positions of the last": ["...", at(3, 0, 3, 3)],
  "two rows of positions side by side": [":", at(2, 0, 2), at(1, 1, 1)],
  "two rows of positions apart": [at(2, 0, 2), ":", at(1, 1, 1)],
  "positions that broadcast": [at(2, 0).reshape([2, 1]), at(1, 1, 2)],
  "positions and a slice from 1": [at(0, 2, 0), "1:"],
  "positions and a slice to 1": [at(0, 2, 0), ":1"],
  "positions and each second": [at(0, 2, 0), "::2"],
  "positions and a number": [at(0, 2, 0), 1],
  "positions and a new dim": [at(0, 2, 0), null],
  "no positions": [1, "1:"],
  "positions of nothing": [tensor(new Int32Array(0))],
};

describe.each(Object.entries(indices))("indexPut at %s", (_, index) => {
  const shape = [3, 3, 4];
  const count = 36;
  it.each(["float32", "int32", "bool"] as const)("of %s: the last of several stays", (dtype) => {
    const places = arange(count)
      .reshape(shape)
      .index(...index);
    const expected = new Array<number>(count).fill(0);
    for (const [place, to] of [...places.dataSync()].entries()) expected[to] = dtype === "bool" ? 1 : place + 1;
    const values = arange(1, places.numel() + 1).reshape([...places.shape]);
    const put = zeros(shape, { dtype }).indexPut(index, values.to(dtype));
    expect([...put.dataSync()]).toEqual(expected);
  });
});

it("an empty dim accepts an empty list of positions and refuses any position", () => {
  expect(zeros([0, 3]).index(at()).shape).toEqual([0, 3]);
  expect(() => zeros([0, 3]).index(at(0))).toThrow(/the size of that dim is 0, so there is no index/);
});
