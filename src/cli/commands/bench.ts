// hebb bench: measures how fast this machine runs typical workloads.
import * as nn from "../../nn/index.ts";
import * as optim from "../../optim/index.ts";
import { backendInfo } from "../../runtime/index.ts";
import { compile, rand, randint, seed, type Tensor, tensor } from "../../tensor/index.ts";
import { out } from "../output.ts";

interface Measured {
  readonly name: string;
  /** The median of the repetitions. */
  readonly value: number;
  readonly unit: string;
  readonly profile?: string;
}

/** On an asynchronous device, a read queued after all other work: it resolves when that is done. */
const settled = (): unknown => (backendInfo().backend === "webgpu" ? tensor([1]).add(1).data() : undefined);

/** The median time of one call, in microseconds, after warming up. */
async function microseconds(call: () => void): Promise<number> {
  const warm = performance.now();
  while (performance.now() - warm < 400) {
    call();
    await settled();
  }
  const times: number[] = [];
  for (let repetition = 0; repetition < 7; repetition++) {
    // Lets Ctrl-C be handled.
    await new Promise((resolve) => setImmediate(resolve));
    let calls = 0;
    const started = performance.now();
    while (performance.now() - started < 60) {
      call();
      calls++;
      // The queue must not grow without limit.
      if (calls % 100 === 0) await settled();
    }
    await settled();
    times.push(((performance.now() - started) / calls) * 1000);
  }
  return times.sort((a, b) => a - b)[3] as number;
}

async function product(size: number): Promise<Measured> {
  const [a, b] = [rand([size, size]), rand([size, size])];
  await Promise.all([a.data(), b.data()]);
  const multiply = compile((x: Tensor, y: Tensor) => x.matmul(y));
  const time = await microseconds(() => multiply(a, b));
  return { name: `matmul ${size}`, value: (2 * size ** 3) / time / 1e3, unit: "GFLOP/s" };
}

/** Memory bandwidth: 64 MB read and 64 MB written, far more than the caches hold. */
async function copying(): Promise<Measured> {
  const length = 16 * 2 ** 20;
  const x = rand([length]);
  await x.data();
  const copy = compile((value: Tensor) => value.neg());
  const time = await microseconds(() => copy(x));
  return { name: "copy 64 MB", value: (8 * length) / time / 1e3, unit: "GB/s" };
}

async function trainingStep(name: string, model: nn.Module, x: Tensor, y: Tensor, profile: boolean): Promise<Measured> {
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  await Promise.all([x.data(), y.data()]);
  const value = await microseconds(() => step(x, y));
  return { name, value, unit: "µs", ...(profile ? { profile: await step.profileLater(x, y) } : {}) };
}

export async function bench(args: { readonly json: boolean; readonly profile: boolean }): Promise<number> {
  seed(0);
  const { description } = backendInfo();
  if (!args.json) out.line(description);
  const results: Measured[] = [];
  const show = (result: Measured): void => {
    results.push(result);
    if (args.json) return;
    out.line(`  ${result.name.padEnd(44)} ${result.value.toFixed(1).padStart(9)} ${result.unit}`);
    if (result.profile !== undefined) out.text(`${result.profile}\n`);
  };
  let peak = 0;
  for (const size of [256, 512, 1024]) {
    const result = await product(size);
    peak = Math.max(peak, result.value);
    show(result);
  }
  if (args.profile) show(await copying());
  const mlp = new nn.Sequential(
    new nn.Linear(784, 128),
    new nn.ReLU(),
    new nn.Linear(128, 64),
    new nn.ReLU(),
    new nn.Linear(64, 10),
  );
  show(
    await trainingStep(
      "MLP 784-128-64-10, Adam, batch 64: a step",
      mlp,
      rand([64, 784]),
      randint(0, 10, [64]),
      args.profile,
    ),
  );
  const cnn = new nn.Sequential(
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(1568, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  );
  show(
    await trainingStep(
      "CNN 28×28, conv 16, conv 32, batch 64: a step",
      cnn,
      rand([64, 1, 28, 28]),
      randint(0, 10, [64]),
      args.profile,
    ),
  );
  if (args.profile && !args.json) {
    out.line(
      "",
      `A kernel bound by arithmetic comes near ${peak.toFixed(0)} GFLOP/s here, one bound by memory near the figure of the copy; values still in a cache are faster.`,
    );
  }
  if (args.json) out.json({ description, results });
  return 0;
}
