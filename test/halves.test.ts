// Floats of 16 bits: every bit pattern, rounding, promotion, modules, autocast, and their bytes in memory and files.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy, readSafetensors, readTorch, writeNpy, writeSafetensors, writeTorch } from "../src/formats/index.ts";
import { bfloat16, decodeFloat, encodeFloat, float16 } from "../src/formats/stored/smallFloats.ts";
import { dtypes, type HalfDType, isFloat, promote } from "../src/graph/dtype.ts";
import {
  autocast,
  compile,
  jvp,
  nn,
  onesLike,
  optim,
  Parameter,
  rand,
  randn,
  seed,
  Tensor,
  tensor,
  useBackend,
  vmap,
  zeros,
} from "../src/index.ts";
import { defaultDevice, moveToHost } from "../src/runtime/index.ts";
import { backends } from "./golden/figures.ts";
import { webgpuDevice } from "./webgpu/dawn.ts";

const formats = { float16, bfloat16 } as const;
const halves: readonly HalfDType[] = ["float16", "bfloat16"];

/** Any NaN equals any other. */
const same = (found: ArrayLike<number>, expected: readonly number[]): number[] =>
  expected.flatMap((value, place) => (Object.is(found[place], value) ? [] : [place]));

afterAll(async () => {
  await moveToHost();
  useBackend({ backend: "wasm", threads: 1 });
});

const card = await webgpuDevice();
card?.close();

describe.each([...backends, ...(card === undefined ? [] : (["webgpu"] as const))])("on %s", (backend) => {
  beforeAll(async () => {
    useBackend({ backend, threads: 1 });
    await defaultDevice.ready();
  });

  it.each(halves)("%s: every bit pattern is read and written unchanged", async (dtype) => {
    const all = Array.from({ length: 2 ** 16 }, (_, code) => decodeFloat(formats[dtype], code));
    const x = tensor(Float32Array.from(all), { dtype });
    expect(same(await x.to("float32").data(), all)).toEqual([]);
    // Through arithmetic in float32 and back.
    expect(same(await compile((y: Tensor) => y.reshape([256, 256]).t().t().mul(1))(x).data(), all)).toEqual([]);
  });

  it.each(halves)("%s: any float32 is rounded to the nearest, ties to even", async (dtype) => {
    const bits = new Uint32Array(100_000);
    for (const place of bits.keys()) bits[place] = (place * 2_654_435_761) >>> 0;
    // Halfway between two numbers, and next to it.
    for (let place = 0; place < 30_000; place++) {
      const code = (place * 2_654_435_761) >>> 16;
      const near = new Float32Array([decodeFloat(formats[dtype], code)]);
      const half = dtype === "float16" ? 0x1000 : 0x8000;
      bits[place] = (new Uint32Array(near.buffer)[0] ?? 0) + half + (place % 3) - 1;
    }
    const values = new Float32Array(bits.buffer);
    const rounded = await compile((x: Tensor) => x.to(dtype).to("float32"))(tensor(values)).data();
    const expected = Array.from(values, (value) => decodeFloat(formats[dtype], encodeFloat(formats[dtype], value)));
    expect(same(rounded, expected)).toEqual([]);
  });

  it.each(halves)("%s: a function rounds once, a chain of functions rounds each time", async (dtype) => {
    const x = randn([64]).to(dtype);
    const once = x.to("float32").softmax(0).to(dtype);
    expect(await x.softmax(0).toArray()).toEqual(await once.toArray());
    const twice = x.to("float32").exp().to(dtype).to("float32").mul(0.1).to(dtype);
    expect(await x.exp().mul(0.1).toArray()).toEqual(await twice.toArray());
  });

  it("trains a network in either, and in float32 with autocast", async () => {
    const lossOf = async (mode: HalfDType | "autocast"): Promise<number> => {
      seed(3);
      const model = new nn.Sequential(new nn.Linear(6, 16), new nn.LayerNorm(16), new nn.GELU(), new nn.Linear(16, 3));
      if (mode === "float16") model.half();
      if (mode === "bfloat16") model.bfloat16();
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      const x = randn([48, 6]);
      const classes = x.slice(1, 0, 3).argmax(1);
      const given = mode === "autocast" ? x : x.to(mode);
      const step = compile((rows: Tensor) => {
        optimizer.zeroGrad();
        const forward = (): Tensor => nn.functional.crossEntropy(model.forward(rows) as Tensor, classes);
        const loss = mode === "autocast" ? autocast(forward) : forward();
        loss.backward();
        optimizer.step();
        return loss;
      });
      for (let turn = 0; turn < 59; turn++) step(given);
      const loss = step(given);
      expect(loss.dtype).toBe(mode === "autocast" ? "float32" : mode);
      expect(model.parameters().map(({ dtype }) => dtype)).toEqual(
        model.parameters().map(() => (mode === "autocast" ? "float32" : mode)),
      );
      return loss.item();
    };
    for (const mode of [...halves, "autocast"] as const) expect(await lossOf(mode)).toBeLessThan(0.15);
  });
});

describe("dtypes", () => {
  beforeAll(async () => {
    await moveToHost();
    useBackend({ backend: "wasm", threads: 1 });
  });

  it("promote as torch.promote_types does", () => {
    // PyTorch 2.13, rows and columns in the order of dtypes; test/golden/narrow.test.ts has all pairs.
    const theirs = [
      "float16 float32 float32 float64",
      "float32 bfloat16 float32 float64",
      "float32 float32 float32 float64",
      "float64 float64 float64 float64",
    ];
    const floats = dtypes.filter(isFloat);
    expect(floats.map((a) => floats.map((b) => promote(a, b)).join(" "))).toEqual(theirs);
  });

  it("are kept by views, selections and random numbers", async () => {
    const x = rand([4, 6], { dtype: "bfloat16" });
    const results = [
      x.t(),
      x.slice(0, 1, 3),
      x.reshape([-1]),
      x.expand(2, 4, 6),
      x.max(1).values,
      x.sort(1).values,
      x.add(1),
      x.sum(),
    ];
    expect(results.map(({ dtype }) => dtype)).toEqual(results.map(() => "bfloat16"));
    expect(Math.max(...(await rand([20_000], { dtype: "float16" }).data()))).toBeLessThan(1);
  });

  it("are refused where two differ in a product", () => {
    expect(() => zeros([2, 2], { dtype: "float16" }).matmul(zeros([2, 2]))).toThrow(/dtypes differ, float16/);
    expect(() => new nn.Linear(2, 2).half().forward(zeros([1, 2]))).toThrow(
      /Linear: the input is float32 and the weight float16/,
    );
  });
});

describe("transforms and optimizers", () => {
  it.each(halves)("%s: a gradient does not depend on other conversions of the same value", async (dtype) => {
    const slope = async (converts: boolean): Promise<unknown> => {
      const x = tensor([0.31, 0.77], { requiresGrad: true });
      const y = x.exp();
      if (converts) y.to(dtype);
      y.square().sum().backward();
      return x.grad?.toArray();
    };
    expect(await slope(true)).toEqual(await slope(false));
  });

  it.each(halves)("%s: forward derivatives, and batches under vmap", async (dtype) => {
    const x = tensor([1, 2, 3], { dtype });
    const [, slopes] = jvp((y: Tensor) => y.mul(y).mul(y), [x], [onesLike(x)]);
    expect(await slopes.toArray()).toEqual([3, 12, 27]);
    const rows = randn([3, 4]).to(dtype);
    const one = rows.select(0, 1).exp().sum();
    expect((await vmap((row: Tensor) => row.exp().sum())(rows).data())[1]).toBe(await one.item());
  });

  it("averages weights of 16 bits in float32", async () => {
    const weights = new Parameter(Float32Array.of(1), { dtype: "bfloat16" });
    const average = new optim.EMA([weights], { decay: 0.999 });
    average.update();
    weights.assign([2]);
    for (let turn = 0; turn < 1000; turn++) average.update();
    // 2 − 0.999^1000, unchanged by swapping in and out.
    for (let turn = 0; turn < 2; turn++) {
      expect(await average.stateDict().state["0"]?.item()).toBeCloseTo(2 - 0.999 ** 1000, 4);
      average.use(() => undefined);
    }
    expect(await weights.item()).toBe(2);
  });

  it("steps over float16 gradients of zero, and clips those whose squares overflow", async () => {
    const weights = new Parameter(Float32Array.of(0.25, 0.5), { dtype: "float16" });
    const optimizer = new optim.Adam([weights], { lr: 0.125 });
    weights
      .mul(tensor([1000, 0], { dtype: "float16" }))
      .sum()
      .backward();
    expect(await optim.clipGradNorm([weights], 500).item()).toBe(1000);
    expect(await weights.grad?.toArray()).toEqual([500, 0]);
    optimizer.step();
    expect(await weights.toArray()).toEqual([0.125, 0.5]);
  });
});

describe("modules", () => {
  it("change their dtype in place, shared parameters once, whole numbers not at all", async () => {
    const norm = new nn.BatchNorm1d(3);
    const model = new nn.Sequential(new nn.Linear(3, 3), norm);
    const [weight] = model.parameters();
    const before = await weight?.data();
    const forward = compile((x: Tensor) => model.eval().forward(x));
    forward(zeros([2, 3]));
    expect(model.half().parameters()[0]).toBe(weight);
    expect(weight?.dtype).toBe("float16");
    expect(norm.runningMean?.dtype).toBe("float16");
    expect(forward(zeros([2, 3], { dtype: "float16" })).dtype).toBe("float16");
    const rounded = Array.from(before ?? [], (value) => decodeFloat(float16, encodeFloat(float16, value)));
    expect([...((await model.float().parameters()[0]?.data()) ?? [])]).toEqual(rounded);
    expect(model.double().parameters()[0]?.dtype).toBe("float64");
  });

  it("get gradients in their own dtype, of earlier graphs too", () => {
    const layer = new nn.Linear(2, 1);
    const loss = layer.forward(randn([3, 2])).sum();
    layer.bfloat16();
    loss.backward();
    expect(layer.weight.grad?.dtype).toBe("bfloat16");
  });

  it("are saved in their own dtype, and read back", async () => {
    const model = new nn.Linear(3, 2).bfloat16();
    const bytes = writeSafetensors(model.stateDict());
    const kept = readSafetensors(bytes, { keep: true }).tensors;
    expect(kept["weight"]?.dtype).toBe("BF16");
    const other = new nn.Linear(3, 2).bfloat16();
    other.loadStateDict(readSafetensors(bytes).tensors);
    expect(await other.weight.toArray()).toEqual(await model.weight.toArray());
    const half = model.float().half().stateDict();
    expect((await readTorch(await writeTorch(half), { keep: true }))["weight"]?.dtype).toBe("F16");
    const weight = half["weight"] as Tensor;
    const written = writeNpy({ dtype: weight.dtype, shape: weight.shape, data: await weight.data() });
    expect([...readNpy(written).data]).toEqual([...(await weight.data())]);
  });
});

describe("autocast", () => {
  it("multiplies in 16 bits, sums in float32, and does not affect code outside", () => {
    const layer = new nn.Linear(4, 4);
    const x = randn([2, 4]);
    const inside = autocast(() => {
      const y = layer.forward(x);
      return { y, soft: y.softmax(1), relu: y.relu(), mean: y.mean() };
    });
    expect(inside.y.dtype).toBe("bfloat16");
    expect(inside.relu.dtype).toBe("bfloat16");
    expect([inside.soft.dtype, inside.mean.dtype]).toEqual(["float32", "float32"]);
    expect(autocast(() => layer.forward(x).dtype, { dtype: "float16" })).toBe("float16");
    expect(autocast(() => layer.forward(x).dtype, { enabled: false })).toBe("float32");
    expect(layer.forward(x).dtype).toBe("float32");
  });

  it("applies to functions compiled earlier", () => {
    const product = compile((x: Tensor) => x.matmul(x));
    const x = randn([3, 3]);
    expect([product(x).dtype, autocast(() => product(x).dtype), product(x).dtype]).toEqual([
      "float32",
      "bfloat16",
      "float32",
    ]);
  });

  it("is off while gradients are computed, and refuses to continue after an await", () => {
    const layer = new nn.Linear(4, 1);
    autocast(() =>
      layer
        .forward(randn([8, 4]))
        .sum()
        .backward(),
    );
    expect(layer.weight.grad?.dtype).toBe("float32");
    expect(() => autocast(async () => 1)).toThrow(/autocast: the function is async/);
  });

  it("gives parameters gradients in float32", () => {
    const layer = new nn.Linear(4, 1);
    autocast(() =>
      layer
        .forward(randn([8, 4]))
        .square()
        .mean(),
    ).backward();
    expect(layer.weight.grad?.dtype).toBe("float32");
    expect(layer.weight.grad).toBeInstanceOf(Tensor);
  });
});
