// Every op against its mathematical value in C and on an asynchronous device; reference.test.ts and wasm.test.ts cover the others.
import { afterAll } from "vitest";
import { createLaterDevice } from "../asynchronous/device.ts";
import { describeDevice } from "./checkCase.ts";
import { allDevices } from "./devices.ts";

/** Cases in one program in C: the compiler runs once for all of them. */
const together = 16;

const compiled = allDevices().filter(({ backend }) => backend === "c");
const later = createLaterDevice();
afterAll(() => {
  for (const device of [...compiled, later]) device.close();
});
for (const device of compiled) describeDevice(device.backend, device, together);
describeDevice("an asynchronous device", later);
