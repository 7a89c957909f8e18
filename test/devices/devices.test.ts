// Two devices at once: values are on one of them and move explicitly.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ComputeDevice,
  compile,
  data,
  defaultDevice,
  flushLater,
  GradScaler,
  nn,
  openDevice,
  optim,
  Parameter,
  rand,
  State,
  seed,
  type Tensor,
  tensor,
  fit as trainModel,
  useBackend,
  zeros,
} from "../../src/index.ts";
import { deviceOver, moveToHost, useDevice } from "../../src/runtime/index.ts";
import { createLaterDevice } from "../asynchronous/device.ts";
import { beside, labels, pairs, rows } from "./pairs.ts";
import { course, training } from "./training.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

afterAll(() => void useBackend({ backend: "reference" }));

describe.each(pairs)("$name", (pair) => {
  it("a tensor has a device, and its results have the same one", () =>
    beside(pair, async (device) => {
      const x = tensor([1, 2, 3]);
      const there = x.toDevice(device);
      expect([x.device, there.device, there.add(x).mul(2).device]).toEqual([defaultDevice, device, device]);
      expect(await there.add(x).mul(2).toArray()).toEqual([4, 8, 12]);
      expect(await there.toDevice(defaultDevice).add(x).toArray()).toEqual([2, 4, 6]);
      expect(there.toDevice(device).node).toBe(there.node);
      expect(await x.toArray()).toEqual([1, 2, 3]);
    }));

  it("constants move to the device that uses them, whether they were read before or not", () =>
    beside(pair, async (device) => {
      const there = tensor([1, 2, 3]).toDevice(device);
      seed(2);
      const [read, unread] = [rand([3]).mul(2), zeros([3]).add(1)];
      await read.data();
      expect(await there.mul(0).add(read).data()).toEqual(await read.data());
      expect(await there.mul(unread).toArray()).toEqual([1, 2, 3]);
      expect([read.device, there.add(read).device]).toEqual([defaultDevice, device]);
    }));

  it("a state dict is loaded from a model on the other device", () =>
    beside(pair, async (device) => {
      seed(4);
      const [here, there] = [new nn.Linear(3, 2), new nn.Linear(3, 2).toDevice(device)];
      const values = await there.weight.toArray();
      here.loadStateDict(there.stateDict());
      expect(here.weight.device).toBe(defaultDevice);
      expect(await here.weight.toArray()).toEqual(values);
      seed(5);
      const other = new nn.Linear(3, 2);
      there.loadStateDict(other.stateDict());
      expect(there.weight.device).toBe(device);
      expect(await there.weight.toArray()).toEqual(await other.weight.toArray());
    }));

  it("gradients on both devices are clipped by their common norm", () =>
    beside(pair, async (device) => {
      const gradients = async (second: ComputeDevice): Promise<unknown> => {
        const [one, other] = [
          new nn.Linear(2, 1, { bias: false }),
          new nn.Linear(2, 1, { bias: false }).toDevice(second),
        ];
        one.weight.assign(Float32Array.of(1, 2));
        other.weight.assign(Float32Array.of(3, 1));
        one.weight.square().sum().toDevice(second).add(other.weight.square().sum()).backward();
        const weights = [one.weight, other.weight];
        const total = nn.utils.getTotalNorm(weights.flatMap(({ grad }) => grad ?? []));
        const norm = optim.clipGradNorm(weights, 2);
        expect(await total.item()).toBe(await norm.item());
        const clipped = weights.map(({ grad }) => grad?.toArray());
        return [await norm.item(), await Promise.all(clipped)];
      };
      expect(await gradients(device)).toEqual(await gradients(defaultDevice));
    }));

  it("a scaler steps weights on both devices, and none of them where a gradient overflowed", () =>
    beside(pair, async (device) => {
      const trained = async (second: ComputeDevice): Promise<number[][]> => {
        seed(3);
        const [front, back] = [new nn.Linear(3, 4), new nn.Linear(4, 2).toDevice(second)];
        const optimizer = new optim.SGD([...front.parameters(), ...back.parameters()], { lr: 0.1, momentum: 0.9 });
        const scaler = new GradScaler({ initScale: 1024, growthInterval: 2 });
        const seen: number[][] = [];
        for (const scale of [1, 1, Number.POSITIVE_INFINITY, 1]) {
          const loss = back.forward(front.forward(rows()).toDevice(second)).square().mean().mul(scale);
          optimizer.zeroGrad();
          scaler.scale(loss).backward();
          scaler.step(optimizer);
          scaler.update();
          const weights = [...(await front.weight.data()), ...(await back.weight.data())];
          seen.push([await scaler.getScale(), ...weights]);
        }
        return seen;
      };
      const [apart, together] = [await trained(device), await trained(defaultDevice)];
      expect(apart[2]?.slice(1)).toEqual(apart[1]?.slice(1));
      expect(apart.map(([scale]) => scale)).toEqual([1024, 2048, 1024, 1024]);
      // At most four updates, each with sums of 24 terms below 1, which the backends round differently.
      const most = 4 * 24 * 2 ** -24;
      for (const [place, value] of apart.flat().entries())
        expect(Math.abs(value - (together.flat()[place] ?? 0))).toBeLessThanOrEqual(most);
    }));

  it("gradients flow back through a move, to second order", () =>
    beside(pair, async (device) => {
      const w = new Parameter(Float32Array.of(1, 2, 3), { name: "w" });
      const moved = w.square().toDevice(device);
      const loss = moved
        .mul(tensor([1, 2, 3]).toDevice(device))
        .mul(moved)
        .sum();
      loss.backward();
      // Σ k·w⁴: 4·k·w³
      expect(await w.grad?.toArray()).toEqual([4, 64, 324]);
      expect([loss.device, w.grad?.device]).toEqual([device, defaultDevice]);
    }));

  it("an operation on two devices is refused, with its name, both devices and the remedy", () =>
    beside(pair, async (device) => {
      const w = new Parameter(Float32Array.of(1, 2, 3));
      const x = tensor([1, 2, 3]).toDevice(device);
      const both =
        /its tensors are on the default device \(\w+\) and on device \d+ \(\w+\); move one of them with toDevice/;
      expect(() => w.mul(x)).toThrow(both);
      expect(() => w.assign(x)).toThrow(both);
      expect(() => compile((y: Tensor) => w.mul(2).add(y))(x)).toThrow(both);
      expect(() => compile(() => [w.mul(2), x.mul(2)])()).toThrow(both);
      expect(() => compile((y: Tensor) => y.toDevice(device))(tensor([1]))).toThrow(
        /a compiled function runs on one device/,
      );
      expect(() => new nn.Linear(3, 2).forward(x.reshape(1, 3))).toThrow(/matmul.* are on .*toDevice/);
      // No trace of it remains.
      expect(await w.add(1).toArray()).toEqual([2, 3, 4]);
      expect(await x.add(1).toArray()).toEqual([2, 3, 4]);
    }));

  it.each([true, false])("a model trains as it does on a device alone (compiled: %s)", (compiled) =>
    beside(pair, async (device) => {
      const found = await course(training(device, { compiled }));
      if (pair.name.startsWith("a later")) useBackend({ backend: "reference" });
      else useBackend({ backend: device.backend as "wasm", threads: 1 });
      expect(found).toEqual(await course(training(defaultDevice, { compiled })));
    }),
  );

  it.each([true, false])(
    "two models that train side by side, step by step, do not disturb each other (compiled: %s)",
    (compiled) =>
      beside(pair, async (device) => {
        const places = [defaultDevice, device];
        const alone: unknown[] = [];
        for (const place of places) alone.push(await course(training(place, { compiled })));
        const runs = places.map((place) => training(place, { compiled }));
        const losses: number[][] = [[], []];
        for (let i = 0; i < 6; i++) for (const [k, run] of runs.entries()) losses[k]?.push(await run.step());
        const found: unknown[] = [];
        for (const [k, run] of runs.entries()) found.push([losses[k], await run.parameters()]);
        expect(found).toEqual(alone);
      }),
  );

  it("one generator used on both devices in turn continues as on one", () =>
    beside(pair, async (device) => {
      const draw = compile((x: Tensor) => x.mul(0).add(rand([3])));
      const turns = [defaultDevice, device, device, defaultDevice, device];
      const drawn = async (places: readonly ComputeDevice[]): Promise<unknown> => {
        seed(7);
        const values: unknown[] = [];
        for (const place of places) {
          values.push(await draw(zeros([3]).toDevice(place)).toArray());
          values.push(await rand([2]).toDevice(place).toArray());
        }
        return values;
      };
      expect(await drawn(turns)).toEqual(await drawn(turns.map(() => defaultDevice)));
    }));

  it("a training saved on one device and loaded on the other reaches the same weights", () =>
    beside(pair, async (device) => {
      const first = training(device, { compiled: true });
      await course(first, 2);
      const weights = first.model.stateDict();
      const slots = first.optimizer.stateDict();
      const state = async (values: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> =>
        Object.fromEntries(
          await Promise.all(
            Object.entries(values).map(
              async ([name, value]) =>
                [name, tensor(await value.data(), { shape: value.shape, dtype: value.dtype })] as const,
            ),
          ),
        );
      const saved = [await state(weights), { ...slots, state: await state(slots.state) }] as const;
      const second = training(device, { compiled: true });
      second.model.loadStateDict(saved[0]);
      second.optimizer.loadStateDict(saved[1]);
      expect(await second.parameters()).toEqual(await first.parameters());
      const here = training(defaultDevice, { compiled: true });
      here.model.loadStateDict(saved[0]);
      here.optimizer.loadStateDict(saved[1]);
      expect(await here.parameters()).toEqual(await first.parameters());
      expect(await here.step()).toBeGreaterThan(0);
      expect((await second.parameters()).length).toBe(6);
    }));

  it("dropped values free their memory, on each device", () =>
    beside(pair, async (device) => {
      const live = async (): Promise<number[]> => {
        for (let i = 0; i < 4; i++) {
          await turn();
          collect();
        }
        await turn();
        return [defaultDevice, device].map((each) => each.memoryInfo().liveBytes);
      };
      const work = async (): Promise<void> => {
        const x = rand([64, 64]).toDevice(device);
        const y = x.matmul(x).toDevice(defaultDevice).add(1);
        const model = new nn.Linear(64, 64).toDevice(device);
        await model.forward(x).sum().item();
        await y.sum().item();
      };
      await work();
      const before = await live();
      for (let i = 0; i < 8; i++) await work();
      const after = await live();
      for (const [k, bytes] of after.entries()) expect(bytes).toBeLessThanOrEqual((before[k] ?? 0) + 2 * 64 * 64 * 4);
    }));

  it("a closed device computes nothing more, and its values can move away", () =>
    beside(pair, async (device) => {
      const x = tensor([1, 2, 3]).toDevice(device).mul(2);
      await x.data();
      const model = new nn.Linear(3, 1).toDevice(device);
      const sum = await model.forward(x).item();
      await flushLater();
      await device.close();
      await device.close();
      expect(await x.toArray()).toEqual([2, 4, 6]);
      await expect(x.add(1).data()).rejects.toThrow(/^device \d+ \(\w+\) is closed; .* toDevice/);
      expect(() =>
        new nn.Linear(3, 1)
          .toDevice(device)
          .forward(tensor([1, 2, 3]))
          .itemSync(),
      ).toThrow(/is closed/);
      expect((await model.parameters()[0]?.data())?.length).toBe(3);
      model.toDevice(defaultDevice);
      expect(await model.forward(x.toDevice(defaultDevice)).item()).toBeCloseTo(sum, 5);
    }));

  it("a module that moves between steps takes everything with it", () =>
    beside(pair, async (device) => {
      const run = training(defaultDevice, { compiled: true });
      const losses = [await run.step()];
      for (const place of [device, defaultDevice, device]) {
        run.model.toDevice(place);
        await flushLater();
        expect(run.model.parameters().map((each) => each.device === place)).not.toContain(false);
        // The first step requests the optimizer's state.
        const next = await run.step().catch(() => undefined);
        if (next === undefined) await flushLater();
        losses.push(next ?? (await run.step()));
      }
      const stays = training(defaultDevice, { compiled: true });
      for (const [place, loss] of losses.entries()) expect(loss, `step ${place}`).toBeCloseTo(await stays.step(), 4);
    }));
});

describe("an asynchronous device, next to one with the same arithmetic", () => {
  const open = (): ComputeDevice => {
    useBackend({ backend: "reference" });
    return deviceOver(createLaterDevice());
  };

  it("a model in two parts, one on each device, trains to the bits of one on one", async () => {
    const device = open();
    const trained = async (second: ComputeDevice): Promise<unknown> => {
      seed(3);
      const [front, back] = [new nn.Linear(3, 8), new nn.Linear(8, 2).toDevice(second)];
      const optimizer = new optim.AdamW([...front.parameters(), ...back.parameters()], { lr: 0.05 });
      const losses: number[] = [];
      for (let i = 0; i < 4; i++) {
        const hidden = front.forward(rows()).tanh().toDevice(second);
        const loss = nn.functional.crossEntropy(back.forward(hidden), labels());
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        losses.push(await loss.item());
      }
      const weights = await Promise.all([front.weight, back.weight].map(async (each) => [...(await each.data())]));
      return [losses, weights];
    };
    expect(await trained(device)).toEqual(await trained(defaultDevice));
    await device.close();
  });

  it("a value that is still being copied is refused where it is needed synchronously", async () => {
    const device = open();
    const w = new Parameter(Float32Array.of(1, 2)).toDevice(device).mul(2);
    const back = w.toDevice(defaultDevice).add(1);
    expect(() => back.dataSync()).toThrow(/is still being copied from an asynchronous device; first await data\(\)/);
    expect(() => compile((x: Tensor) => x.add(1))(back)).toThrow(/is still being copied/);
    const state = new State(0, { shape: [2], name: "s" });
    state.assign(back);
    expect(() => state.dataSync()).toThrow(/is still being copied/);
    expect(() => compile(() => state.add(1))()).toThrow(
      /the value of "s" is still being copied .*; await flushLater\(\)/,
    );
    await flushLater();
    expect(state.toArraySync()).toEqual([3, 5]);
    expect([...compile((x: Tensor) => x.add(1))(back).dataSync()]).toEqual([4, 6]);
    await device.close();
  });

  it("a check that fails there is reported here, and values moved from it do not exist", async () => {
    const device = open();
    const state = new State(Float32Array.of(0), { name: "s" });
    const model = new nn.Linear(3, 2).toDevice(device);
    const bad = nn.functional.crossEntropy(model.forward(rows()), tensor(Int32Array.of(0, 1, 7, 0, 1, 0, 0, 1)));
    state.assign(bad.toDevice(defaultDevice).reshape(1));
    await expect(flushLater()).rejects.toThrow(/label 7 is out of range/);
    expect(state.toArraySync()).toEqual([0]);
    expect(tensor([1, 2]).add(1).toArraySync()).toEqual([2, 3]);
    expect(await model.forward(rows()).sum().item()).toBeTypeOf("number");
    await device.close();
  });

  it("the default device may be the asynchronous one", async () => {
    useDevice(createLaterDevice());
    const device = openDevice({ backend: "wasm", threads: 1 });
    seed(1);
    const x = rand([3]).mul(2);
    await x.data();
    const there = tensor([1, 2, 3]).toDevice(device);
    const sum = there.mul(0).add(x);
    expect(await sum.data()).toEqual(await x.data());
    expect(there.add(1).toArraySync()).toEqual([2, 3, 4]);
    await device.close();
    await moveToHost();
    useBackend({ backend: "reference" });
  });
});

it("describes a device, and refuses what is not one", async () => {
  useBackend({ backend: "reference" });
  const device = openDevice({ backend: "wasm", threads: 1 });
  expect([device.backend, device.threads]).toEqual(["wasm", 1]);
  expect(device.description).toMatch(/^wasm/);
  expect(String(device)).toMatch(/^device \d+ \(wasm\)$/);
  expect(String(defaultDevice)).toBe("the default device (reference)");
  const wrong: (where: unknown) => unknown = (where) =>
    Function.prototype.call.call(tensor([1]).toDevice, tensor([1]), where);
  expect(() => wrong("wasm")).toThrow(/toDevice: takes a device, such as openDevice\(.*got "wasm"/);
  expect(() => Function.prototype.call.call(openDevice, undefined, { backend: "gpu" })).toThrow(
    /backend "gpu" does not exist/,
  );
  await expect(defaultDevice.close()).rejects.toThrow(/the default device stays open; useBackend/);
  await device.close();
});

describe("fit", () => {
  it.each(pairs)("trains a model on the second device: $name", (pair) =>
    beside(pair, async (device) => {
      const trained = async (place: ComputeDevice): Promise<unknown> => {
        seed(4);
        const model = new nn.Sequential(new nn.Linear(2, 6), new nn.BatchNorm1d(6), new nn.ReLU(), new nn.Linear(6, 2));
        const optimizer = new optim.AdamW(model.toDevice(place).parameters(), { lr: 0.05 });
        const { epochs } = await trainModel(model, {
          ...{ train: data.moons({ count: 30, seed: 1 }), validation: data.moons({ count: 20, seed: 2 }), optimizer },
          ...{ epochs: 3, batchSize: 8, seed: 3, ema: 0.9, clipNorm: 0.5, doctor: true },
        });
        expect(model.parameters().map((each) => each.device)).toEqual(model.parameters().map(() => place));
        return epochs;
      };
      const found = await trained(device);
      useBackend({ backend: device.backend, threads: 1 });
      expect(found).toEqual(await trained(defaultDevice));
    }),
  );
});
