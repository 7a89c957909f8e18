// Parquet tables (Node only), read by hyparquet in a thread with limited memory and time. A damaged file gives one clear error.
import { Worker } from "node:worker_threads";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { CellValue } from "./cells.ts";
import { InputFile } from "./inputFile.ts";
import { packageAddresses } from "./optionalPackage.ts";
import { type RowGroup, type RowGroups, tableOf } from "./rowGroups.ts";
import type { Table } from "./table.ts";

export interface ParquetOptions {
  /** Only these columns; default all. */
  readonly columns?: readonly string[];
  /** Maximum cells (default 10⁸); larger tables must be cut, or written as CSV and streamed. */
  readonly maxCells?: number;
  /** Memory limit of the decoder, in MiB (default 1024). */
  readonly maxMemory?: number;
  /** Time limit for one column of one row group, in seconds (default 60). */
  readonly maxSeconds?: number;
}

const kinds: OptionKinds<ParquetOptions> = {
  columns: kind.listOf(kind.string),
  maxCells: kind.number,
  maxMemory: kind.number,
  maxSeconds: kind.number,
};

/** Messages from the thread. */
type Told =
  | { readonly kind: "schema"; readonly columns: readonly string[]; readonly decimals: readonly boolean[] }
  | { readonly kind: "values"; readonly values: readonly CellValue[] }
  | { readonly kind: "group" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * The thread, in plain JavaScript, so that it runs from sources and from a build. It checks everything against the file's length before
 * reading, and refuses pages that declare too much before unpacking them.
 */
const source = `
const { parentPort, workerData } = require("node:worker_threads");
const { readSync } = require("node:fs");
const largestPage = 2 ** 28;
// A decimal is a whole number of any length and a scale: its digits are kept, which a float64 would round.
function decimalText(raw, scale) {
  if (raw === null || raw === undefined) return null;
  let value = 0n;
  if (raw instanceof Uint8Array) {
    for (const byte of raw) value = value * 256n + BigInt(byte);
    value = BigInt.asIntN(8 * raw.length, value);
  } else value = BigInt(raw);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return (value < 0n ? "-" : "") + digits.slice(0, point) + (scale > 0 ? "." + digits.slice(point) : "");
}
async function main() {
  const { handle, byteLength, hyparquet, codecs, columns, maxCells } = workerData;
  const { parquetMetadataAsync, parquetRead, parquetSchema } = await import(hyparquet);
  const known = codecs === undefined ? {} : (await import(codecs)).compressors;
  const compressors = {};
  for (const name of Object.keys(known)) {
    compressors[name] = (input, length) => {
      if (!(length >= 0 && length <= largestPage)) throw new Error("a page promises " + length + " bytes");
      return known[name](input, length);
    };
  }
  const file = {
    byteLength,
    slice(start, end = byteLength) {
      if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start && end <= byteLength))
        throw new Error("it names bytes " + start + " to " + end + " of " + byteLength);
      const bytes = new Uint8Array(end - start);
      if (readSync(handle, bytes, 0, bytes.length, start) !== bytes.length) throw new Error("it ends too early");
      return bytes.buffer;
    },
  };
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const children = parquetSchema(metadata).children;
  const names = children.map((child) => child.element.name);
  const scales = new Map();
  for (const { element, children: inner } of children) {
    const { converted_type: converted, logical_type: logical, scale } = element;
    if (inner.length > 0 || (converted !== "DECIMAL" && (logical === undefined || logical.type !== "DECIMAL"))) continue;
    scales.set(element.name, scale ?? logical?.scale ?? 0);
    // Whole numbers come out where the file no longer says that they are decimals.
    element.converted_type = undefined;
    element.logical_type = undefined;
  }
  if ([...scales.values()].some((scale) => !(Number.isInteger(scale) && scale >= 0 && scale <= 1000)))
    throw new Error("a column of decimals has the scale " + [...scales.values()].join(", "));
  for (const name of columns ?? []) if (!names.includes(name))
    throw new Error("it has no column " + JSON.stringify(name) + "; the columns are " + names.join(", "));
  const chosen = columns ?? names;
  const groups = metadata.row_groups.map((group) => Number(group.num_rows));
  const rows = groups.reduce((sum, count) => sum + count, 0);
  if (groups.some((count) => !(Number.isSafeInteger(count) && count >= 0)) || rows !== Number(metadata.num_rows))
    throw new Error("its row groups have " + rows + " rows, its footer says " + metadata.num_rows);
  if (rows * chosen.length > maxCells)
    throw new Error("it has " + rows + " × " + chosen.length + " cells, more than " + maxCells);
  for (const group of metadata.row_groups) for (const { meta_data: chunk } of group.columns) {
    if (chunk === undefined) throw new Error("a column has no description");
    if (Number(chunk.num_values) > maxCells) throw new Error("a column promises " + chunk.num_values + " values");
    if (Number(chunk.total_compressed_size) > byteLength)
      throw new Error("a column promises " + chunk.total_compressed_size + " bytes of " + byteLength);
  }
  parentPort.postMessage({ kind: "schema", columns: chosen, decimals: chosen.map((name) => scales.has(name)) });
  let rowStart = 0;
  for (const count of groups) {
    for (let column = 0; column < chosen.length; column++) {
      let values = count === 0 ? [] : undefined;
      if (count > 0) await parquetRead({
        file, metadata, compressors, columns: [chosen[column]], rowStart, rowEnd: rowStart + count, rowFormat: "array",
        utf8: !scales.has(chosen[column]),
        onComplete: (found) => { values = found.map((row) => row[0]); },
      });
      if (values === undefined || values.length !== count)
        throw new Error("column " + chosen[column] + " has " + (values ?? []).length + " values in a group of " + count);
      const scale = scales.get(chosen[column]);
      for (let i = 0; i < count; i++) {
        const value = values[i];
        if (scale !== undefined) values[i] = decimalText(value, scale);
        else if (value !== null && typeof value === "object" && !(value instanceof Date)) values[i] =
          JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part) ?? null;
      }
      parentPort.postMessage({ kind: "values", values });
    }
    rowStart += count;
    // The next group is decoded once this one is taken, so that a stream holds one at a time.
    const taken = new Promise((resolve) => parentPort.once("message", resolve));
    parentPort.postMessage({ kind: "group" });
    await taken;
  }
  parentPort.postMessage({ kind: "done" });
}
main().catch((error) => {
  parentPort.postMessage({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
});
`;

const damaged = (path: string, reason: string): HebbError =>
  new HebbError(
    `${path} is damaged, or not a Parquet file that can be read here: ${reason.replace(/\.$/, "")}; write or copy it again`,
  );

/** Checks both ends of the file. */
async function checkEnds(file: InputFile): Promise<void> {
  const { path, size } = file;
  const text = async (start: number, length: number): Promise<string> =>
    Buffer.from(await file.read(start, length)).toString("latin1");
  if ((await text(0, 4)) !== "PAR1") throw damaged(path, "it does not begin with PAR1");
  if (size < 20 || (await text(size - 4, 4)) !== "PAR1")
    throw damaged(path, "it does not end with PAR1, so its end is missing");
  const footer = Buffer.from(await file.read(size - 8, 4)).readUInt32LE();
  if (footer > size - 12) throw damaged(path, `its footer of ${footer} bytes does not fit into ${size}`);
}

/**
 * A table from a Parquet file: snappy, gzip, zstd, brotli and LZ4 pages; numbers, texts, booleans, dates and times; lists and structures as
 * JSON text. Needs the packages hyparquet and hyparquet-compressors.
 * Throws HebbError for damaged files, for tables of more than `maxCells`, and for files that exceed the memory or time limit.
 */
export async function readParquetFile(path: string, options: ParquetOptions = {}): Promise<Table> {
  checkOptions("readParquetFile", options, kinds);
  return InputFile.use(path, (file) => parquetTable(file, options));
}

/** As above, for an open file. */
export const parquetTable = (file: InputFile, options: ParquetOptions = {}): Promise<Table> =>
  tableOf({ name: file.path, read: () => groupsOf(file, options) });

/** Its row groups, one in memory at a time; each reading opens the file again. */
export const parquetGroups = (path: string): RowGroups => ({
  name: path,
  async *read() {
    const file = await InputFile.open(path);
    try {
      yield* groupsOf(file, { maxCells: Number.MAX_SAFE_INTEGER });
    } finally {
      await file.close();
    }
  },
});

async function* groupsOf(file: InputFile, options: ParquetOptions): AsyncGenerator<RowGroup, void, void> {
  const { path } = file;
  const { maxCells = 1e8, maxMemory = 1024, maxSeconds = 60 } = options;
  await checkEnds(file);
  const [hyparquet = "", codecs = ""] = packageAddresses(
    ["hyparquet", "hyparquet-compressors"],
    "reading Parquet files",
  );
  const worker = new Worker(source, {
    eval: true,
    workerData: {
      handle: file.descriptor,
      byteLength: file.size,
      hyparquet,
      codecs,
      maxCells,
      columns: options.columns,
    },
    resourceLimits: { maxOldGenerationSizeMb: maxMemory },
    // Inherits no options from this process: those of a test runner or a profiler would not fit the thread.
    execArgv: [],
  });
  const told = new Inbox<Told>();
  worker.on("message", (message: Told) => told.put(message));
  worker.on("error", (error) => {
    const out = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    told.put({ kind: "failed", reason: out ? `decoding it takes more than ${maxMemory} MiB` : error.message });
  });
  worker.on("exit", () => told.put({ kind: "failed", reason: "the decoder stopped" }));
  const late = `decoding took more than ${maxSeconds} seconds for one column of a row group`;
  let names: readonly string[] = [];
  let numbers: readonly boolean[] = [];
  let values: (readonly CellValue[])[] = [];
  let groups = 0;
  try {
    for (;;) {
      const message = await told.take(1000 * maxSeconds);
      if (message === undefined) throw damaged(path, late);
      switch (message.kind) {
        case "schema":
          names = message.columns;
          numbers = message.decimals;
          break;
        case "values":
          values.push(message.values);
          break;
        case "group":
          groups++;
          yield { names, numbers, values };
          values = [];
          worker.postMessage("next");
          break;
        case "done":
          if (groups === 0) yield { names, numbers, values: names.map(() => []) };
          return;
        case "failed":
          throw damaged(path, message.reason);
      }
    }
  } finally {
    await worker.terminate();
  }
}

/** Messages in order of arrival. */
class Inbox<T> {
  readonly #messages: T[] = [];
  #woken: (() => void) | undefined;

  put(message: T): void {
    this.#messages.push(message);
    this.#woken?.();
  }

  /** The next message; undefined if none arrives within these milliseconds. */
  async take(patience: number): Promise<T | undefined> {
    if (this.#messages.length === 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
        timer = setTimeout(resolve, patience);
      });
      clearTimeout(timer);
      this.#woken = undefined;
    }
    return this.#messages.shift();
  }
}
