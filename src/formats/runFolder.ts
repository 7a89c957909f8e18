// The run folder (Node only): configuration, preprocessing, model, checkpoints and events of one training run, safe against crashes.
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import {
  diskOperations,
  errorCode,
  type FileOperations,
  isTemporaryName,
  saveError,
  sealJson,
  sha256,
  unsealJson,
  writeAll,
  writeFileAtomic,
} from "./atomic.ts";
import type { NamedArrays } from "./host.ts";
import { aCount, anObject, aString, type Check, type JsonObject, objectOf, oneOf, toJson } from "./json.ts";
import { checkPreprocessing, type Preprocessing } from "./preprocessingJson.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** A run folder on disk. */
export interface Run {
  /** Its true path, without links. */
  readonly path: string;
  readonly operations: FileOperations;
}

/** Arrays and plain data that belong together: a model, or everything a training run needs to go on. */
export interface SavedState {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

export interface CreateRunOptions {
  readonly config: JsonObject;
  readonly preprocessing?: Preprocessing;
  /** For tests: what saving does to the disk. */
  readonly operations?: FileOperations;
}

const maxJsonBytes = 256 * 2 ** 20;

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error))) return undefined;
    throw new HebbError(
      `${path} cannot be read (${error instanceof Error ? error.message : String(error)}); check its permissions`,
    );
  }
}

/** Path of a file of the run. Links are refused, so that reading and writing stay inside the folder. */
function placeOf(run: Run, ...names: string[]): { readonly path: string; readonly stat: Stats | undefined } {
  let path = run.path;
  let stat: Stats | undefined;
  for (const name of names) {
    path = join(path, name);
    stat = statOf(path);
    if (stat?.isSymbolicLink())
      throw new HebbError(
        `${path} is a symbolic link; a run folder must hold its files itself, so replace the link by what it points to`,
      );
  }
  return { path, stat };
}

function readIn(run: Run, maxBytes: number, ...names: string[]): Uint8Array {
  const { path, stat } = placeOf(run, ...names);
  if (!stat) throw new HebbError(`${path} does not exist; is ${run.path} a finished run folder?`);
  if (!stat.isFile()) throw new HebbError(`${path} is not a file; restore it from a copy`);
  if (stat.size > maxBytes)
    throw new HebbError(`${path} has ${stat.size} bytes, more than ${maxBytes}; it is damaged or not of this run`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new HebbError(
      `${path} cannot be read (${error instanceof Error ? error.message : String(error)}); check its permissions`,
    );
  }
}

/**
 * Makes a run folder with config.json and preprocessing.json. An existing folder must be empty.
 * Throws HebbError when it is not, or cannot be written.
 */
export function createRun(path: string, options: CreateRunOptions): Run {
  try {
    mkdirSync(path, { recursive: true });
    if (readdirSync(path).some((name) => !isTemporaryName(name))) {
      throw new HebbError(
        `${path} already exists and is not empty; choose another folder for the run, or resume this one`,
      );
    }
    mkdirSync(join(path, "checkpoints"));
  } catch (error) {
    if (error instanceof HebbError) throw error;
    if (["EEXIST", "ENOTDIR"].includes(errorCode(error)))
      throw new HebbError(`${path} is not a folder; choose another place for the run`);
    throw saveError(path, error);
  }
  const run = { path: realpathSync(path), operations: options.operations ?? diskOperations };
  if (options.preprocessing) writePreprocessing(run, options.preprocessing);
  // Written last: a folder with a configuration is a complete run.
  const config = { format: "hebb-run", version: 1, config: toJson(options.config, "config") };
  writeFileAtomic(join(run.path, "config.json"), sealJson(config), run.operations);
  return run;
}

/** Opens a run folder that exists. Throws HebbError when it is not one. */
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

const readSealed = <T>(run: Run, check: Check<T>, ...names: string[]): T =>
  check(unsealJson(readIn(run, maxJsonBytes, ...names), join(run.path, ...names)), `${join(run.path, ...names)}:`);

/** The configuration given to createRun. */
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

// ---- model -----------------------------------------------------------------------------------------------------------

const sealMark = '"hebb.sha256":"';
const emptySeal = "0".repeat(64);

/** Where the checksum stands in a safetensors header. Inside a JSON text the quotes of the mark would be escaped, so it is found once. */
function sealPlace(bytes: Uint8Array): number {
  const headerEnd = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(headerEnd, bytes.byteLength));
  const at = header.indexOf(sealMark);
  return at < 0 || at + sealMark.length + 64 > header.length ? -1 : at + sealMark.length;
}

/** Safetensors bytes that carry `json` and a checksum of the whole file in their metadata. */
function sealedSafetensors(state: SavedState): Uint8Array {
  const json = JSON.stringify(toJson(state.json, "json"));
  const bytes = writeSafetensors(state.tensors, { "hebb.json": json, "hebb.sha256": emptySeal });
  bytes.set(new TextEncoder().encode(sha256(bytes)), sealPlace(bytes));
  return bytes;
}

function unsealSafetensors(bytes: Uint8Array, name: string): SavedState {
  const damaged = new HebbError(
    `${name} is damaged: its checksum does not match (a changed or missing byte); restore it from a copy`,
  );
  const at = bytes.byteLength < 8 ? -1 : sealPlace(bytes);
  if (at < 0) throw damaged;
  // Not slice(): a Buffer's slice shares its memory.
  const zeroed = new Uint8Array(bytes);
  zeroed.set(new TextEncoder().encode(emptySeal), at);
  if (Buffer.from(bytes.subarray(at, at + 64)).toString("latin1") !== sha256(zeroed)) throw damaged;
  const { tensors, metadata } = readSafetensors(bytes, { name });
  return { tensors, json: anObject(JSON.parse(metadata["hebb.json"] ?? "null"), `${name}:`) };
}

/**
 * Saves the model: model.safetensors holds arrays and description in one file, replaced in one step; model.json is a copy of the
 * description for people.
 */
export function saveModel(run: Run, model: SavedState): void {
  writeFileAtomic(placeOf(run, "model.safetensors").path, sealedSafetensors(model), run.operations);
  writeFileAtomic(
    placeOf(run, "model.json").path,
    `${JSON.stringify(toJson(model.json, "json"), null, 2)}\n`,
    run.operations,
  );
}

/** The model last saved. Throws HebbError when there is none or any bit of it has changed. */
export function loadModel(run: Run): SavedState {
  return unsealSafetensors(readIn(run, 2 ** 32, "model.safetensors"), join(run.path, "model.safetensors"));
}

export const hasModel = (run: Run): boolean => placeOf(run, "model.safetensors").stat !== undefined;

// ---- checkpoints -----------------------------------------------------------------------------------------------------

export interface SaveCheckpointOptions {
  /** How many of the newest checkpoints stay (default 3, at least 1). */
  readonly keep?: number;
}

export interface LoadedCheckpoint {
  readonly sequence: number;
  readonly state: SavedState;
  /** One sentence for each newer checkpoint that was damaged and passed over. */
  readonly warnings: readonly string[];
}

const checkpointPattern = /^(\d{8})\.(json|safetensors)$/;
const checkpointName = (sequence: number): string => String(sequence).padStart(8, "0");

interface CheckpointFile {
  readonly format: "hebb-checkpoint";
  readonly version: 1;
  readonly sequence: number;
  readonly tensors: { readonly bytes: number; readonly sha256: string };
  readonly json: JsonObject;
}

const checkpointFile = objectOf<CheckpointFile>({
  format: oneOf("hebb-checkpoint"),
  version: oneOf(1),
  sequence: aCount,
  tensors: objectOf<CheckpointFile["tensors"]>({ bytes: aCount, sha256: aString }),
  json: anObject,
});

function checkpointFolder(run: Run): string {
  const { path, stat } = placeOf(run, "checkpoints");
  if (!stat) {
    try {
      mkdirSync(path);
    } catch (error) {
      throw saveError(path, error);
    }
  } else if (!stat.isDirectory()) {
    throw new HebbError(`${path} is not a folder; move it away`);
  }
  return path;
}

/** Sequence numbers of all checkpoints that were begun, the newest first. */
function sequences(run: Run): { readonly begun: number[]; readonly finished: number[] } {
  const begun = new Set<number>();
  const finished: number[] = [];
  const { path, stat } = placeOf(run, "checkpoints");
  if (stat?.isDirectory()) {
    for (const name of readdirSync(path)) {
      const match = checkpointPattern.exec(name);
      if (!match) continue;
      begun.add(Number(match[1]));
      if (match[2] === "json") finished.push(Number(match[1]));
    }
  }
  const falling = (a: number, b: number): number => b - a;
  return { begun: [...begun].sort(falling), finished: finished.sort(falling) };
}

/**
 * Saves a checkpoint under the next number: first the arrays, then the JSON with their checksum, which makes it count. Older ones
 * beyond `keep` are removed only after that, so the process may be killed at any moment. Returns its number.
 */
export function saveCheckpoint(run: Run, state: SavedState, options: SaveCheckpointOptions = {}): number {
  const keep = options.keep ?? 3;
  if (!Number.isInteger(keep) || keep < 1) throw new HebbError(`keep ${keep} is not a whole number ≥ 1`);
  const folder = checkpointFolder(run);
  const { begun } = sequences(run);
  const sequence = (begun[0] ?? 0) + 1;
  const bytes = writeSafetensors(state.tensors);
  const description: CheckpointFile = {
    format: "hebb-checkpoint",
    version: 1,
    sequence,
    tensors: { bytes: bytes.byteLength, sha256: sha256(bytes) },
    json: anObject(state.json, "checkpoint"),
  };
  const sealed = sealJson({ ...description });
  const base = join(folder, checkpointName(sequence));
  writeFileAtomic(`${base}.safetensors`, bytes, run.operations);
  try {
    writeFileAtomic(`${base}.json`, sealed, run.operations);
  } catch (error) {
    // Arrays without their JSON are of no use, and on a full disk they are in the way. A failed folder sync leaves both.
    if (!statOf(`${base}.json`)) removeQuietly(run, `${base}.safetensors`);
    throw error;
  }
  removeOld(run, folder, keep);
  return sequence;
}

/** Removes checkpoints beyond the newest `keep`, arrays without their JSON, and what unfinished saves left. Failures are harmless. */
function removeOld(run: Run, folder: string, keep: number): void {
  const kept = new Set(sequences(run).finished.slice(0, keep));
  for (const name of readdirSync(folder)) {
    const match = checkpointPattern.exec(name);
    if (match ? kept.has(Number(match[1])) : !isTemporaryName(name)) continue;
    removeQuietly(run, join(folder, name));
  }
}

function removeQuietly(run: Run, path: string): void {
  try {
    run.operations.remove(path);
  } catch {
    // It will be tried again after the next save.
  }
}

function readCheckpoint(run: Run, sequence: number): SavedState {
  const base = checkpointName(sequence);
  const description = readSealed(run, checkpointFile, "checkpoints", `${base}.json`);
  const name = join(run.path, "checkpoints", `${base}.safetensors`);
  if (description.sequence !== sequence) {
    throw new HebbError(
      `${join(run.path, "checkpoints", base)}.json is checkpoint ${description.sequence} under another name; restore it from a copy`,
    );
  }
  const bytes = readIn(run, 2 ** 32, "checkpoints", `${base}.safetensors`);
  if (bytes.byteLength !== description.tensors.bytes) {
    throw new HebbError(`${name} is damaged: it has ${bytes.byteLength} bytes instead of ${description.tensors.bytes}`);
  }
  if (sha256(bytes) !== description.tensors.sha256)
    throw new HebbError(`${name} is damaged: its checksum does not match (a changed byte)`);
  return { tensors: readSafetensors(bytes, { name }).tensors, json: description.json };
}

/**
 * The newest checkpoint that is whole; damaged ones are passed over with a warning each. Undefined when none was ever finished.
 * Throws HebbError when there are checkpoints but all are damaged.
 */
export function loadLatestCheckpoint(run: Run): LoadedCheckpoint | undefined {
  const warnings: string[] = [];
  const { finished } = sequences(run);
  for (const sequence of finished) {
    try {
      return { sequence, state: readCheckpoint(run, sequence), warnings };
    } catch (error) {
      if (!(error instanceof HebbError)) throw error;
      warnings.push(`checkpoint ${sequence} cannot be used, so an earlier one is taken: ${error.message}`);
    }
  }
  if (finished.length === 0) return undefined;
  throw new HebbError(`none of the ${finished.length} checkpoints of ${run.path} can be used: ${warnings.join("; ")}`);
}

// ---- events ----------------------------------------------------------------------------------------------------------

/** NaN and infinities become the texts "NaN", "Infinity" and "-Infinity": events must be able to tell of them. */
const eventLine = (event: object): string =>
  `${JSON.stringify(event, (_key, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value))}\n`;

/** Appends one event as a line of events.jsonl. A torn last line, left by a crash, is cut off first. */
export function appendEvent(run: Run, event: object): void {
  const { path, stat } = placeOf(run, "events.jsonl");
  try {
    if (stat && stat.size > 0 && lastByte(path, stat.size) !== 10) {
      const bytes = readFileSync(path);
      cut(path, bytes.lastIndexOf(10) + 1);
    }
    const file = run.operations.open(path, "a");
    try {
      writeAll(file, new TextEncoder().encode(eventLine(event)), run.operations);
    } finally {
      run.operations.close(file);
    }
  } catch (error) {
    throw saveError(path, error);
  }
}

function lastByte(path: string, size: number): number | undefined {
  const file = openSync(path, "r");
  try {
    const byte = new Uint8Array(1);
    return readSync(file, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined;
  } finally {
    closeSync(file);
  }
}

function cut(path: string, length: number): void {
  const file = openSync(path, "r+");
  try {
    ftruncateSync(file, length);
  } finally {
    closeSync(file);
  }
}

export interface ReadEvents {
  readonly events: readonly JsonObject[];
  readonly warnings: readonly string[];
}

/** All events of the run. A torn last line is passed over silently (a crash may leave one), any other bad line with a warning. */
export function readEvents(run: Run): ReadEvents {
  const { path, stat } = placeOf(run, "events.jsonl");
  if (!stat) return { events: [], warnings: [] };
  const lines = Buffer.from(readIn(run, 2 ** 31 - 1, "events.jsonl"))
    .toString("utf8")
    .split("\n");
  // What follows the last line break is torn, or nothing.
  lines.pop();
  const events: JsonObject[] = [];
  const warnings: string[] = [];
  lines.forEach((line, i) => {
    try {
      events.push(anObject(JSON.parse(line), `${path}, line ${i + 1}`));
    } catch {
      warnings.push(`${path}, line ${i + 1} is not an event and is left out; the file was damaged`);
    }
  });
  return { events, warnings };
}

/** Keeps the first `count` lines of events.jsonl: a resumed run tells again what came after its checkpoint. */
export function truncateEvents(run: Run, count: number): void {
  const { path, stat } = placeOf(run, "events.jsonl");
  if (!stat) return;
  const bytes = readIn(run, 2 ** 31 - 1, "events.jsonl");
  let end = 0;
  for (let line = 0; line < count; line++) {
    const at = bytes.indexOf(10, end);
    if (at < 0) break;
    end = at + 1;
  }
  try {
    cut(path, end);
  } catch (error) {
    throw saveError(path, error);
  }
}
