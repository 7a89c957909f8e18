// Tensor methods that are other names for existing ones, and computations that PyTorch refuses.
import { expect, test } from "vitest";
import { arange, tensor } from "./index.ts";

test("narrow takes a length, counts negative starts from the end, and stays within the dim", () => {
  const t = arange(6).reshape([2, 3]);
  expect(t.narrow(1, 1, 2).toArraySync()).toEqual([
    [1, 2],
    [4, 5],
  ]);
  expect(t.narrow(-1, -2, 1).toArraySync()).toEqual([[1], [4]]);
  expect(() => t.narrow(1, 2, 2)).toThrow(
    /2 elements from index 2 do not fit in dim 1 of size 3; the third argument is a length/,
  );
  expect(() => t.narrow(0, -3, 1)).toThrow(/do not fit in dim 0 of size 2/);
});

test("booleans are divided as whole numbers", () => {
  const [a, b] = [tensor([true, true, false]), tensor([true, false, true])];
  for (const [result, expected] of [
    [a.fmod(b), [0, 0, 0]],
    [a.floorDivide(b), [1, 0, 0]],
  ] as const) {
    expect(result.dtype).toBe("int32");
    expect(result.toArraySync()).toEqual(expected);
  }
});
