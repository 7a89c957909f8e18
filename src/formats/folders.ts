// Creates folders one level at a time, so that an error names the one that could not be created and why.
import { lstatSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HebbError } from "../graph/errors.ts";
import { createError, errorCode } from "./atomic.ts";

/** Whether a folder exists. Throws HebbError if the path is something else. */
function isFolder(path: string): boolean {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return true;
    if (there !== undefined) throw new HebbError(`${path} is not a folder; choose another place`);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      throw new HebbError(`${path} is a symbolic link to nothing; choose another place, or remove it`);
    return false;
  } catch (error) {
    // A path below a file does not exist either; the walk upwards will reach that file.
    if (errorCode(error) === "ENOTDIR") return false;
    throw error instanceof HebbError ? error : createError(path, error);
  }
}

/** Creates a folder and its missing parents. Returns whether it was missing. Throws HebbError that gives the reason for a failure. */
export function makeFolder(path: string): boolean {
  const missing: string[] = [];
  for (let at = resolve(path); !isFolder(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Another process may just have created it.
      if (errorCode(error) !== "EEXIST" || !isFolder(folder)) throw createError(folder, error);
      if (folder === missing.at(-1)) return false;
    }
  }
  return missing.length > 0;
}
