// Pieces of a file, read from any offset on demand (Node only).
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { HebbError } from "../graph/errors.ts";
import { fileError } from "./fileErrors.ts";
import type { InputFile } from "./inputFile.ts";

/** The path, size and age of a file at its last look-up. */
export type SeenFile = Pick<InputFile, "path" | "size" | "changed">;

/** Reads pieces of a file that must not change meanwhile. The file is open only during a read. */
export class PieceReader {
  readonly #seen: SeenFile;

  constructor({ path, size, changed }: SeenFile) {
    this.#seen = { path, size, changed };
  }

  /** Passes the bytes of each piece to `take`, in order. The next piece overwrites them. */
  read(pieces: Iterable<readonly [start: number, length: number]>, take: (bytes: Uint8Array) => void): void {
    const { path, size, changed } = this.#seen;
    let file: number | undefined;
    try {
      file = openSync(path, "r");
      const now = fstatSync(file);
      if (now.size !== size || now.mtimeMs !== changed)
        throw new HebbError(`${path} has changed while it was read in parts; start the training again`);
      let bytes = new Uint8Array();
      for (const [start, length] of pieces) {
        if (bytes.byteLength !== length) bytes = new Uint8Array(length);
        if (readSync(file, bytes, 0, length, start) !== length)
          throw new HebbError(`${path} ends before byte ${start + length}; start the training again`);
        take(bytes);
      }
    } catch (error) {
      throw fileError(path, error);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}
