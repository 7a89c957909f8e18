// Memory stays flat over thousands of compiled and of eager steps, without any dispose. HEBB_LONG=1 takes 10,000 steps.
import { describe, expect, test } from "vitest";
import { backendInfo, memoryInfo, useBackend } from "../src/runtime/index.ts";
import { compile, full, type Tensor, tensor } from "../src/tensor/index.ts";
import { training, type Used, used } from "./memoryUse.ts";

const steps = process.env.HEBB_LONG === "1" ? 10_000 : 2_000;

/** Growth during the steps, after the same number of steps to fill the program caches and let the engine compile hot code. */
async function expectFlat(name: string, step: () => void): Promise<void> {
  const run = async (count: number): Promise<void> => {
    for (let done = 1; done <= count; done++) {
      step();
      // As in a training loop, so that finalizers get their turn.
      if (done % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await run(2_000);
  const before = await used();
  await run(steps);
  const after = await used();
  const grown = (key: keyof Used): number => after[key] - before[key];
  if (process.env.HEBB_LONG === "1") {
    const figures = (["heap", "external", "device", "reserved", "programs"] as const).map(
      (key) => `${key} ${before[key]} ${grown(key) < 0 ? "−" : "+"} ${Math.abs(grown(key))}`,
    );
    process.stdout.write(`${name}, ${steps} steps: ${figures.join(", ")}\n`);
  }
  // A mebibyte of noise from the engine, at any number of steps: 525 bytes kept per step would exceed it, 105 over 10,000 steps.
  expect(grown("heap")).toBeLessThan(1 << 20);
  expect(grown("external")).toBeLessThan(64 << 10);
  expect(grown("device")).toBeLessThanOrEqual(4096);
  // The memory obtained depends on how much is dropped between two collections, up to a bound.
  expect(after.reserved).toBeLessThanOrEqual(64 << 20);
  expect(grown("programs")).toBe(0);
}

describe("memory", () => {
  test(`is flat over ${steps} compiled steps`, async () => {
    const { step, batch } = training();
    const compiled = compile(step);
    await expectFlat("compiled", () => compiled(...batch()).itemSync());
  });

  test(`is flat over ${steps} eager steps`, async () => {
    const { step, batch } = training();
    await expectFlat("eager", () => step(...batch()).itemSync());
  }, 240_000);

  test("is bounded in a loop that never awaits and drops its results at once", () => {
    const x = tensor(new Float32Array(128 * 1024).fill(1));
    const next = compile((value: Tensor) => value.mul(0.5).add(1));
    const before = process.memoryUsage().rss;
    let result = x;
    // A gigabyte of results, compiled and eager.
    for (let step = 0; step < 1_000; step++) result = next(result);
    for (let step = 0; step < 1_000; step++) {
      result = result.mul(0.5).add(1);
      if (step % 10 === 9) result.dataSync();
    }
    expect(result.dataSync()[7]).toBe(2);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 << 20);
  });

  test("compiled programs keep neither arguments nor results of their last run", async ({ skip }) => {
    const before = backendInfo().backend;
    try {
      // On c large results are in host memory.
      if (useBackend({ backend: "auto" }).backend !== "c") skip();
      const x = tensor(new Float32Array(1 << 21));
      x.add(1).sum().itemSync();
      const start = await used();
      const programs = Array.from({ length: 6 }, (_, place) => {
        const next = compile((value: Tensor) => value.mul(0.5).add(place));
        next(x);
        return next;
      });
      const end = await used();
      expect(programs).toHaveLength(6);
      // Six results are 48 MiB.
      expect(end.external - start.external).toBeLessThan(12 << 20);
    } finally {
      useBackend({ backend: before });
    }
  });

  test("is bounded by the largest of many eager programs, in a loop that never awaits", () => {
    for (let rows = 2000; rows < 2200; rows++) {
      const x = full([rows, 8], 0.1);
      x.matmul(x.t()).softmax(1).matmul(x).sum().itemSync();
    }
    // The largest needs 19 MB at once; 200 separate arenas took 3.5 GB.
    expect(memoryInfo().liveBytes).toBeLessThan(40 << 20);
    expect(memoryInfo().reservedBytes).toBeLessThan(160 << 20);
  }, 240_000);
});
