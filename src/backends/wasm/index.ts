// What the wasm backend offers the runtime.
export { createWasmDevice, type WasmDevice } from "./device.ts";
export { wasmMissing } from "./support.ts";
export { availableThreads } from "./threads.ts";
