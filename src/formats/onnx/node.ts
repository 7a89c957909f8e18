// ONNX models on disk, in Node only: the file, and the weight files beside it.
import { closeSync, fstatSync, lstatSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { type ImportOnnxOptions, importOnnx } from "./import/import.ts";
import type { OnnxModule } from "./import/module.ts";
import type { ExternalFile } from "./tensors.ts";

export type ImportOnnxFileOptions = Pick<ImportOnnxOptions, "trainable">;

const kinds: OptionKinds<ImportOnnxFileOptions> = { trainable: kind.func() };

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The path of an external location, which must be a regular file inside the folder, without links. */
function placeOf(folder: string, location: string): string {
  const shown = JSON.stringify(location.slice(0, 200));
  const parts = location.split("/").filter((part) => part !== "." && part !== "");
  const leads = location.startsWith("/") || /[\\:\0]/.test(location) || parts.includes("..") || parts.length === 0;
  if (leads) throw new HebbError(`external data at ${shown} does not lie in the folder of the model; it is not read`);
  let path = folder;
  for (const [place, part] of parts.entries()) {
    path = join(path, part);
    let found: ReturnType<typeof lstatSync>;
    try {
      found = lstatSync(path);
    } catch (error) {
      throw new HebbError(`external data at ${shown} cannot be read: ${reason(error)}`);
    }
    const last = place === parts.length - 1;
    if (found.isSymbolicLink())
      throw new HebbError(`external data at ${shown} is reached by a symbolic link; it is not read`);
    if (last ? !found.isFile() : !found.isDirectory())
      throw new HebbError(`external data at ${shown} is not a file; it is not read`);
  }
  return path;
}

function readPart(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size < offset + length) throw new HebbError(`${path} has become shorter`);
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
      if (count === 0) throw new HebbError(`${path} ends early`);
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

function externalFile(folder: string, location: string): ExternalFile {
  const path = placeOf(folder, location);
  return { byteLength: lstatSync(path).size, read: (offset, length) => readPart(path, offset, length) };
}

/** The model of an ONNX file as a module, with the weights beside it. See importOnnx. */
export function importOnnxFile(path: string, options: ImportOnnxFileOptions = {}): OnnxModule {
  checkKind("importOnnxFile", "the path", path, kind.string);
  const { trainable } = checkOptions("importOnnxFile", options, kinds);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new HebbError(`${path} cannot be read: ${reason(error)}`);
  }
  const folder = dirname(path);
  return importOnnx(bytes, {
    name: path,
    externalData: (location) => externalFile(folder, location),
    ...(trainable === undefined ? {} : { trainable }),
  });
}
