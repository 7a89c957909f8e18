// The public names of the formats room that also run in a browser; run folders and atomic files are in node.ts.
export type { FileBytes } from "../data/bytes.ts";
export type { HostArray, NamedArrays, NamedWritables, Writable } from "./host.ts";
export type { Json, JsonObject } from "./json.ts";
export { type FileKind, fileKinds, type OpenedFile, openSource } from "./kinds.ts";
export { type NpyOptions, readNpy, writeNpy } from "./npy.ts";
export { type NpzOptions, readNpz, writeNpz } from "./npz.ts";
export type { Contents, FileArray } from "./opened.ts";
export {
  checkPreprocessing,
  type Preprocessing,
  type PretrainedTokenizer,
  type TextPreprocessing,
  type TextsPreprocessing,
} from "./preprocessingJson.ts";
export {
  readSafetensors,
  type SafetensorsFile,
  type SafetensorsOptions,
  writeSafetensors,
} from "./safetensors.ts";
export { type ByteSource, blobSource, memorySource, type OpenSource } from "./source.ts";
export { type NamedStored, type StoredArray, store, widen } from "./stored/array.ts";
export { type StoredDType, storedDTypes } from "./stored/types.ts";
export { readTorch, type TorchOptions, writeTorch } from "./torch/index.ts";
