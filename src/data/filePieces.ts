// The bytes of a file from its start, in pieces (Node only); compressed files are unpacked.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { fileError } from "./fileErrors.ts";
import type { Packing } from "./inputFile.ts";
import { damagedZstd, zstdStream } from "./zstd.ts";

/** Throws HebbError that names the file if it cannot be read or its compressed data is damaged. */
export async function* filePieces(
  path: string,
  packing: Packing | undefined,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  const source = createReadStream(path, { highWaterMark: pieceBytes });
  try {
    if (packing === undefined) yield* source as AsyncIterable<Uint8Array>;
    else {
      const unpacked = packing === "gzip" ? createGunzip({ chunkSize: pieceBytes }) : await zstdStream(pieceBytes);
      // Errors surface where the pieces are awaited.
      pipeline(source, unpacked, () => {});
      yield* unpacked as AsyncIterable<Uint8Array>;
    }
  } catch (error) {
    if (packing === "zstd" && error instanceof Error && !("syscall" in error)) throw damagedZstd(path, error);
    if (packing === "gzip" && error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))
      throw new HebbError(
        `${path} is damaged: its gzip data cannot be decompressed (${error.message}); download or copy it again`,
      );
    throw fileError(path, error);
  } finally {
    source.destroy();
  }
}
