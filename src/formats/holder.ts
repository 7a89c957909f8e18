// Identifies a process, even if its pid is reused later, and checks whether it is still alive.
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { aCount, aString, type Check, objectOf } from "./json.ts";

export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The scope of the pid: the machine's boot and, in a container, the pid namespace. Empty: unknown. */
  readonly space: string;
  /** The start time of the process as the system counts it, because pids are reused. Empty: unknown. */
  readonly started: string;
}

export const checkHolder: Check<Holder> = objectOf<Holder>({
  pid: aCount,
  host: aString,
  space: aString,
  started: aString,
});

const attempt = (read: () => string): string => {
  try {
    return read();
  } catch {
    return "";
  }
};

function spaceOf(): string {
  if (process.platform !== "linux") return "";
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  return `${boot} ${attempt(() => readlinkSync("/proc/self/ns/pid"))}`;
}

/** The start time of a process; empty if the system does not tell. Undefined for a zombie. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
    // The fields after the name, which may contain blanks and brackets: the state comes first, the start time 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : (fields[19] ?? "");
  }
  if (process.platform === "win32") return "";
  const told = attempt(() =>
    execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim(),
  );
  const [state = "", ...began] = told.split(/\s+/);
  return state.startsWith("Z") ? undefined : began.join(" ");
}

let own: Holder | undefined;

export function thisProcess(): Holder {
  own ??= { pid: process.pid, host: hostname(), space: spaceOf(), started: startOf(process.pid) ?? "" };
  return own;
}

/** Whether a process is alive; "unknown" if it belongs to another machine or container. */
export function lifeOf({ pid, host, space, started }: Holder): "lives" | "ended" | "unknown" {
  const here = thisProcess();
  if (host !== here.host) return "unknown";
  if (space !== here.space) {
    const [boot, numbers] = space.split(" ");
    const [ownBoot, ownNumbers] = here.space.split(" ");
    // The machine has rebooted since.
    if (boot !== ownBoot && boot !== "" && ownBoot !== "") return "ended";
    if (numbers !== ownNumbers) return "unknown";
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    // An error of permission means that the process exists.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return "ended";
  }
  const now = startOf(pid);
  if (now === undefined) return "ended";
  return now !== "" && started !== "" && now !== started ? "ended" : "lives";
}
