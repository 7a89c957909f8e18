// Input gradients of padded, strided, dilated and grouped convolutions against their definition; and which elements are no longer computed.
import { describe, expect, test } from "vitest";
import { compile, conv2d, grad, type Tensor, tensor } from "../tensor/index.ts";

interface Convolved {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

const [images, channels, outputs] = [2, 4, 6];

function outOf({ size, kernel, stride, padding, dilation }: Convolved): number[] {
  return size.map((extent, dim) =>
    Math.floor((extent + 2 * padding - dilation * ((kernel[dim] ?? 1) - 1) - 1) / stride + 1),
  );
}

/** Small integers, so that sums are exact in any order. */
const values = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, place) => ((place * 7 + seed * 13) % 11) - 5);

/** The definition, one product at a time. */
function expected(of: Convolved, w: Float32Array, g: Float32Array): Float32Array {
  const { size, kernel, stride, padding, dilation, groups } = of;
  const [rows = 1, columns = 1] = outOf(of);
  const [inside, outside] = [channels / groups, outputs / groups];
  const result = new Float32Array(images * channels * size[0] * size[1]);
  for (let n = 0; n < images; n++)
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < inside; c++)
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++)
            for (let u = 0; u < kernel[0]; u++)
              for (let v = 0; v < kernel[1]; v++) {
                const [i, j] = [y * stride + u * dilation - padding, x * stride + v * dilation - padding];
                if (i < 0 || j < 0 || i >= size[0] || j >= size[1]) continue;
                const channel = Math.floor(o / outside) * inside + c;
                const at = ((n * channels + channel) * size[0] + i) * size[1] + j;
                const weight = w[((o * inside + c) * kernel[0] + u) * kernel[1] + v] ?? 0;
                result[at] = (result[at] ?? 0) + weight * (g[((n * outputs + o) * rows + y) * columns + x] ?? 0);
              }
  return result;
}

const cases: Convolved[] = [];
for (const size of [
  [9, 8],
  [7, 12],
  [5, 5],
] as const)
  for (const kernel of [
    [3, 3],
    [5, 4],
    [1, 2],
    [2, 5],
  ] as const)
    for (const stride of [1, 2, 3])
      for (const padding of [0, 1, 2, 3])
        for (const [dilation, groups] of [
          [1, 1],
          [2, 1],
          [1, 2],
        ] as const) {
          const one = { size, kernel, stride, padding, dilation, groups };
          if (outOf(one).every((extent) => extent > 0)) cases.push(one);
        }

// Small images, where a stride leaves some phases fewer elements than others.
for (const size of [
  [1, 1],
  [2, 2],
  [3, 2],
  [1, 4],
] as const)
  for (const extent of [2, 3, 4])
    for (const stride of [2, 3, 4])
      for (const padding of [0, 1, 2]) {
        const one = { size, kernel: [extent, extent] as const, stride, padding, dilation: 1, groups: 1 };
        if (outOf(one).every((count) => count > 0)) cases.push(one);
      }

describe("the input gradient of a convolution", () => {
  test(`matches its definition in ${cases.length} forms`, () => {
    for (const one of cases) {
      const { size, kernel, stride, padding, dilation, groups } = one;
      const [rows = 1, columns = 1] = outOf(one);
      const w = values(outputs * (channels / groups) * kernel[0] * kernel[1], 1);
      const g = values(images * outputs * rows * columns, 2);
      const weight = tensor(w, { shape: [outputs, channels / groups, ...kernel] });
      const upper = tensor(g, { shape: [images, outputs, rows, columns] });
      const loss = (x: Tensor): Tensor =>
        conv2d(x, weight, undefined, { stride, padding, dilation, groups }).mul(upper).sum();
      const x = tensor(values(images * channels * size[0] * size[1], 3), { shape: [images, channels, ...size] });
      expect([...grad(loss)(x).dataSync()], JSON.stringify(one)).toEqual([...expected(one, w, g)]);
    }
  });

  test("can be sliced anywhere", () => {
    const options = { stride: 3, padding: 1 };
    const w = tensor(values(4 * 3 * 4 * 4, 1), { shape: [4, 3, 4, 4] });
    const x = tensor(values(3 * 11, 2), { shape: [1, 3, 1, 11] }).add(tensor(values(10, 3), { shape: [10, 1] }));
    const gradient = (v: Tensor): Tensor => grad((u: Tensor) => conv2d(u, w, undefined, options).pow(2).sum())(v);
    const whole = gradient(x);
    whole.dataSync();
    for (let start = 0; start < 11; start++)
      for (let end = start + 1; end <= 11; end++) {
        const cut = compile((v: Tensor) => gradient(v).slice(3, start, end));
        expect([...cut(x).dataSync()], `${start} to ${end}`).toEqual([...whole.slice(3, start, end).dataSync()]);
      }
  });

  test("computes no element that is cropped by padding", () => {
    const weight = tensor(values(8 * 8 * 9, 1), { shape: [8, 8, 3, 3] });
    const gradient = compile((x: Tensor) => grad((v: Tensor) => conv2d(v, weight, undefined, { padding: 1 }).sum())(x));
    gradient(tensor(values(4 * 8 * 7 * 7, 2), { shape: [4, 8, 7, 7] }));
    const sizes = [...gradient.explain().matchAll(/= convolution.*: f32\[4, 1, 8, (\d+), (\d+)\]/g)];
    expect(sizes.map(([, rows, columns]) => [rows, columns])).toEqual([["7", "7"]]);
  });

  test("pads once for all phases of a stride", () => {
    const weight = tensor(values(8 * 8 * 25, 1), { shape: [8, 8, 5, 5] });
    const gradient = compile((x: Tensor) =>
      grad((v: Tensor) => conv2d(v, weight, undefined, { padding: 2, stride: 2 }).sum())(x),
    );
    gradient(tensor(values(4 * 8 * 15 * 15, 2), { shape: [4, 8, 15, 15] }));
    expect([...gradient.explain().matchAll(/^kernel pad/gm)]).toHaveLength(1);
    expect([...gradient.explain().matchAll(/^kernel convolution/gm)]).toHaveLength(4);
  });

  test("is not narrowed if its whole convolution is needed too", () => {
    const weight = tensor(values(8 * 8 * 9, 1), { shape: [8, 8, 3, 3] });
    const both = compile((x: Tensor) => {
      const y = conv2d(x, weight, undefined, { padding: 1 });
      return [y.reshape([2, 2, 8, 7, 7]).slice(3, 1, 3), y.sum()];
    });
    both(tensor(values(4 * 8 * 7 * 7, 2), { shape: [4, 8, 7, 7] }));
    expect([...both.explain().matchAll(/= convolution/g)]).toHaveLength(1);
  });
});
