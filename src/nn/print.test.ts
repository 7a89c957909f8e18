// How console.log prints modules and tensors.
import { inspect as nodeInspect } from "node:util";
import { describe, expect, it } from "vitest";
import { compile, Parameter, randn, State, type Tensor, tensor, zeros } from "../tensor/index.ts";
import * as nn from "./index.ts";

describe("a module prints", () => {
  it("its layers, indented, and the number of parameters", () => {
    const model = new nn.Sequential(
      new nn.Linear(4, 8),
      new nn.ReLU(),
      new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(8, 3, { bias: false })),
    );
    const text = [
      "Sequential(",
      "  (0): Linear(4 → 8)",
      "  (1): ReLU()",
      "  (2): Sequential(",
      "    (0): Dropout(p: 0.2)",
      "    (1): Linear(8 → 3, no bias)",
      "  )",
      "), 64 parameters",
    ].join("\n");
    expect(String(model)).toBe(text);
    expect(nodeInspect(model)).toBe(text);
    model.at(0).freeze();
    expect(String(model)).toMatch(/\), 64 parameters, 40 of them frozen$/);
  });

  it("custom fields, equal neighbours once, and itself without recursing forever", () => {
    class Mine extends nn.Module {
      readonly scale = new Parameter(1, { shape: [3] });
      readonly heads = 2;
      readonly words = Array.from({ length: 1000 }, (_, place) => place);
      readonly blocks = [new nn.Linear(2, 2), new nn.Linear(2, 2), new nn.Tanh()];
      readonly owner: nn.AnyModule = this;
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(String(new Mine())).toBe(
      [
        "Mine(",
        "  scale [3], heads: 2, words: [1000 values]",
        "  (blocks.0 … blocks.1): 2 × Linear(2 → 2)",
        "  (blocks.2): Tanh()",
        "  (owner): Mine(… again)",
        "), 15 parameters",
      ].join("\n"),
    );
  });

  it.each([
    [new nn.Conv2d(3, 16, [3, 5], { stride: 2, bias: false }), "Conv2d(3 → 16, kernel 3×5, stride: 2, no bias)"],
    [new nn.ConvTranspose1d(4, 2, 3, { groups: 2 }), "ConvTranspose1d(4 → 2, kernel 3, groups: 2)"],
    [new nn.BatchNorm2d(16, { momentum: 0.2, affine: false }), "BatchNorm2d(16, momentum: 0.2, nothing learned)"],
    [new nn.Embedding(10, 4, { paddingIdx: 0 }), "Embedding(10 → 4, paddingIdx: 0)"],
    [new nn.LSTM(2, 3, { numLayers: 2, batchFirst: true }), "LSTM(2 → 3, numLayers: 2, batchFirst: true)"],
    [new nn.LayerNorm(8, { dtype: "float64" }), "LayerNorm([8], float64)"],
    [new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }), "CrossEntropyLoss(labelSmoothing: 0.1)"],
    [new nn.PReLU(), "PReLU(weight [1])"],
  ])("%s", (layer, text) => {
    expect(String(layer).replace(/, [\d,]+ parameters?$/, "")).toBe(text);
  });

  it("only its name at a great depth", () => {
    expect(nodeInspect({ a: { b: { model: new nn.Linear(1, 1) } } }, { depth: 1 })).not.toContain("→");
  });
});

describe("a tensor prints", () => {
  const shown = (value: unknown): string => nodeInspect(value);

  it("shape, dtype and values in columns", () => {
    expect(
      shown(
        tensor([
          [1, -2.5],
          [30, 4],
        ]),
      ),
    ).toBe("Tensor float32[2, 2]\n[[ 1.0, -2.5],\n [30.0,  4.0]]");
    expect(shown(tensor([1, 2]).gt(1))).toBe("Tensor bool[2] [false,  true]");
    expect(shown(tensor([0.5, Number.NaN, 1e-7]))).toBe("Tensor float32[3] [   0.5,    NaN, 1.0e-7]");
    expect(shown(tensor([1e12]))).toBe("Tensor float32[1] [1.0000e+12]");
    expect(shown(zeros([0, 3]))).toBe("Tensor float32[0, 3]\n[]");
  });

  it("its name, and whether it is trained", () => {
    expect(shown(new Parameter(2, { name: "fc.bias" }))).toBe('Parameter "fc.bias" float32[], requiresGrad 2');
    expect(shown(new State(0, { shape: [2] }))).toBe("State float32[2] [0, 0]");
  });

  it("the ends of a long dim", () => {
    const lines = shown(randn([200, 30])).split("\n");
    expect(lines).toHaveLength(8);
    expect(lines[4]).toBe(" …,");
    expect(lines[1]?.split(",")).toHaveLength(8);
    expect(shown(zeros([2, 60])).split("\n")).toHaveLength(3);
  });

  it("no values inside a compiled function", () => {
    let seen = "";
    const run = compile((x: Tensor) => {
      seen = shown(x);
      return x.add(1);
    });
    run(tensor([1, 2]));
    expect(seen).toBe("Tensor float32[2] (no values inside a compiled function)");
  });
});
