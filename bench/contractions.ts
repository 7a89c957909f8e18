// Contractions of every form and untuned networks against PyTorch and JAX: one process for each peer, interleaved.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundlePeer } from "./bundle.ts";
import { contractionReport, type Measured, rows } from "./contractionReport.ts";
import { type Command, Peer, type Timing } from "./peer.ts";
import { type Figure, median } from "./results.ts";
import { type Shape, shapes } from "./shapes.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    fastest: { type: "boolean", default: false },
    cells: { type: "boolean", default: false },
    only: { type: "string" },
    peers: { type: "string" },
    threads: { type: "string", default: "1,2" },
    out: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (options.help) {
  console.log(`node --import tsx bench/contractions.ts [options]
  --quick          shorter repetitions and fewer of them
  --fastest        many short repetitions, and the fastest of each counts: for a machine that others use too
  --cells          our results go to state cells, so that their memory is used again, as in a training step
  --only TEXTS     the works whose names contain one of these: product, conv, net, depthwise, 127, net-lstm …
  --peers LIST     some of "hebb c", "hebb wasm", "PyTorch 1.13", "PyTorch 2", "JAX" (default: all but wasm)
  --threads 1,2    numbers of threads
  --out FILE       where the tables go (Markdown; the figures beside them as .json)
  --list           the names
Peers are found in the folder named by HEBB_PEERS; bench/peers.sh DIR installs them.`);
  process.exit(0);
}

const wanted = options.only?.split(",");
const chosen = shapes.filter(({ id }) => wanted === undefined || wanted.some((part) => id.includes(part)));
if (options.list) {
  for (const { id, title } of chosen) console.log(`${id.padEnd(44)} ${title}`);
  process.exit(0);
}

const peerNames = options.peers?.split(",") ?? ["hebb c", "PyTorch 1.13", "PyTorch 2", "JAX"];
const repetitions = options.fastest ? 40 : options.quick ? 3 : 7;
const timing: Timing = options.fastest
  ? { target: 0.002, warmUp: 0.1, maxSteps: 20_000 }
  : options.quick
    ? { target: 0.03, warmUp: 0.1, maxSteps: 20_000 }
    : { target: 0.1, warmUp: 0.25, maxSteps: 50_000 };

const work = mkdtempSync(join(tmpdir(), "hebb-contractions-"));
/** Next to the packages, so that our bundle finds the optional ones. */
const bundles = join(root, "node_modules/.cache", `hebb-contractions-${process.pid}`);
process.on("exit", () => {
  for (const folder of [work, bundles]) rmSync(folder, { recursive: true, force: true });
});
process.on("SIGINT", () => process.exit(130));
const own = await bundlePeer("shapes-hebb.ts", bundles);

/** The processor's peak, measured by a small C program; undefined without a compiler. */
const peakProgram = ((): string | undefined => {
  const file = join(work, "peak");
  const flags = ["-O2", "-march=native", "-ffp-contract=fast", "-pthread"];
  return spawnSync("cc", [...flags, join(root, "bench/peers/peak.c"), "-o", file]).status === 0 ? file : undefined;
})();
function peak(threads: number): number | undefined {
  if (peakProgram === undefined) return undefined;
  const rate = Number(spawnSync(peakProgram, [String(threads)], { encoding: "utf8" }).stdout);
  return Number.isFinite(rate) && rate > 0 ? rate : undefined;
}

const openmp = "/usr/lib/x86_64-linux-gnu/openblas-openmp";
const venv = join(process.env["HEBB_PEERS"] ?? "", "torch-venv/bin/python");

/** The command that starts a peer, or undefined if it is not installed. */
function commandFor(peer: string, threads: number): Command | undefined {
  const torch = (file: string, extra: Record<string, string> = {}): Command => ({
    file,
    args: [join(root, "bench/peers/shapes_torch.py"), String(threads)],
    env: { ...extra, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) },
  });
  const has = (file: string, module: string): boolean => spawnSync(file, ["-c", `import ${module}`]).status === 0;
  switch (peer) {
    case "hebb c":
    case "hebb wasm":
      return {
        file: process.execPath,
        args: [own, ...(options.cells ? ["cells"] : [])],
        env: { HEBB_BACKEND: peer === "hebb c" ? "c" : "wasm", HEBB_THREADS: String(threads) },
      };
    case "PyTorch 1.13":
      return existsSync("/usr/lib/python3/dist-packages/torch")
        ? torch("/usr/bin/python3", existsSync(openmp) ? { LD_LIBRARY_PATH: openmp } : {})
        : undefined;
    case "PyTorch 2":
      return existsSync(venv) && has(venv, "torch") ? torch(venv) : undefined;
    case "JAX": {
      if (!existsSync(venv) || !has(venv, "jax")) return undefined;
      // XLA uses every processor that it sees.
      const processors = threads === 1 ? "0" : `0-${threads - 1}`;
      return { file: "taskset", args: ["-c", processors, venv, join(root, "bench/peers/shapes_jax.py")] };
    }
    default:
      throw new Error(`no peer is called "${peer}"; see --help`);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function measure(shape: Shape, threads: number, peers: readonly Peer[]): Promise<Measured> {
  const entries: { peer: Peer; figure: Figure; times: number[] }[] = [];
  const figures: Figure[] = [];
  for (const peer of peers) {
    if (peer.name === "JAX" && shape.kind === "network") continue;
    try {
      const { check, version } = await peer.prepare(shape);
      entries.push({ peer, figure: { peer: peer.name, version, check }, times: [] });
    } catch (error) {
      figures.push({ peer: peer.name, error: message(error) });
    }
  }
  const before = loadavg()[0] ?? 0;
  const rate = peak(threads);
  for (let r = 0; r < repetitions; r++) {
    for (const { peer, times } of entries) {
      if (threads > 1) await pause(15); // lets the previous peer's worker threads go to sleep
      times.push(await peer.go());
    }
  }
  for (const { figure, times } of entries) {
    const min = Math.min(...times);
    figures.push({ ...figure, median: options.fastest ? min : median(times), min, max: Math.max(...times) });
  }
  return { id: shape.id, threads, load: before, peak: rate, figures };
}

const results: Measured[] = [];
for (const threads of options.threads.split(",").map(Number)) {
  const peers: Peer[] = [];
  for (const name of peerNames) {
    const command = commandFor(name, threads);
    if (command === undefined) console.log(`${name} is not installed`);
    else peers.push(new Peer(name, command, timing));
  }
  console.log(`\n${threads} thread${threads === 1 ? "" : "s"}: ${peers.map(({ name }) => name).join(", ")}\n`);
  for (const shape of chosen) {
    const measured = await measure(shape, threads, peers);
    results.push(measured);
    for (const line of rows(shape, measured)) console.log(line);
  }
  for (const peer of peers) await peer.quit();
}

const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "unknown processor"}, ${process.platform} ${release()}, Node ${process.versions.node}`;
const text = contractionReport(
  machine,
  `${options.fastest ? "the fastest of 40" : "medians"}${options.cells ? "; our results in state cells" : ""}`,
  results,
);
console.log(`\n${text}`);
if (options.out !== undefined) {
  writeFileSync(options.out, text);
  writeFileSync(options.out.replace(/\.md$/, ".json"), `${JSON.stringify({ machine, results }, null, 1)}\n`);
  console.log(`written to ${options.out}`);
}
