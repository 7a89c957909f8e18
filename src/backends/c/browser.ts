// What a bundle for browsers has in place of the C backend (the field "browser" of package.json): the sentence that it is not there.
import { HebbError } from "../../graph/errors.ts";
import type { SynchronousDevice } from "../backend.ts";
import type { CDeviceOptions } from "./device.ts";

export function createCDevice(_options: CDeviceOptions = {}): SynchronousDevice {
  throw new HebbError("the C backend needs Node; in a browser use wasm or webgpu");
}
