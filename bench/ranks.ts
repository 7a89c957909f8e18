// Starts a program of this folder as ranks of an MPI, or alone, and reads its line of JSON.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface RankRun {
  readonly ranks: number;
  readonly args: readonly string[];
  /** Node's options. */
  readonly node?: readonly string[];
}

/** Bundles `bench/NAME.rank.ts`, has `measure` run it, and removes the bundle. */
export async function withRanks(name: string, mpi: string, measure: (run: (how: RankRun) => string) => void) {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "ranks-"));
  const launch = (ranks: number): string[] =>
    mpi === "mpich"
      ? ["mpirun.mpich", "-n", String(ranks)]
      : ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "-n", String(ranks)];
  try {
    await build({
      entryPoints: [join(root, `bench/${name}.rank.ts`)],
      outdir: folder,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outExtension: { ".js": ".mjs" },
    });
    measure(({ ranks, args, node = [] }) => {
      const program = [process.execPath, ...node, join(folder, `${name}.rank.mjs`), ...args];
      const [command = "", ...rest] = ranks === 1 ? [...program, "alone"] : [...launch(ranks), ...program];
      const { stdout, stderr } = spawnSync(command, rest, { encoding: "utf8" });
      const line = stdout.split("\n").find((each) => each.startsWith("{"));
      if (line === undefined) throw new Error(`${command} ${rest.join(" ")}: ${stderr}`);
      return line;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
