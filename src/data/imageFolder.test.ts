// Folders of pictures: classes by sub-folder, one size for all, and errors that name the file.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { afterAll, describe, expect, test } from "vitest";
import { readImageFile, readImageFolder } from "./imageFolder.ts";
import { applyImagePreprocessing, fitImagePreprocessing } from "./images.ts";

const root = mkdtempSync(join(tmpdir(), "hebb-images-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const png = (width: number, height: number, value: number, channels: 1 | 3 = 1): Uint8Array =>
  encode({ width, height, channels, depth: 8, data: new Uint8Array(width * height * channels).fill(value) });
const folder = (name: string, files: Readonly<Record<string, Uint8Array | string>>): string => {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), content);
  }
  return path;
};

test("the sub-folders are the classes, in order; hidden and other files are left out and counted", async () => {
  const path = folder("pets", {
    "dog/1.png": png(4, 4, 10),
    "cat/b.PNG": png(4, 4, 20),
    "cat/a.png": png(4, 4, 30),
    "cat/.hidden.png": "x",
    "cat/readme.txt": "x",
    "empty/notes.md": "x",
    "list.csv": "x",
  });
  const { images, labels, files, notes } = await readImageFolder(path);
  expect(images.shape).toEqual([3, 1, 4, 4]);
  expect(files).toEqual(["cat/a.png", "cat/b.PNG", "dog/1.png"]);
  expect(labels).toMatchObject({ classes: ["cat", "dog"], data: Int32Array.of(0, 0, 1) });
  expect([images.data[0], images.data[16], images.data[32]]).toEqual([30, 20, 10]);
  expect(notes).toEqual(["3 files whose names do not end in .png, .jpg or .jpeg were left out"]);
});

test("different sizes become 64 × 64, one colour picture makes all colour; sizes and channels can be set", async () => {
  const path = folder("mixed", {
    "a/1.png": png(30, 20, 50),
    "b/2.png": png(90, 80, 60, 3),
    "b/3.jpg": jpeg.encode({ width: 10, height: 10, data: new Uint8Array(400).fill(200) }).data,
  });
  expect((await readImageFolder(path)).images.shape).toEqual([3, 3, 64, 64]);
  const small = await readImageFolder(path, { size: [5, 7], channels: 1, fit: "stretch" });
  expect(small.images.shape).toEqual([3, 1, 5, 7]);
  expect(small.images.data[0]).toBe(50);
});

test("class names go through the preprocessing: other folders may have fewer, but no others", async () => {
  const path = folder("train", { "a/1.png": png(3, 3, 0), "b/1.png": png(3, 3, 100), "c/1.png": png(3, 3, 200) });
  const { images, labels } = await readImageFolder(path);
  if (labels === undefined) throw new Error("there are labels");
  const pre = fitImagePreprocessing(images, labels);
  expect(pre.target).toMatchObject({ classes: ["a", "b", "c"], counts: [1, 1, 1], numeric: false });
  expect(pre.mean).toEqual([100]);
  const other = await readImageFolder(folder("test", { "c/1.png": png(3, 3, 100) }));
  const applied = applyImagePreprocessing(pre, other.images, other.labels);
  expect([...(applied.targets ?? [])]).toEqual([2]);
  expect([...applied.features].every((value) => value === 0)).toBe(true);
  const unknown = await readImageFolder(folder("unknown", { "d/1.png": png(3, 3, 100), "a/1.png": png(3, 3, 0) }));
  expect(() => applyImagePreprocessing(pre, unknown.images, unknown.labels)).toThrow(
    /the folder "d" is a class the model does not know; the classes are a, b, c/,
  );
});

test("means and deviations are those of each channel", async () => {
  const data = Uint8Array.from({ length: 12 }, (_, i) => [10, 100, 200][i % 3] ?? 0);
  const path = folder("channels", {
    "a/1.png": encode({ width: 2, height: 2, channels: 3, depth: 8, data }),
    "b/1.png": encode({ width: 2, height: 2, channels: 3, depth: 8, data: data.map((value) => value + 4) }),
  });
  const { images, labels } = await readImageFolder(path);
  if (labels === undefined) throw new Error("there are labels");
  const pre = fitImagePreprocessing(images, labels);
  expect(pre.mean).toEqual([12, 102, 202]);
  expect(pre.scale).toEqual([2, 2, 2]);
  expect([...applyImagePreprocessing(pre, images).features]).toEqual([...Array(12).fill(-1), ...Array(12).fill(1)]);
});

test("pictures without classes, and a single one, have no labels", async () => {
  const path = folder("flat", { "1.png": png(2, 2, 1), "2.png": png(2, 2, 2) });
  expect((await readImageFolder(path)).labels).toBeUndefined();
  expect((await readImageFile(join(path, "1.png"), { size: [3, 3], channels: 3 })).images.shape).toEqual([1, 3, 3, 3]);
});

describe("refused", () => {
  const whole = png(8, 8, 3);
  test.each<[string, Readonly<Record<string, Uint8Array | string>>, RegExp]>([
    ["nothing", {}, /is a folder without PNG or JPEG pictures; make one sub-folder for each class/],
    ["no pictures", { "a/x.txt": "x" }, /is a folder without PNG or JPEG pictures/],
    ["pictures beside folders", { "1.png": whole, "a/2.png": whole }, /beside sub-folders of pictures \(a\)/],
    ["parts", { "train/a/1.png": whole, "test/a/1.png": whole }, /holds parts \(test\), not classes; train on/],
    ["a truncated picture", { "a/1.png": whole, "b/2.png": whole.subarray(0, 50) }, /b\/2\.png is a truncated PNG/],
    ["a text with the name of a picture", { "a/1.png": "no picture" }, /a\/1\.png is neither PNG nor JPEG/],
    ["an empty picture", { "a/1.jpg": "" }, /a\/1\.jpg is empty/],
  ])("%s", async (name, files, message) => {
    await expect(readImageFolder(folder(name, files))).rejects.toThrow(message);
  });

  test("several damaged pictures are all named at once", async () => {
    const path = folder("damaged", {
      "a/1.png": whole,
      "a/2.png": whole.subarray(0, 50),
      "b/3.png": whole,
      "b/4.jpg": "",
      "b/5.png": Uint8Array.from(whole, (byte, place) => (place > 40 && place < 60 ? 0 : byte)),
    });
    await expect(readImageFolder(path)).rejects.toThrow(
      /damaged: 3 of 5 pictures cannot be read: a\/2\.png, b\/4\.jpg, b\/5\.png; save or copy them again, or take them out \(for instance: .*b\/4\.jpg is empty/,
    );
  });

  test("refuses symbolic links that leave the folder, form a cycle or are dangling; links within are followed", async () => {
    const outside = folder("outside", { "1.png": whole });
    const path = folder("links", { "a/1.png": whole, "b/1.png": whole });
    symlinkSync(join(path, "a/1.png"), join(path, "b/2.png"));
    expect((await readImageFolder(path)).files.length).toBe(3);
    symlinkSync(join(outside, "1.png"), join(path, "b/3.png"));
    await expect(readImageFolder(path)).rejects.toThrow(/b\/3\.png is a symbolic link that leads out of the folder/);
    rmSync(join(path, "b/3.png"));
    symlinkSync(outside, join(path, "c"));
    await expect(readImageFolder(path)).rejects.toThrow(/c is a symbolic link that leads out/);
    rmSync(join(path, "c"));
    symlinkSync(join(path, "d"), join(path, "d"));
    await expect(readImageFolder(path)).rejects.toThrow(/links\/d/);
    rmSync(join(path, "d"));
    symlinkSync(join(path, "nowhere"), join(path, "e"));
    await expect(readImageFolder(path)).rejects.toThrow(/there is no file .*links\/e/);
  });

  test("refuses too many bytes for the requested size, and a single class", async () => {
    const path = folder("one", { "a/1.png": whole, "a/2.png": whole });
    await expect(readImageFolder(path, { size: [60_000, 60_000] })).rejects.toThrow(/more than 2147483647 bytes/);
    await expect(readImageFolder(join(path, "none"))).rejects.toThrow(/there is no file/);
    const { images, labels } = await readImageFolder(path);
    if (labels === undefined) throw new Error("there are labels");
    expect(() => fitImagePreprocessing(images, labels)).toThrow(/has one class only \(a\)/);
  });
});
