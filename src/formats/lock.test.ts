// Locks of run folders: held by one process, reported to others, taken over after the holder has ended.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { type Holder, lifeOf, thisProcess } from "./holder.ts";
import { lockRun } from "./lock.ts";
import { createRun } from "./node.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-lock-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const own = thisProcess();
/** The pid of a process that has ended and been reaped. */
const ended = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

/** Writes a lock as `holder` would have left it. */
function leave(number: number, holder: Partial<Holder>): void {
  const lock = lockRun(folder);
  const [name = ""] = readdirSync(folder);
  const path = join(folder, name);
  const file = JSON.parse(String(spawnSync("cat", [path]).stdout));
  lock.release();
  writeFileSync(join(folder, `lock.${number}`), JSON.stringify({ ...file, holder: { ...own, ...holder } }));
}

test("one process holds it; the next is told which one; after release nothing is left", () => {
  const lock = lockRun(folder);
  expect(readdirSync(folder)).toEqual(["lock.1"]);
  expect(() => lockRun(folder)).toThrow(HebbError);
  expect(() => lockRun(folder)).toThrow(`${folder} is in use by process ${process.pid}, since 2`);
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
  lockRun(folder).release();
});

test("the lock of an ended process is taken over", () => {
  leave(3, { pid: ended() });
  const lock = lockRun(folder);
  expect(readdirSync(folder)).toEqual(["lock.4"]);
  lock.release();
});

test.skipIf(process.platform !== "linux")("a reused pid does not count as alive", () => {
  // The pid exists, but its process started at another time.
  leave(1, { started: "17" });
  expect(lifeOf({ ...own, started: "17" })).toBe("ended");
  lockRun(folder).release();
});

test.skipIf(process.platform !== "linux")("a zombie process does not count as alive", async () => {
  const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"]);
  const text = await new Promise<string>((resolve) => parent.stdout.once("data", (part) => resolve(String(part))));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { started } = own;
  expect(lifeOf({ ...own, pid: Number(text), started })).toBe("ended");
  parent.kill();
});

test("a holder on another machine or in another container is unknown, and the error says what to do", () => {
  leave(1, { host: "elsewhere" });
  expect(() => lockRun(folder)).toThrow(
    /is in use by process \d+ of elsewhere, since .*; if that process has ended, delete .*lock\.1$/,
  );
  const [boot] = own.space.split(" ");
  expect(lifeOf({ ...own, space: `${boot} pid:[1]` })).toBe(process.platform === "linux" ? "unknown" : "lives");
  // The machine has rebooted: no earlier process is alive.
  if (process.platform === "linux") expect(lifeOf({ ...own, space: "another pid:[1]" })).toBe("ended");
});

test("a damaged lock is reported and kept", () => {
  writeFileSync(join(folder, "lock.1"), "{");
  expect(() => lockRun(folder)).toThrow(/lock\.1 is damaged; delete it if no process trains there/);
  expect(readdirSync(folder)).toEqual(["lock.1"]);
});

test("a copy of a folder in use is not in use", () => {
  const lock = lockRun(folder);
  const copy = join(folder, "copy");
  mkdirSync(copy);
  cpSync(join(folder, "lock.1"), join(copy, "lock.1"));
  lockRun(copy).release();
  lock.release();
});

test("a read-only folder is reported", () => {
  expect(() => lockRun(join(folder, "absent"))).toThrow(HebbError);
});

test("the leftovers of a run killed before it began are not a run", () => {
  const path = join(folder, "run");
  mkdirSync(join(path, "checkpoints"), { recursive: true });
  writeFileSync(join(path, "preprocessing.json"), "{");
  writeFileSync(join(path, ".config.json.1.0.saving"), "{");
  writeFileSync(join(path, "lock.7"), "");
  createRun(path, { config: { a: 1 } });
  expect(() => createRun(path, { config: { a: 1 } })).toThrow(/already exists and is not empty/);
});
