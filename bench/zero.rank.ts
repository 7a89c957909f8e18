// One rank of bench/zero.ts, or a single process: trains eight steps and reports their memory, for the rank with the most.
import { readFileSync } from "node:fs";
import * as data from "../src/data/index.ts";
import { init } from "../src/distributed/index.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { backendInfo, currentWorld, memoryInfo, useBackend } from "../src/runtime/index.ts";
import { seed } from "../src/tensor/index.ts";
import { Trainer } from "../src/train/index.ts";

const [zero = "0", alone = ""] = process.argv.slice(2);
useBackend({ threads: 1 });
if (alone !== "alone") init();
seed(1);

const random = new data.Random(1);
const rows = 256;
const train = new data.Dataset({
  features: Float32Array.from({ length: rows * 256 }, () => random.normal()),
  featureShape: [256],
  targets: Int32Array.from({ length: rows }, () => random.integer(10)),
});

/** Unreachable values are freed when garbage is collected. */
async function collect(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Shared memory that this process has touched. Known on Linux. */
function sharedBytes(): number {
  if (process.platform !== "linux") return 0;
  const [, kilobytes = "0"] = /^RssShmem:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return 1024 * Number(kilobytes);
}

await collect();
const before = process.memoryUsage().rss;
const model = new nn.Sequential(
  new nn.Linear(256, 2048),
  new nn.ReLU(),
  new nn.Linear(2048, 2048),
  new nn.ReLU(),
  new nn.Linear(2048, 2048),
  new nn.ReLU(),
  new nn.Linear(2048, 10),
);
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const stage = zero === "1" ? 1 : zero === "2" ? 2 : undefined;
const trainer = new Trainer(model, { train, optimizer, batchSize: 32, zero: stage });
for (let step = 0; step < 8; step++) trainer.step();
const { loss } = trainer;
// As fit does after each epoch.
await trainer.keep();
await collect();
const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
const largest = (bytes: number): number =>
  currentWorld()?.allReduce(Float64Array.of(bytes), { combine: "max" })[0] ?? bytes;
const owners = stage === undefined ? 1 : (currentWorld()?.size ?? 1);
const stateBytes = 8 * model.parameters().reduce((sum, { size }) => sum + Math.ceil(size / owners), 0);
const liveBytes = largest(memoryInfo().liveBytes);
const peak = process.resourceUsage().maxRSS * 1024 - before;
const peakBytes = largest(peak);
// Memory shared by ranks exists once, and counts for each that touches it.
const ranks = currentWorld()?.size ?? 1;
const ownPeakBytes = largest(peak - (sharedBytes() * (ranks - 1)) / ranks);
if ((currentWorld()?.rank ?? 0) === 0)
  console.log(
    JSON.stringify({
      parameters,
      weightBytes: 4 * parameters,
      stateBytes,
      liveBytes,
      peakBytes,
      ownPeakBytes,
      loss,
      backend: backendInfo().description,
    }),
  );
