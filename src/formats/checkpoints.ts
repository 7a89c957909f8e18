// Checkpoints of a run: numbered pairs of files. The newest intact pair counts, safe against a kill at any moment.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { isTemporaryName, saveError, sealJson, sha256, writeFileAtomic } from "./atomic.ts";
import { aCount, anObject, aString, type JsonObject, objectOf, oneOf } from "./json.ts";
import { namesIn, placeOf, type Run, readIn, readSealed, type SavedState, statOf } from "./runFolder.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

export interface SaveCheckpointOptions {
  /** The number of checkpoints to keep, newest first (default 3, at least 1). */
  readonly keep?: number;
}

export interface LoadedCheckpoint {
  readonly sequence: number;
  readonly state: SavedState;
  /** One sentence for each newer checkpoint that was damaged and skipped. */
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

/** Sequence numbers of all checkpoints, including unfinished ones, newest first. */
function sequences(run: Run): { readonly begun: number[]; readonly finished: number[] } {
  const begun = new Set<number>();
  const finished: number[] = [];
  const { path, stat } = placeOf(run, "checkpoints");
  if (stat?.isDirectory()) {
    for (const name of namesIn(path)) {
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
 * Saves a checkpoint under the next number: first the arrays, then the JSON with their checksum, which makes the checkpoint valid. Removes
 * older ones beyond `keep` only afterwards, so the process may be killed at any moment. Returns its number.
 */
export function saveCheckpoint(run: Run, state: SavedState, options: SaveCheckpointOptions = {}): number {
  const { keep = 3 } = checkOptions("saveCheckpoint", options, { keep: kind.number });
  if (!Number.isInteger(keep) || keep < 1) throw new HebbError(`keep ${keep} is not a whole number ≥ 1`);
  const folder = checkpointFolder(run);
  const { begun } = sequences(run);
  const sequence = (begun.at(0) ?? 0) + 1;
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
    // Arrays without their JSON are useless, and occupy space on a full disk. A failed folder sync leaves both.
    if (!statOf(`${base}.json`)) removeQuietly(run, `${base}.safetensors`);
    throw error;
  }
  removeOld(run, folder, keep);
  return sequence;
}

/** Removes checkpoints beyond the newest `keep`, arrays without their JSON, and leftovers of unfinished saves. Failures are harmless. */
function removeOld(run: Run, folder: string, keep: number): void {
  const kept = new Set(sequences(run).finished.slice(0, keep));
  for (const name of namesIn(folder)) {
    const match = checkpointPattern.exec(name);
    if (match ? kept.has(Number(match[1])) : !isTemporaryName(name)) continue;
    removeQuietly(run, join(folder, name));
  }
}

function removeQuietly(run: Run, path: string): void {
  try {
    run.operations.remove(path);
  } catch {
    // The next save retries.
  }
}

function readCheckpoint(run: Run, sequence: number): SavedState {
  const base = checkpointName(sequence);
  const description = readSealed(run, checkpointFile, "checkpoints", `${base}.json`);
  const name = join(run.path, "checkpoints", `${base}.safetensors`);
  if (description.sequence !== sequence) {
    throw new HebbError(
      `${join(run.path, "checkpoints", base)}.json describes checkpoint ${description.sequence}, which is not its name; restore it from a copy`,
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
 * The newest intact checkpoint; damaged ones are skipped with a warning each. Undefined if none was ever finished. Throws HebbError if all
 * checkpoints are damaged.
 */
export function loadLatestCheckpoint(run: Run): LoadedCheckpoint | undefined {
  const warnings: string[] = [];
  const { finished } = sequences(run);
  for (const sequence of finished) {
    try {
      return { sequence, state: readCheckpoint(run, sequence), warnings };
    } catch (error) {
      if (!(error instanceof HebbError)) throw error;
      warnings.push(`checkpoint ${sequence} cannot be used, so an earlier one is loaded: ${error.message}`);
    }
  }
  if (finished.length === 0) return undefined;
  throw new HebbError(`none of the ${finished.length} checkpoints of ${run.path} can be used: ${warnings.join("; ")}`);
}
