// WebGPU for libraries that look for it where browsers have it: Dawn, of the npm package webgpu.
import { createRequire } from "node:module";

/** Puts `navigator.gpu` and the globals of WebGPU in their places. */
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
