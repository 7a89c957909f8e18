// The public API of hebb, and nothing else.

export * as data from "./data/index.ts";
export { type DType, dtypes } from "./graph/dtype.ts";
export { HebbError, ShapeError } from "./graph/errors.ts";
export type { Shape } from "./graph/shape.ts";
// Beside vmap and grad, as in torch.func.
export { functionalCall, stackModuleState } from "./nn/functionalCall.ts";
export * as nn from "./nn/index.ts";
// A namespace of its own, as torch.ao.quantization: a page that does not quantise does not load it.
export * as quantization from "./nn/quantization/index.ts";
// Beside autocast, as in torch: a page that does not scale losses does not load it.
export { GradScaler, type GradScalerOptions, type GradScalerState } from "./optim/gradScaler.ts";
export * as optim from "./optim/index.ts";
export {
  type BackendInfo,
  type BackendOptions,
  backendInfo,
  defaultDevice,
  type MemoryInfo,
  memoryInfo,
  openDevice,
  useBackend,
} from "./runtime/index.ts";
export * from "./tensor/index.ts";
export { fit, Trainer } from "./train/index.ts";
