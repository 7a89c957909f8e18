// Runs the hebb command as users do: in a separate process, from a bundle made once for all test files.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { bundleInto } from "../suite/bundle.ts";
import { builtOnce } from "../suite/once.ts";
import { removeFolder } from "../suite/removeFolder.ts";

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

/** A temporary folder and the command, for the tests of one file. */
export function useHebb(): {
  folder(): string;
  start(...args: readonly string[]): Running;
  hebb(...args: readonly string[]): Promise<Finished>;
  /** With this text as standard input. */
  hebbWith(input: { readonly input: string }, ...args: readonly string[]): Promise<Finished>;
  /** With standard output redirected to an open file; the returned stdout is empty. */
  hebbInto(file: number, ...args: readonly string[]): Promise<Finished>;
} {
  let bundle = "";
  let folder = "";
  beforeAll(async () => {
    bundle = await builtOnce("hebb", (outdir) => bundleInto(outdir, join(root, "src/cli/main.ts")));
    folder = mkdtempSync(join(bundle, "work-"));
  });
  afterAll(() => removeFolder(folder));

  const run = (output: "pipe" | number, args: readonly string[], input?: string): Running => {
    const child = spawn(process.execPath, [join(bundle, "main.mjs"), ...args], {
      cwd: folder,
      stdio: [input === undefined ? "ignore" : "pipe", output, "pipe"],
    });
    child.stdin?.end(input);
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
    hebbWith: ({ input }, ...args) => run("pipe", args, input).finished,
    hebbInto: (file, ...args) => run(file, args).finished,
  };
}
