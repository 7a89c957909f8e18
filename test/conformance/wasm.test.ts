// Every op against its mathematical value on WebAssembly.
import { afterAll } from "vitest";
import { createWasmDevice } from "../../src/backends/wasm/index.ts";
import { describeDevice } from "./checkCase.ts";

const device = createWasmDevice({ threads: 1 });
afterAll(() => device.close());
describeDevice(device.backend, device);
