// Values and slopes at edges (ties, kinks, NaN, infinities, empty and 0-d tensors, odd scales) against figures of PyTorch.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import { HebbError } from "../../src/graph/errors.ts";
import * as hebb from "../../src/index.ts";
import { compile, Tensor } from "../../src/tensor/index.ts";
import {
  everywhere,
  expectClose,
  type Figure,
  type FloatDType,
  type Numeral,
  numbers,
  tensorOf,
  weighted,
} from "./figures.ts";

type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

interface Case {
  readonly name: string;
  /** ".sum" is a method of the first input; other names are functions. */
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  /** PyTorch's error message. */
  readonly error?: string;
  readonly outputs?: readonly Figure[];
  readonly gradients?: readonly (readonly Numeral[] | null)[];
}

const golden: { torch: string; cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("edges.json", import.meta.url), "utf8"),
);

type AnyFunction = (...args: readonly unknown[]) => unknown;
const named = new Map(Object.entries({ ...hebb, ...hebb.nn.functional })) as ReadonlyMap<string, unknown>;

function called(name: string, ...args: readonly unknown[]): unknown {
  const found = named.get(name);
  if (typeof found !== "function") throw new Error(`there is no function ${name}`);
  return (found as AnyFunction)(...args);
}

const functions: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...named,
  [
    "slopeOf",
    (name: string, x: Tensor, ...args: readonly unknown[]) =>
      hebb.grad((input: Tensor) => (called(name, input, ...args) as Tensor).sum())(x),
  ],
]);

function passed(value: Argument, inputs: readonly Tensor[]): unknown {
  if (value === null) return undefined;
  if (typeof value === "string" && value.startsWith("$")) return inputs[Number(value.slice(1))];
  if (value === "Infinity" || value === "-Infinity" || value === "NaN") return Number(value);
  if (Array.isArray(value)) return (value as readonly Argument[]).map((part) => passed(part, inputs));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, passed(part, inputs)]));
}

const tensorsIn = (output: unknown): Tensor[] =>
  output instanceof Tensor
    ? [output]
    : typeof output === "object" && output !== null
      ? Object.values(output).flatMap(tensorsIn)
      : [];

function call({ call: name, args }: Case, inputs: readonly Tensor[]): Tensor[] {
  const given = args.map((arg) => passed(arg, inputs));
  const [first] = inputs;
  const found = name.startsWith(".") ? Reflect.get(first ?? {}, name.slice(1)) : functions.get(name);
  if (typeof found !== "function") throw new Error(`there is no function ${name}`);
  return tensorsIn((found as AnyFunction).apply(first, given));
}

const isWanted = (entry: Case, place: number): boolean => {
  const slopes = entry.gradients?.[place];
  return slopes !== null && slopes !== undefined && isFloat(entry.inputs[place]?.dtype ?? "int32");
};

function pass(entry: Case, given: readonly Tensor[]): { outputs: Tensor[]; gradients: (Tensor | null)[] } {
  for (const [place, input] of given.entries()) input.requiresGrad = isWanted(entry, place);
  const outputs = call(entry, given);
  const parts = outputs.filter(({ requiresGrad }) => requiresGrad).map(weighted);
  if (parts.length > 0) parts.reduce((sum, part) => sum.add(part)).backward();
  return { outputs, gradients: given.map((input, place) => (isWanted(entry, place) ? (input.grad ?? null) : null)) };
}

/** Cases in one program: the compiler runs once for all of them. */
const together = 16;
const valued = golden.cases.filter(({ error }) => error === undefined);

everywhere(`edges of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  const results = new Map<Case, ReturnType<typeof pass>>();
  const resultOf = (entry: Case): ReturnType<typeof pass> => {
    const known = results.get(entry);
    if (known !== undefined) return known;
    const first = valued.indexOf(entry);
    const cases = valued.slice(first - (first % together), first - (first % together) + together);
    const inputs = (each: Case) => each.inputs.map((figure) => tensorOf(figure, float));
    const one = (list: readonly Case[]): void => {
      const run = compile((...given: Tensor[][]) => list.map((each, place) => pass(each, given[place] ?? [])));
      for (const [place, result] of run(...list.map(inputs)).entries()) results.set(list[place] as Case, result);
    };
    try {
      one(cases);
    } catch {
      // One of them fails: each runs alone, so that the others still count.
      one([entry]);
    }
    return results.get(entry) as ReturnType<typeof pass>;
  };
  it.each(valued.map((entry) => [entry.name, entry] as const))("%s", (_, entry) =>
    check(entry, resultOf(entry), float),
  );
});

function check(entry: Case, { outputs, gradients }: ReturnType<typeof pass>, float: FloatDType): void {
  expect(outputs.map(({ shape }) => shape)).toEqual(entry.outputs?.map(({ shape }) => shape));
  for (const [place, output] of outputs.entries())
    expectClose(`output ${place}`, output.dataSync(), numbers(entry.outputs?.[place]?.data ?? []), float);
  for (const [place, gradient] of gradients.entries()) {
    if (!isWanted(entry, place)) continue;
    const expected = numbers(entry.gradients?.[place] ?? []);
    expectClose(`gradient of input ${place}`, gradient?.dataSync() ?? expected.map(() => 0), expected, float, 64);
  }
}

it.each(golden.cases.filter(({ error }) => error !== undefined).map((entry) => [entry.name, entry] as const))(
  "refuses as PyTorch does: %s",
  (_, entry) => {
    const run = () =>
      call(
        entry,
        entry.inputs.map((figure) => tensorOf(figure, "float32")),
      ).map((out) => out.dataSync());
    expect(run).toThrow(HebbError);
  },
);
