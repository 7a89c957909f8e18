// Figures of PyTorch on webgpu, and a training that is interrupted and resumed: every 24th case of the layers, every 12th of the losses; all with
// HEBB_LONG=1.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compile, data, nn, optim, seed, type Tensor, useBackend } from "../../src/index.ts";
import * as losses from "../../src/nn/losses.ts";
import { defaultDevice, moveToHost } from "../../src/runtime/index.ts";
import { arraysOfLater, type TrainState, fit as trainModel } from "../../src/train/index.ts";
import { expectClose, type Figure, numbers, tensorOf, weighted } from "../golden/figures.ts";
import { goldenLayers, prepared } from "../golden/layerCases.ts";
import { takeForCards, webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
device?.close();

const long = process.env["HEBB_LONG"] === "1";
const every = <T>(count: number, cases: readonly T[]): readonly T[] =>
  long ? cases : cases.filter((_, place) => place % count === 0);

beforeAll(async () => {
  if (device === undefined) return;
  const end = takeForCards();
  useBackend({ backend: "webgpu" });
  await defaultDevice.ready().finally(end);
});
afterAll(async () => {
  if (device === undefined) return;
  await moveToHost();
  useBackend({ backend: "wasm", threads: 1 });
});

describe.skipIf(device === undefined)(`layers of PyTorch ${goldenLayers.torch}`, () => {
  it.each(every(24, goldenLayers.cases).map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const { pass, inputs, layer } = prepared(entry, "float32");
    const result = compile((given: Tensor[]) => pass(given))(inputs);
    for (const [place, output] of result.outputs.entries())
      expectClose("output", await output.data(), numbers(entry.outputs[place]?.data ?? []), "float32", entry.depth);
    const { depth } = entry;
    for (const [place, found] of result.inputGradients.entries()) {
      if (Array.isArray(found)) continue;
      const figures = numbers(entry.inputGradients[place] ?? []);
      expectClose(`gradient of input ${place}`, await found.data(), figures, "float32", 2 * depth);
    }
    for (const [place, [name, figures]] of Object.entries(entry.gradients).entries()) {
      const found = await result.gradients[place]?.data();
      expectClose(`gradient of ${name}`, found ?? [], numbers(figures), "float32", 2 * depth);
    }
    const after = layer.stateDict();
    for (const [name, value] of Object.entries(entry.after))
      expectClose(`${name} afterwards`, (await after[name]?.data()) ?? [], numbers(value), "float32", depth);
  });
});

interface LossCase {
  readonly name: string;
  readonly fn: string;
  readonly inputs: readonly Figure[];
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly tensors: Readonly<Record<string, Figure>>;
  readonly output: Figure;
  readonly gradients: readonly ((number | "nan")[] | null)[];
}
const goldenLosses: { readonly torch: string; readonly cases: readonly LossCase[] } = JSON.parse(
  readFileSync(new URL("../golden/losses.json", import.meta.url), "utf8"),
);
type AnyLoss = (...args: (Tensor | object)[]) => Tensor;
const functions = new Map(Object.entries(losses)) as ReadonlyMap<string, unknown> as ReadonlyMap<string, AnyLoss>;

describe.skipIf(device === undefined)(`losses of PyTorch ${goldenLosses.torch}`, () => {
  // Extremes need float64.
  const cases = every(
    12,
    goldenLosses.cases.filter(({ name }) => !name.includes("extremes")),
  );
  it.each(cases.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const inputs = entry.inputs.map((figure, place) => tensorOf(figure, "float32", entry.gradients[place] !== null));
    const tensors = Object.entries(entry.tensors).map(([name, figure]) => [name, tensorOf(figure, "float32")] as const);
    const output = functions.get(entry.fn)?.(...inputs, { ...entry.options, ...Object.fromEntries(tensors) });
    if (output === undefined) throw new Error(`there is no loss ${entry.fn}`);
    expectClose("output", await output.data(), numbers(entry.output.data), "float32");
    weighted(output).backward();
    for (const [place, figures] of entry.gradients.entries()) {
      if (figures === null) continue;
      const found = await inputs[place]?.grad?.data();
      expectClose(`gradient of input ${place}`, found ?? [], numbers(figures), "float32");
    }
  });
});

describe.skipIf(device === undefined)("an interrupted training", () => {
  beforeEach(() => seed(4));

  it("resumes from its saved state, to the same bits", async () => {
    const rows = data.moons({ count: 30, seed: 1 });
    const run = async (stops: readonly number[]): Promise<unknown> => {
      seed(4);
      let resume: TrainState | undefined;
      for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
        const model = new nn.Sequential(
          new nn.Linear(2, 6),
          new nn.BatchNorm1d(6),
          new nn.ReLU(),
          new nn.Dropout(0.2),
          new nn.Linear(6, 2),
        );
        const optimizer = new optim.AdamW(model.parameters(), { lr: 0.05 });
        await trainModel(model, {
          ...{ train: rows, optimizer, resume, epochs: 4, batchSize: 8, seed: 3, saveEvery: 0, ema: 0.9 },
          schedule: new optim.CosineAnnealingLR(optimizer, 20),
          scheduleEvery: "update",
          callbacks: [{ stepEnd: ({ step }) => (step === stop ? "stop" : undefined) }],
          save: (state) => {
            resume = state;
          },
        });
        if (stop === Number.POSITIVE_INFINITY) return [await arraysOfLater(model.stateDict()), resume?.tensors];
      }
      return undefined;
    };
    const whole = await run([]);
    expect(await run([3, 9])).toEqual(whole);
  });
});
