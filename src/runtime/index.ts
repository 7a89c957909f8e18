// The runtime's interface to the tensor room.
export type { BackendInfo, BackendOptions } from "./choice.ts";
export {
  type BatchShare,
  type BroadcastOptions,
  broadcastNumbers,
  broadcastText,
  type CollectiveOptions,
  type Combining,
  type Communicator,
  type CutOptions,
  type CutProgram,
  currentWorld,
  gatherTexts,
  type Pending,
  type ReduceOptions,
  setCurrentWorld,
  shareOf,
  type Togetherness,
} from "./communicator.ts";
export {
  backendInfo,
  ComputeDevice,
  cellMemory,
  considerCard,
  defaultDevice,
  deviceOfHome,
  deviceOver,
  engine,
  engineGeneration,
  engineOf,
  homeOfDevice,
  homeOrDefault,
  type MemoryInfo,
  memoryInfo,
  memoryOf,
  moveToHost,
  nextGeneration,
  openDevice,
  readsAtOnceEverywhere,
  severalDevices,
  useBackend,
  useDevice,
} from "./devices.ts";
export { Argument, BoundProgram } from "./execution.ts";
export { StagedProgram } from "./stagedProgram.ts";
export { compileStandalone, type Standalone } from "./standalone.ts";
export { Cell, type Home, Storage } from "./storage.ts";
