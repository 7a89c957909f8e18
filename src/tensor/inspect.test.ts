// inspectStep: every number of a training step, equal to the real step, and recomputed after a value is replaced.
import { describe, expect, it } from "vitest";
import { compile, inspectStep, nn, optim, seed, tensor } from "../index.ts";

function setUp() {
  seed(5);
  const model = new nn.Sequential(
    new nn.Linear(2, 3, { dtype: "float64" }),
    new nn.Tanh(),
    new nn.Linear(3, 1, { dtype: "float64" }),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
  const x = tensor(Float64Array.of(0.5, -1, 2, 0.25), { shape: [2, 2] });
  const y = tensor(Float64Array.of(1, 0), { shape: [2, 1] });
  const loss = () => nn.functional.bceWithLogits(model.forward(x), y);
  const step = compile(() => {
    const value = loss();
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return value;
  });
  return { model, optimizer, loss, step };
}

describe("inspectStep", () => {
  it("shows what the next step will do, and changes nothing", () => {
    const { model, optimizer, loss, step } = setUp();
    step();
    for (let k = 0; k < 3; k++) {
      const before = model.parameters().map((parameter) => Array.from(parameter.dataSync()));
      const nodes = inspectStep(loss, { optimizer });
      expect(model.parameters().map((parameter) => Array.from(parameter.dataSync()))).toEqual(before);
      step();
      for (const [path, parameter] of model.namedParameters()) {
        const update = nodes.find(({ updates }) => updates.includes(path));
        expect(Array.from(update?.value ?? [])).toEqual(Array.from(parameter.dataSync()));
      }
      expect(nodes.some(({ updates }) => updates.includes("0.weight.exp_avg_sq"))).toBe(true);
    }
  });

  it("names gradients, and keeps its names", () => {
    const { optimizer, loss } = setUp();
    const nodes = inspectStep(loss, { optimizer });
    const weight = nodes.find(({ path, op }) => path === "0.weight" && op === "value");
    const slope = nodes.find(({ gradientOf }) => weight !== undefined && gradientOf.includes(weight.name));
    expect(slope?.shape).toEqual([3, 2]);
    expect(inspectStep(loss, { optimizer }).map(({ formula }) => formula)).toEqual(nodes.map(({ formula }) => formula));
  });

  it("recomputes everything that depends on a replaced value", () => {
    const { optimizer, loss } = setUp();
    const nodes = inspectStep(loss, { optimizer });
    const tanh = nodes.find(({ op }) => op === "tanh");
    const edited = inspectStep(loss, { optimizer, replace: { [tanh?.name ?? ""]: [0, 0, 0, 0, 0, 0] } });
    const bias = nodes.find(({ path }) => path === "2.bias")?.value[0] ?? 0;
    const logits = edited.find(
      ({ name }) => name === nodes.findLast(({ path, op }) => path === "2" && op === "add")?.name,
    );
    expect(Array.from(logits?.value ?? [])).toEqual([bias, bias]);
    expect(edited.find(({ name }) => name === tanh?.name)?.replaced).toBe(true);
    const gradient = edited.find(({ updates }) => updates.includes("2.weight.exp_avg"));
    // With all hidden values 0, the slope of the last weights is 0, and so is its average.
    expect(Array.from(gradient?.value ?? []).every((value) => value === 0)).toBe(true);
  });

  it("refuses unknown names and wrong sizes", () => {
    const { loss } = setUp();
    expect(() => inspectStep(loss, { replace: { "%9999": [1] } })).toThrow(/no node %9999/);
    expect(() => inspectStep(loss, { replace: { "%0": [1, 2, 3, 4, 5, 6, 7] } })).toThrow(/7 values do not fit/);
    expect(() => inspectStep(() => tensor([1, 2]))).toThrow(/a float scalar/);
  });
});
