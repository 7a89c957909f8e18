// Starts the programs of these tests as ranks, with the mpirun of each installed MPI.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import type { Finished, Running } from "../e2e/hebb.ts";
import { bundleInto } from "../suite/bundle.ts";
import { builtOnce } from "../suite/once.ts";
import { removeFolder } from "../suite/removeFolder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Launcher {
  readonly name: "Open MPI" | "MPICH";
  readonly command: string;
  readonly options: readonly string[];
}

// Debian installs both under these names. Tests may run as root, and on fewer cores than ranks.
const known: readonly Launcher[] = [
  { name: "Open MPI", command: "mpirun.openmpi", options: ["--allow-run-as-root", "--oversubscribe"] },
  { name: "MPICH", command: "mpirun.mpich", options: [] },
];

const isThere = ({ command }: Launcher): boolean => spawnSync(command, ["--version"]).status === 0;

export const launchers: readonly Launcher[] = known.filter(isThere);

/** Why an MPI is not tested. */
export const missing: readonly string[] = known
  .filter((launcher) => !launchers.includes(launcher))
  .map(
    ({ name, command }) =>
      `${name} is not tested: there is no ${command} (Debian: ${name === "MPICH" ? "mpich libmpich12" : "openmpi-bin libopenmpi3"})`,
  );

export interface RankOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** The programs, bundled once, and a temporary folder. */
export function useRanks(): {
  folder(): string;
  /** The bundle of a program. */
  file(program: string): string;
  /** n ranks of a program of this folder, or of the hebb command. */
  start(launcher: Launcher, ranks: number, program: string, args?: readonly string[], options?: RankOptions): Running;
  /** One process without a launcher. */
  alone(program: string, args?: readonly string[], options?: RankOptions): Running;
} {
  let bundle = "";
  let folder = "";
  beforeAll(async () => {
    bundle = await builtOnce("ranks", (outdir) =>
      bundleInto(outdir, {
        hebb: join(root, "src/cli/main.ts"),
        collectives: join(root, "test/distributed/collectives.rank.ts"),
        losses: join(root, "test/distributed/losses.rank.ts"),
        ends: join(root, "test/distributed/ends.rank.ts"),
        evaluation: join(root, "test/distributed/evaluation.rank.ts"),
        streamed: join(root, "test/distributed/streamed.rank.ts"),
        inParts: join(root, "test/distributed/inParts.rank.ts"),
      }),
    );
    folder = mkdtempSync(join(bundle, "work-"));
  });
  afterAll(() => removeFolder(folder));
  const begin = (command: string, args: readonly string[], { env = {} }: RankOptions = {}): Running => {
    const child = spawn(command, args, {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { process: child, finished };
  };
  const file = (program: string): string => join(bundle, `${program}.mjs`);
  return {
    folder: () => folder,
    file,
    start: ({ command, options }, ranks, program, args = [], given = {}) =>
      begin(command, [...options, "-n", String(ranks), process.execPath, file(program), ...args], given),
    alone: (program, args = [], given = {}) => begin(process.execPath, [file(program), ...args], given),
  };
}
