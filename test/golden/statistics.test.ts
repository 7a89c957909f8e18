// Normalisation and variance of values that are equal, far from 0 or have outliers: as close to PyTorch's float64 as float32 allows.
// HEBB_GOLDEN=1 prints every error next to that of PyTorch's float32.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, grad, nn, type Tensor, tensor } from "../../src/index.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { backends } from "./figures.ts";

interface Filled {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly scale: number;
  readonly outliers: readonly number[];
}

interface Case {
  readonly call: "layerNorm" | "groupNorm" | "instanceNorm" | "batchNorm" | "variance" | "std";
  readonly input: Filled;
  readonly terms: number;
  readonly output: readonly number[];
  readonly gradient: readonly number[];
  /** The errors of PyTorch's float32. */
  readonly float32: readonly number[];
}

const golden: { readonly torch: string; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("statistics.json", import.meta.url), "utf8"),
);
const most = 24;
const unit = 2 ** -23;

function hashed(place: number): number {
  let hash = Math.imul(place, 0x9e3779b9) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  return (hash ^ (hash >>> 13)) >>> 0;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function filled({ shape, offset, scale, outliers }: Filled): Tensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, place) => offset + scale * (hashed(place) / 2 ** 32));
  for (const place of outliers) data[place] = (data[place] ?? 0) * 1e6;
  return tensor(data, { shape });
}

const calls: Readonly<Record<Case["call"], (x: Tensor) => Tensor>> = {
  layerNorm: (x) => nn.functional.layerNorm(x, [x.shape.at(-1) ?? 0]),
  groupNorm: (x) => nn.functional.groupNorm(x, 2),
  instanceNorm: (x) => nn.functional.instanceNorm(x),
  batchNorm: (x) => nn.functional.batchNorm(x, undefined, undefined, { training: true }),
  variance: (x) => x.variance(-1),
  std: (x) => x.std(-1),
};

const weights = (like: Tensor): Tensor =>
  tensor(
    Float32Array.from({ length: like.size }, (_, place) => ((place % 13) + 1) * 0.07),
    { shape: like.shape },
  );

const sampled = (values: ArrayLike<number>): number[] => {
  const step = Math.max(1, Math.floor(values.length / most));
  return Array.from({ length: Math.min(most, Math.ceil(values.length / step)) }, (_, place) =>
    Number(values[place * step]),
  );
};

const largest = (values: readonly number[]): number => Math.max(1e-30, ...values.map(Math.abs));

/** The largest error, in units of the magnitude that `scale` gives for each number. */
const errorOf = (found: readonly number[], exact: readonly number[], scale: (value: number) => number): number =>
  exact.reduce((worst, value, place) => {
    const error = Math.abs((found[place] ?? Number.NaN) - value) / scale(value) / unit;
    return error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }, 0);

const table: string[] = [];

describe.each(backends)("statistics of PyTorch on %s", (backend) => {
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
  });
  const named = golden.cases.map(
    (entry) => [`${entry.call} of ${JSON.stringify(entry.input)}`, entry] as [string, Case],
  );
  it.each(named)("%s", (name, { call, input, terms, output, gradient, float32 }) => {
    const x = filled(input);
    const found = [calls[call](x), compile(calls[call])(x)].map((values) => sampled(values.dataSync()));
    const slopes = compile(
      grad((y: Tensor) =>
        calls[call](y)
          .mul(weights(calls[call](y)))
          .sum(),
      ),
    )(x);
    const mean = output.reduce((sum, value) => sum + Math.abs(value), 0) / output.length;
    // A sum of n terms is off by at most 2 log₂ n units. A deviation is also off by the error of the mean deviation, and its scale by that of a sum
    // of squares.
    const within = (value: number): number => Math.max(1e-30, Math.abs(value) + mean);
    const error = Math.max(...found.map((values) => errorOf(values, output, within)));
    // A slope consists of three sums, and is no smaller than a tenth of them after cancellation.
    const steep = largest(gradient);
    const off = errorOf(sampled(slopes.dataSync()), gradient, () => steep);
    table.push([name, backend, error.toPrecision(3), off.toPrecision(3), ...float32].join(" | "));
    expect(error).toBeLessThanOrEqual(2 * Math.log2(terms) + 4);
    expect(off).toBeLessThanOrEqual(3 * (2 * Math.log2(terms) + 4));
  });
});

afterAll(() => {
  if (process.env["HEBB_GOLDEN"] === undefined) return;
  console.info([`case | backend | error | of slopes | PyTorch ${golden.torch}'s`, ...table].join("\n"));
});
