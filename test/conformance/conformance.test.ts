// Every op against its mathematical value in C and on an asynchronous device; reference.test.ts and wasm.test.ts cover the others.
import { afterAll } from "vitest";
import { createLaterDevice } from "../asynchronous/device.ts";
import { describeDevice } from "./checkCase.ts";
import { allDevices } from "./devices.ts";
import { casesTogether } from "./together.ts";

const compiled = allDevices().filter(({ backend }) => backend === "c");
const later = createLaterDevice();
afterAll(() => {
  for (const device of [...compiled, later]) device.close();
});
for (const device of compiled) describeDevice(device.backend, device, casesTogether);
describeDevice("an asynchronous device", later);
