// The public names of the formats room that need a file system: run folders, checkpoints, atomic files.
export { diskOperations, type FileOperations, sha256, writeFileAtomic } from "./atomic.ts";
export {
  type LoadedCheckpoint,
  loadLatestCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from "./checkpoints.ts";
export { appendEvent, type ReadEvents, readEvents, syncEvents, truncateEvents } from "./events.ts";
export { fileSource } from "./fileSource.ts";
export { makeFolder } from "./folders.ts";
export { lockRun, type RunLock } from "./lock.ts";
export { digestOf, hasModel, hasValidated, loadModel, loadValidated, saveModel, saveValidated } from "./model.ts";
export { openFile } from "./openPath.ts";
export {
  type CreateRunOptions,
  createRun,
  hasPreprocessing,
  openRun,
  type Run,
  readConfig,
  readPreprocessing,
  refuseLinks,
  removeUnfinished,
  type SavedState,
  writeConfig,
  writePreprocessing,
} from "./runFolder.ts";
