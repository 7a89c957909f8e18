// Files far larger than memory: their directory is read on opening, arrays on request. They are sparse and take no disk space.
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OpenedFile } from "./kinds.ts";
import { openFile } from "./openPath.ts";
import { widen } from "./stored/array.ts";
import { crc32 } from "./zip/crc32.ts";

const GB = 2 ** 30;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-large-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};
const u16 = (value: number): Buffer => u32(value).subarray(0, 2);
const u64 = (value: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
};

/** A sparse file of a given size, with bytes at some offsets only. */
function sparse(name: string, size: number, parts: readonly (readonly [at: number, bytes: Uint8Array])[]): string {
  const path = join(folder, name);
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  for (const [at, bytes] of parts) writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
  return path;
}

const last = new Uint8Array(Float32Array.of(1.5, -2.5).buffer);

/** 2,500 tensors of 4 MiB, and one of two values at the end. */
function safetensors(): string {
  const entries: Record<string, unknown> = {};
  const each = 2 ** 22;
  for (let i = 0; i < 2500; i++)
    entries[`layers.${i}.weight`] = { dtype: "F32", shape: [1024, 1024], data_offsets: [i * each, (i + 1) * each] };
  const data = 2500 * each;
  entries["last"] = { dtype: "F32", shape: [2], data_offsets: [data, data + 8] };
  const header = Buffer.from(JSON.stringify(entries));
  const start = 8 + header.length;
  return sparse("large.safetensors", start + data + 8, [
    [0, Buffer.concat([u64(header.length), header])],
    [start + data, last],
  ]);
}

function gguf(): string {
  const text = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value)]);
  const info = (name: string, dims: readonly number[], offset: number): Buffer =>
    Buffer.concat([text(name), u32(dims.length), ...dims.map(u64), u32(0), u64(offset)]);
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    u32(3),
    u64(2),
    u64(0),
    info("large", [2 ** 16, 10 * 2 ** 12], 0),
    info("last", [2], 10 * GB),
  ]);
  const start = Math.ceil(head.length / 32) * 32;
  return sparse("large.gguf", start + 10 * GB + 8, [
    [0, head],
    [start + 10 * GB, last],
  ]);
}

/** An archive of more than 4 GiB, whose sizes and offsets are in 64-bit fields. */
function torch(): string {
  const int = (value: number): Buffer => Buffer.concat([Buffer.from([0x8a, 8]), u64(value)]);
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0x58]), u32(value.length), Buffer.from(value)]);
  const [elements, bytes] = [10 * 2 ** 28, 10 * GB];
  const tensor = (offset: number, size: number): Buffer =>
    Buffer.concat([
      Buffer.from("ctorch._utils\n_rebuild_tensor\n(("),
      text("storage"),
      Buffer.from("ctorch\nFloatStorage\n"),
      text("0"),
      text("cpu"),
      int(elements),
      Buffer.from("tQ"),
      int(offset),
      Buffer.from("("),
      int(size),
      Buffer.from("t("),
      int(1),
      Buffer.from("ttR"),
    ]);
  const pickle = Buffer.concat([
    Buffer.from([0x80, 2, 0x7d, 0x28]),
    text("large"),
    tensor(0, elements - 2),
    text("last"),
    tensor(elements - 2, 2),
    Buffer.from("u."),
  ]);
  const local = (name: string): Buffer =>
    Buffer.concat([u32(0x04034b50), Buffer.alloc(22), u16(name.length), u16(0), Buffer.from(name)]);
  const central = (name: string, size: number, at: number, crc: number): Buffer =>
    Buffer.concat([
      u32(0x02014b50),
      Buffer.alloc(12),
      u32(crc),
      u32(0xffffffff),
      u32(0xffffffff),
      u16(name.length),
      u16(28),
      Buffer.alloc(10),
      u32(0xffffffff),
      Buffer.from(name),
      u16(1),
      u16(24),
      u64(size),
      u64(size),
      u64(at),
    ]);
  const [first, second] = [local("archive/data.pkl"), local("archive/data/0")];
  const at = first.length + pickle.length;
  const end = at + second.length + bytes;
  const directory = Buffer.concat([
    central("archive/data.pkl", pickle.length, 0, crc32(pickle)),
    central("archive/data/0", bytes, at, 0),
  ]);
  const end64 = Buffer.concat([
    u32(0x06064b50),
    u64(44),
    Buffer.alloc(12),
    u64(2),
    u64(2),
    u64(directory.length),
    u64(end),
    u32(0x07064b50),
    u32(0),
    u64(end + directory.length),
    u32(1),
  ]);
  const close = Buffer.concat([
    u32(0x06054b50),
    Buffer.alloc(4),
    u16(2),
    u16(2),
    u32(0xffffffff),
    u32(0xffffffff),
    u16(0),
  ]);
  return sparse("large.pt", end + directory.length + end64.length + close.length, [
    [0, Buffer.concat([first, pickle, second])],
    [end - 8, last],
    [end, Buffer.concat([directory, end64, close])],
  ]);
}

async function lastOf(file: OpenedFile): Promise<number[]> {
  const array = await file.arrays.get("last")?.read();
  return array === undefined ? [] : Array.from(widen(array).data);
}

test.each([
  ["safetensors", safetensors, 2501],
  ["gguf", gguf, 2],
  ["torch", torch, 2],
] as const)("10 GB of %s take less than 100 MB, opened and read at the end", async (kind, make, count) => {
  const path = make();
  const before = process.memoryUsage().rss;
  const file = await openFile(path);
  expect(file.kind).toBe(kind);
  expect(file.size).toBeGreaterThan(10e9);
  expect(file.arrays.size).toBe(count);
  expect(await lastOf(file)).toEqual([1.5, -2.5]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  await file.close();
});
