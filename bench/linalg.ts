// Linear algebra and Fourier transforms, in milliseconds, beside PyTorch's of bench/linalg.py:
//
//   node scripts/run.mjs bench/linalg.ts [c|wasm] [PYTHON]        with a Python that has torch, its figures and the ratio too
import { spawnSync } from "node:child_process";
import type { BackendName } from "../src/backends/backend.ts";
import { backendNames } from "../src/backends/backend.ts";
import { HebbError } from "../src/graph/errors.ts";
import { compile, eye, fft, linalg, randn, seed, type Tensor, useBackend } from "../src/index.ts";

const [name = "c", python] = process.argv.slice(2);
const backend = backendNames.find((each): each is BackendName => each === name);
if (backend === undefined) throw new HebbError(`there is no backend ${name}; use ${backendNames.join(", ")}`);
useBackend({ backend });
seed(0);

/** The shortest of the runs of half a second, in milliseconds. */
function best(fn: (...given: Tensor[]) => readonly Tensor[], ...given: Tensor[]): number {
  const step = compile(fn);
  const run = (): void => {
    for (const result of step(...given)) result.dataSync();
  };
  run();
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 500; performance.now() < end; ) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const ours: Record<string, number> = {};
for (const n of [8, 64, 512]) {
  const a = randn([n, n]);
  const positive = a.matmul(a.mT).div(n).add(eye(n));
  const b = randn([n, n]);
  ours[`inv ${n}`] = best((x) => [linalg.inv(x)], a);
  ours[`solve ${n}`] = best((x, y) => [linalg.solve(x, y)], a, b);
  ours[`solveTriangular ${n}`] = best((x, y) => [linalg.solveTriangular(x, y, { upper: false })], positive, b);
  ours[`slogdet ${n}`] = best((x) => Object.values(linalg.slogdet(x)), a);
  ours[`cholesky ${n}`] = best((x) => [linalg.cholesky(x)], positive);
  ours[`qr ${n}`] = best((x) => Object.values(linalg.qr(x)), a);
  ours[`eigh ${n}`] = best((x) => Object.values(linalg.eigh(x)), positive);
  ours[`svd ${n}`] = best((x) => Object.values(linalg.svd(x)), a);
}
for (const power of [8, 10, 12, 14, 16, 18, 20]) {
  ours[`fft 2^${power}`] = best((x) => [fft.fft(x)], randn([2 ** power, 2]));
  ours[`rfft 2^${power}`] = best((x) => [fft.rfft(x)], randn([2 ** power]));
}
ours["fft 1000003, a prime"] = best((x) => [fft.fft(x)], randn([1000003, 2]));

const theirs: Record<string, number> =
  python === undefined
    ? {}
    : JSON.parse(
        spawnSync(python, ["bench/linalg.py"], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).stdout,
      );
for (const [what, time] of Object.entries(ours)) {
  const other = theirs[what];
  const beside =
    other === undefined ? "" : `${other.toFixed(4).padStart(12)} ${(other / time).toFixed(2).padStart(8)} ×`;
  console.log(`${what.padEnd(24)}${time.toFixed(4).padStart(12)}${beside}`);
}
process.exit(0);
