// Runs the hebb command as its users do: a process of its own, from a bundle made once for each test file.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A folder to work in and the command, for the tests of one file. */
export function useHebb(): {
  folder(): string;
  start(...args: readonly string[]): Running;
  hebb(...args: readonly string[]): Promise<Finished>;
  /** With standard output into an open file; what is returned of it is empty. */
  hebbInto(file: number, ...args: readonly string[]): Promise<Finished>;
} {
  let bundle = "";
  let folder = "";
  beforeAll(async () => {
    const cache = join(root, "node_modules/.cache");
    mkdirSync(cache, { recursive: true });
    bundle = mkdtempSync(join(cache, "hebb-test-"));
    folder = join(bundle, "work");
    mkdirSync(folder);
    await build({
      entryPoints: [join(root, "src/cli/main.ts")],
      outdir: bundle,
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
      outExtension: { ".js": ".mjs" },
      logLevel: "error",
    });
  });
  afterAll(() => rmSync(bundle, { recursive: true, force: true }));

  const run = (output: "pipe" | number, args: readonly string[]): Running => {
    const child = spawn(process.execPath, [join(bundle, "main.mjs"), ...args], {
      cwd: folder,
      stdio: ["ignore", output, "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { process: child, finished };
  };
  return {
    folder: () => folder,
    start: (...args) => run("pipe", args),
    hebb: (...args) => run("pipe", args).finished,
    hebbInto: (file, ...args) => run(file, args).finished,
  };
}
