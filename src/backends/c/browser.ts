// Replaces the C backend in browser bundles (the field "browser" of package.json): an error that it is not available.
import { HebbError } from "../../graph/errors.ts";
import type { SynchronousDevice } from "../backend.ts";
import type { CDeviceOptions } from "./device.ts";

export function createCDevice(_options: CDeviceOptions = {}): SynchronousDevice {
  throw new HebbError("the C backend needs Node; in a browser use wasm or webgpu");
}

export const unusedCompiler = (): undefined => undefined;
