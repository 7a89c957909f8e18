// Import, train, export, import again: the same numbers, the same names, and the loss falls. With files of PyTorch and of hebb.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  exportOnnx,
  importOnnx,
  type OnnxModule,
  opsets,
  tensorProto,
  writeOnnx,
} from "../../src/formats/onnx/index.ts";
import { compile, nn, optim, seed, type Tensor, tensor, useBackend } from "../../src/index.ts";
import { difference, runOnnx } from "./session.ts";

const fixtures = new URL("fixtures/", import.meta.url);
const inputs: Readonly<Record<string, { readonly x: readonly number[]; readonly shape: readonly number[] }>> =
  JSON.parse(readFileSync(new URL("models.json", fixtures), "utf8"));
const labels = tensor(Int32Array.of(0, 1, 2, 0, 1, 2));
/** Sums of float32, a few layers deep, added in another order. */
const tolerance = 1e-5;

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

function inputOf(name: string): Tensor {
  const found = inputs[name];
  if (found === undefined) throw new Error(`there are no figures of ${name}`);
  return tensor(name === "cnn" ? Float32Array.from(found.x) : Int32Array.from(found.x), { shape: found.shape });
}

function train(model: OnnxModule, x: Tensor): number[] {
  model.train();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const step = compile((given: Tensor, y: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(given), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const losses = Array.from({ length: 20 }, () => step(x, labels).itemSync());
  model.eval();
  return losses;
}

const values = (model: nn.AnyModule): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(Object.entries(model.stateDict()).map(([name, value]) => [name, [...value.dataSync()]]));

const exported = async (model: nn.AnyModule, x: Tensor, opset: number): Promise<Uint8Array> =>
  (await exportOnnx(model, { x }, { opset })).bytes;

describe.each(["cnn", "lstm", "transformer"])("%s of PyTorch", (name) => {
  it.each([opsets.oldest, opsets.usual])(
    "is imported, trained, exported, imported again, and trained further; opset %d",
    async (opset) => {
      seed(5);
      const x = inputOf(name);
      const model = importOnnx(readFileSync(new URL(`${name}-17.onnx`, fixtures)));
      const losses = train(model, x);
      expect(losses.at(-1)).toBeLessThan(0.6 * (losses[0] ?? 0));
      const wanted = model.forward(x);

      const bytes = await exported(model, x, opset);
      const [ran] = Object.values(await runOnnx(bytes, { x }));
      if (ran === undefined) throw new Error("the runtime gave nothing");
      expect(difference(ran, wanted)).toBeLessThanOrEqual(tolerance);

      const back = importOnnx(bytes);
      expect(difference(back.forward(x), wanted)).toBeLessThanOrEqual(tolerance);
      const again = train(back, x);
      expect(again.at(-1)).toBeLessThan(again[0] ?? 0);
    },
  );
});

describe("a model of ours", () => {
  const models: Readonly<Record<string, { readonly make: () => nn.AnyModule; readonly x: () => Tensor }>> = {
    "CNN with BatchNorm": {
      make: () =>
        new nn.Sequential(
          new nn.Conv2d(2, 4, 3, { padding: 1 }),
          new nn.BatchNorm2d(4),
          new nn.ReLU(),
          new nn.MaxPool2d(2),
          new nn.Flatten(),
          new nn.Linear(16, 3),
        ),
      x: () => tensor(Float32Array.from({ length: 6 * 2 * 16 }, (_, i) => Math.sin(i * i))).reshape([6, 2, 4, 4]),
    },
    "Transformer layer": {
      make: () =>
        new nn.Sequential(
          new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, batchFirst: true }),
          new nn.Flatten(),
          new nn.Linear(32, 3),
        ),
      x: () => tensor(Float32Array.from({ length: 6 * 32 }, (_, i) => Math.sin(i * i))).reshape([6, 4, 8]),
    },
  };
  it.each(Object.keys(models))("keeps names and bits through a file: %s", async (name) => {
    seed(7);
    const found = models[name];
    if (found === undefined) throw new Error(`there is no ${name}`);
    const x = found.x();
    const model = found.make();
    const before = values(model.eval());
    const bytes = await exported(model, x, opsets.usual);
    const back = importOnnx(bytes);
    const after = values(back);
    // Where an operator needs another layout, the file holds a transposed copy under another name.
    const kept = Object.keys(after).filter((path) => path in before);
    expect(kept.length).toBeGreaterThan(0.6 * Object.keys(after).length);
    for (const path of kept) expect(after[path]).toEqual(before[path]);
    expect(difference(back.forward(x), model.forward(x) as Tensor)).toBeLessThanOrEqual(tolerance);
    const losses = train(back, x);
    expect(losses.at(-1)).toBeLessThan(0.6 * (losses[0] ?? 0));
    const second = importOnnx(await exported(back, x, opsets.usual));
    expect(difference(second.forward(x), back.forward(x))).toBeLessThanOrEqual(tolerance);
    const [trained, read] = [values(back), values(second)];
    const same = Object.keys(read).filter((path) => path in trained);
    expect(same.length).toBeGreaterThan(0.6 * Object.keys(read).length);
    for (const path of same) expect(read[path]).toEqual(trained[path]);
  });
});

it("keeps any names of a file", () => {
  const names = ["bert.LayerNorm.weight", "layer/kernel:0", "Größe 1", "fcA"];
  const float = { tensorType: { elemType: 1 } };
  const bytes = writeOnnx({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "g",
      input: [{ name: "x", type: float }],
      output: [{ name: names.length.toString() }],
      initializer: names.map((name, i) =>
        tensorProto(name, { dtype: "float32", shape: [2], data: Float32Array.of(i, 1) }),
      ),
      node: names.map((name, i) => ({
        opType: "Add",
        input: [i === 0 ? "x" : `${i}`, name],
        output: [`${i + 1}`],
        attribute: [],
      })),
    },
  });
  const model = importOnnx(bytes);
  expect(model.namedParameters().map(([name]) => name)).toEqual(names);
  expect(Object.keys(new nn.Sequential(model).stateDict())).toEqual(names.map((name) => `0.${name}`));
  model.loadStateDict(model.stateDict());
});
