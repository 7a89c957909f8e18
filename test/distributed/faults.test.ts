// Ranks end, differ or lack something: all end soon with one message, the run folder opens, and resume continues to the same bits.
// HEBB_LONG=1 kills 50 ranks, each at any moment of a run, and prints how they ended.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { version } from "../../src/graph/version.ts";
import { loadRun } from "../../src/run/loadRun.ts";
import type { Running } from "../e2e/hebb.ts";
import { launchers, missing, useRanks } from "./ranks.ts";

const long = process.env["HEBB_LONG"] === "1";
const kills = long ? 50 : 1;

const patience = 300_000;
const moons = ["train", "moons", "--epochs", "24", "--patience", "50", "--no-doctor"];

const sentences = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("hebb: "));

describe.skipIf(launchers.length > 0)("MPI", () => {
  it.skip(missing.join("; "), () => {});
});

/** The process on this machine that trains this run as this rank. */
function processOf(rank: number, out: string, pids: readonly number[]): number | undefined {
  return pids.find((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      const own = environment.some((each) => each === `OMPI_COMM_WORLD_RANK=${rank}` || each === `PMI_RANK=${rank}`);
      return own && args.includes(out) && readlinkSync(`/proc/${pid}/exe`) === process.execPath;
    } catch {
      return false;
    }
  });
}

const childrenOf = (pid: number): number[] => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === ""
      ? []
      : children
          .split(" ")
          .map(Number)
          .flatMap((child) => [child, ...childrenOf(child)]);
  } catch {
    return [];
  }
};

const rest = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A copy of a bundled program that claims another version. */
function olderProgram(program: string, folder: string): string {
  const older = join(folder, "older");
  const bundle = dirname(program);
  mkdirSync(older);
  for (const name of readdirSync(bundle).filter((each) => each.endsWith(".mjs"))) {
    const text = readFileSync(join(bundle, name), "utf8");
    writeFileSync(join(older, name), text.replace(`version = "${version}"`, 'version = "0.0.1"'));
  }
  return join(older, basename(program));
}

/** What a launcher prints about a rank that a signal ended. */
const ofLauncher = /exited on signal|non-zero exit code|BAD TERMINATION/;

/** Kills a rank once it has started. False: the run was over before. */
async function kill(run: Running, rank: number, out: string): Promise<boolean> {
  while (run.process.exitCode === null) {
    const victim = processOf(rank, out, childrenOf(run.process.pid ?? 0));
    if (victim !== undefined) {
      try {
        return process.kill(victim, "SIGKILL");
      } catch {
        return false;
      }
    }
    await rest(5);
  }
  return false;
}

/** Only root may mount. */
const mayMount = process.platform === "linux" && process.getuid?.() === 0 && mounts();

function mounts(): boolean {
  const place = mkdtempSync(join(tmpdir(), "hebb-disk-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", place]).status === 0;
  if (isMounted) spawnSync("umount", [place]);
  rmdirSync(place);
  return isMounted;
}

/** A disk of 2 MB at a folder; its free space can be filled. */
function smallDisk(place: string): { fill(): void; free(): void; remove(): void } {
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", place]).status !== 0)
    throw new Error(`${place} cannot be made a disk`);
  const filler = join(place, "filler");
  return {
    fill: () => {
      const file = openSync(filler, "w");
      // Whole pages until none is left.
      try {
        for (;;) writeSync(file, new Uint8Array(4096));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    remove: () => {
      spawnSync("umount", ["--lazy", place]);
    },
  };
}

describe.each(launchers)("$name", (launcher) => {
  const { start, file, folder } = useRanks();
  let disk: ReturnType<typeof smallDisk> | undefined;
  const bits = (run: string): string =>
    createHash("sha256")
      .update(readFileSync(join(folder(), run, "model.safetensors")))
      .digest("hex");
  const trainInto = (out: string): Running => start(launcher, 2, "hebb", [...moons, "--out", out]);
  const resumeOn = (ranks: number, run: string): Running["finished"] =>
    start(launcher, ranks, "hebb", ["resume", run, "--no-doctor"]).finished;

  /** Kills rank 1 after the first epoch; with HEBB_LONG=1 either rank at any moment of a run that takes `lasts`. */
  async function trainAndKill(out: string, lasts: number): Promise<string> {
    const run = trainInto(out);
    let text = "";
    run.process.stdout?.on("data", (more: string) => {
      text += more;
    });
    while (!long && !text.includes("epoch   1 ") && run.process.exitCode === null) await rest(5);
    await rest(Math.random() * (long ? lasts : 300));
    const victim = long && Math.random() < 0.5 ? 0 : 1;
    const killed = await kill(run, victim, out);
    const at = performance.now();
    const { code, stdout, stderr } = await run.finished;
    if (!killed) {
      expect(long).toBe(true);
      return "over before";
    }
    expect(performance.now() - at).toBeLessThan(10_000);
    const told = sentences(stderr);
    // Rank 0 may have ended normally, with nothing left but to say goodbye to the others.
    if (code === 0) return "killed behind its end";
    // If mpirun ends the other ranks before they can report, it names the lost rank or the signal: MPICH always, Open MPI sometimes.
    expect(told.length).toBeLessThanOrEqual(1);
    if (told[0] !== undefined) expect(told[0]).toContain(`rank ${victim} (process`);
    else expect(stdout + stderr).toMatch(ofLauncher);
    return told[0] === undefined ? "told by mpirun" : "told by a rank";
  }

  it.skipIf(process.platform !== "linux")(
    "ends all ranks when one is killed, and resumes to the same bits on the same number and on another number",
    { timeout: kills * patience },
    async () => {
      const started = performance.now();
      const whole = await trainInto("whole").finished;
      expect(whole.code, whole.stdout + whole.stderr).toBe(0);
      const lasts = performance.now() - started;
      const ends: string[] = [];
      // A run that ended before its kill does not count.
      for (let round = 0, killed = 0; killed < kills; round++) {
        const out = `killed-${round}`;
        const end = await trainAndKill(out, lasts);
        ends.push(end);
        if (end !== "over before") killed++;
        // The configuration is written last: without it there is no run, and training starts as in an empty folder.
        if (!existsSync(join(folder(), out, "config.json"))) {
          ends.push("before there was a run");
          const again = await trainInto(out).finished;
          expect(again.code, again.stdout + again.stderr).toBe(0);
          expect(bits(out)).toBe(bits("whole"));
          continue;
        }
        const other = `${out}-other`;
        cpSync(join(folder(), out), join(folder(), other), { recursive: true });
        const resumed = await resumeOn(2, out);
        expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
        expect(bits(out)).toBe(bits("whole"));
        if (!long) continue;
        const elsewhere = await resumeOn(round % 2 === 0 ? 1 : 3, other);
        expect(elsewhere.code, elsewhere.stdout + elsewhere.stderr).toBe(0);
        await loadRun(join(folder(), other));
      }
      if (long)
        for (const end of new Set(ends))
          console.log(`${launcher.name}: ${ends.filter((each) => each === end).length} ${end}`);
    },
  );

  it.skipIf(!mayMount)(
    `ends all ranks with one message when the disk of rank 0 is full, and resumes to the same bits${mayMount ? "" : " (not tested: only root can mount a small disk)"}`,
    { timeout: patience },
    async () => {
      // Many short epochs: the disk fills up long before the last.
      const short = ["train", "moons", "--epochs", "100", "--patience", "100", "--batch-size", "400", "--no-doctor"];
      const trainShort = (out: string): Running => start(launcher, 2, "hebb", [...short, "--out", out]);
      expect((await trainShort("enough").finished).code).toBe(0);
      mkdirSync(join(folder(), "disk"));
      disk = smallDisk(join(folder(), "disk"));
      try {
        const run = trainShort("disk/run");
        let text = "";
        run.process.stdout?.on("data", (more: string) => {
          text += more;
        });
        while (!text.includes("epoch   1 ") && run.process.exitCode === null) await rest(5);
        disk.fill();
        const { code, stderr } = await run.finished;
        expect(code).not.toBe(0);
        expect(sentences(stderr)).toEqual([expect.stringMatching(/disk.run.*the disk is full; free some space/)]);
        disk.free();
        const resumed = await resumeOn(2, "disk/run");
        expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
        expect(bits("disk/run")).toBe(bits("enough"));
      } finally {
        disk.remove();
      }
    },
  );
  // In case a test times out.
  afterAll(() => disk?.remove());

  it("resumes on another number of ranks, with and without split memory", { timeout: patience }, async () => {
    const paused = [...moons, "--pause-after", "2", "--zero", "1", "--out", "paused"];
    expect((await start(launcher, 3, "hebb", paused).finished).code).toBe(0);
    const { code, stdout } = await start(launcher, 2, "hebb", ["resume", "paused", "--epochs", "3"]).finished;
    expect(code).toBe(0);
    expect(stdout).toContain("epoch   3");
  });

  it("says in one message what is wrong before training begins", { timeout: patience }, async () => {
    const env = { HEBB_MPI: "libnothing.so" };
    const lacking = await start(launcher, 1, "hebb", [...moons, "--distributed", "mpi"], { env }).finished;
    expect(sentences(lacking.stderr)).toEqual([
      expect.stringContaining("HEBB_MPI names libnothing.so, which cannot be loaded"),
    ]);
  });

  it.each([
    ["other", "rank 1 differs from rank 0 in its data"],
    ["shape", "rank 1 differs from rank 0 in its shapes of weights: 0.weight float64[25,12]"],
    ["seed", "rank 1 differs from rank 0 in its random state"],
  ])(
    "names a rank with a different part before the first step: %s",
    { timeout: patience },
    async (manner, sentence) => {
      const { code, stdout, stderr } = await start(launcher, 2, "losses", ["mlp", "float64", manner]).finished;
      expect(code).not.toBe(0);
      expect(stderr).toContain(sentence);
      expect(stdout).not.toContain("losses");
    },
  );

  it.each([
    ["calls process.exit(3)", ["exit", "3"], "rank 1 ended with exit code 3"],
    ["calls process.exit(0)", ["exit", "0"], "has finished, but rank"],
    ["is over before the others", ["over"], "has finished, but rank"],
  ])("ends all ranks within 10 s when one %s", { timeout: patience }, async (_, args, sentence) => {
    const run = start(launcher, 3, "ends", args);
    let since = Number.NaN;
    run.process.stdout?.once("data", () => {
      since = performance.now();
    });
    const { code, stderr } = await run.finished;
    expect(code).not.toBe(0);
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(stderr.split(sentence).length - 1, stderr).toBe(1);
  });

  it("names a rank with another version of hebb", { timeout: patience }, async () => {
    const older = olderProgram(file("losses"), folder());
    const own = ["mlp", "float64"];
    const { code, stderr } = await start(launcher, 1, "losses", [
      ...own,
      ":",
      "-n",
      "1",
      process.execPath,
      older,
      ...own,
    ]).finished;
    expect(code).not.toBe(0);
    expect(stderr).toContain(`rank 1 runs hebb 0.0.1 and rank 0 hebb ${version}; install the same version`);
  });
});

describe("without a launcher", () => {
  const { alone } = useRanks();
  it("names mpirun", { timeout: patience }, async () => {
    const { code, stderr } = await alone("hebb", [...moons, "--distributed", "mpi"]).finished;
    expect(code).toBe(1);
    expect(sentences(stderr)).toEqual([expect.stringContaining("start it with mpirun -n 4")]);
  });
});
