// clipGradNorm of every order, against values of torch.nn.utils.clip_grad_norm_ in float64.
import { expect, it } from "vitest";
import { Parameter, tensor } from "../tensor/index.ts";
import { clipGradNorm } from "./clip.ts";

const { POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;

it.each([
  [0, 2, 0.49999975000012497],
  [0.5, 37.7765657052182, 0.02647143685140309],
  [1, 10, 0.09999999000000101],
  [1.5, 6.617860323274744, 0.15110621863335838],
  [2, 5.477225575051661, 0.18257415250172812],
  [3, 4.641588833612778, 0.21544342258731006],
  [most, 4, 0.24999993750001562],
  [least, 0, 1],
  [-1, 0, 1],
])("of order %d: the norm is %d, and a gradient of 1 becomes %d", (normType, norm, first) => {
  const parameters = [
    new Parameter(0, { shape: [3], dtype: "float64" }),
    new Parameter(0, { shape: [2], dtype: "float64" }),
  ];
  const [a, b] = parameters;
  if (a !== undefined) a.grad = tensor([1, -2, 3], { dtype: "float64" });
  if (b !== undefined) b.grad = tensor([0, 4], { dtype: "float64" });
  expect(clipGradNorm(parameters, 1, { normType }).itemSync()).toBeCloseTo(norm, 12);
  expect(Array.from(a?.grad?.dataSync() ?? [])).toEqual(
    [first, -2 * first, 3 * first].map((x) => expect.closeTo(x, 12)),
  );
});
