// IDX files: round trips of every type, and each way in which a file can be wrong.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { readIdxFile } from "./files.ts";
import { checkImagesAndLabels, formatIdx, gunzip, type IdxArray, parseIdx, readIdx } from "./idx.ts";
import { applyImagePreprocessing, fitImagePreprocessing } from "./images.ts";

const images: IdxArray = { dtype: "uint8", shape: [3, 2, 2], data: Uint8Array.from({ length: 12 }, (_, i) => i * 20) };
const labels: IdxArray = { dtype: "uint8", shape: [3], data: Uint8Array.of(7, 1, 7) };
const file = formatIdx(images);
const changed = (at: number, ...values: number[]): Uint8Array => {
  const copy = file.slice();
  copy.set(values, at);
  return copy;
};

test.each<IdxArray>([
  images,
  { dtype: "int32", shape: [2, 1], data: Int32Array.of(-5, 2 ** 30) },
  { dtype: "float32", shape: [3], data: Float32Array.of(0.5, -1e30, Number.NaN) },
  { dtype: "float64", shape: [1, 2], data: Float64Array.of(Math.PI, -0) },
  { dtype: "uint8", shape: [0, 28, 28], data: new Uint8Array(0) },
  { dtype: "int8", shape: [2], data: Int8Array.of(-128, 127) },
  { dtype: "int16", shape: [2], data: Int16Array.of(-32768, 300) },
])("$dtype $shape comes back, packed or not", async (array) => {
  expect(parseIdx(formatIdx(array))).toEqual(array);
  expect(await readIdx(gzipSync(formatIdx(array)))).toEqual(array);
});

test("signed bytes and shorts are int8 and int16", () => {
  expect(parseIdx(Uint8Array.of(0, 0, 9, 1, 0, 0, 0, 2, 255, 127))).toEqual({
    dtype: "int8",
    shape: [2],
    data: Int8Array.of(-1, 127),
  });
  expect(parseIdx(Uint8Array.of(0, 0, 11, 1, 0, 0, 0, 1, 255, 254))).toEqual({
    dtype: "int16",
    shape: [1],
    data: Int16Array.of(-2),
  });
});

describe("malformed files", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /a\.idx has 0 bytes, too few for an IDX header/],
    ["three bytes", file.slice(0, 3), /has 3 bytes/],
    ["a wrong magic number", changed(0, 1), /begins with 01 00 08 03, not with 00 00/],
    ["an unknown type", changed(2, 0x0a), /begins with 00 00 0a 03/],
    ["rank 0", changed(3, 0), /begins with 00 00 08 00/],
    [
      "a header that ends early",
      file.slice(0, 10),
      /is truncated: its header of 3 sizes needs 16 bytes, the file has 10/,
    ],
    ["255 sizes in a short file", changed(3, 255), /is truncated: its header of 255 sizes/],
    [
      "data that ends early",
      file.slice(0, -1),
      /is truncated: sizes \[3, 2, 2\] need 12 bytes, there are 11; download or copy it again/,
    ],
    [
      "bytes after the data",
      Uint8Array.of(...file, 0),
      /has bytes after its data: sizes \[3, 2, 2\] need 12 bytes, there are 13/,
    ],
    [
      "enormous sizes",
      changed(4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255),
      /is truncated: sizes \[4294967295, 4294967295, 4294967295\]/,
    ],
    ["gzip inside parseIdx", gzipSync(file), /is gzip data; unpack it first/],
    ["text", new TextEncoder().encode("a,b\n1,2\n"), /is not an IDX file: it begins with 61 2c 62 0a/],
  ])("%s", (_, bytes, message) => {
    let thrown: unknown;
    try {
      parseIdx(bytes, { name: "a.idx" });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HebbError);
    expect(String(thrown)).toMatch(message);
  });

  const packed = gzipSync(file);
  const broken = (at: number): Uint8Array => {
    const copy = new Uint8Array(packed);
    copy[at] = (copy[at] ?? 0) ^ 0xff;
    return copy;
  };
  test.each<[string, Uint8Array]>([
    ["truncated", packed.subarray(0, packed.length - 9)],
    ["truncated to its magic", packed.subarray(0, 2)],
    ["with a wrong checksum", broken(packed.length - 7)],
    ["with a wrong length", broken(packed.length - 2)],
    ["with broken contents", broken(14)],
    ["with bytes added", Uint8Array.of(...packed, 1, 2, 3, 4)],
  ])("gzip %s", async (_, bytes) => {
    await expect(readIdx(bytes, { name: "a.gz" })).rejects.toThrow(/a\.gz is damaged/);
    await expect(readIdx(bytes)).rejects.toBeInstanceOf(HebbError);
  });

  describe("a gzip file of several members", () => {
    // Stored uncompressed, the first member contains bytes that look like the start of another.
    const lookalike = gzipSync(Uint8Array.of(7, 0x1f, 0x8b, 8, 0, 1, 2, 3), { level: 0 });
    const members = [lookalike, gzipSync(Uint8Array.of(4, 5)), gzipSync(""), gzipSync(Uint8Array.of(6))];

    test("returns the content of all members", async () => {
      expect([...(await gunzip(Buffer.concat(members)))]).toEqual([7, 0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6]);
      const halves = Buffer.concat([gzipSync(file.subarray(0, 9)), gzipSync(file.subarray(9))]);
      expect(await readIdx(halves)).toEqual(await readIdx(file));
    });

    test.each([
      ["with bytes added", Buffer.concat([...members, Uint8Array.of(1, 2, 3, 4)])],
      ["with its end cut off", Buffer.concat(members).subarray(0, -3)],
      [
        "with a changed byte in the second",
        Buffer.concat(members.map((part, k) => (k === 1 ? Buffer.from(part).fill(9, 10, 12) : part))),
      ],
    ])("%s is damaged", async (_, bytes) => {
      await expect(gunzip(bytes, { name: "a.gz" })).rejects.toThrow(/a\.gz is damaged: its gzip/);
    });

    test("stops when all members together reach the limit", async () => {
      const large = Buffer.concat(Array.from({ length: 9 }, () => gzipSync(new Uint8Array(200))));
      await expect(gunzip(large, { name: "a.gz", maxBytes: 1000 })).rejects.toThrow(/a\.gz unpacks to more than/);
    });
  });

  test("a zip bomb stops at the limit", async () => {
    await expect(gunzip(gzipSync(new Uint8Array(5_000_000)), { name: "bomb.gz", maxBytes: 1000 })).rejects.toThrow(
      /bomb\.gz unpacks to more than 1000 bytes/,
    );
  });

  test("a zip bomb stops at the size that the header declares", async () => {
    // A header that declares 12 bytes, followed by 60 MB of zeros, which a gzip file of this size may hold.
    const bomb = gzipSync(Buffer.concat([file, Buffer.alloc(60_000_000)]));
    const before = process.memoryUsage().arrayBuffers;
    await expect(readIdx(bomb, { name: "a.gz" })).rejects.toThrow(
      /a\.gz unpacks to more than the 28 bytes that its header declares/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
    const claim = file.slice();
    new DataView(claim.buffer).setUint32(4, 2 ** 31);
    await expect(readIdx(gzipSync(claim), { name: "a.gz" })).rejects.toThrow(
      /a\.gz is truncated: its header declares 8589934608 bytes, more than \d+ compressed ones can hold/,
    );
  });

  test("a zip bomb stops at the size that its trailer promises", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(60_000_000)));
    new DataView(bomb.buffer).setUint32(bomb.length - 4, 1000, true);
    const before = process.memoryUsage().arrayBuffers;
    await expect(gunzip(bomb, { name: "a.gz" })).rejects.toThrow(
      /a\.gz is damaged: its gzip trailer promises 1000 bytes/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
  });

  test("refuses images and labels that do not belong together", () => {
    const names = { images: "i.gz", labels: "l.gz" };
    expect(() => checkImagesAndLabels(labels, images, names)).toThrow(/did you swap images and labels/);
    expect(() => checkImagesAndLabels(images, { ...labels, shape: [2] }, names)).toThrow(
      /i\.gz has 3 images but l\.gz has 2 labels/,
    );
    expect(() => checkImagesAndLabels(images, images, names)).toThrow(/l\.gz has sizes \[3, 2, 2\], not labels/);
    expect(() => checkImagesAndLabels({ ...images, shape: [0, 2, 2] }, { ...labels, shape: [0] }, names)).toThrow(
      /has no images/,
    );
    expect(() => checkImagesAndLabels(images, { ...labels, dtype: "float32" }, names)).toThrow(
      /labels must be whole numbers/,
    );
  });
});

describe("image preprocessing", () => {
  test("scales to mean 0 and spread 1, numbers the classes, and survives JSON", () => {
    const pre = fitImagePreprocessing(images, labels);
    expect(pre.shape).toEqual([1, 2, 2]);
    expect(pre.target.classes).toEqual(["1", "7"]);
    expect(pre.target.counts).toEqual([1, 2]);
    const { features, targets, count } = applyImagePreprocessing(JSON.parse(JSON.stringify(pre)), images, labels);
    expect(count).toBe(3);
    expect(Array.from(targets ?? [])).toEqual([1, 0, 1]);
    const mean = features.reduce((sum, x) => sum + x, 0) / 12;
    expect(mean).toBeCloseTo(0, 6);
    expect(Math.sqrt(features.reduce((sum, x) => sum + x * x, 0) / 12)).toBeCloseTo(1, 6);
  });

  test("statistics come from the given rows only", () => {
    expect(fitImagePreprocessing(images, labels, { rows: [0] }).mean).toEqual([30]);
  });

  test("refuses other sizes, unknown labels and a single class", () => {
    const pre = fitImagePreprocessing(images, labels);
    expect(() => applyImagePreprocessing(pre, { ...images, shape: [3, 4, 1] })).toThrow(
      /images of \[1, 4, 1\], but the model was trained on \[1, 2, 2\]/,
    );
    expect(() => applyImagePreprocessing(pre, images, { ...labels, data: Uint8Array.of(7, 9, 1) })).toThrow(
      /label 2 is 9, a class the model does not know/,
    );
    expect(() => fitImagePreprocessing(images, { ...labels, data: Uint8Array.of(7, 7, 7) })).toThrow(
      /every label is 7/,
    );
  });
});

const mnist = fileURLToPath(new URL("../../../shared/data/mnist/", import.meta.url));
test.skipIf(!existsSync(mnist))("MNIST, if the files are present", async () => {
  const read = await readIdxFile(`${mnist}test5k-images-idx3-ubyte.gz`);
  const numbers = await readIdxFile(`${mnist}test5k-labels-idx1-ubyte.gz`);
  expect(read.shape).toEqual([5000, 28, 28]);
  expect(fitImagePreprocessing(read, numbers).target.classes.length).toBe(10);
});
