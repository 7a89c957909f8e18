// Sizes beyond the counters of loops: an error that says so, or the right number, on every backend; no counter overflows.
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { HebbError } from "../src/graph/errors.ts";
import { mostElements } from "../src/graph/shape.ts";
import * as nn from "../src/nn/index.ts";
import { backendInfo, useBackend } from "../src/runtime/index.ts";
import {
  arange,
  compile,
  eye,
  full,
  linspace,
  oneHot,
  ones,
  rand,
  type Tensor,
  tensor,
  zeros,
} from "../src/tensor/index.ts";

const before = backendInfo();
afterAll(() => {
  useBackend(before);
});

const one = (): Tensor => ones([1]);
const index = (): Tensor => tensor(Int32Array.of(0));

/** Refused when the tensor is made: a dim beyond any loop counter. */
const dims: readonly (readonly [name: string, make: () => unknown])[] = [
  [
    "expand",
    () =>
      one()
        .expand([2 ** 40])
        .sum(),
  ],
  [
    "expand of a scalar",
    () =>
      ones([])
        .expand([2 ** 31])
        .mean(),
  ],
  [
    "a broadcast",
    () =>
      one()
        .expand([2 ** 32])
        .add(ones([1])),
  ],
  ["full", () => full([2 ** 33], 1).sum()],
  ["zeros", () => zeros([3, 2 ** 31]).amax()],
  ["rand", () => rand([2 ** 35]).mean()],
  [
    "pad",
    () =>
      one()
        .pad([[0, 2 ** 33]])
        .sum(),
  ],
  [
    "repeat",
    () =>
      one()
        .repeat([2 ** 34])
        .sum(),
  ],
  [
    "flatten",
    () =>
      ones([1, 1])
        .expand([2 ** 20, 2 ** 20])
        .flatten()
        .sum(),
  ],
  [
    "reshape",
    () =>
      ones([1, 1])
        .expand([2 ** 20, 2 ** 20])
        .reshape([2 ** 10, 2 ** 30])
        .reshape([-1])
        .sum(),
  ],
  ["oneHot", () => oneHot(index(), 2 ** 31).sum()],
  [
    "argmax of everything",
    () =>
      ones([1, 1])
        .expand([2 ** 20, 2 ** 20])
        .argmax(),
  ],
  [
    "matmul",
    () =>
      ones([1, 1])
        .expand([1, 2 ** 33])
        .matmul(ones([1, 1]).expand([2 ** 33, 1])),
  ],
  [
    "gather",
    () =>
      one()
        .expand([4])
        .gather(0, index().expand([2 ** 31])),
  ],
  ["indexSelect", () => one().indexSelect(0, index().expand([2 ** 32]))],
  ["interpolate", () => nn.functional.interpolate(ones([1, 1, 2]), { size: [2 ** 32] })],
  ["convolution", () => nn.functional.conv1d(ones([1, 1, 1]), ones([1, 1, 1]), undefined, { padding: 2 ** 31 })],
  [
    "more than can be counted",
    () =>
      ones([1, 1])
        .expand([2 ** 30, 2 ** 30])
        .sum(),
  ],
];

/** Refused when it runs: each dim is valid, but their product cannot be stored or iterated. */
const products: readonly (readonly [name: string, make: (x: Tensor) => Tensor])[] = [
  ["a value in memory", (x) => x.reshape([1, 1]).expand([2 ** 16, 2 ** 16])],
  [
    "a sum of rows that stay",
    (x) =>
      x
        .reshape([1, 1, 1])
        .expand([2 ** 16, 2 ** 16, 2])
        .sum(2),
  ],
  [
    "running sums",
    (x) =>
      x
        .reshape([1, 1])
        .expand([2 ** 16, 2 ** 16])
        .cumsum(1)
        .amax(),
  ],
  [
    "a sort",
    (x) =>
      x
        .reshape([1, 1])
        .expand([2 ** 20, 2 ** 20])
        .sort(1)
        .values.amax(),
  ],
  [
    "a product's sums",
    (x) =>
      x
        .reshape([1, 1])
        .expand([2 ** 16, 2 ** 16])
        .mul(x.reshape([1, 1]).expand([2 ** 16, 2 ** 16]))
        .matmul(ones([2 ** 16, 1]))
        .sum(),
  ],
  [
    "positions",
    (x) =>
      x
        .expand([4, 2 ** 20])
        .gather(0, index().expand([2 ** 12, 2 ** 20]))
        .sum(),
  ],
];

const backends = ["reference", "wasm", "c"] as const;

describe.each(backends)("%s", (backend) => {
  beforeEach(({ skip }) => {
    try {
      if (backendInfo().backend !== backend) useBackend({ backend, threads: 1 });
    } catch (error) {
      if (backend === "c" && error instanceof HebbError)
        return skip(`the C backend is not available: ${error.message}`);
      throw error;
    }
  });

  it.each(dims)("%s", (_, make) => {
    expect(make).toThrow(HebbError);
    expect(make).toThrow(/ in parts/);
    expect(() => compile(make)()).toThrow(/ in parts/);
  });

  it.each(products)("%s", (_, make) => {
    expect(() => make(one()).dataSync()).toThrow(HebbError);
    expect(() => make(one()).dataSync()).toThrow(/ in parts/);
    expect(() => compile(make)(one())).toThrow(/ in parts/);
  });

  it("names the module that requests it", () => {
    class Wide extends nn.Module<Tensor, [Tensor]> {
      forward(x: Tensor): Tensor {
        return x.expand([2 ** 40]).sum();
      }
    }
    expect(() => new nn.Sequential(new Wide()).forward(one())).toThrow(
      /"0": expand: \[1099511627776\] has a dim of 1099511627776, and a dim can have 2147418112 /,
    );
  });

  // The interpreter would count for minutes.
  it.skipIf(backend === "reference")("valid sizes give the right number", () => {
    expect(
      ones([1, 1])
        .expand([2, 2 ** 30])
        .sum()
        .itemSync(),
    ).toBe(2 ** 31);
    const most = compile((x: Tensor) => x.expand([mostElements]).sum());
    expect(most(one()).itemSync()).toBe(mostElements);
  });
});

it("running out of host memory gives an error message", () => {
  for (const make of [() => arange(2 ** 40), () => linspace(0, 1, 2 ** 41), () => eye(2 ** 21)])
    expect(make).toThrow(/out of memory for \d+ \w+ elements/);
});
