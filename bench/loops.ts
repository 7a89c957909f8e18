// Loops over time: from a built recurrent network to its first training step, and the time of a step, by the number of steps.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile, nn, optim, rand, seed, type Tensor, useBackend } from "../src/index.ts";

const { values: options } = parseArgs({
  options: {
    backend: { type: "string", default: "c" },
    threads: { type: "string", default: "1" },
    sizes: { type: "string", default: "50,200,1000" },
    batch: { type: "string", default: "16" },
    kind: { type: "string", default: "LSTM" },
    one: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const usage = `node scripts/run.mjs bench/loops.ts [options]

  --backend c|wasm     default c; a C program is compiled anew: set HEBB_CACHE to an empty folder
  --threads 1          
  --sizes 50,200,1000  steps of the sequence
  --batch 16           sequences at once
  --kind LSTM          or GRU, RNN: 64 features in, 128 out
`;

const layers = { LSTM: nn.LSTM, GRU: nn.GRU, RNN: nn.RNN };

/** Milliseconds to the first step and of a later one, and megabytes of live memory. */
function measure(steps: number): { first: number; step: number; megabytes: number } {
  seed(1);
  const Layer = layers[options.kind as keyof typeof layers] ?? nn.LSTM;
  const layer = new Layer(64, 128);
  const optimizer = new optim.SGD(layer.parameters(), { lr: 0.1 });
  const x = rand([steps, Number(options.batch), 64]);
  x.dataSync();
  for (const parameter of layer.parameters()) parameter.dataSync();
  const train = compile((input: Tensor) => {
    const [output] = layer.forward(input);
    const loss = output.square().mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const start = performance.now();
  train(x).itemSync();
  const first = performance.now() - start;
  let least = Number.POSITIVE_INFINITY;
  const until = performance.now() + 2000;
  for (let round = 0; round < 5 || performance.now() < until; round++) {
    const began = performance.now();
    train(x).itemSync();
    least = Math.min(least, performance.now() - began);
  }
  return { first, step: least, megabytes: process.memoryUsage().rss / 2 ** 20 };
}

if (options.help) process.stdout.write(usage);
else if (options.one !== undefined) {
  useBackend({ backend: options.backend === "wasm" ? "wasm" : "c", threads: Number(options.threads) });
  process.stdout.write(`${JSON.stringify(measure(Number(options.one)))}\n`);
} else {
  process.stdout.write(`${options.kind} 64 → 128, batch ${options.batch}, ${options.backend}, ${cpus()[0]?.model}\n`);
  for (const size of options.sizes.split(",")) {
    // This file is the bundle.
    const own = ["--one", size];
    for (const name of ["backend", "threads", "batch", "kind"] as const) own.push(`--${name}`, options[name]);
    const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...own], {
      encoding: "utf8",
    });
    if (stdout === "") process.stderr.write(stderr);
    else {
      const { first, step, megabytes } = JSON.parse(stdout) as ReturnType<typeof measure>;
      process.stdout.write(
        `${size.padStart(6)} steps: first ${first.toFixed(0)} ms, then ${step.toFixed(2)} ms, ${megabytes.toFixed(0)} MB\n`,
      );
    }
  }
}
