// Every loss, with its options and reductions, against figures of PyTorch, forward and backward.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import * as losses from "../../src/nn/losses.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { everywhere, expectClose, expectGradient, type Figure, numbers, tensorOf, weighted } from "./figures.ts";

interface Case {
  readonly name: string;
  readonly fn: string;
  readonly inputs: readonly Figure[];
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly tensors: Readonly<Record<string, Figure>>;
  readonly output: Figure;
  readonly gradients: readonly ((number | "nan")[] | null)[];
}

const golden: { torch: string; cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("losses.json", import.meta.url), "utf8"),
);

/** One signature for all: the cases carry the right number of inputs. */
type AnyLoss = (...args: (Tensor | object)[]) => Tensor;
const functions = new Map(Object.entries(losses)) as ReadonlyMap<string, unknown> as ReadonlyMap<string, AnyLoss>;

/** Below the smallest float32, numbers are 0, which makes it another case. */
const needsDouble = (name: string): boolean => name.includes("extremes");

everywhere(`losses of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  it.each(
    golden.cases
      .filter(({ name }) => float === "float64" || !needsDouble(name))
      .map((entry) => [entry.name, entry] as const),
  )("%s", (_, entry) => {
    const fn = functions.get(entry.fn);
    if (fn === undefined) throw new Error(`there is no loss ${entry.fn}`);
    const inputs = entry.inputs.map((figure, place) => tensorOf(figure, float, entry.gradients[place] !== null));
    const tensors = Object.fromEntries(
      Object.entries(entry.tensors).map(([name, figure]) => [name, tensorOf(figure, float)]),
    );
    const output = fn(...inputs, { ...entry.options, ...tensors });
    expect(output.shape).toEqual(entry.output.shape);
    expect(output.dtype).toBe(float);
    expectClose("output", output.dataSync(), numbers(entry.output.data), float);
    weighted(output).backward();
    for (const [place, gradient] of entry.gradients.entries()) {
      if (gradient !== null)
        expectGradient(`gradient of input ${place}`, inputs[place]?.grad, numbers(gradient), float);
    }
  });
});

it("has figures for every loss", () => {
  const missing = [...functions.keys()].filter((name) => !golden.cases.some(({ fn }) => fn === name));
  expect(missing).toEqual(["cosineSimilarity"]);
});
