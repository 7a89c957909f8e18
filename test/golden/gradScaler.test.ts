// GradScaler against PyTorch: scales and weights over steps, some of which overflow, compiled and not; and training in float16 with it.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  autocast,
  compile,
  GradScaler,
  nn,
  optim,
  Parameter,
  randn,
  seed,
  type Tensor,
  tensor,
  useBackend,
} from "../../src/index.ts";
import { backends } from "./figures.ts";

interface Golden {
  readonly torch: string;
  readonly overflows: readonly number[];
  readonly steps: readonly { readonly scale: number; readonly weights: readonly number[] }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL("gradScaler.json", import.meta.url), "utf8"));

afterAll(() => {
  useBackend({ backend: "wasm", threads: 1 });
});

describe.each(backends)(`GradScaler as PyTorch ${golden.torch}, on %s`, (backend) => {
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
  });

  it.each([true, false])("scales, weights and moments (compiled: %s)", async (compiled) => {
    const weights = new Parameter(Float32Array.of(0.5, -1.25, 2));
    const optimizer = new optim.SGD([weights], { lr: 0.1, momentum: 0.9 });
    const scaler = new GradScaler({ initScale: 1024, growthInterval: 3 });
    const plain = (factor: Tensor): void => {
      optimizer.zeroGrad();
      scaler.scale(weights.square().sum().mul(factor)).backward();
      scaler.step(optimizer);
      scaler.update();
    };
    const step = compiled ? compile(plain) : plain;
    for (const [place, { scale, weights: expected }] of golden.steps.entries()) {
      step(tensor(golden.overflows.includes(place) ? Number.POSITIVE_INFINITY : 1));
      expect(await scaler.getScale(), `scale after step ${place}`).toBe(scale);
      const found = await weights.data();
      for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5);
    }
  });
});

describe("GradScaler", () => {
  it("trains with products in float16", async () => {
    const trained = async (): Promise<number> => {
      seed(5);
      const model = new nn.Sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 1));
      const optimizer = new optim.SGD(model.parameters(), { lr: 2e5 });
      const scaler = new GradScaler();
      const x = randn([64, 4]);
      const y = x.sum(1, true).tanh();
      const step = compile((rows: Tensor, targets: Tensor) => {
        optimizer.zeroGrad();
        // Its gradients are far below the smallest float16.
        const loss = autocast(() => nn.functional.mseLoss(model.forward(rows), targets).mul(1e-6), {
          dtype: "float16",
        });
        scaler.scale(loss).backward();
        scaler.step(optimizer);
        scaler.update();
        return loss;
      });
      for (let turn = 0; turn < 79; turn++) step(x, y);
      return (await step(x, y).item()) * 1e6;
    };
    expect(await trained()).toBeLessThan(0.05);
  });

  it("reports skipped steps", () => {
    const weights = new Parameter(Float32Array.of(1));
    const optimizer = new optim.SGD([weights], { lr: 0.1 });
    const scaler = new GradScaler();
    expect(() => scaler.update()).toThrow(/nothing was unscaled since the last update/);
    expect(() => scaler.step(optimizer)).toThrow(/no parameter has a gradient/);
    scaler.scale(weights.sum()).backward();
    scaler.unscale(optimizer);
    expect(() => scaler.unscale(optimizer)).toThrow(/unscaled already/);
    expect(() => new GradScaler({ backoffFactor: 2 })).toThrow(/backoffFactor/);
  });

  it("resumes from its state", async () => {
    const scaler = new GradScaler({ initScale: 8 });
    const other = new GradScaler();
    other.loadStateDict(scaler.stateDict());
    expect(await other.getScale()).toBe(8);
  });
});
