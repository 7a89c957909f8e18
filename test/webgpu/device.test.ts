// The WebGPU device: its memory, runs in which a check fails, and one message for every failure.
import { createRequire } from "node:module";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Block } from "../../src/backends/backend.ts";
import { erf } from "../../src/backends/reference/math.ts";
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { ElementType, TypedArray } from "../../src/graph/dtype.ts";
import { add } from "../../src/graph/ops/elementwise.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { compile, nn, optim, Parameter, seed, type Tensor, tensor, useBackend } from "../../src/index.ts";
import { backendInfo, considerCard, defaultDevice, memoryInfo, moveToHost } from "../../src/runtime/index.ts";
import { inputNode } from "../conformance/run.ts";
import { takeForCards, webgpuDevice } from "./dawn.ts";
import { openedCard } from "./openedCard.ts";

const device = await webgpuDevice();
afterAll(() => device?.close());

interface Globals {
  readonly GPU: typeof GPU;
  readonly GPUAdapter: typeof GPUAdapter;
  readonly GPUDevice: typeof GPUDevice;
}
const globals = (): Globals => (createRequire(import.meta.url)("webgpu") as { globals: Globals }).globals;

describe.skipIf(device === undefined)("the device", () => {
  if (device === undefined) return;

  it.each<[ElementType, TypedArray]>([
    ["float32", Float32Array.of(1.5, Number.NaN, Number.NEGATIVE_INFINITY, -0, 1e-40)],
    ["float64", Float64Array.of(0.1, 1e300, -0)],
    ["int32", Int32Array.of(-2147483648, 7)],
    ["int16", Int16Array.of(-1, 2, -32768)],
    ["int8", Int8Array.of(-1, 2, -128)],
    ["uint16", Uint16Array.of(1, 2, 65535)],
    ["uint8", Uint8Array.of(1, 2, 255)],
    ["bool", Uint8Array.of(1, 0, 1, 1, 0)],
  ])("keeps %s unchanged", async (dtype, values) => {
    const [block, copy] = [device.allocate(values.byteLength), device.allocate(values.byteLength)];
    device.write(block, values);
    device.copy(block, copy);
    device.fill(block, dtype, values.length, 1);
    expect(await device.read(copy, dtype, values.length)).toEqual(values);
    expect([...(await device.read(block, dtype, values.length))]).toEqual([...values].map(() => 1));
    for (const one of [block, copy]) device.free(one);
  });

  it("grows, and keeps its values", async () => {
    const before = device.memory().reservedBytes;
    const small = device.allocate(40);
    device.write(small, Int32Array.of(3, 1, 4));
    const large = device.allocate(before + 4096);
    device.fill(large, "int32", 1024, 7);
    expect(await device.read(small, "int32", 3)).toEqual(Int32Array.of(3, 1, 4));
    expect((await device.read(large, "int32", 1024)).at(-1)).toBe(7);
    const grown = device.memory().reservedBytes;
    expect(grown).toBeGreaterThan(before);
    device.free(large);
    device.free(device.allocate(before + 4096));
    device.free(small);
    expect(device.memory().reservedBytes).toBe(grown);
  });

  it("says how much memory is too much", () => {
    expect(() => device.allocate(2 ** 40)).toThrow(
      /^out of memory on the GPU: 1048576 MB are needed, and its largest buffer is \d+ MB; use a smaller batch/,
    );
  });

  it("accepts values before it is open", async () => {
    const early = createWebgpuDevice();
    const block = early.allocate(8);
    early.write(block, Float32Array.of(2, 3));
    expect(await early.read(block, "float32", 2)).toEqual(Float32Array.of(2, 3));
    early.close();
    await expect(early.read(block, "float32", 2)).rejects.toThrow(/closed/);
  });

  it("does not overwrite values written before it is open, even when a program needs scratch and blocks are freed", async () => {
    const end = takeForCards();
    const early = createWebgpuDevice();
    const length = 1 << 17;
    const x = inputNode({ shape: [length], dtype: "float32" });
    const { program } = compileGraph("sum", [{ node: sum(x, [0]) }]);
    const [given, total] = [early.allocate(4 * length), early.allocate(4)];
    early.write(given, new Float32Array(length).fill(1));
    early.compile(program).run([given, total]);
    const behind = early.read(given, "float32", length);
    early.free(given);
    expect(early.memory().liveBytes).toBeLessThan(length);
    expect((await behind).every((value) => value === 1)).toBe(true);
    expect(await early.read(total, "float32", 1)).toEqual(Float32Array.of(length));
    end();
    early.close();
  });

  it("returns no value after a call that the GPU refused", async () => {
    const { prototype } = globals().GPUDevice;
    const create = prototype.createShaderModule;
    const doomed = createWebgpuDevice();
    await doomed.started;
    const x = inputNode({ shape: [2], dtype: "float32" });
    const blocks = [doomed.allocate(8), doomed.allocate(8)];
    for (const block of blocks) doomed.write(block, Float32Array.of(2, 3));
    prototype.createShaderModule = function (this: GPUDevice, { code }: GPUShaderModuleDescriptor) {
      return create.call(this, { code: `${code} nonsense` });
    };
    doomed.compile(compileGraph("double", [{ node: add(x, x) }]).program).run(blocks);
    prototype.createShaderModule = create;
    const answers = [doomed.read(blocks[1] as Block, "float32", 2), doomed.settle()];
    for (const answer of answers) await expect(answer).rejects.toThrow(/^the GPU refused a call: .*WGSL/s);
    doomed.close();
  });

  it("rejects a pending read when it is closed", async () => {
    const one = createWebgpuDevice();
    await one.started;
    const reading = one.read(one.allocate(8), "float32", 2);
    one.close();
    await expect(reading).rejects.toThrow(/^the device is closed/);
  });

  it("does not start on a software driver when a card is requested", async () => {
    const card = createWebgpuDevice({ adapter: "real" });
    const answer = await card.started?.then(
      () => card.description,
      (error: Error) => error.message,
    );
    expect(answer).toMatch(/processor; "c" and "wasm" are faster|^webgpu, /);
    card.close();
  });

  it("reports a lost card with every value", async () => {
    const { doomed, card } = await openedCard(globals().GPUAdapter);
    const block = doomed.allocate(8);
    card.destroy();
    await card.lost;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const sentence = /^the GPU was lost \(.+\), and what was on it is gone; start again from the last checkpoint$/;
    await expect(doomed.read(block, "float32", 2)).rejects.toThrow(sentence);
    await expect(doomed.settle()).rejects.toThrow(sentence);
    expect(() => doomed.allocate(8)).toThrow(sentence);
    doomed.close();
  });

  it("says that there is no card", async () => {
    const { prototype } = globals().GPU;
    const ask = prototype.requestAdapter;
    prototype.requestAdapter = () => Promise.resolve(null);
    const absent = createWebgpuDevice();
    const sentence = /^no graphics card that WebGPU can use was found; install its driver/;
    await expect(absent.started).rejects.toThrow(sentence);
    prototype.requestAdapter = ask;
    expect(() => absent.allocate(8)).toThrow(sentence);
    absent.close();
  });

  it("says that the card has less memory than its limits", async () => {
    const { doomed, card } = await openedCard(globals().GPUAdapter);
    card.popErrorScope = () => Promise.resolve({ message: "no memory" });
    const block = doomed.allocate(64 * 2 ** 20);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(doomed.read(block, "float32", 2)).rejects.toThrow(
      /^out of memory on the GPU: it has no \d+ MB; use a smaller batch or model, or the backend "c" or "wasm"$/,
    );
    doomed.close();
  });

  it("omits the reserve when the card has no room for it, and runs what waited for the memory in order", async () => {
    const { doomed: small, card } = await openedCard(globals().GPUAdapter);
    const create = card.createBuffer.bind(card);
    const sizes: number[] = [];
    card.createBuffer = (descriptor) => {
      sizes.push(descriptor.size);
      return create(descriptor);
    };
    const answer = card.popErrorScope.bind(card);
    card.popErrorScope = async () => {
      const error = await answer();
      return (sizes.at(-1) ?? 0) > 3 * 2 ** 20 ? { message: "no memory" } : error;
    };
    const length = 1 << 19;
    const x = inputNode({ shape: [length], dtype: "float32" });
    const executable = small.compile(compileGraph("sum", [{ node: sum(x, [0]) }]).program);
    const [given, total] = [small.allocate(4 * length), small.allocate(4)];
    const values = new Float32Array(length).fill(1);
    small.write(given, values);
    executable.run([given, total]);
    values.fill(2);
    small.write(given, values);
    const first = small.read(total, "float32", 1);
    executable.run([given, total]);
    expect(await first).toEqual(Float32Array.of(length));
    expect(await small.read(total, "float32", 1)).toEqual(Float32Array.of(2 * length));
    expect(small.memory().reservedBytes).toBeLessThan(3 * 2 ** 20);
    small.close();
  });

  it("frees all memory when it is closed", { timeout: 240_000 }, async () => {
    const bytes = 120 * 2 ** 20;
    const resident: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const one = createWebgpuDevice();
      await one.started;
      const block = one.allocate(bytes);
      one.fill(block, "float32", bytes / 4, 1);
      expect(await one.read(block, "float32", 1)).toEqual(Float32Array.of(1));
      one.free(block);
      one.close();
      resident.push(process.memoryUsage.rss() - process.memoryUsage().arrayBuffers);
    }
    // A device that kept its memory would add at least `bytes` in every round;
    // a driver's own caches grow only in some rounds.
    const growths = resident.slice(1).map((size, turn) => size - (resident[turn] ?? size));
    expect(Math.min(...growths), String(resident)).toBeLessThan(bytes / 2);
  });
});

describe.skipIf(device === undefined)("tensors", () => {
  beforeEach(async () => {
    useBackend({ backend: "webgpu" });
    await defaultDevice.ready();
    seed(1);
  });
  afterEach(async () => {
    await moveToHost();
    useBackend({ backend: "wasm", threads: 1 });
  });

  const rows = (): Tensor =>
    tensor(
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      { shape: [8, 3] },
    );
  const labels = (bad = 1): Tensor => tensor(Int32Array.of(0, 1, bad, 0, 1, 0, 0, 1));

  it("float64 is refused with an alternative, and single numbers are computed", async () => {
    const x = tensor(Float64Array.of(1, 2), { dtype: "float64" });
    await expect(x.mul(2).data()).rejects.toThrow(
      /webgpu has no float64 tensors.*2 elements.*convert with \.to\("float32"\)/,
    );
    const lr = tensor(0.1, { dtype: "float64" });
    expect(await lr.mul(3).add(1).item()).toBe(0.1 * 3 + 1);
  });

  it("functions of single float64 numbers are within two units in the last place", async () => {
    const functions = compile((x: Tensor) => [x.sin(), x.cos(), x.tan(), x.atan(), x.erf(), x.atan2(-3)]);
    for (const x of [0.3, -0.9, 1.5, 4.25, 22, -355, 1e22, 2 ** 1000]) {
      const truth = [Math.sin(x), Math.cos(x), Math.tan(x), Math.atan(x), erf(x), Math.atan2(x, -3)];
      const found = await Promise.all(functions(tensor(x, { dtype: "float64" })).map((y) => y.item()));
      const apart = truth.map((right, k) => Math.abs((found[k] ?? Number.NaN) - right) / Math.abs(right));
      expect(Math.max(...apart), `${x}: ${apart}`).toBeLessThan(2 * 2 ** -52);
    }
  });

  it("a label out of range is reported with the next value, and nothing is assigned meanwhile", async () => {
    const model = new nn.Linear(3, 2);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    await step(rows(), labels()).item();
    const before = await model.weight.data();
    const bad = step(rows(), labels(7));
    const behind = step(rows(), labels());
    await expect(behind.item()).rejects.toThrow(/crossEntropy: in row 2, label 7 is out of range/);
    await expect(bad.item()).rejects.toThrow(/crossEntropy: in row 2, label 7 is out of range/);
    expect(await model.weight.data()).toEqual(before);
    expect(await step(rows(), labels()).item()).toBeGreaterThan(0);
    expect(await model.weight.data()).not.toEqual(before);
  });

  it("profileLater reports the time of each kernel, and profile refers to it", async () => {
    const step = compile((x: Tensor) => x.matmul(x.t()).exp().sum());
    expect(await step.profileLater(rows())).toMatch(/\d (ns|µs|ms)[\s\S]*\d (ns|µs|ms)/);
    expect(() => step.profile(rows())).toThrow(/await profileLater/);
  });

  it("a shape that is too large is reported in one message, and later work is computed", async () => {
    await expect(tensor([1]).expand([40_000, 40_000]).add(1).data()).rejects.toThrow(
      /^out of memory on the GPU: \d+ MB are needed, and its largest buffer is \d+ MB; use a smaller batch or model/,
    );
    await expect(tensor([true]).expand([50_000, 50_000]).logicalNot().data()).rejects.toThrow(
      /has 2500000000 elements, and a tensor in memory can have at most 2147418112; compute it in parts$/,
    );
    expect(await tensor([1]).add(1).item()).toBe(2);
  });

  it("memory stays flat over many steps, and a kernel reads what the step before assigned", {
    timeout: 600_000,
  }, async () => {
    const { prototype } = globals().GPUDevice;
    const create = prototype.createBuffer;
    let buffers = 0;
    prototype.createBuffer = function (this: GPUDevice, ...options: Parameters<typeof create>) {
      buffers++;
      return create.apply(this, options);
    };
    const model = new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.Linear(8, 2));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.001 });
    const count = new Parameter(Float32Array.of(0, 0, 0));
    const step = compile((x: Tensor, y: Tensor) => {
      count.assign(count.add(1));
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return { sum: count.sum(), loss };
    });
    const [x, y] = [rows(), labels()];
    const steps = process.env["HEBB_LONG"] === "1" ? 10_000 : 400;
    let middle = { reserved: 0, buffers: 0 };
    for (let i = 1; i <= steps; i++) {
      const { sum, loss } = step(x, y);
      if (i % 50 !== 0) continue;
      expect(await sum.item()).toBe(3 * i);
      expect(await loss.item()).toBeGreaterThan(0);
      if (i === steps / 4) middle = { reserved: memoryInfo().reservedBytes, buffers };
    }
    expect({ reserved: memoryInfo().reservedBytes, buffers }).toEqual(middle);
    prototype.createBuffer = create;
  });
});

describe.skipIf(device === undefined)("auto", () => {
  afterEach(async () => {
    await moveToHost();
    useBackend({ backend: "wasm", threads: 1 });
  });

  it("rejects a software driver and says why; small work does not request one", async () => {
    const { description } = useBackend({ backend: "auto" });
    await considerCard(1e6);
    expect(backendInfo().description).toBe(description);
    await considerCard(2e9);
    expect(backendInfo().description).toMatch(
      /^webgpu, .+ \(auto: |not webgpu: WebGPU has only .+ here, which computes on the processor/,
    );
    useBackend({ backend: "wasm", threads: 1 });
    await considerCard(2e9);
    expect(backendInfo().description).not.toMatch(/webgpu/);
  });

  it("switches to a card for large work, and takes the existing values along", async () => {
    const end = takeForCards();
    useBackend({ backend: "auto" });
    const x = tensor([1, 2]).mul(2);
    expect(x.dataSync()).toEqual(Float32Array.of(2, 4));
    await considerCard(2e9);
    end();
    expect(backendInfo().description).toBe("webgpu, A Card (auto: a step of 2.0 GFLOP gains from a graphics card)");
    expect(await x.add(1).data()).toEqual(Float32Array.of(3, 5));
  });
});
