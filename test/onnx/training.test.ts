// Models of PyTorch's exporter: the same numbers, readable names, and a loss that falls when they are trained further.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importOnnx, type OnnxModule } from "../../src/formats/onnx/index.ts";
import { compile, nn, optim, seed, type Tensor, tensor } from "../../src/index.ts";

interface Figures {
  readonly x: readonly number[];
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly parameters: readonly string[];
}
const fixtures = new URL("fixtures/", import.meta.url);
const figures: Readonly<Record<string, Figures>> = JSON.parse(readFileSync(new URL("models.json", fixtures), "utf8"));
const names = Object.keys(figures);

function figuresOf(name: string): Figures {
  const found = figures[name];
  if (found === undefined) throw new Error(`there are no figures of ${name}`);
  return found;
}
function inputOf(name: string): Tensor {
  const { x, shape } = figuresOf(name);
  return tensor(name === "cnn" ? Float32Array.from(x) : Int32Array.from(x), { shape });
}
const load = (name: string, opset: number): OnnxModule =>
  importOnnx(readFileSync(new URL(`${name}-${opset}.onnx`, fixtures)));
const labels = tensor(Int32Array.of(0, 1, 2, 0, 1, 2));

describe.each(names)("%s", (name) => {
  it.each([14, 17])("gives PyTorch's numbers, opset %d, also compiled", (opset) => {
    const model = load(name, opset);
    const { y } = figuresOf(name);
    // Sums of at most 72 terms of float32, a few layers deep.
    for (const forward of [(x: Tensor) => model.forward(x), compile((x: Tensor) => model.forward(x))]) {
      const out = forward(inputOf(name)).dataSync();
      out.forEach((value, place) => {
        expect(Math.abs(value - (y[place] ?? Number.NaN))).toBeLessThan(2e-6 * (1 + Math.abs(value)));
      });
    }
  });

  it("has the parameters of the file under their names", () => {
    const found = load(name, 17)
      .namedParameters()
      .map(([path]) => path);
    const known = figuresOf(name).parameters.filter((path) => found.includes(path));
    // The exporter transposes the weights of products and gives them numbers for names.
    expect(known.length).toBeGreaterThan(found.length / 2);
    expect(found.length).toBe(figuresOf(name).parameters.length);
  });

  it.each([14, 17])("trains further, opset %d", (opset) => {
    seed(3);
    const model = load(name, opset).train();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const losses = Array.from({ length: 30 }, () => step(inputOf(name), labels).itemSync());
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    // Saves and loads the state.
    const copy = load(name, opset);
    copy.loadStateDict(model.stateDict());
    expect([...copy.eval().forward(inputOf(name)).dataSync()]).toEqual([
      ...model.eval().forward(inputOf(name)).dataSync(),
    ]);
  });
});

it("normalises batches by their own moments in training, and updates the running ones", () => {
  const model = load("cnn", 17);
  const running = (): number[] =>
    Object.entries(model.stateDict())
      .filter(([path]) => path.endsWith("running_mean"))
      .flatMap(([, value]) => [...value.dataSync()]);
  const before = running();
  model.forward(inputOf("cnn")).dataSync();
  expect(running()).toEqual(before);
  model.train().forward(inputOf("cnn")).dataSync();
  expect(running()).not.toEqual(before);
});
