// The verdicts of the benchmark: a target is judged against the right peer, and losses are marked.
import { expect, it } from "vitest";
import { disagreements, judge, report } from "./report.ts";
import { type Case, median, merge } from "./results.ts";
import { type Target, targets } from "./workloads.ts";

const figure = (peer: string, seconds: number, check = 1) => ({
  peer,
  median: seconds,
  min: seconds * 0.9,
  max: seconds * 1.1,
  repetitions: 7,
  check,
});
const at = (workload: string, threads: number, ...figures: Case["figures"]): Case => ({
  workload,
  threads,
  date: "2026-01-01 00:00",
  load: [0.1, 0.5],
  figures,
});
function target(text: RegExp): Target {
  const found = targets.find((t) => text.test(t.text));
  if (found === undefined) throw new Error(`no target like ${text}`);
  return found;
}

it("compares with the fastest of the named peers, and with nothing if none ran", () => {
  const promise = target(/^hebb c, tiny, 1 thread: at least 50/);
  const cases = [
    at("tiny", 1, figure("hebb c", 2e-6), figure("PyTorch 1.13", 95e-6), figure("PyTorch 2", 120e-6)),
    at("tiny", 2, figure("hebb c", 1e-6)),
  ];
  expect(judge(promise, "tiny", undefined, cases)).toEqual({ reached: "47.5 ×", met: false });
  expect(judge(promise, "tiny", undefined, [at("tiny", 1, figure("hebb c", 5e-6))])).toBeUndefined();
  expect(judge(promise, "tiny", undefined, [])).toBeUndefined();
});

it("judges rates and scaling of matmul", () => {
  const flops = 2 * 1024 ** 3;
  const cases = [
    at("matmul-1024-nn", 1, figure("hebb wasm", flops / 55e9)),
    at("matmul-1024-nn", 2, figure("hebb wasm", flops / 85e9)),
  ];
  expect(judge(target(/50 GFLOP/), "matmul-1024-nn", flops, cases)).toEqual({ reached: "55.0 GFLOP/s", met: true });
  expect(judge(target(/two threads/), "matmul-1024-nn", flops, cases)).toEqual({ reached: "1.55 ×", met: false });
});

it("shows a loss in bold, a failure in words, and a different result as a disagreement", () => {
  const cases = [
    at("mlp", 1, figure("hebb c", 2e-3), figure("jax-js", 1e-3, 1.5), { peer: "tfjs-wasm", error: "no kernel" }),
  ];
  const text = report({ machine: "a machine", cases });
  expect(text).toContain("**0.50 ×**");
  expect(text).toContain("cannot: no kernel");
  expect(disagreements(cases)).toHaveLength(1);
  expect(text).toContain("jax-js computes 1.5");
});

it("replaces measured cases and keeps the others", () => {
  const old = { machine: "m", cases: [at("mlp", 1, figure("hebb c", 2)), at("cnn", 1, figure("hebb c", 3))] };
  const merged = merge(old, { machine: "n", cases: [at("mlp", 1, figure("hebb c", 1))] });
  expect(merged.cases.map((c) => [c.workload, c.figures[0]?.median])).toEqual([
    ["mlp", 1],
    ["cnn", 3],
  ]);
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
