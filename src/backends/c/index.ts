// What the C backend offers the runtime.
export { type CDeviceOptions, createCDevice } from "./device.ts";
