// Every op against its mathematical value in C, and on a device whose values come later; reference.test.ts and wasm.test.ts have the others.
import { afterAll } from "vitest";
import type { Device } from "../../src/backends/backend.ts";
import { createLaterDevice } from "../asynchronous/device.ts";
import { describeDevice } from "./checkCase.ts";
import { allDevices } from "./devices.ts";

const devices: readonly Device[] = [...allDevices().filter(({ backend }) => backend === "c"), createLaterDevice()];
afterAll(() => {
  for (const device of devices) device.close();
});
for (const device of devices) describeDevice(device.asynchronous ? "an asynchronous device" : device.backend, device);
