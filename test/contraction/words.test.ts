// Products of whole numbers of one and two bytes, several in each lane, against the reference: extreme numbers, and channels that do not fill a word.
import { afterAll, describe, expect, it } from "vitest";
import { createCDevice } from "../../src/backends/c/index.ts";
import { cast } from "../../src/graph/ops/cast.ts";
import { type ConvOptions, conv1d, conv2d } from "../../src/graph/ops/conv.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { flip, permute } from "../../src/graph/ops/movement.ts";
import { allDevices } from "../conformance/devices.ts";
import { drawnIntegers, evaluate, type Value } from "../conformance/run.ts";

const [reference, ...others] = allDevices();
const native = others.find(({ backend }) => backend === "c");
if (native?.description.includes("AVX")) {
  process.env["HEBB_CFLAGS"] = "-march=haswell";
  others.push(createCDevice({ threads: 1, always: true }));
  delete process.env["HEBB_CFLAGS"];
}
afterAll(() => {
  for (const each of [reference, ...others]) each.close();
});

const types = [
  ["uint8", "int8"],
  ["int8", "uint8"],
  ["int8", "int8"],
  ["int16", "uint8"],
  ["int16", "int16"],
] as const;

describe.each(others)("sums in int32 on $description", (device) => {
  const same = (values: readonly Value[], build: Parameters<typeof evaluate>[2]): void =>
    expect(evaluate(device, values, build)).toEqual(evaluate(reference, values, build));

  const convolutions: readonly (readonly [x: readonly number[], w: readonly number[], options: ConvOptions])[] = [
    [[2, 1, 9, 11], [16, 1, 3, 3], { padding: 1 }],
    [[1, 3, 9, 9], [17, 3, 3, 3], { padding: 1, stride: 2 }],
    [[2, 16, 7, 7], [20, 16, 3, 3], { padding: 1 }],
    [[1, 6, 11, 9], [16, 6, 5, 3], { dilation: 2 }],
    [[2, 32, 6, 6], [32, 16, 3, 3], { groups: 2 }],
    [[2, 7, 5, 5], [18, 7, 1, 1], {}],
    [[1, 2, 14, 14], [16, 2, 4, 4], { stride: 3 }],
  ];
  it.each(types.flatMap((pair) => convolutions.map((row) => [...pair, ...row] as const)))(
    "a convolution of %s by %s: %j by %j, %j",
    (left, right, image, kernel, options) =>
      same([drawnIntegers(left, image, 1), drawnIntegers(right, kernel, 2)], (inputs) => {
        const [x, w] = inputs.map((input) => cast(input, "int32"));
        return x === undefined || w === undefined ? [] : [conv2d(x, w, undefined, options)];
      }),
  );

  it.each(types)("products of %s by %s with reversed rows, and a convolution of sequences", (left, right) =>
    same(
      [drawnIntegers(left, [3, 18, 24], 1), drawnIntegers(right, [3, 24, 17], 2), drawnIntegers(right, [16, 18, 5], 3)],
      (inputs) => {
        const [x, y, w] = inputs.map((input) => cast(input, "int32"));
        if (x === undefined || y === undefined || w === undefined) return [];
        const turned = permute(flip(x, [2]), [0, 2, 1]);
        return [
          matmul(x, y),
          matmul(permute(flip(y, [1]), [0, 2, 1]), turned),
          conv1d(x, w, undefined, { padding: 2 }),
        ];
      },
    ),
  );
});
