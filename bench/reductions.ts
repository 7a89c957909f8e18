// Sums in every direction on our backends against those of another checkout: interleaved, the fastest of many repetitions.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { Peer, type Timing } from "./peer.ts";
import { reductions } from "./reductionShapes.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    beside: { type: "string" },
    only: { type: "string" },
    backends: { type: "string", default: "c,wasm" },
    threads: { type: "string", default: "1,2" },
    repetitions: { type: "string", default: "200" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(`node --import tsx bench/reductions.ts [options]
  --beside DIR       another checkout to compare with, built from its sources
  --only TEXTS       the works whose names contain one of these: sum, variance, 1024x128 …
  --backends c,wasm  which of ours
  --threads 1,2      numbers of threads
  --repetitions 200  of which the fastest counts`);
  process.exit(0);
}

const bundles = join(root, "node_modules/.cache", `hebb-reductions-${process.pid}`);
mkdirSync(bundles, { recursive: true });
process.on("exit", () => rmSync(bundles, { recursive: true, force: true }));

/** The peer with a checkout's library. */
async function bundle(checkout: string, name: string): Promise<string> {
  const outfile = join(bundles, `${name}.mjs`);
  await build({
    entryPoints: [join(root, "bench/peers/reductions-hebb.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [
      {
        name: "checkout",
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.\/\.\.\/src\// }, ({ path }) => ({
            path: join(checkout, path.slice("../../".length)),
          }));
        },
      },
    ],
  });
  return outfile;
}

const checkouts = [
  { name: "ours", file: await bundle(root, "ours") },
  ...(options.beside === undefined ? [] : [{ name: "other", file: await bundle(resolve(options.beside), "other") }]),
];
const wanted = options.only?.split(",");
const chosen = reductions.filter(({ id }) => wanted === undefined || wanted.some((part) => id.includes(part)));
const timing: Timing = { target: 0.0005, warmUp: 0.15, maxSteps: 20_000 };
const microseconds = (seconds: number): string => (seconds * 1e6).toFixed(2).padStart(11);

for (const backend of options.backends.split(",")) {
  for (const threads of options.threads.split(",")) {
    const env = { HEBB_BACKEND: backend, HEBB_THREADS: threads };
    const peers = checkouts.map(
      ({ name, file }) => new Peer(name, { file: process.execPath, args: [file], env }, timing),
    );
    console.log(
      `\n${backend}, ${threads} thread${threads === "1" ? "" : "s"}: µs of ${checkouts.map(({ name }) => name).join(", ")}`,
    );
    const ratios: number[] = [];
    for (const reduction of chosen) {
      for (const peer of peers) await peer.prepare(reduction);
      const best = peers.map(() => Number.POSITIVE_INFINITY);
      for (let repetition = 0; repetition < Number(options.repetitions); repetition++) {
        for (const [place, peer] of peers.entries()) best[place] = Math.min(best[place] ?? 0, await peer.go());
      }
      const [own = Number.NaN, other] = best;
      const ratio = other === undefined ? "" : ` ${(own / other).toFixed(2).padStart(6)}`;
      if (other !== undefined) ratios.push(own / other);
      console.log(`${reduction.id.padEnd(32)}${best.map(microseconds).join("")}${ratio}`);
    }
    if (ratios.length > 0) {
      const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
      console.log(`${"geometric mean of ours / other".padEnd(32)}${mean.toFixed(3).padStart(29)}`);
    }
    for (const peer of peers) await peer.quit();
  }
}
