// Ranks that end, differ or lack something: all end soon with one sentence, the run folder opens, and resume goes on with the same bits.
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { launchers, missing, useRanks } from "./ranks.ts";

const patience = 300_000;
const moons = ["train", "moons", "--epochs", "24", "--patience", "50", "--no-doctor"];

const sentences = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("hebb: "));

describe.skipIf(launchers.length > 0)("MPI", () => {
  it.skip(missing.join("; "), () => {});
});

/** Processes of this machine that run this run's training as this rank. */
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

describe.each(launchers)("$name", (launcher) => {
  const { start, folder } = useRanks();
  const bits = (run: string): string =>
    createHash("sha256")
      .update(readFileSync(join(folder(), run, "model.safetensors")))
      .digest("hex");

  it.skipIf(process.platform !== "linux")(
    "ends all ranks when one is killed, and resumes to the same bits on the same number",
    { timeout: patience },
    async () => {
      const whole = start(launcher, 2, "hebb", [...moons, "--out", "whole"]).finished;
      expect((await whole).code).toBe(0);
      const run = start(launcher, 2, "hebb", [...moons, "--out", "killed"]);
      let text = "";
      run.process.stdout?.on("data", (more: string) => {
        text += more;
      });
      // Behind the first epoch, at a random moment.
      while (!text.includes("epoch   1 ") && run.process.exitCode === null) await rest(5);
      await rest(Math.random() * 300);
      const victim = processOf(1, "killed", childrenOf(run.process.pid ?? 0));
      expect(victim).toBeDefined();
      const killed = performance.now();
      process.kill(victim as number, "SIGKILL");
      const { code, stderr } = await run.finished;
      expect(performance.now() - killed).toBeLessThan(10_000);
      expect(code).not.toBe(0);
      // Where mpirun ends the others before they can speak, it says itself who went, or by which signal: MPICH's always, Open MPI's at times.
      const told = sentences(stderr);
      expect(told.length).toBeLessThanOrEqual(1);
      if (launcher.name === "Open MPI")
        expect(told[0] ?? stderr).toMatch(/rank 1 \(process|exited on signal|non-zero exit code/);
      const resumed = await start(launcher, 2, "hebb", ["resume", "killed", "--no-doctor"]).finished;
      expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
      expect(bits("killed")).toBe(bits("whole"));
    },
  );

  it("resumes on another number of ranks, with the memory split or not", { timeout: patience }, async () => {
    const paused = [...moons, "--pause-after", "2", "--zero", "1", "--out", "paused"];
    expect((await start(launcher, 3, "hebb", paused).finished).code).toBe(0);
    const { code, stdout } = await start(launcher, 2, "hebb", ["resume", "paused", "--epochs", "3"]).finished;
    expect(code).toBe(0);
    expect(stdout).toContain("epoch   3");
  });

  it("says in one sentence what is wrong before training begins", { timeout: patience }, async () => {
    const env = { HEBB_MPI: "libnothing.so" };
    const lacking = await start(launcher, 1, "hebb", [...moons, "--distributed", "mpi"], { env }).finished;
    expect(sentences(lacking.stderr)).toEqual([
      expect.stringContaining("HEBB_MPI names libnothing.so, which cannot be loaded"),
    ]);
    const other = await start(launcher, 2, "losses", ["mlp", "float64", "other"]).finished;
    expect(other.stderr).toContain("rank 1 differs from rank 0 in its data");
  });
});

describe("without a launcher", () => {
  const { alone } = useRanks();
  it("names mpirun", { timeout: patience }, async () => {
    const { code, stderr } = await alone("hebb", [...moons, "--distributed", "mpi"]).finished;
    expect(code).toBe(1);
    expect(sentences(stderr)).toEqual([expect.stringContaining("start it by mpirun -n 4")]);
  });
});
