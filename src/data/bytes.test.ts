// Every reader accepts a buffer, any view of one, and shared memory; errors name anything else.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readNpy, readNpz, readSafetensors, writeNpy, writeNpz, writeSafetensors } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { FileBytes } from "./bytes.ts";
import {
  decodePicture,
  decodeText,
  formatIdx,
  gunzip,
  parseCsv,
  parseIdx,
  readIdx,
  readPictureHeader,
} from "./index.ts";

const array = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } as const;
const picture = Uint8Array.from(
  Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==", "base64"),
);
const text = new TextEncoder().encode("a,b\n1,2\n");

const readers: readonly (readonly [name: string, bytes: Uint8Array, read: (bytes: FileBytes) => unknown])[] = [
  ["readSafetensors", writeSafetensors({ a: array }), (bytes) => readSafetensors(bytes).tensors["a"]],
  ["readNpy", writeNpy(array), (bytes) => readNpy(bytes)],
  ["readNpz", writeNpz({ a: array }), async (bytes) => (await readNpz(bytes))["a"]],
  ["parseIdx", formatIdx(array), (bytes) => parseIdx(bytes)],
  ["readIdx", formatIdx(array), (bytes) => readIdx(bytes)],
  ["gunzip", gzipSync(text), (bytes) => gunzip(bytes)],
  ["parseCsv", text, (bytes) => parseCsv(bytes).columnNames],
  ["decodeText", text, (bytes) => decodeText(bytes, "x")],
  ["readPictureHeader", picture, (bytes) => readPictureHeader(bytes)],
  ["decodePicture", picture, (bytes) => decodePicture(bytes)],
];

describe.each(readers)("%s", (name, bytes, read) => {
  test("gives the same for a buffer, a view, a DataView, a Buffer and shared memory", async () => {
    const expected = await read(bytes);
    expect(expected).toBeDefined();
    const shifted = new Uint8Array(bytes.length + 5);
    shifted.set(bytes, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const given: readonly FileBytes[] = [
      Uint8Array.from(bytes).buffer,
      shifted.subarray(3, 3 + bytes.length),
      new DataView(shifted.buffer, 3, bytes.length),
      new Int8Array(shifted.buffer, 3, bytes.length),
      Buffer.from(bytes),
      shared,
      shared.buffer,
    ];
    for (const one of given) expect(await read(one), one.constructor.name).toEqual(expected);
  });

  // Calls that plain JavaScript can make.
  test.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /got undefined; pass an ArrayBuffer or a Uint8Array/],
    ["null", null, /got null/],
    ["a response", new Response("x"), /got a Response; pass await value\.arrayBuffer\(\)/],
    ["a promise", Promise.resolve(bytes), /got a Promise; await it first/],
    ["a list", [1, 2, 3], /got a Array/],
  ])("says what to do about %s", async (_, value, message) => {
    const call = async (): Promise<unknown> => Reflect.apply(read, undefined, [value]);
    await expect(call()).rejects.toThrow(message);
    await expect(call()).rejects.toThrow(`${name} takes the bytes of a file`);
    await expect(call()).rejects.toBeInstanceOf(HebbError);
  });
});
