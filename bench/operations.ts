// Linear algebra, transforms, cumulative ops, sorting and indexing against PyTorch and JAX: one process for each peer, interleaved.
import { rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundlePeer } from "./bundle.ts";
import { operations } from "./operationTable.ts";
import { type Command, Peer, type Timing } from "./peer.ts";
import { median } from "./results.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    python: { type: "string" },
    threads: { type: "string", default: "2" },
    backends: { type: "string", default: "c" },
    repetitions: { type: "string", default: "9" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(`node --import tsx bench/operations.ts [options]
  --only TEXTS      the works whose names contain one of these: inv, fft, topk, 512 …
  --python FILE     a Python with torch, and with jax if that is to be compared with too
  --threads 2       how many threads each has
  --backends c      which of ours: c, wasm
  --repetitions 9   of which the median counts
  --out FILE        where the table goes (Markdown)`);
  process.exit(0);
}

const bundles = join(root, "node_modules/.cache", `hebb-operations-${process.pid}`);
process.on("exit", () => rmSync(bundles, { recursive: true, force: true }));
process.on("SIGINT", () => process.exit(130));
const own = await bundlePeer("operations-hebb.ts", bundles);

const { threads } = options;
const commands: Record<string, Command> = {};
for (const backend of options.backends.split(","))
  commands[`hebb ${backend}`] = {
    file: process.execPath,
    args: [own],
    env: { HEBB_BACKEND: backend, HEBB_THREADS: threads },
  };
if (options.python !== undefined) {
  const env = { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  commands["PyTorch"] = { file: options.python, args: [join(root, "bench/peers/operations_torch.py"), threads], env };
  // JAX uses as many threads as there are processors.
  if (Number(threads) === cpus().length)
    commands["JAX"] = { file: options.python, args: [join(root, "bench/peers/operations_jax.py")] };
}

const timing: Timing = { target: 0.03, warmUp: 0.15, maxSteps: 20_000 };
const peers = Object.entries(commands).map(([name, command]) => new Peer(name, command, timing));

function shown(seconds: number): string {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, "µs"] : [seconds * 1e3, "ms"];
  return `${value.toPrecision(3)} ${unit}`;
}

const wanted = options.only?.split(",");
const versions = new Map<string, string>();
const table: string[] = [];
const ratios: number[] = [];
for (const operation of operations) {
  if (wanted !== undefined && !wanted.some((part) => operation.id.includes(part))) continue;
  const times = new Map<string, number[]>();
  const notes: string[] = [];
  let check: number | null = null;
  for (const peer of peers) {
    try {
      const prepared = await peer.prepare(operation);
      versions.set(peer.name, prepared.version);
      check ??= prepared.check;
      if (check !== null && prepared.check !== null && Math.abs(check - prepared.check) > 1e-3 * Math.abs(check))
        notes.push(`${peer.name} has ${prepared.check.toPrecision(5)}, we have ${check.toPrecision(5)}`);
      times.set(peer.name, []);
    } catch (error) {
      if (!String(error).includes("has no")) notes.push(`${peer.name}: ${String(error).slice(0, 160)}`);
    }
  }
  for (let turn = 0; turn < Number(options.repetitions); turn++)
    for (const peer of peers) if (times.has(peer.name)) times.get(peer.name)?.push(await peer.go());
  const figures = peers.map(({ name }) => median(times.get(name) ?? []));
  const [ours = Number.NaN] = figures;
  const theirs = peers.flatMap(({ name }, k) =>
    name.startsWith("hebb") || Number.isNaN(figures[k]) ? [] : [figures[k] as number],
  );
  const ratio = Math.min(...theirs) / ours;
  if (theirs.length > 0) ratios.push(ratio);
  const beside = theirs.length === 0 ? "" : `${ratio < 1 ? "**" : ""}${ratio.toFixed(2)} ×${ratio < 1 ? "**" : ""}`;
  const row = [operation.id, ...figures.map((each) => (Number.isNaN(each) ? "–" : shown(each))), beside, ...notes];
  table.push(`| ${row.join(" | ")} |`);
  console.log(row.map((cell, k) => (k === 0 ? cell.padEnd(32) : cell.padStart(12))).join(" "));
}
for (const peer of peers) await peer.quit();
const least = ratios.filter((ratio) => ratio < 0.5).length;
const summary = `${ratios.filter((ratio) => ratio >= 1).length} of ${ratios.length} at least as fast as the best peer, ${least} below half of it; load ${loadavg()[0]?.toFixed(1)}`;
console.log(summary);
if (options.out !== undefined) {
  const head = ["work", ...peers.map(({ name }) => `${name} ${versions.get(name) ?? ""}`), "hebb is"];
  writeFileSync(
    options.out,
    `${[
      `Medians of ${options.repetitions} interleaved repetitions on ${threads} threads of ${cpus()[0]?.model}, ${summary}.`,
      "",
      `| ${head.join(" | ")} |`,
      `|${head.map(() => "---|").join("")}`,
      ...table,
    ].join("\n")}\n`,
  );
}
