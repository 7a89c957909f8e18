// Values outside a function's domain: the run fails and names their position, on every backend, eager and compiled, before anything is assigned.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  bernoulli,
  compile,
  HebbError,
  multinomial,
  nn,
  ones,
  optim,
  Parameter,
  State,
  type Tensor,
  tensor,
  useBackend,
} from "../index.ts";

const F = nn.functional;
const backends = ["reference", "wasm", "c"] as const;
const bags = (offsets: Tensor): Tensor =>
  F.embeddingBag(tensor(Int32Array.of(0, 1, 2)), ones(4, 2), { offsets: offsets.to("int32") });
afterEach(() => useBackend({ backend: "wasm", threads: 1 }));

const faults: readonly (readonly [string, (x: Tensor) => Tensor, number[] | number[][], RegExp])[] = [
  ["weights of 0", (x) => multinomial(x, 1), [0, 0], /^multinomial: no weight is above 0, so nothing can be drawn/],
  [
    "a row of weights of 0",
    (x) => multinomial(x, 1),
    [
      [1, 1],
      [0, 0],
    ],
    /^multinomial: in row 1, no weight is above 0/,
  ],
  ["a weight of NaN", (x) => multinomial(x, 1), [Number.NaN, 1], /^multinomial: at \[0\], the weight is not a finite/],
  [
    "an infinite weight",
    (x) => multinomial(x, 1),
    [1, Number.POSITIVE_INFINITY],
    /at \[1\], the weight is not a finite/,
  ],
  ["a weight below 0", (x) => multinomial(x, 1), [2, -1], /at \[1\], the weight is not a finite number of at least 0/],
  ["a weight below 0, replaced", (x) => multinomial(x, 3, { replacement: true }), [2, -1], /at \[1\], the weight/],
  ["too few weights above 0", (x) => multinomial(x, 2), [1, 0, 0], /fewer than 2 weights are above 0.* draw fewer/],
  ["a probability above 1", bernoulli, [0.5, 2], /^bernoulli: at \[1\], the probability is not between 0 and 1/],
  ["a probability below 0", bernoulli, [-0.1], /^bernoulli: at \[0\], the probability/],
  ["a probability of NaN", bernoulli, [Number.NaN], /^bernoulli: at \[0\], the probability/],
  [
    "bce of an input above 1",
    (x) => F.bce(x, x.mul(0)),
    [0.5, 1.5],
    /^bce: at \[1\], the input is not between 0 and 1/,
  ],
  ["bce of an input below 0", (x) => F.bce(x, x.mul(0)), [-0.5], /use bceWithLogits/],
  [
    "bce of a target above 1",
    (x) => F.bce(x.mul(0), x),
    [0.5, 1.5],
    /^bce: at \[1\], the target is not between 0 and 1/,
  ],
  [
    "a label below -1",
    (x) => F.multilabelMargin(x.mul(0), x.to("int32")),
    [
      [0, -1, -1],
      [1, -2, 0],
    ],
    /^multilabelMargin: in row 1 at \[1\], the label is below -1/,
  ],
  ["a first offset above 0", (x) => bags(x), [1, 2], /^embeddingBag: at \[0\], the first offset is not 0/],
  ["offsets that fall", (x) => bags(x), [0, 2, 1], /^embeddingBag: at \[1\], the next offset is below this one/],
  ["an offset past the indices", (x) => bags(x), [0, 4], /^embeddingBag: at \[1\], offset 4 is out of range/],
  ["a variance below 0", (x) => F.gaussianNll(x, x, x), [1, -1], /^gaussianNll: at \[1\], the variance is below 0/],
];

describe.each(backends)("%s", (backend) => {
  beforeEach(({ skip }) => {
    try {
      useBackend(backend === "wasm" ? { backend, threads: 1 } : { backend });
    } catch (error) {
      if (backend === "c" && error instanceof HebbError)
        return skip(`the C backend is not available: ${error.message}`);
      throw error;
    }
  });

  it.each(faults)("refuses %s", (_, run, values, message) => {
    const x = tensor(values);
    const eager = () => run(x).dataSync();
    expect(eager).toThrow(HebbError);
    expect(eager).toThrow(message);
    const step = compile((given: Tensor) => run(given));
    expect(() => step(x)).toThrow(message);
    // The result is never read, and still nothing is assigned.
    const state = new State(0);
    const silent = compile((given: Tensor) => {
      run(given);
      state.assign(state.add(1));
    });
    expect(() => silent(x)).toThrow(message);
    expect(state.itemSync()).toBe(0);
  });
});

it("valid values pass, including the ends of the range", () => {
  expect(multinomial(tensor([0, 3, 0]), 1).toArraySync()).toEqual([1]);
  expect(multinomial(tensor([0, 3]), 4, { replacement: true }).toArraySync()).toEqual([1, 1, 1, 1]);
  expect(bernoulli(tensor([0, 1])).toArraySync()).toEqual([0, 1]);
  expect(F.bce(tensor([0, 1]), tensor([0, 1])).itemSync()).toBe(0);
  expect(F.gaussianNll(tensor([1]), tensor([1]), tensor([0])).itemSync()).toBeLessThan(0);
});

it("NaN shows in the loss, where it can be watched for", () => {
  expect(F.bce(tensor([Number.NaN]), tensor([1])).itemSync()).toBeNaN();
});

it("a step with a wrong value leaves the weights unchanged", () => {
  const weight = new Parameter(tensor([2]));
  const optimizer = new optim.SGD([weight], { lr: 0.1 });
  const step = compile((x: Tensor) => {
    optimizer.zeroGrad();
    F.bce(weight.mul(x), x.mul(0)).backward();
    optimizer.step();
  });
  expect(() => step(tensor([1]))).toThrow(/^bce: at \[0\], the input is not between 0 and 1/);
  expect(weight.itemSync()).toBe(2);
  step(tensor([0.25]));
  expect(weight.itemSync()).not.toBe(2);
});

it.each([-1, 4])("a length of %s of 3 steps is refused, also in a tensor", (length) => {
  const lstm = new nn.LSTM(1, 2);
  const x = tensor([[[1]], [[2]], [[3]]]);
  const run = (lengths: Tensor | number[]) => () => lstm.forward(x, undefined, { lengths })[0].dataSync();
  expect(run([length])).toThrow(/a length must be a whole number from 0 to 3/);
  expect(run(tensor(Int32Array.of(length)))).toThrow(/length -?\d is out of range, it must be at least 0 and below 4/);
});
