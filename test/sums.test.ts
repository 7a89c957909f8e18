// Float32 sums lie within 2 ulp × log₂ of their length of the exact ones, in every direction, on every backend.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HebbError } from "../src/graph/errors.ts";
import * as nn from "../src/nn/index.ts";
import { useBackend } from "../src/runtime/index.ts";
import { compile, full, type Tensor, tensor } from "../src/tensor/index.ts";

const ulp = 2 ** -23;

const works = (backend: "reference" | "wasm" | "c"): boolean => {
  try {
    useBackend({ backend });
    return true;
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    console.warn(`skipped on ${backend}: ${error.message}`);
    return false;
  }
};
const backends = (["reference", "wasm", "c"] as const).filter(works);

/** The same draws on every machine. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Values that are difficult for float32 sums, by name. */
const fills: Readonly<Record<string, (draw: () => number) => (place: number) => number>> = {
  "one value": () => () => 0.1,
  uniform: (draw) => () => draw(),
  "both signs": (draw) => () => draw() - 0.5,
  "mixed magnitudes": (draw) => () => (draw() - 0.3) * 2 ** Math.floor(draw() * 24),
  "pairs that cancel": (draw) => (place) => (place % 2 === 0 ? 1e4 : -1e4) + draw(),
  "a large one first": () => (place) => (place === 0 ? 2 ** 24 : 1),
};

interface Sums {
  readonly exact: Float64Array;
  readonly magnitude: Float64Array;
}

/** The sums over some dims, and those of magnitudes, in float64. */
function sumsOf(data: Float32Array, shape: readonly number[], dims: readonly number[]): Sums {
  const strides = shape.map(() => 0);
  let results = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    if (dims.includes(dim)) continue;
    strides[dim] = results;
    results *= shape[dim] ?? 1;
  }
  const [exact, magnitude] = [new Float64Array(results), new Float64Array(results)];
  const index = shape.map(() => 0);
  let at = 0;
  for (const value of data) {
    exact[at] = (exact[at] ?? 0) + value;
    magnitude[at] = (magnitude[at] ?? 0) + Math.abs(value);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      const next = (index[dim] ?? 0) + 1;
      at += strides[dim] ?? 0;
      if (next < (shape[dim] ?? 1)) {
        index[dim] = next;
        break;
      }
      index[dim] = 0;
      at -= next * (strides[dim] ?? 0);
    }
  }
  return { exact, magnitude };
}

/** The largest error, relative to the documented bound. */
function share(actual: ArrayLike<number>, { exact, magnitude }: Sums, terms: number): number {
  let worst = 0;
  for (const [at, value] of exact.entries()) {
    const promised = 2 * ulp * Math.max(1, Math.log2(terms)) * (magnitude[at] ?? 0);
    worst = Math.max(worst, Math.abs((actual[at] ?? Number.NaN) - value) / (promised || 1));
  }
  return worst;
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Every kind of loop: short and long, with and without a remainder, along memory, across it, both. */
const named: readonly (readonly [shape: readonly number[], dims: readonly number[]])[] = [
  [[17], [0]],
  [[1000], [0]],
  [[10_000], [0]],
  [[100_003], [0]],
  [[1 << 20], [0]],
  [[40, 16], [0]],
  [[1000, 8], [0]],
  [[1 << 18, 4], [0]],
  [[20_000, 65], [0]],
  [[3, 10_001], [1]],
  [[500, 2000], [1]],
  [[8, 300, 16], [1]],
  [[4, 5003, 7], [1]],
  [
    [16, 8, 7, 7],
    [0, 2, 3],
  ],
  [
    [32, 3, 64, 64],
    [0, 2, 3],
  ],
  [
    [100, 30, 50],
    [0, 2],
  ],
  [
    [300, 5, 3],
    [0, 2],
  ],
  [
    [50, 51, 52],
    [0, 1],
  ],
  [
    [50, 51, 52],
    [0, 1, 2],
  ],
];

/** Random shapes and dims, at most `most` elements. */
function cases(count: number, most: number): (readonly [readonly number[], readonly number[]])[] {
  const draw = draws(7);
  return Array.from({ length: count }, () => {
    const rank = 1 + Math.floor(draw() * 4);
    let left = most ** (0.3 + 0.7 * draw());
    const shape = Array.from({ length: rank }, (_, dim) => {
      const extent = Math.max(1, Math.floor(dim === rank - 1 ? left : left ** draw()));
      left /= extent;
      return extent;
    }).sort(() => draw() - 0.5);
    const dims = shape.map((_, dim) => dim).filter(() => draw() < 0.6);
    return [shape, dims.length === 0 ? [Math.floor(draw() * rank)] : dims] as const;
  });
}

describe.each(backends)("on %s", (backend) => {
  const slow = backend === "reference";
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
  });

  const check = (shape: readonly number[], dims: readonly number[]): void => {
    const sum = compile((x: Tensor) => x.sum([...dims]));
    const terms = dims.reduce((product, dim) => product * (shape[dim] ?? 1), 1);
    const errors = Object.entries(fills).map(([name, fill]) => {
      const value = fill(draws(elements(shape)));
      const data = Float32Array.from({ length: elements(shape) }, (_, place) => value(place));
      return [name, share(sum(tensor(data, { shape: [...shape] })).dataSync(), sumsOf(data, shape, dims), terms)];
    });
    expect(errors.filter(([, error]) => !(Number(error) <= 1))).toEqual([]);
  };

  test.each(named.filter(([shape]) => !slow || elements(shape) <= 1e5))("sums of %j over %j", check);

  test("sums of random shapes over random dims", () => {
    for (const [shape, dims] of cases(slow ? 12 : 30, slow ? 2e4 : 4e5)) check(shape, dims);
  });

  test("the mean of 10,000 tenths is a tenth", () => {
    expect(full([10_000], 0.1).mean().itemSync()).toBe(Math.fround(0.1));
    // Each of 16 additions of equal terms in float32 is off by half an ulp of the partial sum: at most (16 + 1) / 4 ulp of the total.
    // These are added in float64; the sum and the quotient are rounded once each. On wasm and c the sum is off by 3 ulp of 1000.
    const most = ((16 + 1) / 4 + 1) * ulp * Math.fround(0.1);
    const mean = tensor(new Float32Array(10_000).fill(0.1)).mean().itemSync();
    expect(Math.abs(mean - Math.fround(0.1))).toBeLessThanOrEqual(most);
  });

  test.skipIf(slow)("the mean squared error of 10,000,000 differences of 0.3 is 0.09", () => {
    const loss = nn.functional.mse(full([10_000_000], 0.3), full([10_000_000], 0));
    const exact = Math.fround(0.3) ** 2;
    expect(Math.abs(loss.itemSync() - exact)).toBeLessThanOrEqual(2 * ulp * exact);
  });

  test("summands may be computed, and several sums may share a loop", () => {
    const [rows, columns] = [3000, 24];
    const data = Float32Array.from({ length: rows * columns }, (_, place) => 0.1 + (place % 7));
    const both = compile((x: Tensor): [Tensor, Tensor] => [x.sum(0), x.mul(x).sum(0)]);
    const [plain, squares] = both(tensor(data, { shape: [rows, columns] }));
    expect(share(plain.dataSync(), sumsOf(data, [rows, columns], [0]), rows)).toBeLessThanOrEqual(1);
    const squared = sumsOf(
      data.map((value) => value * value),
      [rows, columns],
      [0],
    );
    expect(share(squares.dataSync(), squared, rows)).toBeLessThanOrEqual(1);
  });

  test("reductions of several dtypes in one kernel, each in parts, keep their parts apart", () => {
    const length = 1 << 17;
    const values = Float32Array.from({ length }, (_, place) => (place % 1024) / 1024 - 0.25);
    const extremes = compile((x: Tensor) => [
      x.to("float64").sum(),
      x.amax(),
      x.mul(100).to("uint8").amax(),
      x.mul(100).to("int16").amin(),
      x.amin(),
    ]);
    const whole = (length / 1024) * ((1023 * 1024) / 2 / 1024 - 256);
    const found = extremes(tensor(values)).map((x) => x.itemSync());
    expect(found).toEqual([whole, 1023 / 1024 - 0.25, 255, -25, -0.25]);
  });
});

describe.each(backends.filter((backend) => backend !== "reference"))("on %s, with threads", (backend) => {
  test.each(named)("sums of %j over %j have the same bits as on one thread", (shape, dims) => {
    const draw = draws(3);
    const data = Float32Array.from({ length: elements(shape) }, () => draw() - 0.3);
    const results = [1, 2, 4].map((threads) => {
      useBackend({ backend, threads });
      const sum = compile((x: Tensor) => x.sum([...dims]));
      return sum(tensor(data, { shape: [...shape] })).dataSync();
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

afterAll(() => {
  useBackend({ backend: "wasm" });
});
