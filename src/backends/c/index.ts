// The C backend's interface to the runtime.
export { type CDeviceOptions, createCDevice } from "./device.ts";
export { unusedCompiler } from "./wish.ts";
