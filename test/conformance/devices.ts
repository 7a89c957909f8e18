// The backends under test.
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { createCDevice } from "../../src/backends/c/index.ts";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { createWasmDevice } from "../../src/backends/wasm/index.ts";
import { HebbError } from "../../src/graph/errors.ts";

/** One device of each available backend, the reference first. On c every program is compiled. */
export function allDevices(): [SynchronousDevice, ...SynchronousDevice[]] {
  return [createReferenceDevice(), createWasmDevice({ threads: 1 }), ...cDevices()];
}

function cDevices(): SynchronousDevice[] {
  try {
    return [createCDevice({ threads: 1, always: true })];
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    console.warn(`skipped on c: ${error.message}`);
    return [];
  }
}
