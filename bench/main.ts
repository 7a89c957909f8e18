// npm run bench: our backends against the installed peers, interleaved; figures to the terminal and docs/benchmarks.md.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundlePeer } from "./bundle.ts";
import { writeInputs } from "./inputs.ts";
import { type Command, childEnvironment, Peer, type Timing } from "./peer.ts";
import { disagreements, judge, oursIn, report, summary } from "./report.ts";
import {
  type Case,
  type Figure,
  type MemorySample,
  median,
  merge,
  type Results,
  readResults,
  writeResults,
} from "./results.ts";
import { ours, type PeerName, startups, targets, type Workload, workloads } from "./workloads.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    peers: { type: "string" },
    threads: { type: "string", default: "1,2" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (options.help) {
  console.log(`npm run bench -- [options]
  --quick           shorter repetitions and fewer of them: a first look, not written to docs/
  --only W1,W3      some workloads: W1 matmul, W2 tiny MLP, W3 MNIST MLP, W4 CNN, W5 wide MLP, W6 GPT, W7 inference,
                    W8 start, W9 elementwise chain, memory; or full names such as matmul-512-tn
  --peers LIST      some peers, for example "hebb c,jax-js" (default: all that are installed)
  --threads 1,2     numbers of threads
  --out FILE        where the report goes (default docs/benchmarks.md; the figures beside it as .json)
Peers are found in the folder named by HEBB_PEERS; bench/peers.sh DIR installs them.`);
  process.exit(0);
}

const peersHome = process.env["HEBB_PEERS"];
const wanted = options.only?.split(",");
const wants = (group: string, id: string): boolean =>
  wanted === undefined || wanted.includes(group) || wanted.includes(id);
const threadCounts = options.threads.split(",").map(Number);
const repetitions = options.quick ? 3 : 7;
const timing = (w: Workload): Timing =>
  options.quick
    ? { target: 0.1, warmUp: 0.3, maxSteps: 5000 }
    : w.group === "W1"
      ? { target: 0.25, warmUp: 0.4, maxSteps: 100_000 }
      : { target: w.group === "W6" ? 0.8 : 0.4, warmUp: 1, maxSteps: 5000 };

const work = mkdtempSync(join(tmpdir(), "hebb-bench-"));
/** Next to the packages, so that our bundles find the optional ones. */
const bundles = join(root, "node_modules/.cache", `hebb-bench-${process.pid}`);
process.on("exit", () => {
  for (const folder of [work, bundles]) rmSync(folder, { recursive: true, force: true });
});
process.on("SIGINT", () => process.exit(130));
const inputs = join(work, "inputs");
writeInputs(inputs);

const chosen = options.peers?.split(",");
const weRun = chosen === undefined || chosen.some((name) => name.startsWith("hebb"));
const ownBundle = weRun ? await bundlePeer("hebb.ts", bundles) : "";
const ownStart = weRun ? await bundlePeer("hebb-start.ts", bundles) : "";

const node24 = ((): string | undefined => {
  if (peersHome === undefined) return undefined;
  const file = join(peersHome, `node24/node_modules/node-${process.platform}-${process.arch}/bin/node`);
  return existsSync(file) ? file : undefined;
})();
/** The JavaScript peers run on the newest installed Node, which is the fastest for them. */
const peerNode = node24 ?? process.execPath;
const openmp = "/usr/lib/x86_64-linux-gnu/openblas-openmp";

function installed(path: string): string | undefined {
  if (peersHome === undefined) return undefined;
  const file = join(peersHome, path);
  return existsSync(file) ? file : undefined;
}

const jaxIn = new Map<string, boolean>();
function hasJax(python: string): boolean {
  const known = jaxIn.get(python) ?? spawnSync(python, ["-c", "import jax"]).status === 0;
  jaxIn.set(python, known);
  return known;
}

/** The command that runs a peer, or undefined if it is not installed or cannot use that many threads. */
function commandFor(peer: PeerName, workload: string, threads: number): Command | undefined {
  const script = (name: string): string[] => [
    join(root, "bench/peers", name),
    peersHome ?? "",
    inputs,
    workload,
    String(threads),
  ];
  const python = (file: string, env: Record<string, string> = {}): Command => ({
    file,
    args: [join(root, "bench/peers/torch_peer.py"), inputs, workload, String(threads)],
    env: { ...env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) },
  });
  const own = (file: string, backend: "c" | "wasm"): Command => ({
    file,
    args: [ownBundle, inputs, workload],
    env: { HEBB_BACKEND: backend, HEBB_THREADS: String(threads) },
  });
  switch (peer) {
    case "hebb c":
      return own(process.execPath, "c");
    case "hebb wasm":
      return own(process.execPath, "wasm");
    case "hebb wasm (Node 24)":
      return node24 === undefined || process.version.startsWith("v24") ? undefined : own(node24, "wasm");
    case "jax-js":
      return installed("jax/node_modules/@jax-js/jax") ? { file: peerNode, args: script("jaxjs.mjs") } : undefined;
    case "brain.js":
      return threads === 1 && installed("brain/node_modules/brain.js")
        ? { file: peerNode, args: script("brain.mjs") }
        : undefined;
    case "tfjs-wasm":
      // Its threads need a browser: in Node the worker's blob: address is refused.
      return threads === 1 && installed("tfjs/node_modules/@tensorflow/tfjs-backend-wasm")
        ? { file: peerNode, args: script("tfjs.mjs") }
        : undefined;
    case "onnxruntime-web":
      return installed("ortweb/node_modules/onnxruntime-web") ? { file: peerNode, args: script("ort.mjs") } : undefined;
    case "PyTorch 1.13":
      return existsSync("/usr/lib/python3/dist-packages/torch")
        ? python("/usr/bin/python3", existsSync(openmp) ? { LD_LIBRARY_PATH: openmp } : {})
        : undefined;
    case "onnxruntime-node":
      return installed("ortnode/node_modules/onnxruntime-node")
        ? { file: peerNode, args: [...script("ort.mjs"), "node"] }
        : undefined;
    case "JAX": {
      const file = installed("torch-venv/bin/python");
      if (file === undefined || !hasJax(file)) return undefined;
      // XLA uses every processor that it sees.
      const args = [join(root, "bench/peers/jax_peer.py"), inputs, workload];
      return { file: "taskset", args: ["-c", threads === 1 ? "0" : `0-${threads - 1}`, file, ...args] };
    }
    case "PyTorch 2": {
      const file = installed("torch-venv/bin/python");
      return file === undefined ? undefined : python(file);
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const load = (): number => loadavg()[0] ?? 0;
const now = (): string => new Date().toISOString().slice(0, 16).replace("T", " ");

async function measure(workload: Workload, threads: number): Promise<Case | undefined> {
  const before = load();
  const running: { peer: Peer; figure: Figure; times: number[] }[] = [];
  const figures: Figure[] = [];
  for (const name of workload.peers) {
    if (chosen !== undefined && !chosen.includes(name)) continue;
    const command = commandFor(name, workload.id, threads);
    if (command === undefined) continue;
    const peer = new Peer(name, command, timing(workload));
    try {
      const prepared = await peer.prepare();
      running.push({ peer, figure: { peer: name, version: prepared.version, check: prepared.check }, times: [] });
    } catch (error) {
      figures.push({ peer: name, error: error instanceof Error ? error.message : String(error) });
      peer.kill();
    }
  }
  for (let r = 0; r < repetitions; r++) {
    for (const entry of running) {
      // Three repetitions of a second or more are as informative as seven short ones.
      if (r >= 3 && (entry.times[0] ?? 0) > 1) continue;
      await pause(30); // lets the previous peer's worker threads go to sleep
      try {
        entry.times.push(await entry.peer.go());
      } catch (error) {
        entry.figure = { peer: entry.figure.peer, error: error instanceof Error ? error.message : String(error) };
      }
    }
  }
  for (const { peer, figure, times } of running) {
    const peakMB = await peer.quit();
    if (times.length === 0) figures.push(figure);
    else
      figures.push({
        ...figure,
        median: median(times),
        min: Math.min(...times),
        max: Math.max(...times),
        repetitions: times.length,
        peakMB,
      });
  }
  if (figures.length === 0) return undefined;
  figures.sort((a, b) => workload.peers.indexOf(a.peer as PeerName) - workload.peers.indexOf(b.peer as PeerName));
  return { workload: workload.id, threads, date: now(), load: [before, load()], figures };
}

/** Seconds from spawning the process to its line "STEP". */
function startOnce(command: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let errors = "";
    let at: number | undefined;
    const child = spawn(command.file, [...command.args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: childEnvironment(command.env),
    });
    child.stdout.on("data", (chunk) => {
      if (String(chunk).includes("STEP")) at ??= (performance.now() - start) / 1000;
    });
    child.stderr.on("data", (chunk) => {
      errors += String(chunk);
    });
    child.on("error", reject);
    child.on("close", () =>
      at === undefined ? reject(new Error(errors.trim().split("\n").at(-1) ?? "no step")) : resolve(at),
    );
  });
}

function startCommand(peer: PeerName, network: string): Command | undefined {
  const full = commandFor(peer, network, 1);
  if (full === undefined) return undefined;
  const env = full.env ?? {};
  const scripts: Partial<Record<PeerName, string[]>> = {
    "hebb c": [ownStart, network],
    "hebb wasm": [ownStart, network],
    "hebb wasm (Node 24)": [ownStart, network],
    "jax-js": [join(root, "bench/peers/start.mjs"), peersHome ?? "", "jax-js", network],
    "tfjs-wasm": [join(root, "bench/peers/start.mjs"), peersHome ?? "", "tfjs-wasm", network],
    "PyTorch 1.13": [join(root, "bench/peers/start.py"), network],
    "PyTorch 2": [join(root, "bench/peers/start.py"), network],
  };
  const args = scripts[peer];
  return args === undefined ? undefined : { file: full.file, args, env };
}

async function measureStart(id: string, network: string): Promise<Case> {
  const before = load();
  const peers: PeerName[] = [...ours, "jax-js", "tfjs-wasm", "PyTorch 1.13", "PyTorch 2"];
  const entries = peers
    .filter((name) => chosen === undefined || chosen.includes(name))
    .map((name) => ({ name, command: startCommand(name, network), times: [] as number[], error: "" }))
    .filter((entry) => entry.command !== undefined);
  for (let r = 0; r <= repetitions; r++) {
    for (const entry of entries) {
      if (entry.command === undefined || entry.error !== "") continue;
      try {
        const seconds = await startOnce(entry.command);
        if (r > 0) entry.times.push(seconds); // the first one fills the disk cache
      } catch (error) {
        entry.error = error instanceof Error ? error.message : String(error);
      }
    }
  }
  const figures = entries.map(
    ({ name, times, error }): Figure =>
      error !== ""
        ? { peer: name, error }
        : {
            peer: name,
            median: median(times),
            min: Math.min(...times),
            max: Math.max(...times),
            repetitions: times.length,
          },
  );
  return { workload: id, threads: 1, date: now(), load: [before, load()], figures };
}

async function measureMemory(): Promise<Record<string, MemorySample[]>> {
  const file = await bundlePeer("hebb-memory.ts", bundles);
  const out: Record<string, MemorySample[]> = {};
  for (const mode of ["compiled", "eager"]) {
    const child = spawn(process.execPath, ["--expose-gc", file, mode, options.quick ? "1000" : "10000"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: childEnvironment({ HEBB_BACKEND: "wasm", HEBB_THREADS: "1" }),
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
    });
    await new Promise((resolve) => child.on("close", resolve));
    out[mode] = text
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as MemorySample);
  }
  return out;
}

function machine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const flags = existsSync("/proc/cpuinfo") && /avx512f/.test(readFileSync("/proc/cpuinfo", "utf8")) ? ", AVX-512" : "";
  return `${cpus().length} cores of ${model}${flags}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}, Node ${process.versions.node}${node24 ? " (JavaScript peers: Node 24)" : ""}`;
}

function show(c: Case, unit: Workload["unit"], flops = 0): void {
  const own = oursIn(c);
  console.log(
    `\n${c.workload}, ${c.threads} thread${c.threads > 1 ? "s" : ""}   (load ${c.load[0].toFixed(2)} → ${c.load[1].toFixed(2)})`,
  );
  const value = (seconds: number): string =>
    (unit === "GFLOP/s" ? flops / seconds / 1e9 : seconds * (unit === "µs" ? 1e6 : 1e3)).toPrecision(4);
  for (const f of c.figures) {
    const figure =
      f.median === undefined || f.min === undefined || f.max === undefined
        ? `cannot: ${f.error}`
        : `${value(f.median).padStart(9)} ${unit}  [${value(f.min)} … ${value(f.max)}]${own !== undefined && !f.peer.startsWith("hebb") ? `   hebb is ${(f.median / own).toFixed(2)} ×` : ""}`;
    console.log(
      `  ${f.peer.padEnd(16)} ${figure}${typeof f.check === "number" ? `   → ${f.check.toPrecision(6)}` : ""}`,
    );
  }
}

const cases: Case[] = [];
for (const workload of workloads) {
  if (!wants(workload.group, workload.id)) continue;
  for (const threads of threadCounts) {
    const measured = await measure(workload, threads);
    if (measured === undefined) continue;
    show(measured, workload.unit, workload.flops);
    cases.push(measured);
  }
}
for (const { id, network } of startups) {
  if (!wants("W8", id)) continue;
  const measured = await measureStart(id, network);
  show(measured, "ms");
  cases.push(measured);
}
const memory = wants("memory", "memory") ? await measureMemory() : undefined;
if (memory !== undefined) {
  for (const [mode, samples] of Object.entries(memory)) {
    console.log(`\nmemory, ${mode} steps`);
    for (const s of samples) {
      console.log(
        `  step ${String(s.step).padStart(6)}: heap ${s.heapMB.toFixed(2)}, external ${s.externalMB.toFixed(2)}, device ${s.deviceMB.toFixed(2)}, resident ${s.residentMB.toFixed(1)} MB`,
      );
    }
  }
}

const fresh: Results = { machine: machine(), cases, ...(memory === undefined ? {} : { memory }) };
console.log("");
for (const target of targets) {
  for (const { id, flops } of [...workloads, ...startups.map((s) => ({ id: s.id, flops: undefined }))]) {
    const verdict = target.workloads.test(id) ? judge(target, id, flops, cases) : undefined;
    if (verdict !== undefined)
      console.log(`${verdict.met ? "met   " : "MISSED"} ${target.text} — ${id}: ${verdict.reached}`);
  }
}
for (const line of disagreements(cases)) console.log(`differs: ${line}`);

if (!options.quick || options.out !== undefined) {
  const file = options.out ?? join(root, "docs/benchmarks.md");
  const figures = file.replace(/\.md$/, ".json");
  const all = merge(readResults(figures), fresh);
  writeResults(figures, all);
  writeFileSync(file, report(all));
  if (options.out === undefined) {
    const readme = join(root, "README.md");
    const marks = /(<!-- speed -->\n)[\s\S]*?(<!-- end of speed -->)/;
    writeFileSync(
      readme,
      readFileSync(readme, "utf8").replace(marks, (_, open, close) => `${open}${summary(all)}\n${close}`),
    );
  }
  console.log(`\nwritten to ${file}`);
}
