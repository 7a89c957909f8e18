// Data from files (Node only): reads tables, IDX files and texts, and turns file errors into sentences.
import { readFile, stat } from "node:fs/promises";
import { HebbError } from "../graph/errors.ts";
import { type CsvOptions, decodeText, parseCsv } from "./csv.ts";
import { gunzip, type IdxArray, isGzip, readIdx } from "./idx.ts";
import type { Table } from "./table.ts";

const maxFileBytes = 2 ** 31 - 1;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The bytes of a file. Throws HebbError for one that does not exist, cannot be read, is a folder, or is larger than 2 GiB. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw new HebbError(`${path} is a folder; name a file in it`);
    if (!info.isFile()) throw new HebbError(`${path} is not a regular file; copy the data into one`);
    if (info.size > maxFileBytes)
      throw new HebbError(`${path} has ${info.size} bytes, more than ${maxFileBytes}; split it`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof HebbError) throw error;
    switch (codeOf(error)) {
      case "ENOENT":
      case "ENOTDIR":
        throw new HebbError(`there is no file ${path}; check the name and the folder`);
      case "EACCES":
      case "EPERM":
        throw new HebbError(`${path} may not be read; check its permissions`);
      default:
        throw new HebbError(`${path} cannot be read (${error instanceof Error ? error.message : String(error)})`);
    }
  }
}

async function readUnpacked(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  return isGzip(bytes) ? gunzip(bytes, { name: path }) : bytes;
}

/** A table from a CSV file (gzip too). */
export async function readCsvFile(path: string, options: Omit<CsvOptions, "name"> = {}): Promise<Table> {
  return parseCsv(await readUnpacked(path), { ...options, name: path });
}

/** One array from an IDX file (gzip too). */
export async function readIdxFile(path: string): Promise<IdxArray> {
  return readIdx(await readBytes(path), { name: path });
}

/** The text of a file: UTF-8, or UTF-16 with a byte order mark; gzip too. */
export async function readTextFile(path: string): Promise<string> {
  return decodeText(await readUnpacked(path), path);
}

/** What a file is by its first bytes, whatever its name: IDX (gzip too) or text such as CSV. */
export async function sniffFile(path: string): Promise<"idx" | "text"> {
  const bytes = await readUnpacked(path);
  return bytes[0] === 0 && bytes[1] === 0 && bytes.byteLength >= 4 ? "idx" : "text";
}
