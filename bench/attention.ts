// Attention in tiles against its plain form and PyTorch's: planned memory, and milliseconds of CPU time on one thread.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tiledAttention } from "../src/graph/ops/attention.ts";
import { type Compiled, compile, grad, ones, randn, seed, Tensor, useBackend, where } from "../src/index.ts";

const { values: options } = parseArgs({
  options: {
    backend: { type: "string", default: "c" },
    lengths: { type: "string", default: "512,1024,2048,4096" },
    heads: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    python: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const usage = `node scripts/run.mjs bench/attention.ts [options]

  --backend c|wasm             default c
  --lengths 512,1024,…         of queries and keys
  --heads 8                    of 64 features
  --seconds 2                  for each figure, which is the least time of a run
  --python FILE                an interpreter with PyTorch; left out without it
`;

const width = 64;
type Form = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

const tiled =
  (isCausal: boolean): Form =>
  (q, k, v) =>
    Tensor.from(tiledAttention(q.node, k.node, v.node, { scale: 1 / Math.sqrt(width), isCausal }), [q, k, v]);

const plain =
  (isCausal: boolean): Form =>
  (q, k, v) => {
    const scores = q.mul(1 / Math.sqrt(width)).matmul(k.transpose(-2, -1));
    const visible = ones(scores.shape.slice(-2), { dtype: "bool" }).tril();
    return (isCausal ? where(visible, scores, Number.NEGATIVE_INFINITY) : scores).softmax(-1).matmul(v);
  };

interface Figures {
  /** Milliseconds. */
  readonly forward: number;
  readonly both: number;
  readonly memory: string;
}

function leastTime(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  const until = performance.now() + 1000 * Number(options.seconds);
  for (let round = 0; round < 3 || performance.now() < until; round++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    if (round > 0) least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const planned = <A extends readonly unknown[], R>(program: Compiled<A, R>): string =>
  /([\d.]+ [kMG]?B) arena/.exec(program.explain())?.[1] ?? "";

function measure(form: Form, length: number): Figures {
  seed(1);
  const made = (): Tensor => randn([Number(options.heads), length, width]);
  const [q, k, v, slope] = [made(), made(), made(), made()];
  const forward = compile(form);
  const both = compile((a: Tensor, b: Tensor, c: Tensor) =>
    grad((x: Tensor, y: Tensor, z: Tensor) => form(x, y, z).mul(slope).sum())(a, b, c),
  );
  const forwardTime = leastTime(() => {
    forward(q, k, v).dataSync();
  });
  const bothTime = leastTime(() => {
    for (const x of both(q, k, v)) x.dataSync();
  });
  return { forward: forwardTime, both: bothTime, memory: `${planned(forward)}, ${planned(both)}` };
}

function torch(length: number, isCausal: boolean): Figures | undefined {
  if (options.python === undefined) return undefined;
  const script = fileURLToPath(new URL("../../../bench/peers/attention_torch.py", import.meta.url));
  const args = [script, options.heads, String(length), String(width), isCausal ? "1" : "0", options.seconds];
  const { stdout, stderr } = spawnSync(options.python, args, { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Omit<Figures, "memory">), memory: "" };
}

if (options.help) process.stdout.write(usage);
else {
  useBackend({ backend: options.backend === "wasm" ? "wasm" : "c", threads: 1 });
  const ms = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0));
  for (const length of options.lengths.split(",").map(Number))
    for (const isCausal of [false, true]) {
      const [own, matrix, peer] = [
        measure(tiled(isCausal), length),
        measure(plain(isCausal), length),
        torch(length, isCausal),
      ];
      const cells = [
        ...[options.backend, length, isCausal ? "yes" : "no", own.memory, matrix.memory],
        ...[own.forward, matrix.forward, peer?.forward, own.both, matrix.both, peer?.both].map((x) =>
          typeof x === "number" ? ms(x) : "",
        ),
      ];
      process.stdout.write(`| ${cells.join(" | ")} |\n`);
    }
}
