// Calls into compiled libraries, through koffi: an optional package, loaded when the C backend is requested.
import { HebbError } from "../../graph/errors.ts";
import { reason } from "./node.ts";

export type NativeFunction = (...operands: readonly number[]) => unknown;

export interface Library {
  /** Binds a function by its C declaration: "int add(int a, int b)". Addresses are uint64_t, exact below 2⁵³. */
  func(declaration: string): NativeFunction;
  /** Looks up a variable or function by name, for its address. */
  symbol(name: string): unknown;
  unload(): void;
}

interface Koffi {
  /** Loads a shared library; null: the process itself. */
  load(path: string | null, options?: { readonly global?: boolean }): Library;
  /** The address of memory or of a symbol. */
  address(of: unknown): bigint;
  /** A view of memory at an address. The memory must outlive the view. */
  view(address: bigint, bytes: number): ArrayBuffer;
}

let loaded: Koffi | undefined;

/** Throws a HebbError if koffi is not installed or does not work on this platform. */
export function koffi(): Koffi {
  if (loaded !== undefined) return loaded;
  try {
    const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);
    loaded = require("koffi") as Koffi;
    return loaded;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
    const [why = ""] = reason(error).split("\n");
    throw new HebbError(
      `the package koffi, which calls compiled code, cannot be loaded (${why})${missing ? "; install it with npm install koffi" : ""}`,
    );
  }
}
