// The backends under test.
import type { Device } from "../../src/backends/backend.ts";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { createWasmDevice } from "../../src/backends/wasm/index.ts";

/** One device of each backend, the reference first. */
export function allDevices(): [Device, ...Device[]] {
  return [createReferenceDevice(), createWasmDevice({ threads: 1 })];
}
