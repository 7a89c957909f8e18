// hebb bench: how fast this machine runs what hebb is used for.
import * as nn from "../../nn/index.ts";
import * as optim from "../../optim/index.ts";
import { backendInfo } from "../../runtime/index.ts";
import { compile, rand, randint, seed, type Tensor } from "../../tensor/index.ts";

interface Measured {
  readonly name: string;
  /** Median of the repetitions. */
  readonly value: number;
  readonly unit: string;
  readonly profile?: string;
}

/** The median time of one call, in microseconds, after warming up. */
function microseconds(call: () => void): number {
  const warm = performance.now();
  while (performance.now() - warm < 400) call();
  const times: number[] = [];
  for (let repetition = 0; repetition < 7; repetition++) {
    let calls = 0;
    const started = performance.now();
    while (performance.now() - started < 60) {
      call();
      calls++;
    }
    times.push(((performance.now() - started) / calls) * 1000);
  }
  return times.sort((a, b) => a - b)[3] as number;
}

function product(size: number): Measured {
  const [a, b] = [rand([size, size]), rand([size, size])];
  a.dataSync();
  b.dataSync();
  const multiply = compile((x: Tensor, y: Tensor) => x.matmul(y));
  const time = microseconds(() => multiply(a, b));
  return { name: `matmul ${size}`, value: (2 * size ** 3) / time / 1e3, unit: "GFLOP/s" };
}

/** What memory gives: 64 MB read and 64 MB written, far more than the caches hold. */
function copying(): Measured {
  const length = 16 * 2 ** 20;
  const x = rand([length]);
  x.dataSync();
  const copy = compile((value: Tensor) => value.neg());
  const time = microseconds(() => copy(x));
  return { name: "copy 64 MB", value: (8 * length) / time / 1e3, unit: "GB/s" };
}

function trainingStep(name: string, model: nn.Module, x: Tensor, y: Tensor, profile: boolean): Measured {
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  x.dataSync();
  y.dataSync();
  const value = microseconds(() => step(x, y));
  return { name, value, unit: "µs", ...(profile ? { profile: step.profile(x, y) } : {}) };
}

export async function bench(args: { readonly json: boolean; readonly profile: boolean }): Promise<number> {
  seed(0);
  const { description } = backendInfo();
  if (!args.json) process.stdout.write(`${description}\n`);
  const results: Measured[] = [];
  const show = (result: Measured): void => {
    results.push(result);
    if (args.json) return;
    process.stdout.write(`  ${result.name.padEnd(44)} ${result.value.toFixed(1).padStart(9)} ${result.unit}\n`);
    if (result.profile !== undefined) process.stdout.write(`${result.profile}\n`);
  };
  const products = [256, 512, 1024].map(product);
  for (const result of products) show(result);
  const peak = Math.max(...products.map(({ value }) => value));
  if (args.profile) show(copying());
  const mlp = new nn.Sequential(
    new nn.Linear(784, 128),
    new nn.ReLU(),
    new nn.Linear(128, 64),
    new nn.ReLU(),
    new nn.Linear(64, 10),
  );
  show(
    trainingStep("MLP 784-128-64-10, Adam, batch 64: a step", mlp, rand([64, 784]), randint(0, 10, [64]), args.profile),
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
    trainingStep(
      "CNN 28×28, conv 16, conv 32, batch 64: a step",
      cnn,
      rand([64, 1, 28, 28]),
      randint(0, 10, [64]),
      args.profile,
    ),
  );
  if (args.profile && !args.json) {
    process.stdout.write(
      `\nA kernel bound by arithmetic comes near ${peak.toFixed(0)} GFLOP/s here, one bound by memory near the figure of the copy; values still in a cache are faster.\n`,
    );
  }
  if (args.json) process.stdout.write(`${JSON.stringify({ description, results })}\n`);
  return 0;
}
