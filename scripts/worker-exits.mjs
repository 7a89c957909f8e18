// Counts crashes of processes whose worker threads computed and ended: each kind of exit, with one worker and with four.
// usage: node scripts/worker-exits.mjs [--runs 20] [--backend c] [--only natural,exit] [NODE …]    NODE: paths of Node binaries
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "20" },
    backend: { type: "string", default: "c" },
    only: { type: "string", default: "natural,exit,terminate,error" },
  },
});
const runs = Number(options.runs);
const exits = options.only.split(",");
const workers = [1, 4];
const binaries = positionals.length > 0 ? positionals : [process.execPath];
/** A run that takes longer hangs. */
const patience = 60_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules/.cache/hebb");
mkdirSync(folder, { recursive: true });
const file = join(folder, `workerExit-${process.pid}.mjs`);
const cache = mkdtempSync(join(tmpdir(), "hebb-worker-exits-"));
process.on("exit", () => {
  rmSync(file, { force: true });
  rmSync(cache, { recursive: true, maxRetries: 20, force: true });
});
await build({
  entryPoints: [join(root, "test/e2e/workerExit.ts")],
  outfile: file,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
});

/** The outcome of one process: undefined on success, else its signal or exit code and its last output. */
function run(node, count, exit) {
  const env = { ...process.env, HEBB_BACKEND: options.backend, HEBB_CACHE: cache };
  const child = spawn(node, [file, String(count), exit], { env, timeout: patience, killSignal: "SIGKILL" });
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  return new Promise((resolve) =>
    child.on("close", (code, signal) =>
      resolve(code === 0 ? undefined : `${signal ?? `exit code ${code}`} ${said.trim().split("\n").at(-1)}`.trim()),
    ),
  );
}

let crashes = 0;
const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
row(["Node", "workers", ...exits]);
row(["---", "---", ...exits.map(() => "---")]);
for (const node of binaries) {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  for (const count of workers) {
    const cells = [];
    for (const exit of exits) {
      const failures = [];
      for (let n = 0; n < runs; n++) {
        const failure = await run(node, count, exit);
        if (failure !== undefined) failures.push(failure);
      }
      crashes += failures.length;
      const kinds = [...new Set(failures)];
      cells.push(`${failures.length} of ${runs}${kinds.length > 0 ? ` (${kinds.join("; ")})` : ""}`);
    }
    row([version, count, ...cells]);
  }
}
console.log(crashes === 0 ? "no crash" : `${crashes} crashes`);
process.exitCode = crashes === 0 ? 0 : 1;
