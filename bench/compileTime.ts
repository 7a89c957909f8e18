// The time from tracing graphs of 1,000, 10,000 and 100,000 nodes to their first result, each case in a separate process.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile, nn, optim, rand, seed, type Tensor, tensor, useBackend } from "../src/index.ts";

const { values: options } = parseArgs({
  options: {
    backend: { type: "string", default: "wasm" },
    only: { type: "string" },
    sizes: { type: "string", default: "1000,10000,100000" },
    one: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** Builds and runs a graph of about `size` nodes once. */
type Work = (size: number) => void;

/** Node ids count upwards. */
const made = (): number => tensor(0).node.id;
let first = 0;
/** The number of nodes of the graph, set when it is complete. */
let nodes = 0;
function whole<T>(result: T): T {
  nodes = made() - first;
  return result;
}

const runs = (fn: (x: Tensor) => Tensor | Tensor[], x: Tensor): void => {
  compile((given: Tensor) => whole(fn(given)))(x);
};

/** A network of small layers with Adam: forward, backward and update. */
function deepNetwork(size: number): void {
  const nodesOfLayer = 108;
  const layers = Array.from({ length: Math.ceil(size / nodesOfLayer) }, () => [new nn.Linear(8, 8), new nn.Tanh()]);
  const model = new nn.Sequential(...layers.flat());
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  first = made();
  const train = compile((x: Tensor) => {
    const loss = model.forward(x).square().mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return whole(loss);
  });
  train(rand([4, 8]));
}

/** One LSTM cell over many steps, with its gradients: the loop written out. */
function unrolled(size: number): void {
  const nodesOfStep = 78;
  const cell = new nn.LSTMCell(8, 8);
  const optimizer = new optim.SGD(cell.parameters(), { lr: 0.1 });
  first = made();
  const train = compile((x: Tensor) => {
    let state: [Tensor, Tensor] = [x, x];
    for (let t = 0; t < size / nodesOfStep; t++) state = cell.forward(x, state) as [Tensor, Tensor];
    const loss = state[0].square().mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return whole(loss);
  });
  train(rand([4, 8]));
}

const works: Readonly<Record<string, Work>> = {
  "elementwise chain": (size) =>
    runs(
      (x) => {
        let y = x;
        for (let i = 0; i < size / 6; i++) y = y.mul(0.5).add(x).tanh();
        return y;
      },
      rand([64]),
    ),
  "chain of sums": (size) =>
    runs(
      (x) => {
        let y = x;
        for (let i = 0; i < size / 3; i++) y = x.add(y.sum(0, true));
        return y;
      },
      rand([64]),
    ),
  "chain of products": (size) =>
    runs(
      (x) => {
        let y = x;
        for (let i = 0; i < size / 2; i++) y = y.matmul(x).tanh();
        return y;
      },
      rand([8, 8]),
    ),
  "many results": (size) => runs((x) => Array.from({ length: size / 5 }, (_, i) => x.mul(i).tanh()), rand([64])),
  "many terms": (size) =>
    runs(
      (x) => {
        let y = x;
        for (let i = 0; i < size / 6; i++) y = y.add(x.mul(i).tanh());
        return y;
      },
      rand([64]),
    ),
  "pairs of pairs": (size) =>
    runs(
      (x) => {
        let level = Array.from({ length: size / 6 }, (_, i) => x.mul(i).tanh());
        while (level.length > 1)
          level = level.flatMap((y, i) =>
            i % 2 === 1 ? [] : [level[i + 1] === undefined ? y : y.add(level[i + 1] ?? 0)],
          );
        return level;
      },
      rand([64]),
    ),
  "deep network, backward, Adam": deepNetwork,
  "LSTM written out, backward, SGD": unrolled,
  "eager chain": (size) => {
    let y = tensor(rand([64]).dataSync());
    for (let i = 0; i < size / 10; i++) y = y.mul(0.5).add(0.1).tanh();
    whole(y.sum()).itemSync();
  },
  "eager network, backward": (size) => {
    const nodesOfLayer = 22;
    const layers = Array.from({ length: Math.ceil(size / nodesOfLayer) }, () => [new nn.Linear(8, 8), new nn.Tanh()]);
    const model = new nn.Sequential(...layers.flat());
    model
      .forward(rand([4, 8]))
      .square()
      .mean()
      .backward();
    whole(model.parameters()[0]?.grad?.sum())?.itemSync();
  },
};

interface Measured {
  readonly nodes: number;
  readonly seconds: number;
  readonly processor: number;
  readonly megabytes: number;
}

function measure(work: string, size: number): Measured {
  useBackend({ backend: options.backend as "wasm", threads: 1 });
  seed(1);
  rand([64]).sum().itemSync();
  first = made();
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  works[work]?.(size);
  const used = process.cpuUsage(cpu);
  return {
    nodes,
    seconds: (performance.now() - wall) / 1000,
    processor: (used.user + used.system) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1024,
  };
}

function main(): void {
  console.log(`${cpus()[0]?.model ?? "?"}, Node ${process.version}, backend ${options.backend}`);
  for (const work of Object.keys(works)) {
    if (options.only !== undefined && !work.includes(options.only)) continue;
    for (const size of options.sizes.split(",")) {
      const one = JSON.stringify([work, Number(size)]);
      const args = ["--import", "tsx", fileURLToPath(import.meta.url), "--backend", options.backend, "--one", one];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 600_000 });
      console.log(
        `${work.padEnd(33)} ${size.padStart(7)}  ${stdout.trim() || (/\w*Error: .*/.exec(stderr)?.[0] ?? "gave up")}`,
      );
    }
  }
}

if (options.help) {
  console.log(`node --import tsx bench/compileTime.ts [options]
  --backend NAME   wasm (default), c or reference
  --only TEXT      the works whose names contain it
  --sizes LIST     numbers of nodes (default 1000,10000,100000)`);
} else if (options.one === undefined) main();
else {
  const [work, size] = JSON.parse(options.one) as [string, number];
  const { nodes, seconds, processor, megabytes } = measure(work, size);
  console.log(
    `${nodes.toString().padStart(7)} nodes ${seconds.toFixed(2).padStart(7)} s ${processor.toFixed(2).padStart(7)} s of a processor ${((processor / nodes) * 1e6).toFixed(0).padStart(6)} µs a node ${megabytes.toFixed(0).padStart(6)} MB`,
  );
}
