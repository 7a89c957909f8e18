// Windows: overlapping rows computed together, lanes two elements apart, and alternating parts, against the reference.
import { afterAll, describe, expect, it } from "vitest";
import { allDevices } from "../../test/conformance/devices.ts";
import { evaluate, type Value, valueOf } from "../../test/conformance/run.ts";
import { gradients } from "../graph/autodiff.ts";
import type { Node } from "../graph/node.ts";
import { conv2d } from "../graph/ops/conv.ts";
import { maximum, mul, relu } from "../graph/ops/elementwise.ts";
import { avgPool2d, maxPool2d } from "../graph/ops/pool.ts";
import { sum } from "../graph/ops/reduce.ts";
import { sizeOf } from "../graph/shape.ts";

const devices = allDevices();
const [reference] = devices;
afterAll(() => {
  for (const device of devices) device.close();
});

/** Multiples of 1/8, so that sums, also of products of two, are exact in any order. */
const eighths = (shape: readonly number[], salt: number): Value =>
  valueOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => (((Math.imul(i + salt * 7919, 0x9e3779b1) >>> 16) % 31) - 15) / 8),
  );

type Options = Parameters<typeof conv2d>[3];

/** Rows of results: 8 (four together), 15 (five), 9 (three), 14 (two), 7 (seven), 11 (each alone). */
const sizes = [8, 15, 9, 14, 7, 11].map((rows) => [rows, 2 * rows + 3] as const);

describe.each(devices.filter((device) => device !== reference))("windows on $backend, $threads threads", (device) => {
  const agree = (values: readonly Value[], build: (nodes: readonly Node[]) => Node[]): void =>
    expect(evaluate(device, values, build)).toEqual(evaluate(reference, values, build));

  it.each(sizes)("depthwise convolutions of %i × %i", (rows, columns) => {
    for (const [kernel, options] of [
      [3, { padding: 1 }],
      [3, { padding: 2, dilation: 2 }],
      [2, {}],
      [5, { padding: 2, stride: 2 }],
      [5, { padding: 2 }],
      [7, { padding: 3 }],
      [4, { padding: 2, stride: [2, 1] }],
      [3, { padding: 1, stride: [1, 2] }],
    ] as const satisfies readonly (readonly [number, Options])[]) {
      const values = [eighths([2, 3, rows, columns], 1), eighths([3, 1, kernel, kernel], 2), eighths([3], 3)];
      agree(values, ([x, w, b]) =>
        x && w && b
          ? [relu(conv2d(x, w, b, { ...options, groups: 3 })), conv2d(x, w, undefined, { ...options, groups: 3 })]
          : [],
      );
    }
  });

  it.each(sizes)("pools of %i × %i", (rows, columns) => {
    agree([eighths([2, 2, rows, columns], 4)], ([x]) =>
      x
        ? [
            maxPool2d(x, 2),
            maxPool2d(x, 3, { stride: 2, padding: 1 }),
            maxPool2d(x, 3, { stride: 1 }),
            avgPool2d(x, 2, {}),
            avgPool2d(x, 4, { stride: 1 }),
            maxPool2d(x, 5, { stride: 2 }),
          ]
        : [],
    );
  });

  it.each(sizes)("gradients through strides over %i × %i", (rows, columns) => {
    const values = [eighths([2, 3, rows, columns], 5), eighths([4, 3, 3, 3], 6), eighths([4, 3, 4, 4], 7)];
    agree(values, ([x, w, v]) => {
      if (!x || !w || !v) return [];
      const results = [
        conv2d(x, w, undefined, { stride: 2, padding: 1 }),
        conv2d(x, v, undefined, { stride: 2, padding: 1 }),
        conv2d(x, w, undefined, { stride: [1, 2] }),
        avgPool2d(x, 2),
      ];
      return results.map((result) => gradients(result, [x], result)[0] as Node);
    });
  });

  it.each(sizes)("weight gradients of depthwise convolutions over %i × %i", (rows, columns) => {
    for (const [kernel, options] of [
      [3, { padding: 1, stride: 2 }],
      [3, { padding: 1 }],
      [5, { padding: 2, stride: 2 }],
      [2, { stride: [1, 2] }],
    ] as const satisfies readonly (readonly [number, Options])[]) {
      const settings = { ...options, groups: 17 };
      const [image, weight] = [eighths([2, 17, rows, columns], 8), eighths([17, 1, kernel, kernel], 9)];
      const shape = evaluate(reference, [image, weight], ([x, w]) =>
        x && w ? [conv2d(x, w, undefined, settings)] : [],
      );
      agree([image, weight, eighths(shape[0]?.shape ?? [], 10)], ([x, w, g]) =>
        x && w && g ? [gradients(conv2d(x, w, undefined, settings), [w], g)[0] as Node] : [],
      );
    }
  });

  it.each(sizes)("several sums over the same %i × %i, some dependent on others", (rows, columns) => {
    agree([eighths([3, 20, rows, columns], 11), eighths([3, 20, rows, columns], 12)], ([x, y]) => {
      if (!x || !y) return [];
      const total = (value: Node): Node => sum(value, [0, 2, 3], true);
      return [total(mul(x, y)), total(x), total(mul(relu(x), y)), total(maximum(x, total(x)))];
    });
  });
});
