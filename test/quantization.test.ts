// Quantised models: the integers equal those of plain JavaScript, digits are classified as well as before, and files are a quarter of the size.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readIdxFile } from "../src/data/files.ts";
import { readSafetensors, writeSafetensors } from "../src/formats/index.ts";
import { at } from "../src/graph/at.ts";
import {
  compile,
  nn,
  noGrad,
  optim,
  quantization,
  rand,
  randint,
  randn,
  seed,
  type Tensor,
  tensor,
  useBackend,
  zeros,
} from "../src/index.ts";
import { defaultDevice, moveToHost } from "../src/runtime/index.ts";
import { Gpt } from "../src/train/models/gpt.ts";
import { backends } from "./golden/figures.ts";
import { webgpuDevice } from "./webgpu/dawn.ts";

const { prepare, convert, quantizeDynamic, MinMaxObserver, MovingAverageMinMaxObserver } = quantization;
const f32 = Math.fround;
const { QuantizedLinear, QuantizedConv1d, QuantizedConv2d, QuantizedEmbedding } = quantization;

/** Math.round rounds ties up; this rounds them to even. */
function toEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
const clipped = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

interface Row {
  readonly q: readonly number[];
  readonly scale: number;
}
/** Each row as whole numbers from -127 to 127, in float32 arithmetic. */
const rowsOf = (values: ArrayLike<number>, rows: number): Row[] =>
  Array.from({ length: rows }, (_, r) => {
    const width = values.length / rows;
    const row = Array.from({ length: width }, (_, i) => at(Array.from(values), r * width + i));
    const scale = f32(Math.max(...row.map(Math.abs)) / 127) || 1;
    return { scale, q: row.map((w) => clipped(toEven(f32(w / scale)), -127, 127)) };
  });

/** Numbers quantised to bytes for the range from `low` to `high`. */
function bytesOf(values: ArrayLike<number>, low: number, high: number) {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = f32(f32(most - least) / 255) || 1;
  const zero = clipped(toEven(f32(-least / scale)), 0, 255);
  const q = Array.from(values, (x) => clipped(toEven(f32(x / scale)) + zero, 0, 255) - zero);
  return { q, scale };
}

const finished = (sum: number, scale: number, row: Row, bias: number): number =>
  f32(f32(f32(sum) * f32(row.scale * scale)) + bias);

afterAll(async () => {
  await moveToHost();
  useBackend({ backend: "wasm", threads: 1 });
});

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
    seed(3);
  });

  it("a Linear layer gives the plain sums of whole numbers", () => {
    const layer = new nn.Linear(37, 11);
    const [weight, bias] = [layer.weight.dataSync(), layer.bias?.dataSync() ?? []];
    const x = randn([5, 37]).mul(3);
    const values = x.dataSync();
    const model = quantizeDynamic(new nn.Sequential(layer));
    expect(model.at(0)).toBeInstanceOf(QuantizedLinear);
    const rows = rowsOf(weight, 11);
    const { q, scale } = bytesOf(values, Math.min(...values), Math.max(...values));
    const expected = Array.from({ length: 5 * 11 }, (_, place) => {
      const [n, o] = [Math.floor(place / 11), place % 11];
      const row = at(rows, o);
      const sum = row.q.reduce((total, w, i) => total + w * at(q, n * 37 + i), 0);
      return finished(sum, scale, row, at(Array.from(bias), o));
    });
    expect([...model.forward(x).dataSync()]).toEqual(expected);
    expect([...compile((y: Tensor) => model.forward(y))(x).dataSync()]).toEqual(expected);
  });

  it("a calibrated Conv2d gives the plain sums, and clips what is beyond the range", () => {
    const layer = new nn.Conv2d(2, 3, 3, { padding: 1, stride: 2, bias: false });
    const weight = layer.weight.dataSync();
    const model = prepare(new nn.Sequential(layer).eval());
    model.forward(rand([4, 2, 6, 6]).mul(2).sub(0.5));
    model.forward(tensor([-1, 2.5]).reshape([1, 2, 1, 1]).expand(1, 2, 6, 6));
    convert(model);
    expect(model.at(0)).toBeInstanceOf(QuantizedConv2d);
    const x = randn([1, 2, 6, 6]).mul(4);
    const rows = rowsOf(weight, 3);
    const { q, scale } = bytesOf(x.dataSync(), -1, 2.5);
    const expected: number[] = [];
    for (let o = 0; o < 3; o++)
      for (let y = 0; y < 3; y++)
        for (let u = 0; u < 3; u++) {
          let sum = 0;
          for (let c = 0; c < 2; c++)
            for (let i = 0; i < 3; i++)
              for (let j = 0; j < 3; j++) {
                const [yy, xx] = [2 * y + i - 1, 2 * u + j - 1];
                if (yy < 0 || yy > 5 || xx < 0 || xx > 5) continue;
                sum += at(at(rows, o).q, (c * 3 + i) * 3 + j) * at(q, (c * 6 + yy) * 6 + xx);
              }
          expect(Number.isInteger(sum)).toBe(true);
          expected.push(finished(sum, scale, at(rows, o), 0));
        }
    // Without a bias there is nothing to add.
    expect([...model.forward(x).dataSync()].map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
  });

  it("Conv1d and Embedding stay close to the original", () => {
    const conv = new nn.Conv1d(4, 6, 5, { groups: 2, padding: "same", paddingMode: "reflect" });
    const table = new nn.Embedding(20, 8);
    const [x, index] = [randn([2, 4, 9]), randint(0, 20, [3, 7])];
    const [before, rows] = [conv.forward(x), table.forward(index)];
    const model = quantizeDynamic(new nn.ModuleDict<nn.Module>({ conv, table }));
    expect(model.get("conv")).toBeInstanceOf(QuantizedConv1d);
    expect(model.get("table")).toBeInstanceOf(QuantizedEmbedding);
    const worst = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync() as number;
    expect(worst(model.get("conv").forward(x), before)).toBeLessThan(0.02 * (before.abs().max().itemSync() as number));
    // Half a step of the coarsest row.
    expect(worst(model.get("table").forward(index), rows)).toBeLessThan(0.51 * (4 / 127));
    expect(() =>
      model
        .get("table")
        .forward(tensor([20], { dtype: "int32" }))
        .dataSync(),
    ).toThrow(/20/);
  });
});

const card = await webgpuDevice();
card?.close();

it.skipIf(card === undefined)("a graphics card gives the numbers of wasm", async () => {
  useBackend({ backend: "wasm", threads: 1 });
  seed(1);
  const build = (): nn.Sequential => quantizeDynamic(new nn.Sequential(new nn.Conv2d(2, 4, 3)));
  const [model, x] = [build(), randn([5, 2, 6, 6])];
  const [bytes, values, expected] = [writeSafetensors(model.stateDict()), x.dataSync(), model.forward(x).dataSync()];
  useBackend({ backend: "webgpu" });
  await defaultDevice.ready();
  const other = build();
  other.loadStateDict(readSafetensors(bytes).tensors);
  const found = await other.forward(tensor(values, { shape: x.shape })).data();
  await moveToHost();
  useBackend({ backend: "wasm", threads: 1 });
  // The sums are equal; products and sums of floats differ by one rounding.
  const worst = Math.max(...Array.from(found, (value, i) => Math.abs(value - at([...expected], i))));
  expect(worst).toBeLessThanOrEqual(3 * 2 ** -24 * Math.max(...expected.map(Math.abs)));
});

describe("a model", () => {
  class Net extends nn.Module {
    readonly stem = new nn.Linear(6, 8);
    readonly blocks = [new nn.Linear(8, 8), new nn.Linear(8, 8)];
    readonly heads = { left: new nn.Linear(8, 2), byName: new Map([["right", new nn.Linear(8, 2)]]) };
    readonly tied = this.stem;
    override forward(x: Tensor): Tensor {
      const hidden = this.blocks.reduce((value, block) => block.forward(value).relu(), this.stem.forward(x).relu());
      return this.heads.left.forward(hidden).add(this.heads.byName.get("right")?.forward(hidden) ?? 0);
    }
  }
  const kinds = (model: nn.Module): string[] =>
    model.namedModules().map(([path, one]) => `${path}:${one.constructor.name}`);

  it("has its layers replaced in fields, lists, records and Maps; shared ones stay shared, and skipped ones stay", () => {
    const net = quantizeDynamic(new Net(), { skip: ["blocks.1", "heads.left"] });
    expect(kinds(net)).toEqual([
      ":Net",
      "stem:QuantizedLinear",
      "blocks.0:QuantizedLinear",
      "blocks.1:Linear",
      "heads.left:Linear",
      "heads.byName.right:QuantizedLinear",
    ]);
    expect(net.tied).toBe(net.stem);
    expect(net.forward(randn([3, 6])).shape).toEqual([3, 2]);
  });

  it("is traced again by functions compiled before", () => {
    const model = new nn.Sequential(new nn.Linear(4, 4));
    const run = compile((x: Tensor) => model.forward(x));
    const x = randn([2, 4]);
    run(x);
    quantizeDynamic(model);
    expect([...run(x).dataSync()]).toEqual([...model.forward(x).dataSync()]);
  });

  it("is saved to safetensors and read into a model prepared in the same way", () => {
    const build = (): nn.Sequential =>
      new nn.Sequential(new nn.Embedding(1000, 64), new nn.Linear(64, 512), new nn.ReLU(), new nn.Linear(512, 64));
    const index = randint(0, 1000, [5, 3]);
    const plain = build();
    const full = writeSafetensors(plain.stateDict());
    for (const kind of ["dynamic", "static"] as const) {
      const model = build();
      model.loadStateDict(plain.stateDict());
      if (kind === "dynamic") quantizeDynamic(model);
      else {
        prepare(model).forward(index);
        convert(model);
      }
      const bytes = writeSafetensors(model.stateDict());
      expect(bytes.length / full.length).toBeLessThanOrEqual(0.27);
      const again = kind === "dynamic" ? quantizeDynamic(build()) : convert(prepare(build()), { strict: false });
      again.loadStateDict(readSafetensors(bytes).tensors);
      expect([...again.forward(index).dataSync()]).toEqual([...model.forward(index).dataSync()]);
      const { tensors } = readSafetensors(bytes);
      expect(tensors["1.weight_quantized"]?.dtype).toBe("int8");
      expect(
        Object.keys(tensors)
          .filter((name) => name.startsWith("1."))
          .sort(),
      ).toEqual([
        "1.bias",
        ...(kind === "static" ? ["1.input_scale", "1.input_zero_point"] : []),
        "1.weight_quantized",
        "1.weight_scale",
      ]);
    }
  });

  it("provides the weight to code that reads it directly: a GPT reads its positions from an embedding", () => {
    seed(3);
    const gpt = new Gpt({ vocabulary: 11, context: 8, layers: 1, width: 16, heads: 2, dropout: 0 }).eval();
    const before = gpt.wpe.weight.dataSync();
    const tokens = randint(0, 11, [2, 8]);
    const logits = gpt.forward(tokens);
    quantizeDynamic(gpt);
    const after = gpt.wpe.weight.dataSync();
    // Half a step of a row's scale, which is its largest value / 127, and rounding.
    before.forEach((value, place) => {
      const row = before.subarray(16 * Math.floor(place / 16), 16 * Math.floor(place / 16) + 16);
      const largest = Math.max(...Array.from(row, Math.abs));
      expect(Math.abs((after[place] as number) - value)).toBeLessThanOrEqual((largest / 127) * 0.501);
    });
    const spread = logits.abs().max().itemSync();
    expect(gpt.forward(tokens).sub(logits).abs().max().itemSync()).toBeLessThan(0.1 * spread);
  });

  it("the input of the layer after a quantised one keeps its dtype", () => {
    for (const dtype of ["float16", "bfloat16", "float64"] as const) {
      const model = new nn.Sequential(
        new nn.Embedding(5, 4, { dtype }),
        new nn.Linear(4, 3, { dtype }),
        new nn.Conv1d(2, 3, 1, { dtype }),
        new nn.ConvTranspose1d(3, 2, 1, { dtype }),
      );
      const index = tensor(Int32Array.of(4, 0));
      const before = model.forward(index);
      // A layer that cannot be quantised refuses another dtype.
      const after = quantizeDynamic(model).forward(index);
      expect([after.dtype, after.shape]).toEqual([before.dtype, before.shape]);
      const error = after.sub(before).abs().amax().to("float32").itemSync();
      expect(error).toBeLessThan(0.05 * (before.abs().amax().to("float32").itemSync() as number));
    }
  });

  it("a weight that is read directly is the one that the layer computes with, in its original dtype", () => {
    class Tied extends nn.Module {
      readonly table = new nn.Embedding(6, 4, { dtype: "bfloat16" });
      override forward(index: Tensor): Tensor {
        return this.table.forward(index).matmul(this.table.weight.t());
      }
    }
    const index = tensor(Int32Array.of(5, 0, 2));
    // An embedding needs no calibration.
    for (const model of [quantizeDynamic(new Tied()), convert(prepare(new Tied()))]) {
      const { weight } = model.table;
      expect(weight.dtype).toBe("bfloat16");
      expect(weight.indexSelect(0, index).toArraySync()).toEqual(model.table.forward(index).toArraySync());
      expect(model.forward(index).shape).toEqual([3, 6]);
    }
  });

  it("a Linear layer of no features gives its bias", () => {
    const layer = new nn.Linear(0, 3);
    const bias = tensor([1, -2, 3]);
    layer.bias?.assign(bias);
    const model = quantizeDynamic(new nn.Sequential(layer));
    expect(model.forward(zeros([2, 0])).toArraySync()).toEqual([
      [1, -2, 3],
      [1, -2, 3],
    ]);
  });

  it("refuses impossible requests with a message", () => {
    expect(() => quantizeDynamic(new nn.Linear(2, 2))).toThrow(/put it into a Sequential/);
    expect(() => quantizeDynamic(new nn.Sequential(new nn.ReLU()))).toThrow(
      /has no Linear, Conv1d, Conv2d or Embedding/,
    );
    expect(() => quantizeDynamic(new Net(), { skip: ["stern"] })).toThrow(
      /no module "stern" to skip; there are stem, /,
    );
    expect(() => convert(new nn.Sequential(new nn.Linear(2, 2)))).toThrow(/call prepare\(model\) first/);
    expect(() => convert(prepare(new nn.Sequential(new nn.Linear(2, 2))))).toThrow(/layer "0" has seen no data/);
    const [layer] = [...quantizeDynamic(new nn.Sequential(new nn.Linear(2, 2)))];
    expect(() => layer?.forward(randn([3, 4]))).toThrow(/must end in the 2 features/);
    expect(() => layer?.forward(zeros([1, 2], { dtype: "int32" }))).toThrow(/is int32, not of floats; convert it/);
    class Kept extends nn.Module {
      readonly all = new Set([new nn.Linear(2, 2)]);
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(() => quantizeDynamic(new Kept())).toThrow(/"all.0" cannot be replaced where it is kept/);
  });
});

it("a NaN among inputs or weights stays visible", () => {
  const layer = new nn.Linear(2, 2);
  layer.weight.assign([1, 2, Number.NaN, 4]);
  const model = quantizeDynamic(new nn.Sequential(layer));
  const isNaN = (x: Tensor): boolean[] => [...model.forward(x).dataSync()].map(Number.isNaN);
  expect(isNaN(tensor([[1, 2]]))).toEqual([false, true]);
  expect(isNaN(tensor([[1, Number.NaN]]))).toEqual([true, true]);
});

describe("observers", () => {
  const affine = (observer: quantization.Observer): number[] => {
    const { scale, zeroPoint } = observer.affine();
    return [scale.itemSync() as number, zeroPoint.itemSync() as number];
  };
  it("MinMaxObserver keeps the minimum and the maximum, and maps 0 to a byte exactly", () => {
    const observer = new MinMaxObserver();
    observer.observe(tensor([1, 3]));
    expect(affine(observer)).toEqual([f32(3 / 255), 0]);
    observer.observe(tensor([-2, 0]));
    expect(affine(observer)).toEqual([f32(5 / 255), 102]);
    expect(affine(new MinMaxObserver())).toEqual([1, 0]);
  });
  it("MovingAverageMinMaxObserver averages them as PyTorch does", () => {
    const observer = new MovingAverageMinMaxObserver({ averagingConstant: 0.25 });
    observer.observe(tensor([-1, 4]));
    observer.observe(tensor([-5, 8]));
    // -1 + 0.25 · (-5 + 1) = -2 and 4 + 0.25 · (8 - 4) = 5
    expect(affine(observer)).toEqual([f32(7 / 255), toEven(2 / f32(7 / 255))]);
    expect(() => new MovingAverageMinMaxObserver({ averagingConstant: 0 })).toThrow(/above 0 and up to 1/);
  });
});

const folder = join("..", "shared", "data", "mnist");
const digits = ["train10k-images", "train10k-labels", "test5k-images", "test5k-labels"];
const fileOf = (name: string): string => join(folder, `${name}-idx${name.endsWith("images") ? 3 : 1}-ubyte.gz`);
const there = digits.every((name) => existsSync(fileOf(name)));
if (!there) console.info(`The digits are not at ${folder}: the accuracy of a quantised network is not tried.`);

describe.skipIf(!there)("a small network on MNIST", () => {
  it("classifies digits within one point of float32, dynamic and static", { timeout: 300_000 }, async () => {
    useBackend({ backend: "wasm", threads: 1 });
    seed(7);
    const read = async (part: string, most: number) => {
      const [images, labels] = [
        await readIdxFile(fileOf(`${part}-images`)),
        await readIdxFile(fileOf(`${part}-labels`)),
      ];
      return {
        x: tensor(
          Float32Array.from(images.data.subarray(0, most * 784), (value) => value / 255),
          { shape: [most, 1, 28, 28] },
        ),
        y: tensor(Int32Array.from(labels.data.subarray(0, most))),
      };
    };
    const [train, test] = [await read("train10k", 10_000), await read("test5k", 5000)];
    const build = (): nn.Sequential =>
      new nn.Sequential(
        new nn.Conv2d(1, 8, 5, { stride: 2 }),
        new nn.ReLU(),
        new nn.Conv2d(8, 16, 5, { stride: 2 }),
        new nn.ReLU(),
        new nn.Flatten(),
        new nn.Linear(256, 64),
        new nn.ReLU(),
        new nn.Linear(64, 10),
      );
    const model = build();
    const optimizer = new optim.Adam(model.parameters(), { lr: 2e-3 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    for (let epoch = 0; epoch < 3; epoch++)
      for (let start = 0; start < 10_000; start += 50) step(train.x.narrow(0, start, 50), train.y.narrow(0, start, 50));
    const classes = (net: nn.Module): Tensor => noGrad(() => net.eval().forward(test.x).argmax(1));
    const share = (same: Tensor): number => same.to("float32").mean().itemSync() as number;
    const accuracy = (net: nn.Module): number => share(classes(net).eq(test.y));
    const before = accuracy(model);
    expect(before).toBeGreaterThan(0.93);
    const copy = (): nn.Sequential => {
      const net = build();
      net.loadStateDict(model.stateDict());
      return net.eval();
    };
    const dynamic = accuracy(quantizeDynamic(copy()));
    const watched = prepare(copy());
    watched.forward(train.x.narrow(0, 0, 300));
    const fixed = convert(watched);
    const calibrated = accuracy(fixed);
    const alike = share(classes(fixed).eq(classes(model)));
    const sizes = [fixed, model].map((net) => writeSafetensors(net.stateDict()).length);
    console.info(
      `accuracy: float32 ${before}, dynamic ${dynamic}, static ${calibrated}, of which ${alike} are as before; bytes: ${sizes.join(" of ")}`,
    );
    expect(Math.abs(dynamic - before)).toBeLessThan(0.01);
    expect(Math.abs(calibrated - before)).toBeLessThan(0.01);
  });
});
