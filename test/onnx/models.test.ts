// Whole models as ONNX files with a free batch and sequence size: run by onnxruntime at other sizes than at export.
import { beforeAll, describe, expect, it } from "vitest";
import { exportOnnx, opsets, readOnnx } from "../../src/formats/onnx/index.ts";
import { arange, nn, randint, randn, scan, seed, type Tensor, tensor, useBackend, zeros } from "../../src/index.ts";
import { tensorsIn } from "./calls.ts";
import { difference, runOnnx } from "./session.ts";

const tolerance = 1e-5;

class Gpt extends nn.Module<Tensor, [ids: Tensor]> {
  readonly tokens = new nn.Embedding(17, 16);
  readonly places = new nn.Embedding(32, 16);
  readonly blocks = new nn.TransformerEncoder(
    () =>
      new nn.TransformerEncoderLayer(16, 4, {
        dimFeedforward: 32,
        batchFirst: true,
        normFirst: true,
        activation: "gelu",
      }),
    2,
  );
  readonly norm = new nn.LayerNorm(16);
  readonly head = new nn.Linear(16, 17, { bias: false });
  forward(ids: Tensor): Tensor {
    const x = this.tokens.forward(ids).add(this.places.forward(arange(ids.shape[1] ?? 0)));
    return this.head.forward(this.norm.forward(this.blocks.forward(x, { isCausal: true })));
  }
}

class Classifier extends nn.Module<Tensor, [x: Tensor]> {
  readonly lstm = new nn.LSTM(5, 6, { batchFirst: true, bidirectional: true, numLayers: 2 });
  readonly head = new nn.Linear(12, 3);
  forward(x: Tensor): Tensor {
    const [output] = this.lstm.forward(x);
    return this.head.forward(output.select(1, -1));
  }
}

const cnn = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(4, 8, 3),
    new nn.GELU(),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(8, 3),
  );

interface Model {
  readonly name: string;
  readonly make: () => nn.AnyModule;
  readonly input: (batch: number, length: number) => Tensor;
  readonly dims: Readonly<Record<number, string>>;
  /** Operators that the newest opset must contain. */
  readonly operators: readonly string[];
}

const models: readonly Model[] = [
  {
    name: "MLP",
    make: () =>
      new nn.Sequential(
        new nn.Linear(4, 8),
        new nn.Tanh(),
        new nn.Dropout(0.5),
        new nn.Linear(8, 3),
        new nn.Softmax(1),
      ),
    input: (batch) => randn([batch, 4]),
    dims: { 0: "batch" },
    operators: ["Gemm", "Tanh", "Softmax"],
  },
  {
    name: "CNN with BatchNorm",
    make: cnn,
    input: (batch) => randn([batch, 1, 8, 8]),
    dims: { 0: "batch" },
    operators: ["Conv", "BatchNormalization", "Relu", "MaxPool", "Gelu", "GlobalAveragePool", "Gemm"],
  },
  {
    name: "LSTM",
    make: () => new Classifier(),
    input: (batch, length) => randn([batch, length, 5]),
    dims: { 0: "batch", 1: "time" },
    operators: ["LSTM", "Gemm"],
  },
  {
    name: "Transformer",
    make: () =>
      new nn.TransformerEncoder(
        () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }),
        2,
      ),
    input: (batch, length) => randn([batch, length, 8]),
    dims: { 0: "batch", 1: "time" },
    operators: ["Attention", "LayerNormalization"],
  },
  {
    name: "GPT",
    make: () => new Gpt(),
    input: (batch, length) => randint(0, 17, [batch, length]),
    dims: { 0: "batch", 1: "time" },
    operators: ["Gather", "LayerNormalization", "Gelu"],
  },
];

beforeAll(() => {
  useBackend({ backend: "wasm", threads: 1 });
  seed(7);
});

describe.each([opsets.oldest, opsets.usual])("opset %i", (opset) => {
  it.each(models.map((model) => [model.name, model] as const))("%s", async (_, { make, input, dims, operators }) => {
    const model = make() as nn.Module<unknown, unknown[]>;
    const exported = await exportOnnx(model, { x: input(1, 4) }, { opset, dynamic: { x: dims } });
    if (opset === opsets.usual) expect(Object.keys(exported.operators)).toEqual(expect.arrayContaining([...operators]));
    model.eval();
    for (const [batch, length] of [
      [1, 4],
      [3, 7],
      [8, 1],
    ] as const) {
      const x = input(batch, length);
      const results = await runOnnx(exported.bytes, { x });
      const [expected] = tensorsIn(model.forward(x));
      const actual = results["output"];
      if (actual === undefined || expected === undefined) throw new Error("no result");
      expect(difference(actual, expected), `${batch} × ${length}`).toBeLessThanOrEqual(tolerance);
    }
  });
});

describe("the contents of the file", () => {
  it("has weights under the module's names, and nodes under its paths", async () => {
    const model = cnn();
    const { bytes } = await exportOnnx(model, { image: { shape: [1, 1, 8, 8] } });
    const { graph } = readOnnx(bytes);
    const names = graph?.initializer.map(({ name }) => name) ?? [];
    const wanted = Object.keys(model.stateDict()).filter((name) => !name.endsWith("num_batches_tracked"));
    expect(names).toEqual(expect.arrayContaining(wanted));
    expect(graph?.node.map(({ name }) => name)).toContain("/0/Conv");
    expect(graph?.input.map(({ name }) => name)).toEqual(["image"]);
  });

  it("keeps weights in another file on request", async () => {
    const model = new nn.Linear(64, 32);
    const { bytes, external } = await exportOnnx(model, { x: { shape: [1, 64] } }, { external: "weights.bin" });
    expect(external?.name).toBe("weights.bin");
    expect(external?.parts.reduce((sum, part) => sum + part.byteLength, 0)).toBeGreaterThanOrEqual(64 * 32 * 4);
    expect(bytes.byteLength).toBeLessThan(2000);
  });

  it("names sizes that depend on a named one", async () => {
    const { outputs } = await exportOnnx(
      (x: Tensor) => x.reshape([-1]).repeat([2]),
      { x: { shape: [2, 3] } },
      {
        dynamic: { x: { 0: "n" } },
      },
    );
    expect(outputs).toEqual([{ name: "output", dtype: "float32", shape: ["6*n"] }]);
  });

  it("restores the module's mode", async () => {
    const model = cnn().train();
    model.children()[1]?.eval();
    const before = model.modules().map(({ training }) => training);
    await exportOnnx(model, { x: { shape: [2, 1, 8, 8] } });
    expect(model.modules().map(({ training }) => training)).toEqual(before);
  });

  it("notes that a training batch norm does not update its statistics", async () => {
    const { notes } = await exportOnnx(new nn.BatchNorm1d(3), { x: { shape: [4, 3] } }, { training: true });
    expect(notes.join(" ")).toContain("running statistics");
  });

  it("leaves random draws to the runtime where that is allowed", async () => {
    const model = new nn.Dropout(0.5);
    const { bytes, operators } = await exportOnnx(model, { x: { shape: [1000] } }, { training: true, random: true });
    expect(operators).toEqual({ Dropout: 1 });
    const results = await runOnnx(bytes, { x: tensor(new Float32Array(1000).fill(1)) });
    const kept = Array.from(results["output"]?.dataSync() ?? []).filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([2]));
    expect(Math.abs(kept.length - 500)).toBeLessThan(100);
  });

  it.each([false, true])(
    "writes attention over long sequences as products and a softmax, causal %s",
    async (isCausal) => {
      const [q, k] = [randn([1, 2, 1100, 4]), randn([1, 2, 1000, 4])];
      const attention = (x: Tensor, y: Tensor): Tensor =>
        nn.functional.scaledDotProductAttention(x, y, y, { isCausal });
      const { bytes, operators } = await exportOnnx(attention, { q, k }, { opset: opsets.oldest });
      expect(operators).toMatchObject({ MatMul: 2, Softmax: 1, Transpose: 1 });
      expect(operators["Scan"]).toBeUndefined();
      const { output } = await runOnnx(bytes, { q, k });
      if (output === undefined) throw new Error("no result");
      expect(difference(output, attention(q, k))).toBeLessThanOrEqual(tolerance);
    },
  );
});

describe("loops", () => {
  it("become Scan, of any length, forward and backward", async () => {
    for (const reverse of [false, true]) {
      const running = (x: Tensor): Tensor[] => {
        const [last, all] = scan((state: Tensor, row: Tensor) => [state.mul(0.5).add(row), state], zeros([3]), x, {
          reverse,
        });
        return [last, all];
      };
      const { bytes, operators } = await exportOnnx(
        running,
        { x: { shape: [4, 3] } },
        { dynamic: { x: { 0: "time" } } },
      );
      expect(operators["Scan"]).toBe(1);
      const x = randn([6, 3]);
      const results = await runOnnx(bytes, { x });
      const expected = running(x);
      [results["output_0"], results["output_1"]].forEach((actual, place) => {
        const wanted = expected[place];
        if (actual === undefined || wanted === undefined) throw new Error("no result");
        expect(difference(actual, wanted)).toBeLessThanOrEqual(tolerance);
      });
    }
  });
});

describe("refusals", () => {
  it("name an operation that depends on the size", async () => {
    const halves = (x: Tensor): Tensor => x.slice(0, 0, Math.floor((x.shape[0] ?? 0) / 2));
    await expect(exportOnnx(halves, { x: { shape: [4, 3] } }, { dynamic: { x: { 0: "n" } } })).rejects.toThrow(
      /sum of whole multiples of n/,
    );
    const branches = (x: Tensor): Tensor => ((x.shape[0] ?? 0) % 2 === 0 ? x.neg() : x.exp().neg());
    await expect(exportOnnx(branches, { x: { shape: [4, 3] } }, { dynamic: { x: { 0: "n" } } })).rejects.toThrow(
      /computes other operations/,
    );
    const table = (x: Tensor): Tensor => x.add(tensor(Float32Array.from({ length: x.shape[0] ?? 0 }, (_, k) => k * k)));
    await expect(exportOnnx(table, { x: { shape: [4] } }, { dynamic: { x: { 0: "n" } } })).rejects.toThrow(
      /made of numbers inside the function/,
    );
  });

  it("name invalid inputs and options", async () => {
    const double = (x: Tensor): Tensor => x.mul(2);
    await expect(exportOnnx(double, { x: { shape: [2] } }, { opset: 12 })).rejects.toThrow("from 13 to 28");
    await expect(exportOnnx(double, { x: { shape: [2] } }, { dynamic: { y: { 0: "n" } } })).rejects.toThrow(
      "the inputs are x",
    );
    await expect(exportOnnx(double, { x: { shape: [2] } }, { dynamic: { x: { 1: "n" } } })).rejects.toThrow(
      "has no dim 1",
    );
    await expect(exportOnnx(double, { x: { shape: [2] } }, { outputs: ["a", "b"] })).rejects.toThrow("returns 1");
    await expect(exportOnnx(double, [] as never)).rejects.toThrow("must be named");
  });
});
