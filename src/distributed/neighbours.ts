// The other ranks on this machine: how many share its cores, and whether one has died that others wait for.
import { readFileSync, readlinkSync } from "node:fs";
import { availableParallelism, cpus, hostname } from "node:os";
import { type Communicator, gatherTexts } from "../runtime/index.ts";

interface Member {
  readonly rank: number;
  readonly pid: number;
  readonly host: string;
  /** Where its process number means something: two containers of one name have each their own. */
  readonly numbers: string;
}

export interface Neighbours {
  /** Ranks on this machine, this one among them. */
  readonly count: number;
  /** Threads for each, so that together they fill the cores. */
  readonly threads: number;
  /** Ranks below this one that live, or are on other machines, where that is not known. */
  before(): number;
  /** `waited`: milliseconds that this rank has been waiting. */
  lost(waited: number): Lost;
}

/** Whether a rank of this machine has ended, so that waiting for it is pointless, and whether it has reported why. */
export type Lost = undefined | "told" | { readonly why: string };

/** What a rank is called that has told its failure and is about to end all: the others need not tell that it ended. */
const endedTitle = "hebb ended";
/** What a rank is called whose program is over: it answers nobody any longer, and only waits until the others are over too. */
const leftTitle = "hebb left";
/** Milliseconds after which nothing more is to come from a rank that has left. */
const mostDelay = 3000;
/** Milliseconds for the others to see it. */
const farewell = 150;

/** Lets the other ranks of this machine know that this one has told why it ends. */
export function announceEnd(): void {
  process.title = endedTitle;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, farewell);
}

/** Lets them know that this one has come to its end. */
export function announceLeave(): void {
  process.title = leftTitle;
}

function isCalled(pid: number, title: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === title;
  } catch {
    return false;
  }
}

/** A process of this machine runs: not ended, and not only waiting to be buried. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(status.slice(status.lastIndexOf(")") + 2));
  } catch {
    return process.platform !== "linux";
  }
}

/** What tells this boot of this machine and its process numbers from others; empty where the system does not say. */
function pidNamespace(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Cores shared out among the ranks of a machine; a launcher that bound this process to some leaves it those. */
export const threadsFor = (ranks: number): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(cpus().length / ranks)));

export function meetNeighbours(world: Communicator): Neighbours {
  const own: Member = {
    rank: world.rank,
    pid: process.pid,
    host: hostname(),
    numbers: `${hostname()} ${pidNamespace()}`,
  };
  const all = gatherTexts(world, JSON.stringify(own)).map((text): Member => JSON.parse(text));
  const here = all.filter(({ numbers }) => numbers === own.numbers);
  return {
    count: here.length,
    threads: threadsFor(here.length),
    before: () => all.slice(0, own.rank).filter(({ numbers, pid }) => numbers !== own.numbers || runs(pid)).length,
    lost: (waited) => {
      if (here.some(({ pid }) => isCalled(pid, endedTitle))) return "told";
      const gone = here.find(({ pid }) => !runs(pid));
      if (gone === undefined) {
        const left = waited < mostDelay ? undefined : here.find(({ pid }) => isCalled(pid, leftTitle));
        if (left === undefined) return undefined;
        return {
          why: `rank ${left.rank} (process ${left.pid} on ${left.host}) has finished, but rank ${own.rank} is still waiting for it; let all ranks call the same collectives, and take the same number of steps`,
        };
      }
      const why = `rank ${gone.rank} (process ${gone.pid} on ${gone.host}) has died, and the others cannot continue; restart the program, or a training with hebb resume RUN`;
      return { why };
    },
  };
}
