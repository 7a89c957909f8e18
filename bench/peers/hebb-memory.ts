// Memory over many training steps, compiled or eager: one JSON line per sample.   usage: hebb-memory.mjs compiled|eager STEPS
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { memoryInfo } from "../../src/runtime/index.ts";
import { compile, rand, seed, type Tensor } from "../../src/tensor/index.ts";

const [mode, count] = process.argv.slice(2);
const steps = Number(count);
seed(0);
const model = new nn.Sequential(
  new nn.Linear(2, 8),
  new nn.Tanh(),
  new nn.Linear(8, 8),
  new nn.Tanh(),
  new nn.Linear(8, 1),
);
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const x = rand([32, 2]);
const y = x.sum(1, true).gt(1).to("float32");
const train = (input: Tensor, target: Tensor): Tensor => {
  const loss = nn.functional.bceWithLogits(model.forward(input), target);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
};
const step = mode === "compiled" ? compile(train) : train;
const MB = 2 ** 20;

for (let i = 1; i <= steps; i++) {
  const loss = step(x, y);
  if (i % 10 === 0) loss.itemSync();
  // Finalisers run between turns of the event loop, as they do in any real training loop.
  if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  if (i % (steps / 10) !== 0) continue;
  for (let k = 0; k < 3; k++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const device = memoryInfo().reservedBytes;
  const sample = {
    step: i,
    heapMB: heapUsed / MB,
    externalMB: Math.max(external, arrayBuffers) / MB,
    deviceMB: device / MB,
    residentMB: rss / MB,
  };
  console.log(JSON.stringify(sample));
}
process.exit(0);
