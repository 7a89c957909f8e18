// Functions over many float32 values: about as close to the exact numbers as PyTorch's float32, or within the documented bound of sums.
// HEBB_LONG=1 runs all of them on every backend, otherwise only those of few values; HEBB_GOLDEN=1 prints every error next to PyTorch's.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackendName } from "../../src/backends/backend.ts";
import { Parameter, type Tensor, tensor } from "../../src/index.ts";
import { clipGradNorm } from "../../src/optim/index.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { type Argument, called } from "./calls.ts";
import { backends } from "./figures.ts";

interface Filled {
  readonly shape: readonly number[];
  readonly offset?: number;
  readonly scale?: number;
  readonly below?: number;
}

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Filled[];
  readonly terms: number;
  readonly outputs: readonly (readonly number[])[];
  readonly of: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly errors: readonly number[];
  readonly name?: string;
}

const golden: { readonly torch: string; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("longSums.json", import.meta.url), "utf8"),
);

/** The number of samples that longSums.py keeps of large results. */
const most = 32;
const unit = 2 ** -23;

const ownCalls: Readonly<Record<string, (...inputs: Tensor[]) => Tensor>> = {
  "total norm": (...inputs) => {
    const parameters = inputs.map((input) => new Parameter(input));
    for (const [place, parameter] of parameters.entries()) parameter.grad = inputs[place];
    return clipGradNorm(parameters, 1);
  },
  "sum of every third": (x) => x.slice(0, 0, undefined, 3).sum(),
  "sum turned": (x) => x.transpose(0, 1).sum(1),
  "sum repeated": (x) => x.expand([300, 1000]).sum(),
  "sum of products": (x, y) => x.mul(y).add(0.5).exp().sum(),
  "gradients of what is repeated": (x, y) => x.mul(y),
};

function hashed(place: number, seed: number): number {
  let hash = (place + Math.imul(seed, 0x9e3779b9)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function filled({ shape, offset = 0, scale = 0, below }: Filled, seed: number, requiresGrad: boolean): Tensor {
  const length = sizeOf(shape);
  if (below !== undefined)
    return tensor(
      Int32Array.from({ length }, (_, place) => hashed(place, seed) % below),
      { shape },
    );
  const data = new Float32Array(length);
  for (let place = 0; place < length; place++) data[place] = offset + scale * (hashed(place, seed) / 2 ** 32);
  return tensor(data, { shape, requiresGrad });
}

const weighted = (output: Tensor): Tensor =>
  output
    .mul(
      tensor(
        Float32Array.from({ length: output.size }, (_, place) => ((place % 13) + 1) * 0.07),
        { shape: output.shape },
      ),
    )
    .sum();

function errorOf(found: ArrayLike<number>, exact: readonly number[]): number {
  const step = Math.max(1, Math.floor(found.length / most));
  const largest = Math.max(1e-30, ...exact.map(Math.abs));
  return exact.reduce((worst, value, place) => {
    const error = Math.abs((found[place * step] ?? Number.NaN) - value) / largest / unit;
    return error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }, 0);
}

const table = new Map<string, { theirs: readonly number[]; found: string[] }>();
const sizes = ({ inputs }: Case): number => inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
const isLong = process.env["HEBB_LONG"] === "1";
const mostValues: Readonly<Record<BackendName, number>> = { reference: 5e4, wasm: 3e5, c: 1.3e6, webgpu: 3e5 };

describe.each(backends)("long sums of PyTorch on %s", (backend) => {
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
  });
  const cases = golden.cases
    .map((entry, place) => {
      const shapes = entry.inputs.map(({ shape }) => `[${shape}]`).join(" ");
      const values = entry.inputs
        .map(({ offset, scale, below }) => below ?? (scale === 0 ? offset : `${offset}+${scale}u`))
        .join(" ");
      return [
        `${place}: ${entry.name ?? entry.call} ${JSON.stringify(entry.args)} ${shapes} ${values}`,
        entry,
        place,
      ] as const;
    })
    .filter(([, entry]) => isLong || sizes(entry) <= mostValues[backend]);
  it.each(cases)("%s", (name, entry, place) => {
    const inputs = entry.inputs.map((input, k) => filled(input, place * 8 + k + 1, entry.of.includes(k)));
    const own = ownCalls[entry.call];
    const outputs = own === undefined ? called(entry.call, entry.args, inputs) : [own(...inputs)];
    const found = outputs.map((output) => output.dataSync());
    if (entry.of.length > 0)
      outputs
        .map(weighted)
        .reduce((sum, part) => sum.add(part))
        .backward();
    const slopes = entry.of.map((k) => inputs[k]?.grad?.dataSync() ?? []);
    const exact = [...entry.outputs, ...entry.gradients];
    const errors = [...found, ...slopes].map((values, k) => errorOf(values, exact[k] ?? []));
    const row = table.get(name) ?? { theirs: entry.errors, found: [] };
    row.found.push(errors.map((error) => error.toPrecision(3)).join(", "));
    table.set(name, row);
    // A mean rounds the sum and then the quotient, while PyTorch rounds once: twice PyTorch's error. Sums may be off by their documented bound.
    const bounds = entry.errors.map((theirs) => 2 * theirs + 2 * Math.log2(entry.terms));
    expect(
      errors.map((error, k) => [error, bounds[k] ?? 0] as const).filter(([error, bound]) => !(error <= bound)),
    ).toEqual([]);
  });
});

afterAll(() => {
  if (process.env["HEBB_GOLDEN"] === undefined) return;
  const lines = [...table].map(([name, { theirs, found }]) => [name, theirs.join(", "), ...found].join(" | "));
  console.info([`case | PyTorch ${golden.torch} | ${backends.join(" | ")}`, ...lines].join("\n"));
});
