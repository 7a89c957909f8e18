// The model of a run: arrays and description in one file that detects any changed bit.

import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import { sha256, writeFileAtomic } from "./atomic.ts";
import { anObject, toJson } from "./json.ts";
import { placeOf, type Run, readIn, type SavedState } from "./runFolder.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const sealMark = '"hebb.sha256":"';
const emptySeal = "0".repeat(64);

/** The offset of the checksum in a safetensors header. The mark is unique: inside JSON text its quotes would be escaped. */
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
  // Copies, unlike the slice() of a Buffer, which shares memory.
  const zeroed = new Uint8Array(bytes);
  zeroed.set(new TextEncoder().encode(emptySeal), at);
  if (Buffer.from(bytes.subarray(at, at + 64)).toString("latin1") !== sha256(zeroed)) throw damaged;
  const { tensors, metadata } = readSafetensors(bytes, { name });
  return { tensors, json: anObject(JSON.parse(metadata["hebb.json"] ?? "null"), `${name}:`) };
}

/**
 * Saves the model. model.safetensors holds arrays and description in one file and is replaced atomically; model.json is a copy of the
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

/** Saves the model that was evaluated on the held-out rows as validated.safetensors, if model.safetensors holds one trained on those rows too. */
export function saveValidated(run: Run, model: SavedState): void {
  writeFileAtomic(placeOf(run, validatedName).path, sealedSafetensors(model), run.operations);
}

const validatedName = "validated.safetensors";

/** A digest that differs for any changed bit. */
export const digestOf = (model: SavedState): string => sha256(sealedSafetensors(model));

/** The model from `saveValidated`. Throws HebbError if there is none or any bit of it has changed. */
export function loadValidated(run: Run): SavedState {
  return unsealSafetensors(readIn(run, 2 ** 32, validatedName), join(run.path, validatedName));
}

export const hasValidated = (run: Run): boolean => placeOf(run, validatedName).stat !== undefined;

/** The last saved model. Throws HebbError if there is none or any bit of it has changed. */
export function loadModel(run: Run): SavedState {
  return unsealSafetensors(readIn(run, 2 ** 32, "model.safetensors"), join(run.path, "model.safetensors"));
}

export const hasModel = (run: Run): boolean => placeOf(run, "model.safetensors").stat !== undefined;
