// Only one process at a time trains in a run folder: a lock names its holder and does not outlive it.
import { linkSync, lstatSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import { errorCode, saveError, temporaryPath } from "./atomic.ts";
import { checkHolder, type Holder, lifeOf, thisProcess } from "./holder.ts";
import { aString, type Check, objectOf } from "./json.ts";

/** The content of a lock file: its holder, the time, and the folder, so that a copied folder does not count as locked. */
interface LockFile {
  readonly holder: Holder;
  readonly since: string;
  readonly folder: string;
}

const checkLock: Check<LockFile> = objectOf<LockFile>({ holder: checkHolder, since: aString, folder: aString });

const pattern = /^lock\.(\d{1,9})$/;

/** Whether a file name is a lock's. */
export const isLockName = (name: string): boolean => pattern.test(name);

export interface RunLock {
  release(): void;
}

interface Found {
  readonly path: string;
  readonly number: number;
  /** Undefined if the file is not a valid lock. */
  readonly file: LockFile | undefined;
}

function folderMark(folder: string): string {
  const { dev, ino } = lstatSync(folder, { bigint: true });
  return `${dev} ${ino}`;
}

function locksIn(folder: string): Found[] {
  return readdirSync(folder).flatMap((name): Found[] => {
    const number = Number(pattern.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) return [];
    const path = join(folder, name);
    try {
      return [{ path, number, file: checkLock(JSON.parse(readFileSync(path, "utf8")), `${path}:`) }];
    } catch (error) {
      // Released between listing and reading.
      return errorCode(error) === "ENOENT" ? [] : [{ path, number, file: undefined }];
    }
  });
}

/** Throws for a lock whose holder is, or may be, alive. */
function refuse({ path, file }: Found, folder: string, mark: string): void {
  if (file === undefined)
    throw new HebbError(`${folder} may be in use: ${path} is damaged; delete it if no process trains there`);
  if (file.folder !== mark) return;
  const { holder, since } = file;
  const life = lifeOf(holder);
  if (life === "lives")
    throw new HebbError(
      `${folder} is in use by process ${holder.pid}, since ${since}; wait until it ends, or end it (kill ${holder.pid})`,
    );
  if (life === "unknown")
    throw new HebbError(
      `${folder} is in use by process ${holder.pid} of ${holder.host}, since ${since}; if that process has ended, delete ${path}`,
    );
}

/** Creates a file with its full content, or not at all; returns false if the name is taken. */
function createWhole(path: string, content: string): boolean {
  const temporary = temporaryPath(path);
  try {
    writeFileSync(temporary, content, { flag: "wx" });
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (errorCode(error) === "EEXIST") return false;
      // Some file systems do not support links.
      if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(errorCode(error))) throw error;
      writeFileSync(path, content, { flag: "wx" });
    }
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw saveError(path, error);
  } finally {
    remove(temporary);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone, or later recognised as stale.
  }
}

/** Attempts under contention. */
const mostTries = 20;

/**
 * Takes the lock of a folder. Throws HebbError that names the process holding it. The lock of an ended process is taken over: its successor
 * has the next number, which only one process can create. After creating it, the process checks again for another live holder.
 */
export function lockRun(folder: string): RunLock {
  try {
    return take(folder);
  } catch (error) {
    throw error instanceof HebbError ? error : saveError(join(folder, "lock"), error);
  }
}

function take(folder: string): RunLock {
  const mark = folderMark(folder);
  const content = `${JSON.stringify({ holder: thisProcess(), since: new Date().toISOString(), folder: mark })}\n`;
  for (let tries = 0; tries < mostTries; tries++) {
    const found = locksIn(folder);
    for (const lock of found) refuse(lock, folder, mark);
    const path = join(folder, `lock.${1 + Math.max(0, ...found.map(({ number }) => number))}`);
    if (!createWhole(path, content)) continue;
    try {
      const others = locksIn(folder).filter((lock) => lock.path !== path);
      for (const lock of others) refuse(lock, folder, mark);
      for (const lock of others) remove(lock.path);
    } catch (error) {
      remove(path);
      throw error;
    }
    return { release: () => remove(path) };
  }
  throw new HebbError(`${folder} is being locked by other processes again and again; try again later`);
}
