// What the runtime offers the tensor room.
export {
  type BackendInfo,
  type BackendOptions,
  backendInfo,
  engine,
  engineGeneration,
  memoryInfo,
  moveToHost,
  useBackend,
  useDevice,
} from "./engine.ts";
export { Argument, BoundProgram } from "./execution.ts";
export { Cell, Storage } from "./storage.ts";
