// The reference backend's interface to the runtime.
export { createReferenceDevice } from "./device.ts";
