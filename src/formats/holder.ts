// Identifies a process, even if its pid is reused later, and checks whether it is still alive.
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { aCount, aString, type Check, objectOf } from "./json.ts";

export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Where the number means this process: the start of the machine and, in a container, the space of its numbers. Empty: unknown. */
  readonly space: string;
  /** When the process began, as the system counts; numbers are used again. Empty: unknown. */
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

/** When a process began; empty if the system does not say. A zombie has none. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
    // After the name, which may hold blanks and brackets: the state first, the start as the 20th.
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

/** Whether a process lives; "unknown" where it is another machine's, or another container's. */
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
    // Without the right to ask, there is one.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return "ended";
  }
  const now = startOf(pid);
  if (now === undefined) return "ended";
  return now !== "" && started !== "" && now !== started ? "ended" : "lives";
}
