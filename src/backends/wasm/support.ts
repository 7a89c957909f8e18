// Whether this environment supports the WebAssembly features that emitted modules use.

/** The shortest valid module. */
const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
/** A module with a function that returns a vector. */
const vectors = Uint8Array.of(
  ...empty,
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // a type: () -> v128
  ...[3, 2, 1, 0], // a function of it
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b], // its body: i32.const 0, i8x16.splat
);

/** The reason programs cannot run on WebAssembly here, with a remedy; undefined if they can. */
export function wasmMissing(): string | undefined {
  if (typeof WebAssembly === "undefined") return "this environment has no WebAssembly";
  try {
    new WebAssembly.Module(empty);
  } catch {
    return typeof process !== "undefined" && process.getBuiltinModule !== undefined
      ? "WebAssembly is not allowed to compile modules here"
      : "the page's Content-Security-Policy forbids WebAssembly; script-src 'wasm-unsafe-eval' allows it";
  }
  if (!WebAssembly.validate(vectors)) return "this WebAssembly has no SIMD; use a newer browser";
  return undefined;
}
