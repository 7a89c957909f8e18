// The public names of the formats room (Node: the run folder and atomic files need a file system; safetensors.ts does not).
export { diskOperations, type FileOperations, sha256, writeFileAtomic } from "./atomic.ts";
export type { Json, JsonObject } from "./json.ts";
export { readNpy, writeNpy } from "./npy.ts";
export { type NpzOptions, readNpz, writeNpz } from "./npz.ts";
export { checkPreprocessing, type Preprocessing, type TextPreprocessing } from "./preprocessingJson.ts";
export {
  appendEvent,
  type CreateRunOptions,
  createRun,
  hasModel,
  hasPreprocessing,
  type LoadedCheckpoint,
  loadLatestCheckpoint,
  loadModel,
  openRun,
  type ReadEvents,
  type Run,
  readConfig,
  readEvents,
  readPreprocessing,
  type SaveCheckpointOptions,
  type SavedState,
  saveCheckpoint,
  saveModel,
  truncateEvents,
  writePreprocessing,
} from "./runFolder.ts";
export {
  type HostArray,
  type NamedArrays,
  readSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from "./safetensors.ts";
