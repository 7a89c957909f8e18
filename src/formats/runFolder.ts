// The run folder (Node only): its paths, configuration and preprocessing. No link leads out of it.
import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import {
  attempt,
  createError,
  diskOperations,
  errorCode,
  type FileOperations,
  isTemporaryName,
  reasonFor,
  sealJson,
  unsealJson,
  writeFileAtomic,
} from "./atomic.ts";
import { makeFolder } from "./folders.ts";
import type { NamedArrays } from "./host.ts";
import { anObject, type Check, type JsonObject, objectOf, oneOf, toJson } from "./json.ts";
import { isLockName } from "./lock.ts";
import { checkPreprocessing, type Preprocessing } from "./preprocessingJson.ts";

/** The part of a file's stat in use; declared here so that the public types do not depend on Node's. */
interface FileStat {
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** A run folder on disk. */
export interface Run {
  /** Its resolved path, without links. */
  readonly path: string;
  readonly operations: FileOperations;
}

/** Arrays and plain data that belong together: a model, or everything needed to resume a training run. */
export interface SavedState {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

export interface CreateRunOptions {
  readonly config: JsonObject;
  readonly preprocessing?: Preprocessing;
  /** For tests: the disk operations of a save. */
  readonly operations?: FileOperations;
}

const createKinds: OptionKinds<CreateRunOptions> = {
  config: kind.anything,
  preprocessing: kind.anything,
  operations: kind.anything,
};

const maxJsonBytes = 256 * 2 ** 20;

/** If the system supports links: does not follow one that was created meanwhile. */
export const noFollow: number = constants.O_NOFOLLOW ?? 0;

export function statOf(path: string): FileStat | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error))) return undefined;
    throw new HebbError(`${path} cannot be read: ${reasonFor(error)}`);
  }
}

/** The names in a folder. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw new HebbError(`${path} cannot be read: ${reasonFor(error)}`);
  }
}

/** Path of a file of the run. Links are refused, so that reads and writes stay inside the folder. */
export function placeOf(run: Run, ...names: string[]): { readonly path: string; readonly stat: FileStat | undefined } {
  let path = run.path;
  let stat: FileStat | undefined;
  for (const name of names) {
    path = join(path, name);
    stat = statOf(path);
    if (stat?.isSymbolicLink())
      throw new HebbError(
        `${path} is a symbolic link; a run folder must hold its files itself, so replace the link with what it points to`,
      );
  }
  return { path, stat };
}

export function readIn(run: Run, maxBytes: number, ...names: string[]): Uint8Array {
  const { path, stat } = placeOf(run, ...names);
  if (!stat) throw new HebbError(`${path} does not exist; is ${run.path} a finished run folder?`);
  if (!stat.isFile()) throw new HebbError(`${path} is not a file; restore it from a copy`);
  if (stat.size > maxBytes)
    throw new HebbError(`${path} has ${stat.size} bytes, more than ${maxBytes}; it is damaged or not of this run`);
  try {
    const file = openSync(path, constants.O_RDONLY | noFollow);
    try {
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new HebbError(`${path} cannot be read: ${reasonFor(error)}`);
  }
}

/** Whether a folder is empty, apart from leftovers of a run killed before it began. */
function isFree(path: string): boolean {
  const names = namesIn(path).filter((name) => !isTemporaryName(name) && !isLockName(name));
  if (names.some((name) => name !== "checkpoints" && name !== "preprocessing.json")) return false;
  const checkpoints = statOf(join(path, "checkpoints"));
  return checkpoints === undefined || (checkpoints.isDirectory() && namesIn(join(path, "checkpoints")).length === 0);
}

/**
 * Creates a run folder with config.json and preprocessing.json. An existing folder must be empty, apart from leftovers of a run killed
 * before it began. Throws HebbError if it is not, or cannot be written.
 */
export function createRun(path: string, options: CreateRunOptions): Run {
  checkOptions("createRun", options, createKinds);
  makeFolder(path);
  const run = { path: realpathSync(path), operations: options.operations ?? diskOperations };
  try {
    if (!isFree(run.path))
      throw new HebbError(
        `${path} already exists and is not empty; choose another folder for the run, or resume this one`,
      );
    if (statOf(join(run.path, "checkpoints")) === undefined) mkdirSync(join(run.path, "checkpoints"));
  } catch (error) {
    throw error instanceof HebbError ? error : createError(path, error);
  }
  if (options.preprocessing) writePreprocessing(run, options.preprocessing);
  // Written last: a folder with a configuration is a complete run.
  writeConfig(run, options.config);
  return run;
}

/** Replaces the configuration, which a later resume uses. */
export function writeConfig(run: Run, config: JsonObject): void {
  const value = { format: "hebb-run", version: 1, config: toJson(config, "config") };
  writeFileAtomic(join(run.path, "config.json"), sealJson(value), run.operations);
}

/** Opens an existing run folder. Throws HebbError if it is not one. */
export function openRun(path: string, operations: FileOperations = diskOperations): Run {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new HebbError(`there is no run folder ${path}; check the name, or train first`);
  }
  if (!statOf(real)?.isDirectory())
    throw new HebbError(`${path} is a file, not a run folder; name the folder that training made`);
  if (!statOf(join(real, "config.json")))
    throw new HebbError(`${path} is not a run folder: it has no config.json; name the folder that training made`);
  return { path: real, operations };
}

const configFile = objectOf<{ format: "hebb-run"; version: 1; config: JsonObject }>({
  format: oneOf("hebb-run"),
  version: oneOf(1),
  config: anObject,
});

export const readSealed = <T>(run: Run, check: Check<T>, ...names: string[]): T =>
  check(unsealJson(readIn(run, maxJsonBytes, ...names), join(run.path, ...names)), `${join(run.path, ...names)}:`);

/** The configuration from createRun, or from the last writeConfig. */
export const readConfig = (run: Run): JsonObject => readSealed(run, configFile, "config.json").config;

export function writePreprocessing(run: Run, preprocessing: Preprocessing): void {
  const value = { format: "hebb-preprocessing", preprocessing: toJson(preprocessing, "preprocessing") };
  writeFileAtomic(placeOf(run, "preprocessing.json").path, sealJson(value), run.operations);
}

const preprocessingFile = objectOf<{ format: "hebb-preprocessing"; preprocessing: Preprocessing }>({
  format: oneOf("hebb-preprocessing"),
  preprocessing: checkPreprocessing,
});

/** The stored preprocessing, every entry checked. */
export const readPreprocessing = (run: Run): Preprocessing =>
  readSealed(run, preprocessingFile, "preprocessing.json").preprocessing;

/** Whether the run has a preprocessing.json. */
export const hasPreprocessing = (run: Run): boolean => placeOf(run, "preprocessing.json").stat !== undefined;

/** Files that a run must be able to write. */
const written = ["events.jsonl", "model.safetensors", "validated.safetensors", "model.json", "checkpoints"];

/** Throws HebbError for a link in the place of a run file: reported before training, not after it. */
export function refuseLinks(run: Run): void {
  for (const name of written) placeOf(run, name);
}

/** Removes leftovers of interrupted saves. Only for the process that holds the lock. */
export function removeUnfinished(run: Run): void {
  for (const folder of ["", "checkpoints", "tensorboard"]) {
    const path = join(run.path, folder);
    // Does not follow links.
    if (statOf(path)?.isDirectory() !== true) continue;
    for (const name of namesIn(path).filter(isTemporaryName)) attempt(() => run.operations.remove(join(path, name)));
  }
}
