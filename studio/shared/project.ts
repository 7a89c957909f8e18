// The project file: an experiment with its data and exact training state, as one JSON text.
import * as say from "../texts/en/files.ts";
import type { OwnData } from "./protocol.ts";
import { readState, type StudioState } from "./state.ts";

export interface Project {
  readonly state: StudioState;
  readonly own: OwnData | undefined;
  /** Weights and the optimizer's state, as safetensors. */
  readonly tensors: Uint8Array;
  readonly random: { readonly key: readonly [number, number]; readonly calls: number };
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let k = 0; k < bytes.length; k += 8192) text += String.fromCharCode(...bytes.subarray(k, k + 8192));
  return btoa(text);
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export function printProject({ state, own, tensors, random }: Project): string {
  const kept =
    own === undefined
      ? null
      : own.kind === "table"
        ? own
        : {
            kind: own.kind,
            name: own.name,
            images: toBase64(own.images),
            labels: toBase64(own.labels),
            classes: own.classes,
          };
  return `${JSON.stringify({ format: "hebb-studio", version: 1, state, random, own: kept, tensors: toBase64(tensors) }, null, 1)}\n`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function readOwn(value: unknown): OwnData | undefined {
  if (!isRecord(value) || typeof value["name"] !== "string") return undefined;
  const { kind, name, text, images, labels, classes } = value;
  if (kind === "table" && typeof text === "string")
    return { kind, name, text, ...(isRecord(value["preprocessing"]) ? { preprocessing: value["preprocessing"] } : {}) };
  if (kind === "images" && typeof images === "string" && typeof labels === "string")
    return {
      kind,
      name,
      images: fromBase64(images),
      labels: fromBase64(labels),
      ...(Array.isArray(classes) ? { classes: classes.map(String) } : {}),
    };
  return undefined;
}

/** Reads a project. Throws an Error that says what is wrong with it. */
export function readProject(text: string): Project {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(say.thisFileIsNotJSONSo);
  }
  if (!isRecord(value) || value["format"] !== "hebb-studio") throw new Error(say.thisFileIsNotAStudioProject);
  if (value["version"] !== 1) throw new Error(say.thisProjectIsOfVersionThis(String(value["version"])));
  const random = isRecord(value["random"]) ? value["random"] : {};
  const key = Array.isArray(random["key"]) ? random["key"] : [];
  try {
    return {
      state: readState(value["state"]),
      own: readOwn(value["own"]),
      tensors: fromBase64(typeof value["tensors"] === "string" ? value["tensors"] : ""),
      random: { key: [Number(key[0] ?? 0), Number(key[1] ?? 0)], calls: Number(random["calls"] ?? 0) },
    };
  } catch {
    throw new Error(say.theWeightsInThisProjectAre);
  }
}
