// Zstandard (Node only): built into Node from 22.15 on, otherwise by the package fzstd.
import { Transform, type TransformCallback } from "node:stream";
import * as zlib from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import { usualLimit } from "./idx.ts";
import { missingPackage } from "./missingPackage.ts";

export const isZstd = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;

/** The functions of Node from 22.15 on. */
interface NodeZstd {
  createZstdDecompress(options: { readonly chunkSize: number }): Transform;
  zstdDecompressSync(bytes: Uint8Array): Uint8Array;
}
const hasZstd = (module: object): module is NodeZstd => "zstdDecompressSync" in module;
const loadNode = (): NodeZstd | undefined => (hasZstd(zlib) ? zlib : undefined);

async function loadFzstd(): Promise<typeof import("fzstd")> {
  try {
    return await import("fzstd");
  } catch (cause) {
    throw missingPackage("fzstd", `unpacking Zstandard in Node ${process.versions.node}`, cause);
  }
}

/** An unpacker for short pieces, such as the columns of a file. */
export async function zstdUnpacker(): Promise<(bytes: Uint8Array) => Uint8Array> {
  const node = loadNode();
  // A copy is aligned to eight bytes, as views of numbers require.
  if (node !== undefined) return (bytes) => new Uint8Array(node.zstdDecompressSync(bytes));
  const { decompress } = await loadFzstd();
  return (bytes) => new Uint8Array(decompress(bytes));
}

/** A stream that unpacks. */
export async function zstdStream(chunkSize: number): Promise<Transform> {
  const node = loadNode();
  if (node !== undefined) return node.createZstdDecompress({ chunkSize });
  const { Decompress } = await loadFzstd();
  const stream = new Transform({
    readableHighWaterMark: chunkSize,
    transform(chunk: Uint8Array, _encoding, done): void {
      attempt(() => unpack.push(chunk, false), done);
    },
    flush(done): void {
      attempt(() => unpack.push(new Uint8Array(0), true), done);
    },
  });
  const unpack = new Decompress((piece) => {
    if (piece.byteLength > 0) stream.push(piece.slice());
  });
  return stream;
}

function attempt(work: () => void, done: TransformCallback): void {
  try {
    work();
    done();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
  }
}

export const damagedZstd = (name: string, error: unknown): HebbError =>
  error instanceof HebbError
    ? error
    : new HebbError(
        `${name} is damaged: its Zstandard data cannot be decompressed (${error instanceof Error ? error.message : String(error)}); download or copy it again`,
      );

/** The unpacked pieces of compressed bytes, or of the first bytes of a file unless `whole`. */
async function* unpacking(bytes: Uint8Array, whole: boolean): AsyncGenerator<Uint8Array, void, void> {
  const stream = await zstdStream(1 << 16);
  const pieces: Uint8Array[] = [];
  let failure: Error | undefined;
  stream.on("error", (error) => {
    failure = error;
  });
  if (whole) {
    stream.end(bytes);
    yield* stream as AsyncIterable<Uint8Array>;
    return;
  }
  stream.on("data", (piece: Uint8Array) => pieces.push(piece));
  await new Promise<void>((resolve) => stream.write(bytes, () => resolve()));
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy();
  if (failure !== undefined && pieces.length === 0) throw failure;
  yield* pieces;
}

/** The unpacked bytes. Throws HebbError for damage, and for data built to fill memory. */
export async function unpackZstd(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const limit = usualLimit(bytes.byteLength);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of unpacking(bytes, true)) {
      length += piece.byteLength;
      if (length > limit)
        throw new HebbError(
          `${name} unpacks to more than ${limit} bytes; unpack it yourself if it is what it should be`,
        );
      pieces.push(piece);
    }
  } catch (error) {
    throw damagedZstd(name, error);
  }
  return Buffer.concat(pieces);
}

/** Unpacks the first bytes of a compressed file. */
export async function zstdHead(head: Uint8Array, name: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of unpacking(head, false)) pieces.push(piece);
  } catch (error) {
    throw damagedZstd(name, error);
  }
  return Buffer.concat(pieces);
}
