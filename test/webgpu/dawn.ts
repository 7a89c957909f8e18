// Dawn in Node for the tests: on the graphics card of this machine, or on SwiftShader, which comes with Chromium.
import { existsSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AsynchronousDevice } from "../../src/backends/backend.ts";
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";

const chromium = "/usr/lib/chromium";

const loaded: object[] = [];

/** Points Vulkan to the driver and the loader in Chromium's folder unless the machine names others. */
function useChromium(): void {
  const driver = join(chromium, "vk_swiftshader_icd.json");
  if (process.env["VK_DRIVER_FILES"] === undefined && existsSync(driver)) process.env["VK_DRIVER_FILES"] = driver;
  process.env["XDG_RUNTIME_DIR"] ??= mkdtempSync(join(tmpdir(), "hebb-xdg-"));
  const loader = join(chromium, "libvulkan.so.1");
  // Once loaded, it is found by its name for as long as it stays loaded.
  if (existsSync(loader)) loaded.push(createRequire(import.meta.url)("koffi").load(loader));
}

/**
 * Makes adapters report themselves as cards until the returned function is called. Kernels are then written with tiles and barriers even on a
 * software driver.
 */
export function takeForCards(): () => void {
  const { globals } = createRequire(import.meta.url)("webgpu") as { readonly globals: { readonly GPU: typeof GPU } };
  const { prototype } = globals.GPU;
  const ask = prototype.requestAdapter;
  prototype.requestAdapter = async function (this: GPU, ...options: Parameters<typeof ask>) {
    const adapter = await ask.apply(this, options);
    const info = { description: "A Card", vendor: "", architecture: "", isFallbackAdapter: false };
    return adapter === null ? null : Object.defineProperty(adapter, "info", { value: info });
  };
  return () => {
    prototype.requestAdapter = ask;
  };
}

let found: Promise<AsynchronousDevice | undefined> | undefined;

/** The device with a card's kernels, or undefined with the reason on the console. */
export function webgpuDevice(): Promise<AsynchronousDevice | undefined> {
  found ??= (async () => {
    try {
      useChromium();
      const end = takeForCards();
      const device = createWebgpuDevice();
      try {
        await device.started;
      } finally {
        end();
      }
      return device;
    } catch (error) {
      console.warn(`skipped on webgpu: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  })();
  return found;
}
