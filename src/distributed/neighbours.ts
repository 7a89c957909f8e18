// The other ranks on this machine: how many share its cores, and whether one that others wait for has died.
import { readFileSync, readlinkSync } from "node:fs";
import { availableParallelism, cpus, hostname } from "node:os";
import { type Communicator, gatherTexts } from "../runtime/index.ts";

interface Member {
  readonly rank: number;
  readonly pid: number;
  readonly host: string;
  /** The PID namespace: two containers with the same host name have different ones. */
  readonly numbers: string;
}

export interface Neighbours {
  /** The number of ranks on this machine, including this one. */
  readonly count: number;
  /** Threads for each rank, so that together they use all cores. */
  readonly threads: number;
  /** The number of lower ranks that are alive, or on other machines, where this is unknown. */
  before(): number;
  /** `waited`: milliseconds that this rank has waited. */
  lost(waited: number): Lost;
}

/** Whether a rank of this machine has ended, so that waiting for it is pointless, and whether it has reported why. */
export type Lost = undefined | "told" | { readonly why: string };

/** The process title of a rank that has reported its failure and is about to end all: the others need not report that it ended. */
const endedTitle = "hebb ended";
/** The process title of a rank whose program is over: it no longer answers, and waits for the others to finish. */
const leftTitle = "hebb left";
/** Milliseconds after which no more messages of a finished rank can arrive. */
const mostDelay = 3000;
/** Milliseconds for the others to see the title. */
const farewell = 150;

/** Tells the other ranks of this machine that this one has reported why it ends. */
export function announceEnd(): void {
  process.title = endedTitle;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, farewell);
}

/** Tells them that the program of this rank is over. */
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

/** Whether a process of this machine runs: neither ended nor a zombie. */
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

/** Identifies this boot of the machine and its PID namespace; empty if the system does not say. */
function pidNamespace(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Divides the cores of a machine among its ranks; if a launcher bound this process to some cores, only those count. */
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
