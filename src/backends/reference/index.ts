// What the reference backend offers the runtime.
export { createReferenceDevice } from "./device.ts";
