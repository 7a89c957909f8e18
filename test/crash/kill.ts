// kill -9 at every moment: a run is killed again and again, each time 10 ms later, and always resumes to the same bits.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isTemporaryName } from "../../src/formats/atomic.ts";
import { isLockName } from "../../src/formats/lock.ts";
import { loadLatestCheckpoint, openRun, readEvents } from "../../src/formats/node.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { benchFor, checkSame, hasConfig, outcomeOf } from "./run.ts";

interface Ended {
  readonly code: number | null;
  readonly killed: boolean;
  readonly stderr: string;
}

/** Trains in a separate process, and kills it `delay` milliseconds after the start of training or of the process. */
function train(script: string, folder: string, delay: number | undefined, from: "start" | "training"): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "pipe"] });
    let [stderr, timer]: [string, NodeJS.Timeout | undefined] = ["", undefined];
    let killed = false;
    const arm = (): void => {
      if (delay === undefined || timer !== undefined) return;
      timer = setTimeout(() => {
        killed = child.kill("SIGKILL");
      }, delay);
    };
    if (from === "start") arm();
    child.stdout.on("data", arm);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, killed, stderr });
    });
  });
}

const temporaries = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    isTemporaryName(path.split("/").at(-1) ?? ""),
  );

export interface Killed {
  readonly kills: number;
  /** Runs that finished. */
  readonly finished: number;
  /** Kills during a save. */
  readonly saving: number;
}

/** Throws if a run does not end with the bits of an uninterrupted one, or if anything saved is lost. */
export async function killAgainAndAgain(kills: number, say: (text: string) => void = () => {}): Promise<Killed> {
  const { folder, script, remove } = await benchFor("trainee.ts");
  try {
    const whole = await train(script, join(folder, "whole"), undefined, "start");
    if (whole.code !== 0) throw new Error(`training ended with ${whole.code}: ${whole.stderr}`);
    const expected = outcomeOf(join(folder, "whole"));
    let [done, finished, saving] = [0, 0, 0];
    while (done < kills) {
      const run = join(folder, `run-${finished}`);
      let last = 0;
      for (;;) {
        // Every 10 ms up to a second from the start of training; sometimes while the program is still loading.
        const early = done % 20 === 19;
        const delay = done < kills ? (early ? 10 * (done % 97) : 10 * (done % 100)) : undefined;
        const ended = await train(script, run, delay, early ? "start" : "training");
        if (!ended.killed) {
          if (ended.code !== 0) throw new Error(`kill ${done}: going on ended with ${ended.code}: ${ended.stderr}`);
          break;
        }
        done++;
        if (ended.stderr !== "") throw new Error(`kill ${done}: it said ${ended.stderr}`);
        if (!hasConfig(run)) continue;
        const left = temporaries(run).length;
        if (left > 0) saving++;
        const checkpoint = loadLatestCheckpoint(openRun(run));
        const events = readEvents(openRun(run));
        const warnings = [...(checkpoint?.warnings ?? []), ...events.warnings];
        if (warnings.length > 0) throw new Error(`kill ${done}: ${warnings.join("; ")}`);
        const sequence = checkpoint?.sequence ?? 0;
        if (sequence < last) throw new Error(`kill ${done}: checkpoint ${last} was there, now ${sequence} is the last`);
        last = sequence;
      }
      checkSame(outcomeOf(run), expected, `after kill ${done}`);
      const rest = [...temporaries(run), ...readdirSync(run).filter(isLockName)];
      if (rest.length > 0) throw new Error(`after kill ${done}: ${rest.join(", ")} were left`);
      finished++;
      if (existsSync(run)) removeFolder(run);
      if (finished % 10 === 0) say(`${done} kills, ${finished} runs, all with the same bits`);
    }
    return { kills: done, finished, saving };
  } finally {
    remove();
  }
}
