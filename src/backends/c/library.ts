// Loads shared libraries from the toolchain into this process, rebuilds those that fail to load, and looks up their functions.
import { HebbError } from "../../graph/errors.ts";
import { koffi, type Library } from "./native.ts";
import { reason } from "./node.ts";
import type { Toolchain } from "./toolchain.ts";

/** Loads a library, or rebuilds it if it cannot be loaded. */
export function loadLibrary(toolchain: Toolchain, build: () => string): Library {
  const native = koffi();
  const path = build();
  try {
    return named(native.load(path), path);
  } catch {
    toolchain.forget(path);
    const again = build();
    try {
      return named(native.load(again), again);
    } catch (error) {
      throw new HebbError(
        `the compiled program ${again} cannot be loaded (${reason(error)}); set HEBB_CACHE to a folder from which programs may run`,
      );
    }
  }
}

/** A library that reports missing functions by name. */
const named = (library: Library, path: string): Library => ({
  func(declaration) {
    try {
      return library.func(declaration);
    } catch (error) {
      throw new HebbError(
        `the compiled program ${path} lacks ${declaration} (${reason(error)}); HEBB_CC and HEBB_CFLAGS must produce a library that exports its functions`,
      );
    }
  },
  symbol: (name) => library.symbol(name),
  unload: () => library.unload(),
});
