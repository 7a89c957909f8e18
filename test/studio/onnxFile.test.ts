// ONNX files opened in the Studio: an imported network gives the file's outputs, and an unsupported one is refused with a message.
import { describe, expect, it } from "vitest";
import { exportOnnx, tensorProto, writeOnnx } from "../../src/formats/onnx/index.ts";
import { nn, noGrad, seed, useBackend } from "../../src/index.ts";
import { makeActivation } from "../../src/train/index.ts";
import { networkOf } from "../../studio/engine/onnxNetwork.ts";
import { Session } from "../../studio/engine/session.ts";
import { activationNames } from "../../studio/shared/names.ts";
import { runKey, type StudioState, startState } from "../../studio/shared/state.ts";
import { memory, missing, until, useStudio, whenTrue } from "./browser.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

type Model = nn.Sequential;
const exported = async (model: Model, shape: readonly number[]): Promise<Uint8Array> =>
  (await exportOnnx(model.eval(), { x: { shape: [1, ...shape] } })).bytes;

/** The largest difference between the file's outputs and those of a session that opens it on this data. */
async function farFrom(model: Model, state: StudioState, shape: readonly number[]): Promise<number> {
  const { layers, weights, inputs, outputs } = networkOf("model.onnx", await exported(model, shape));
  expect(inputs).toEqual(shape);
  expect(outputs).toBe(weights.at(-1)?.shape[0]);
  const wanted = { ...state, layers };
  const session = await Session.open(wanted, undefined, {
    ...{ runKey: runKey(wanted), name: "model.onnx", step: 0, weights, history: [], notes: [] },
  });
  expect(session.beginning?.notes).toEqual([]);
  const { x } = session.trainPart;
  const [own, told] = noGrad(() => [session.network.model.forward(x).dataSync(), model.forward(x).dataSync()]);
  return Math.max(...Array.from(own, (value, k) => Math.abs(value - (told[k] ?? Number.NaN))));
}

describe("an ONNX file becomes the network of the page", () => {
  it("with every activation, and gives the same outputs to the bit", async () => {
    seed(4);
    for (const name of activationNames) {
      const model = new nn.Sequential(new nn.Linear(4, 5), makeActivation(name), new nn.Linear(5, 3));
      expect(await farFrom(model, { ...startState, data: "iris", loss: "crossEntropy" }, [4]), name).toBe(0);
    }
  });
  it("with convolutions and pooling", async () => {
    seed(5);
    const model = new nn.Sequential(
      ...[new nn.Conv2d(1, 3, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(3, 2, 3, { padding: 1 }), new nn.Tanh(), new nn.MaxPool2d(2)],
      ...[new nn.Flatten(), new nn.Linear(18, 10)],
    );
    const state = { ...startState, data: "digits" as const, loss: "crossEntropy" as const, count: 60 };
    expect(await farFrom(model, state, [1, 12, 12])).toBeLessThan(1e-6);
  });
  it("as written by Keras and scikit-learn: MatMul and Add, weights by rows of inputs", () => {
    const value = (name: string, shape: readonly number[], values: readonly number[]) =>
      tensorProto(name, { dtype: "float32", shape, data: Float32Array.from(values) });
    const node = (opType: string, input: readonly string[], output: string) => ({ opType, input, output: [output] });
    const dims = (...sizes: readonly number[]) => ({
      tensorType: { elemType: 1, shape: { dim: sizes.map((dimValue) => ({ dimValue })) } },
    });
    const bytes = writeOnnx({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 17 }],
      graph: {
        name: "keras",
        node: [node("MatMul", ["x", "w"], "a"), node("Add", ["a", "b"], "z"), node("Sigmoid", ["z"], "y")],
        initializer: [value("w", [2, 1], [3, 4]), value("b", [1], [5])],
        input: [{ name: "x", type: dims(1, 2) }],
        output: [{ name: "y", type: dims(1, 1) }],
      },
    });
    const { layers, weights, outputs } = networkOf("keras.onnx", bytes);
    expect([layers, outputs]).toEqual([[], 1]);
    expect(weights.map(({ shape, data }) => [shape, [...data]])).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      [[1], [5]],
    ]);
  });
  for (const [why, make, shape] of [
    [
      "a convolution with a kernel of [2, 1, 5, 5]",
      () => [new nn.Conv2d(1, 2, 5, { padding: 2 }), new nn.Flatten(), new nn.Linear(128, 2)],
      [1, 8, 8],
    ],
    ["a layer of 300 units", () => [new nn.Linear(2, 300), new nn.ReLU(), new nn.Linear(300, 1)], [2]],
    ["LeakyRelu with another slope", () => [new nn.Linear(2, 3), new nn.LeakyReLU(0.2), new nn.Linear(3, 1)], [2]],
    ["the operator BatchNormalization", () => [new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Linear(3, 1)], [2]],
    ["two activations", () => [new nn.Linear(2, 3), new nn.ReLU(), new nn.Tanh(), new nn.Linear(3, 1)], [2]],
  ] as const)
    it(`is refused with ${why}`, async () => {
      const bytes = await exported(new nn.Sequential(...make()), shape);
      expect(() => networkOf("model.onnx", bytes)).toThrow(why);
    });
  it("is refused when damaged", async () => {
    const bytes = await exported(new nn.Sequential(new nn.Linear(2, 1)), [2]);
    expect(() => networkOf("cut.onnx", bytes.subarray(0, 40))).toThrow(/cut\.onnx/);
  });
});

describe.skipIf(missing)("in the page", () => {
  const studio = useStudio();
  it("opens on matching data, and explains a mismatch", async () => {
    seed(6);
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 1));
    const file = {
      name: "small.onnx",
      mimeType: "application/octet-stream",
      buffer: Buffer.from(await exported(model, [2])),
    };
    const page = await studio.open("", { query: "&play=0" });
    await page.setInputFiles("#own-files", file);
    await whenTrue(page, "studio.run.value?.beginning?.name === 'small.onnx'");
    const weights = await page.evaluate<number[]>("[...studio.hot.snapshot.layers[0].weight]");
    const [first] = model;
    expect(weights).toEqual(Array.from((first as nn.Linear).weight.dataSync()));
    await page.evaluate("studio.advance(3)");
    await until(page, ({ step }) => step === 3, "three steps of it");
    await page.evaluate("studio.chooseData('iris')");
    await whenTrue(page, "studio.run.value?.data.name === 'iris' && !studio.hot.stale");
    await page.setInputFiles("#own-files", file);
    await page.getByText("small.onnx takes [2] and gives 1; the data here have [4] and need 3").waitFor();
    expect((await memory(page))?.state["data"]).toBe("iris");
    await page.close();
  });
});
