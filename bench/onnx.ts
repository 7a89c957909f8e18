// Imported ONNX models against onnxruntime: milliseconds of one pass, by batch and threads, each peer in a separate process.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { importOnnx } from "../src/formats/onnx/index.ts";
import { compile, type Tensor, tensor, useBackend } from "../src/index.ts";
import { childEnvironment } from "./peer.ts";
import { median } from "./results.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    peers: { type: "string", default: "hebb c,hebb wasm,onnxruntime-node,onnxruntime-web" },
    batches: { type: "string", default: "1,32" },
    threads: { type: "string", default: "1,2" },
    one: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const usage = `node scripts/run.mjs bench/onnx.ts DIR [options]

  DIR                the models: python bench/peers/onnxModels.py DIR
  --only mlp,gpt-2   some of them
  --peers LIST       some of "hebb c", "hebb wasm", "onnxruntime-node", "onnxruntime-web"
  --batches 1,32     rows at once
  --threads 1,2
onnxruntime-node is found in the folder named by HEBB_PEERS; bench/peers.sh DIR installs it.
`;

const models = ["mlp", "resnet-18", "resnet-50", "mobilenet-v2", "bert-base", "gpt-2"] as const;
const peers = ["hebb c", "hebb wasm", "onnxruntime-node", "onnxruntime-web"] as const;
type Peer = (typeof peers)[number];

interface Case {
  readonly peer: Peer;
  readonly file: string;
  readonly model: string;
  readonly batch: number;
  readonly threads: number;
}

interface Timed {
  readonly milliseconds: number;
  readonly first: number;
  /** The mean of the outputs' absolute values: peers with the same computation agree. */
  readonly check: number;
}

/** The same numbers in every peer. */
function inputOf({ model, batch }: Case): { readonly data: Float32Array | Int32Array; readonly shape: number[] } {
  const shape = [
    batch,
    ...(model === "mlp" ? [784] : model === "bert-base" || model === "gpt-2" ? [128] : [3, 224, 224]),
  ];
  const length = shape.reduce((product, extent) => product * extent, 1);
  if (shape.at(-1) === 128) return { data: Int32Array.from({ length }, (_, i) => (i * 7919) % 30000), shape };
  return { data: Float32Array.from({ length }, (_, i) => Math.sin(i)), shape };
}

const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i] ?? Number.NaN);
  return sum / values.length;
};

async function hebb(given: Case, backend: "c" | "wasm"): Promise<() => Promise<ArrayLike<number>>> {
  useBackend({ backend, threads: given.threads });
  const model = importOnnx(readFileSync(given.file), { name: given.file });
  const run = compile((x: Tensor) => model.forward(x));
  const { data, shape } = inputOf(given);
  const x = tensor(data, { shape });
  return () => run(x).data();
}

interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof OrtTensor;
  readonly env: { wasm?: { numThreads?: number | undefined } };
}

async function onnxruntime(given: Case): Promise<() => Promise<ArrayLike<number>>> {
  const own = given.peer === "onnxruntime-web";
  const home = join(process.env["HEBB_PEERS"] ?? "", "ortnode/package.json");
  const runtime = (own ? await import("onnxruntime-web") : createRequire(home)("onnxruntime-node")) as Runtime;
  if (own && runtime.env.wasm !== undefined) runtime.env.wasm.numThreads = given.threads;
  const session = await runtime.InferenceSession.create(readFileSync(given.file), {
    intraOpNumThreads: given.threads,
    interOpNumThreads: 1,
  });
  const { data, shape } = inputOf(given);
  const x =
    data instanceof Int32Array
      ? new runtime.Tensor("int64", BigInt64Array.from(data, BigInt), shape)
      : new runtime.Tensor("float32", data, shape);
  return async () => (await session.run({ x }))["y"]?.data as Float32Array;
}

async function measure(given: Case): Promise<Timed> {
  const began = performance.now();
  const pass =
    given.peer === "hebb c" || given.peer === "hebb wasm"
      ? await hebb(given, given.peer === "hebb c" ? "c" : "wasm")
      : await onnxruntime(given);
  const check = meanOf(await pass());
  const first = performance.now() - began;
  const times: number[] = [];
  const until = performance.now() + 3000;
  while (times.length < 5 || (performance.now() < until && times.length < 200)) {
    const start = performance.now();
    await pass();
    times.push(performance.now() - start);
  }
  return { milliseconds: median(times), first, check };
}

function inProcess(given: Case): Timed | string {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--one", JSON.stringify(given)], {
    encoding: "utf8",
    env: childEnvironment(),
  });
  const line = child.stdout.split("\n").find((text) => text.startsWith("{"));
  return line === undefined
    ? (child.stderr.split("\n").find((text) => text.includes("Error")) ?? `ended with ${child.status}`)
    : (JSON.parse(line) as Timed);
}

const [folder] = positionals;
if (options.one !== undefined) {
  process.stdout.write(`${JSON.stringify(await measure(JSON.parse(options.one) as Case))}\n`);
  process.exit(0);
} else if (options.help || folder === undefined) process.stdout.write(usage);
else {
  const wanted = options.only?.split(",");
  const asked = options.peers.split(",");
  process.stdout.write(`${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(2)}\n`);
  for (const model of models) {
    const file = join(folder, `${model}.onnx`);
    if ((wanted !== undefined && !wanted.includes(model)) || !existsSync(file)) continue;
    for (const batch of options.batches.split(",").map(Number))
      for (const threads of options.threads.split(",").map(Number)) {
        process.stdout.write(`${model}, batch ${batch}, ${threads} thread${threads === 1 ? "" : "s"}\n`);
        for (const peer of peers.filter((name) => asked.includes(name))) {
          const timed = inProcess({ peer, file, model, batch, threads });
          process.stdout.write(
            typeof timed === "string"
              ? `  ${peer.padEnd(17)} ${timed}\n`
              : `  ${peer.padEnd(17)} ${timed.milliseconds.toFixed(2).padStart(9)} ms, first result after ${(timed.first / 1000).toFixed(2)} s   → ${timed.check.toPrecision(6)}\n`,
          );
        }
      }
  }
}
