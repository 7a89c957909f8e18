// One rank of bench/distributed.ts, or a single process: times the steps of a network, and the communication in them.
import * as data from "../src/data/index.ts";
import { init } from "../src/distributed/index.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { backendInfo, type Communicator, currentWorld, setCurrentWorld, useBackend } from "../src/runtime/index.ts";
import { Trainer } from "../src/train/index.ts";
import { Gpt } from "../src/train/models/gpt.ts";
import { digitsCnn } from "./networks.ts";
import { median } from "./results.ts";

const [network = "cnn", threads = "1", alone = ""] = process.argv.slice(2);
useBackend({ threads: Number(threads) });

let communication = 0;
function timed<T>(work: () => T): T {
  const started = performance.now();
  try {
    return work();
  } finally {
    communication += performance.now() - started;
  }
}

/** The same communicator, with the time in its calls measured. */
function watched(world: Communicator): Communicator {
  return {
    rank: world.rank,
    size: world.size,
    description: world.description,
    together: world.together,
    allReduce: (values, options) => timed(() => world.allReduce(values, options)),
    beginAllReduce: (values, options) => {
      const pending = timed(() => world.beginAllReduce(values, options));
      return { wait: () => timed(() => pending.wait()) };
    },
    beginAllGather: (values, options) => {
      const pending = timed(() => world.beginAllGather(values, options));
      return { wait: () => timed(() => pending.wait()) };
    },
    beginAllGatherInto: (values, take) => {
      const pending = timed(() => world.beginAllGatherInto(values, take));
      return { wait: () => timed(() => pending.wait()) };
    },
    beginReduceScatter: (values, options) => {
      const pending = timed(() => world.beginReduceScatter(values, options));
      return { wait: () => timed(() => pending.wait()) };
    },
    progress: () => timed(() => world.progress()),
    borrow: (values, length) => world.borrow(values, length),
    giveBack: (values) => world.giveBack(values),
    broadcast: (values, options) => timed(() => world.broadcast(values, options)),
    allGather: (values, options) => timed(() => world.allGather(values, options)),
    reduceScatter: (values, options) => timed(() => world.reduceScatter(values, options)),
    barrier: () => timed(() => world.barrier()),
    abort: (exitCode) => world.abort(exitCode),
  };
}

/** The networks of the workloads W4, W5 and W6 (see bench/workloads.ts), on random rows. */
function problem(): {
  model: nn.Module;
  train: data.Dataset | data.TokenSequence;
  optimizer: optim.Optimizer;
  batchSize: number;
} {
  const random = new data.Random(1);
  const rows = (count: number, width: number): Float32Array =>
    Float32Array.from({ length: count * width }, () => random.normal());
  const labels = (count: number, classes: number): Int32Array =>
    Int32Array.from({ length: count }, () => random.integer(classes));
  if (network === "gpt") {
    const model = new Gpt({ vocabulary: 65, context: 64, width: 128, heads: 4, layers: 4, dropout: 0 });
    const train = new data.TokenSequence(labels(64 * 16 * 64 + 1, 65), 64, 65);
    return { model, train, optimizer: new optim.AdamW(model.parameters(), { lr: 1e-3 }), batchSize: 16 };
  }
  if (network === "wide") {
    const model = new nn.Sequential(
      new nn.Linear(1024, 2048),
      new nn.ReLU(),
      new nn.Linear(2048, 2048),
      new nn.ReLU(),
      new nn.Linear(2048, 1000),
    );
    const train = new data.Dataset({ features: rows(2048, 1024), featureShape: [1024], targets: labels(2048, 1000) });
    return { model, train, optimizer: new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 }), batchSize: 256 };
  }
  const model = digitsCnn();
  const train = new data.Dataset({ features: rows(1024, 784), featureShape: [1, 28, 28], targets: labels(1024, 10) });
  return { model, train, optimizer: new optim.Adam(model.parameters(), { lr: 1e-3 }), batchSize: 64 };
}

if (alone !== "alone") setCurrentWorld(watched(init()));
const { model, train, optimizer, batchSize } = problem();
const trainer = new Trainer(model, { train, optimizer, batchSize });
const step = (): number => {
  if (trainer.epochOver) trainer.endEpoch();
  const started = performance.now();
  trainer.step();
  return performance.now() - started;
};
for (let k = 0; k < 5; k++) step();
const times: number[] = [];
const talks: number[] = [];
const until = performance.now() + 4000;
const world = currentWorld();
for (;;) {
  communication = 0;
  times.push(step());
  talks.push(communication);
  // All ranks take the same number of steps: rank 0's clock decides.
  const more = performance.now() < until ? 1 : 0;
  if ((world?.broadcast(Int32Array.of(more))[0] ?? more) === 0) break;
}
const bytes = model.parameters().reduce((sum, { size }) => sum + 4 * size, 0);
if ((world?.rank ?? 0) === 0)
  console.log(
    JSON.stringify({ step: median(times), communication: median(talks), bytes, backend: backendInfo().description }),
  );
