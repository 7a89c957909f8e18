// WebGPU for libraries that expect it as in browsers: Dawn, from the npm package webgpu.
import { createRequire } from "node:module";

/** Defines `navigator.gpu` and the globals of WebGPU. */
export function provideWebgpu() {
  const { create, globals } = createRequire(import.meta.url)("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const { hardwareConcurrency = 1 } = globalThis.navigator ?? {};
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu, hardwareConcurrency, userAgent: "Node" },
    configurable: true,
  });
}
