// With AddressSanitizer in HEBB_CFLAGS: poisons unallocated memory, so that emitted code that leaves a block is caught.
import { HebbError } from "../../graph/errors.ts";
import { koffi } from "./native.ts";

/** The first bytes hold the record of a failed check. */
const openBytes = 4096;

export interface Sanitizer {
  /** Marks memory that code must not touch. */
  close(address: number, bytes: number): void;
  open(address: number, bytes: number): void;
  /** Registers and poisons the device's memory; live blocks are unpoisoned afterwards. */
  cover(base: number, from: number, to: number): void;
}

/** The sanitizer of this process, or undefined if code is compiled without it. */
export function sanitizer(): Sanitizer | undefined {
  const flags = typeof process === "undefined" ? "" : (process.env["HEBB_CFLAGS"] ?? "");
  if (!flags.includes("-fsanitize=address")) return undefined;
  try {
    const library = koffi().load(null);
    const close = library.func("void __asan_poison_memory_region(uint64_t address, uint64_t bytes)");
    const open = library.func("void __asan_unpoison_memory_region(uint64_t address, uint64_t bytes)");
    return {
      close,
      open,
      cover: (base, from, to) => {
        if (to > Math.max(from, openBytes)) close(base + Math.max(from, openBytes), to - Math.max(from, openBytes));
      },
    };
  } catch {
    throw new HebbError(
      "HEBB_CFLAGS asks for AddressSanitizer, which must be loaded first: LD_PRELOAD=$(cc -print-file-name=libasan.so)",
    );
  }
}
