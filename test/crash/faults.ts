// Every system call on a run's folder fails in turn: a full disk, a broken one, a read-only one, short counts.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchFor } from "./run.ts";
import { runScript } from "./script.ts";

export interface Failed {
  /** The number of system calls of such a run, and how many were made to fail. */
  readonly calls: number;
  readonly tried: number;
  /** Runs that ended with a message, and runs that went on. */
  readonly ended: number;
  readonly wentOn: number;
}

/** Whether this machine supports it: Linux, with a C compiler. */
export function canFail(): boolean {
  if (process.platform !== "linux") return false;
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Makes at most `most` calls of each kind fail. Throws if anything saved is lost, or if a failure is reported by a stack trace. */
export async function failEverywhere(
  most: number,
  say: (text: string) => void = () => {},
): Promise<ReadonlyMap<string, Failed>> {
  const { folder, script, remove } = await benchFor("faulty.ts");
  try {
    const shim = join(folder, "shim.so");
    const source = fileURLToPath(new URL("shim.c", import.meta.url));
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], { stdio: "inherit" });
    const results = new Map<string, Failed>();
    await runScript(script, [join(folder, "disk"), String(most)], { LD_PRELOAD: shim }, (line) => {
      const { mode, ...failed } = JSON.parse(line) as Failed & { readonly mode: string };
      results.set(mode, failed);
      say(`${mode}: ${failed.tried} of ${failed.calls} calls failed in turn`);
    });
    return results;
  } finally {
    remove();
  }
}
