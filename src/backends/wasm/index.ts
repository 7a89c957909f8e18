// The wasm backend's interface to the runtime.
export { createWasmDevice, type WasmDevice } from "./device.ts";
export { wasmMissing } from "./support.ts";
export { availableThreads } from "./threads.ts";
