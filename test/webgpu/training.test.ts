// The same training on WebGPU and on WebAssembly, with the kernels of a card and of a processor: losses within 1e-4 of one another over 200 steps.
// Without HEBB_LONG=1 all but the first run 40 steps, and 20 with a processor's kernels.
import { afterAll, describe, expect, it } from "vitest";
import { compile, nn, optim, seed, type Tensor, tensor, useBackend } from "../../src/index.ts";
import { defaultDevice, moveToHost } from "../../src/runtime/index.ts";
import { Gpt } from "../../src/train/index.ts";
import { takeForCards, webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
device?.close();
afterAll(() => void useBackend({ backend: "wasm", threads: 1 }));

/** Selects the last step of a sequence. */
class LastStep extends nn.Module {
  readonly lstm = new nn.LSTM(5, 8);
  readonly head = new nn.Linear(8, 4);

  override forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x)[0].select(1, 5));
  }
}

interface Workload {
  readonly model: () => nn.Module & { forward(x: Tensor): Tensor };
  readonly shape: readonly number[];
  readonly classes: number;
  readonly tokens?: true;
}

const workloads: Readonly<Record<string, Workload>> = {
  mlp: {
    model: () =>
      new nn.Sequential(
        new nn.Linear(12, 24),
        new nn.ReLU(),
        new nn.Dropout(0.1),
        new nn.Linear(24, 16),
        new nn.Tanh(),
        new nn.Linear(16, 4),
      ),
    shape: [16, 12],
    classes: 4,
  },
  cnn: {
    model: () =>
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(4, 8, 3),
        new nn.ReLU(),
        new nn.Flatten(),
        new nn.Linear(32, 4),
      ),
    shape: [8, 1, 8, 8],
    classes: 4,
  },
  lstm: { model: () => new LastStep(), shape: [4, 6, 5], classes: 4 },
  gpt: {
    model: () => new Gpt({ vocabulary: 11, context: 8, layers: 1, width: 16, heads: 2, dropout: 0 }),
    shape: [2, 8],
    classes: 11,
    tokens: true,
  },
};

async function losses(
  backend: "wasm" | "webgpu",
  { model: make, shape, classes, tokens }: Workload,
  steps: number,
  asCard = false,
): Promise<number[]> {
  const end = asCard ? takeForCards() : () => undefined;
  useBackend(backend === "wasm" ? { backend, threads: 1 } : { backend });
  await defaultDevice.ready().finally(end);
  seed(5);
  const model = make();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.003 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(x).reshape([-1, classes]), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const size = shape.reduce((product, extent) => product * extent, 1);
  const rows = tokens ? size : (shape[0] ?? 1);
  const found: number[] = [];
  for (let i = 0; i < steps; i++) {
    const x = tokens
      ? Int32Array.from({ length: size }, (_, k) => (5 * k + (i % 3)) % classes)
      : Float32Array.from({ length: size }, (_, k) => Math.sin(12.9898 * k + (i % 5)));
    const y = Int32Array.from({ length: rows }, (_, k) => (7 * k + (i % 3)) % classes);
    found.push(await step(tensor(x, { shape: [...shape] }), tensor(y)).item());
  }
  await moveToHost();
  return found;
}

describe.skipIf(device === undefined)("losses on webgpu equal those on wasm", () => {
  it.each(Object.entries(workloads))("%s", { timeout: 600_000 }, async (name, workload) => {
    const steps = name === "mlp" || process.env["HEBB_LONG"] === "1" ? 200 : 40;
    const expected = await losses("wasm", workload, steps);
    const farthest = (found: readonly number[]): number =>
      Math.max(...found.map((loss, step) => Math.abs(loss / (expected[step] ?? Number.NaN) - 1)));
    const card = await losses("webgpu", workload, steps, true);
    expect(card).toHaveLength(steps);
    expect(farthest(card)).toBeLessThan(1e-4);
    expect(card.at(-1)).toBeLessThan(card[0] ?? 0);
    expect(farthest(await losses("webgpu", workload, 20))).toBeLessThan(1e-4);
  });
});
