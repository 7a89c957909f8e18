// Random calls with random shapes and options against PyTorch: float64 to 1e-10, float32 within a few times what PyTorch's own float32 loses.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import * as hebb from "../../src/index.ts";
import { everywhere, type Figure, type FloatDType, numbers, tensorOf, weighted } from "./figures.ts";

type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  readonly outputs: readonly Figure[];
  readonly gradients: readonly (readonly number[] | null)[];
  /** What PyTorch's float32 loses, relative to the largest number. */
  readonly float32Error: number;
}

const golden: { readonly torch: string; readonly seed: number; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("randomCalls.json", import.meta.url), "utf8"),
);

/** Rounding of inputs and outputs alone, and a dozen operations between: 64 u. */
const leastError = 64 * 2 ** -24;
const timesTheirs = 8;

const isTree = (value: Argument): value is { readonly [option: string]: Argument } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Arguments with tensors in the places of `{ $: number }`. */
function passed(value: Argument, inputs: readonly hebb.Tensor[]): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return (value as readonly Argument[]).map((part) => passed(part, inputs));
  if (!isTree(value)) return value;
  const { $: place } = value;
  if (typeof place === "number") return inputs[place];
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, passed(part, inputs)]));
}

function called({ call, args }: Case, inputs: readonly hebb.Tensor[]): hebb.Tensor[] {
  const [room, name = call] = call.includes(".") ? call.split(".") : ["", call];
  const owner: object | undefined = room === "x" ? inputs[0] : room === "F" ? hebb.nn.functional : hebb;
  const fn: unknown = Reflect.get(owner ?? {}, name);
  if (typeof fn !== "function") throw new Error(`there is no ${call}`);
  const result: unknown = Reflect.apply(
    fn,
    owner,
    args.map((each) => passed(each, inputs)),
  );
  return result instanceof hebb.Tensor ? [result] : Object.values(result as Record<string, hebb.Tensor>);
}

function errorOf(found: ArrayLike<number>, expected: readonly number[]): number {
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return expected.reduce((worst, value, place) => {
    const error = Math.abs((found[place] ?? Number.NaN) - value);
    return error <= worst * largest ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / largest;
  }, 0);
}

everywhere(`random calls of PyTorch ${golden.torch}, seed ${golden.seed}`, (float: FloatDType, start) => {
  beforeAll(start);
  const names = golden.cases.map(
    (entry, place) => [`${place}: ${entry.call} ${JSON.stringify(entry.args)}`, entry] as const,
  );
  it.each(names)("%s", (_, entry) => {
    const inputs = entry.inputs.map((figure) => tensorOf(figure, float, isFloat(figure.dtype)));
    const outputs = called(entry, inputs);
    expect(outputs.map(({ shape }) => shape)).toEqual(entry.outputs.map(({ shape }) => shape));
    const bound = float === "float64" ? 1e-9 : Math.max(leastError, timesTheirs * entry.float32Error);
    for (const [place, { data }] of entry.outputs.entries())
      expect(errorOf(outputs[place]?.dataSync() ?? [], numbers(data)), `output ${place}`).toBeLessThanOrEqual(bound);
    const parts = outputs.filter(({ requiresGrad }) => requiresGrad).map(weighted);
    if (parts.length > 0) parts.reduce((sum, part) => sum.add(part)).backward();
    for (const [place, expected] of entry.gradients.entries()) {
      if (expected === null) continue;
      const found = inputs[place]?.grad?.dataSync() ?? new Float64Array(expected.length);
      expect(errorOf(found, expected), `gradient ${place}`).toBeLessThanOrEqual(bound);
    }
  });
});
