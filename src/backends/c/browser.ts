// Replaces the C backend in browser bundles (the "browser" field of package.json): throws that it is not available.
import { HebbError } from "../../graph/errors.ts";
import type { SynchronousDevice } from "../backend.ts";
import type { CDeviceOptions } from "./device.ts";

export function createCDevice(_options: CDeviceOptions = {}): SynchronousDevice {
  throw new HebbError("the C backend needs Node; in a browser use wasm or webgpu");
}

export const unusedCompiler = (): undefined => undefined;
