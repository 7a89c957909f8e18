// Parquet: every codec and type against the written values; damage anywhere gives one sentence in bounded time.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { sniffFile } from "./files.ts";
import { readParquetFile } from "./parquet.ts";
import { Random } from "./random.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-parquet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: ArrayBuffer | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content instanceof Uint8Array ? content : new Uint8Array(content));
  return path;
};

const codecs = {
  UNCOMPRESSED: {},
  SNAPPY: {},
  GZIP: { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) },
  BROTLI: { BROTLI: (bytes: Uint8Array) => new Uint8Array(brotliCompressSync(bytes)) },
} as const;

const table = (codec: keyof typeof codecs = "SNAPPY", rows = 6): ArrayBuffer =>
  parquetWriteBuffer({
    codec,
    compressors: codecs[codec],
    columnData: [
      { name: "whole", data: Array.from({ length: rows }, (_, i) => i * 3), type: "INT32" },
      { name: "large", data: Array.from({ length: rows }, (_, i) => 2n ** 60n + BigInt(i)), type: "INT64" },
      { name: "real", data: Array.from({ length: rows }, (_, i) => (i === 2 ? null : i / 4)), type: "DOUBLE" },
      {
        name: "text",
        data: Array.from({ length: rows }, (_, i) => ["rot", "grün", 'a,"b"', ""][i % 4] ?? null),
        type: "STRING",
      },
      { name: "flag", data: Array.from({ length: rows }, (_, i) => i % 2 === 0), type: "BOOLEAN" },
      {
        name: "when",
        data: Array.from({ length: rows }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i, i % 2 ? 12 : 0))),
        type: "TIMESTAMP",
      },
    ],
    rowGroupSize: 4,
  });

test.each(["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI"] as const)(
  "%s: all types, gaps, two row groups",
  async (codec) => {
    const path = write(`${codec}.parquet`, table(codec));
    expect(await sniffFile(path)).toBe("parquet");
    const read = await readParquetFile(path);
    expect(Object.fromEntries(read.columns.map(({ name, cells }) => [name, cells]))).toEqual({
      whole: ["0", "3", "6", "9", "12", "15"],
      large: Array.from({ length: 6 }, (_, i) => String(2n ** 60n + BigInt(i))),
      real: ["0", "0.25", undefined, "0.75", "1", "1.25"],
      text: ["rot", "grün", 'a,"b"', undefined, "rot", "grün"],
      flag: ["true", "false", "true", "false", "true", "false"],
      when: [
        "2024-01-01",
        "2024-01-02T12:00:00Z",
        "2024-01-03",
        "2024-01-04T12:00:00Z",
        "2024-01-05",
        "2024-01-06T12:00:00Z",
      ],
    });
    expect(read.describe().map(({ kind }) => kind)).toEqual([
      "number",
      "number",
      "number",
      "category",
      "boolean",
      "date",
    ]);
  },
);

test("some columns, lists as text, limits", async () => {
  const path = write("some.parquet", table());
  expect((await readParquetFile(path, { columns: ["text", "whole"] })).columnNames).toEqual(["text", "whole"]);
  await expect(readParquetFile(path, { columns: ["none"] })).rejects.toThrow(
    /it has no column "none"; the columns are whole/,
  );
  await expect(readParquetFile(path, { maxCells: 10 })).rejects.toThrow(/6 × 6 cells, more than 10/);
  const nested = write(
    "nested.parquet",
    parquetWriteBuffer({ columnData: [{ name: "list", data: [{ a: 1 }, { a: 2 }], type: "JSON" }] }),
  );
  expect((await readParquetFile(nested)).column("list").cells).toEqual(['{"a":1}', '{"a":2}']);
});

test("reads back what was written: decimals, 64-bit integers, days; and they are numbers", async () => {
  const decimal = (name: string, type: "INT32" | "INT64" | "FIXED_LEN_BYTE_ARRAY", scale: number) =>
    ({
      name,
      type,
      converted_type: "DECIMAL",
      scale,
      precision: type === "FIXED_LEN_BYTE_ARRAY" ? 30 : type === "INT64" ? 18 : 9,
      repetition_type: "OPTIONAL",
      ...(type === "FIXED_LEN_BYTE_ARRAY" ? { type_length: 16 } : {}),
    }) as const;
  const path = write(
    "exact.parquet",
    parquetWriteBuffer({
      schema: [
        { name: "root", num_children: 5 },
        decimal("price", "INT32", 2),
        decimal("rate", "INT64", 17),
        decimal("long", "FIXED_LEN_BYTE_ARRAY", 3),
        { name: "id", type: "INT64", repetition_type: "REQUIRED" },
        { name: "day", type: "INT32", converted_type: "DATE", repetition_type: "REQUIRED" },
      ],
      columnData: [
        { name: "price", data: [1235n, -5n, null] },
        { name: "rate", data: [10000000000000001n, 1n, -1n] },
        { name: "long", data: [123456789012345678901234567n, -1n, 0n] },
        { name: "id", data: [1610521604143693812n, 1610521604143693813n, -1n] },
        { name: "day", data: [new Date(0), new Date(86400000), new Date(-86400000)] },
      ],
    }),
  );
  const table = await readParquetFile(path);
  expect(Object.fromEntries(table.columns.map(({ name, cells }) => [name, cells]))).toEqual({
    price: ["12.35", "-0.05", undefined],
    rate: ["0.10000000000000001", "0.00000000000000001", "-0.00000000000000001"],
    long: ["123456789012345678901234.567", "-0.001", "0.000"],
    id: ["1610521604143693812", "1610521604143693813", "-1"],
    day: ["1970-01-01", "1970-01-02", "1969-12-31"],
  });
  expect(table.columns.map(({ typed = false }) => typed)).toEqual([true, true, true, false, false]);
});

describe("damage", () => {
  const whole = new Uint8Array(table("SNAPPY", 40));
  const copy = (change: (bytes: Uint8Array) => Uint8Array): Uint8Array => change(whole.slice());
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /does not begin with PAR1/],
    ["four letters", Uint8Array.from(Buffer.from("PAR1")), /its end is missing/],
    ["the end is missing", whole.subarray(0, whole.length >> 1), /its end is missing/],
    ["the beginning is missing", whole.subarray(10), /does not begin with PAR1/],
    [
      "a footer longer than the file",
      copy((bytes) => {
        new DataView(bytes.buffer).setUint32(bytes.length - 8, 2 ** 31, true);
        return bytes;
      }),
      /its footer of 2147483648 bytes does not fit/,
    ],
    [
      "a footer of zeros",
      copy((bytes) => bytes.fill(0, bytes.length - 60, bytes.length - 8)),
      /is damaged, or not a Parquet file/,
    ],
    ["pages of noise", copy((bytes) => bytes.fill(0xff, 4, 120)), /is damaged, or not a Parquet file/],
  ])("%s", async (name, bytes, message) => {
    await expect(readParquetFile(write(`${name}.parquet`, bytes))).rejects.toThrow(message);
  });

  test("random damage gives a table or one sentence, never a crash, never a long wait", async () => {
    const random = new Random(8);
    let refused = 0;
    for (let round = 0; round < 25; round++) {
      const bytes = whole.slice();
      for (let i = 0; i < 1 + random.integer(3); i++)
        bytes[4 + random.integer(bytes.length - 12)] = random.integer(256);
      try {
        await readParquetFile(write("random.parquet", bytes), { maxMemory: 64, maxSeconds: 5 });
      } catch (error) {
        expect(error).toBeInstanceOf(HebbError);
        expect(String(error)).toMatch(/random\.parquet/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5);
  });
});
