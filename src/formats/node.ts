// The public names of the formats room that need a file system: run folders, checkpoints, atomic files.
export { diskOperations, type FileOperations, sha256, writeFileAtomic } from "./atomic.ts";
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
