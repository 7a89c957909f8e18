// The public names of the formats room that also run in a browser; run folders and atomic files are in node.ts.
export type { FileBytes } from "../data/bytes.ts";
export type { HostArray, NamedArrays, NamedWritables, Writable } from "./host.ts";
export type { Json, JsonObject } from "./json.ts";
export { readNpy, writeNpy } from "./npy.ts";
export { type NpzOptions, readNpz, writeNpz } from "./npz.ts";
export { checkPreprocessing, type Preprocessing, type TextPreprocessing } from "./preprocessingJson.ts";
export {
  readSafetensors,
  type SafetensorsFile,
  type SafetensorsOptions,
  writeSafetensors,
} from "./safetensors.ts";
