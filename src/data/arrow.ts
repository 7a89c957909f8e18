// Arrow and Feather tables (Node only), read batch by batch with the package apache-arrow.

import { open } from "node:fs/promises";
import type { CompressionType, DataType, RecordBatchReader } from "apache-arrow";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import type { CellValue } from "./cells.ts";
import { fileError } from "./fileErrors.ts";
import { unpackLz4Frame } from "./lz4Frame.ts";
import { missingPackage } from "./missingPackage.ts";
import type { RowGroup, RowGroups } from "./rowGroups.ts";
import { zstdUnpacker } from "./zstd.ts";

type Arrow = typeof import("apache-arrow");

async function loadArrow(): Promise<Arrow> {
  try {
    return await import("apache-arrow");
  } catch (cause) {
    throw missingPackage("apache-arrow", "reading Arrow and Feather files", cause);
  }
}

const damaged = (path: string, error: unknown): HebbError =>
  error instanceof HebbError
    ? error
    : new HebbError(
        `${path} is damaged, or not an Arrow file that can be read here: ${error instanceof Error ? error.message : String(error)}; write or copy it again`,
      );

/** Ticks per second of each Arrow unit: seconds, milliseconds, microseconds, nanoseconds. */
const perSecond: readonly number[] = [1, 1e3, 1e6, 1e9];

/** The digits of a decimal, stored as a whole number in 32-bit words, lowest first. */
function decimalText(words: Uint32Array, scale: number): string {
  let value = 0n;
  for (const word of [...words].reverse()) value = (value << 32n) | BigInt(word);
  value = BigInt.asIntN(32 * words.length, value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${value < 0n ? "-" : ""}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ""}`;
}

const jsonOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));

const clock = (seconds: number): string => new Date(Math.round(1000 * seconds)).toISOString().slice(11, -1);

/** Returns the function that converts a column's values into cells. */
function converter(types: Arrow["DataType"], type: DataType): (value: unknown) => CellValue {
  if (types.isDictionary(type)) return converter(types, type.dictionary);
  if (types.isDecimal(type)) {
    const { scale } = type;
    return (value) => (value instanceof Uint32Array ? decimalText(value, scale) : undefined);
  }
  if (types.isDate(type) || types.isTimestamp(type))
    return (value) => (typeof value === "number" || value instanceof Date ? new Date(value) : undefined);
  if (types.isTime(type)) {
    const unit = at(perSecond, type.unit);
    return (value) => (value === null || value === undefined ? undefined : clock(Number(value) / unit));
  }
  if (types.isDuration(type)) {
    const unit = at(perSecond, type.unit);
    return (value) => (value === null || value === undefined ? undefined : Number(value) / unit);
  }
  return (value) => {
    switch (typeof value) {
      case "string":
      case "number":
      case "bigint":
      case "boolean":
        return value;
      default:
        return value === null || value === undefined ? undefined : jsonOf(value);
    }
  };
}

async function* batches(path: string, arrow: Arrow, reader: RecordBatchReader): AsyncGenerator<RowGroup, void, void> {
  await reader.open();
  const { fields } = reader.schema;
  const names = fields.map(({ name }) => name);
  const numbers = fields.map(({ type }) => arrow.DataType.isDecimal(type) || arrow.DataType.isFloat(type));
  const toCells = fields.map(({ type }) => converter(arrow.DataType, type));
  let found = false;
  for await (const batch of reader) {
    found = true;
    const values = fields.map((_, place): CellValue[] => {
      const column = batch.getChildAt(place);
      const toCell = toCells[place];
      if (column === null || toCell === undefined) throw new HebbError(`${path} lacks column ${place + 1} in a batch`);
      return Array.from({ length: batch.numRows }, (_row, i) => toCell(column.get(i)));
    });
    yield { names, values, numbers };
  }
  if (!found) yield { names, values: names.map(() => []) };
}

/** The record batches of an Arrow file or stream, with LZ4 and Zstandard unpacked. Feather files of version 2 are Arrow files. */
export const arrowGroups = (path: string): RowGroups => ({
  name: path,
  async *read() {
    const arrow = await loadArrow();
    const [lz4, zstd]: readonly CompressionType[] = [arrow.CompressionType.LZ4_FRAME, arrow.CompressionType.ZSTD];
    const unpackZstd = await zstdUnpacker();
    if (lz4 !== undefined) arrow.compressionRegistry.set(lz4, { decode: unpackLz4Frame });
    if (zstd !== undefined) arrow.compressionRegistry.set(zstd, { decode: unpackZstd });
    const handle = await open(path).catch((error: unknown) => {
      throw fileError(path, error);
    });
    try {
      yield* batches(path, arrow, await arrow.RecordBatchReader.from(handle));
    } catch (error) {
      throw damaged(path, error);
    } finally {
      await handle.close().catch(() => {});
    }
  },
});
