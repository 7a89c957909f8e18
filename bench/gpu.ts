// Measures WebGPU on this machine's card against PyTorch, jax-js and tfjs-webgpu, and writes a table.   usage: gpu.mjs [--only REGEX] [--minutes N]
// [--small]
// Run by bench/gpu.sh, which puts everything that it needs into one folder.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeInputs, writeLargeInputs } from "./inputs.ts";
import { type Command, Peer, type Prepared } from "./peer.ts";

const { values: options } = parseArgs({
  options: { only: { type: "string" }, minutes: { type: "string" }, small: { type: "boolean", default: false } },
});
const home = import.meta.dirname;
const work = mkdtempSync(join(tmpdir(), "hebb-gpu-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

interface Row {
  readonly id: string;
  readonly title: string;
  /** The operations of one step; if given, the figure is a rate. */
  readonly flops?: number;
}

const product = (n: number): Row => ({ id: `matmul-${n}-nn`, title: `matmul ${n}`, flops: 2 * n ** 3 });
const steps: readonly Row[] = [
  { id: "tiny", title: "tiny MLP step: 2→8→8→1, batch 32" },
  { id: "mlp", title: "MLP step: 784→128→64→10, batch 64" },
  { id: "cnn", title: "CNN step: conv 16, conv 32, dense 128, batch 64" },
  { id: "wide", title: "wide MLP step: 1024→2048→2048→1000, batch 256" },
  { id: "gpt", title: "small GPT step: 4 layers × 128, context 64, batch 16" },
  { id: "gpt2", title: "GPT-2 small step: 12 layers × 768, context 512, batch 1" },
];
const all = options.small
  ? [...[128, 256, 512].map(product), ...steps.slice(0, 3)]
  : [...[1024, 2048, 4096, 8192].map(product), ...steps];
const only = new RegExp(options.only ?? "");
const rows = all.filter(({ id }) => only.test(id));

const node = (script: string, ...args: string[]): Command => ({
  file: process.execPath,
  args: [join(home, script), ...args],
});
const python = (how: string, id: string): Command => ({
  file: "python3",
  args: [join(home, "torch_peer.py"), work, id, how],
});
const peers: readonly { readonly name: string; readonly command: (id: string) => Command }[] = [
  { name: "hebb", command: (id) => ({ ...node("hebb.mjs", work, id), env: { HEBB_BACKEND: "webgpu" } }) },
  { name: "PyTorch", command: (id) => python("gpu", id) },
  { name: "jax-js", command: (id) => node("jaxjs.mjs", home, work, id, "gpu") },
  { name: "tfjs-webgpu", command: (id) => node("tfjs.mjs", home, work, id, "gpu") },
  { name: "torch.compile", command: (id) => python("gpu-compiled", id) },
];

const load = (): string => (loadavg()[0] ?? Number.NaN).toFixed(1);
const loadBefore = load();
const rounds = options.small ? 5 : 3;
const begin = Date.now();
const end = begin + 60_000 * Number(options.minutes ?? 7.5);
// A software driver takes a minute for ten steps.
const longest = options.small ? 240_000 : 60_000;
const versions = new Map<string, string>();

/** The peer's answer, or the reason there is none in time. */
async function inTime<T>(peer: Peer, work: () => Promise<T>): Promise<{ readonly done: T } | string> {
  const left = Math.min(longest, end - Date.now());
  if (left < 5000) return "no time";
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    peer.kill();
  }, left);
  try {
    return { done: await work() };
  } catch (error) {
    console.error(`${peer.name}: ${error instanceof Error ? error.message : error}`);
    return late ? `over ${Math.round(left / 1000)} s` : "fails";
  } finally {
    clearTimeout(timer);
  }
}

interface Runner {
  readonly name: string;
  readonly peer: Peer;
  readonly check: number | null;
  readonly times: number[];
}

const missing = new Set<string>();
const cells = new Map<string, string>();

/** The peers that are ready for the workload; for the others the table gives the reason. */
async function prepared(id: string): Promise<Runner[]> {
  const runners: Runner[] = [];
  for (const { name, command } of peers) {
    if (missing.has(name)) continue;
    const peer = new Peer(name, command(id), { target: 0.4, warmUp: 0.5, maxSteps: 500 });
    const found = await inTime<Prepared>(peer, () => peer.prepare());
    if (typeof found === "string") {
      peer.kill();
      cells.set(`${id} ${name}`, found);
      if (found === "fails" && !versions.has(name)) missing.add(name);
      continue;
    }
    versions.set(name, found.done.version);
    runners.push({ name, peer, check: found.done.check, times: [] });
  }
  return runners;
}

/** The median of three or more repetitions, interleaved between the peers, so that other load on the machine affects all of them. */
async function measure({ id, flops }: Row): Promise<void> {
  const runners = await prepared(id);
  for (let round = 0; round < rounds; round++)
    for (const { name, peer, times } of runners) {
      if (cells.has(`${id} ${name}`)) continue;
      const found = await inTime(peer, () => peer.go());
      if (typeof found !== "string") times.push(found.done);
      else if (times.length === 0) cells.set(`${id} ${name}`, found);
    }
  const expected = runners.find(({ check }) => check !== null)?.check ?? null;
  for (const { name, peer, check, times } of runners) {
    peer.kill();
    const seconds = times.sort((a, b) => a - b)[times.length >> 1];
    if (seconds === undefined) continue;
    const figure =
      flops === undefined
        ? `${Number((1e3 * seconds).toPrecision(3)).toLocaleString("en")} ms`
        : `${(flops / seconds / 1e9).toPrecision(3)} GFLOP/s`;
    const apart = expected === null || check === null ? 0 : Math.abs(check - expected) / Math.abs(expected);
    cells.set(`${id} ${name}`, apart > 1e-3 ? `${figure} (its result differs)` : figure);
    console.error(`${name}, ${id}: ${figure}, ${times.length} repetitions, check ${check}`);
  }
}

writeInputs(work);
if (rows.some(({ id }) => id === "gpt2")) writeLargeInputs(work);
for (const row of rows) await measure(row);

const shown = peers.filter(({ name }) => versions.has(name));
const head = shown.map(({ name }) => name);
console.log(
  `${head.map((name) => `${name}: ${versions.get(name)}`).join("; ")}. ${cpus().length} × ${cpus()[0]?.model ?? "an unknown processor"}, load ${loadBefore} before and ${load()} after. ${Math.round((Date.now() - begin) / 1000)} s.`,
);
console.log(`\n| | ${head.join(" | ")} |\n|---|${head.map(() => "---:").join("|")}|`);
for (const { id, title } of rows)
  console.log(`| ${title} | ${head.map((name) => cells.get(`${id} ${name}`) ?? "").join(" | ")} |`);
