// Reading: the result for each kind of file, and how often its path is used.
import type * as fs from "node:fs";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import type * as promises from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { decide } from "./decide.ts";
import { prepare } from "./prepare.ts";
import { read } from "./read.ts";
import type { ReadOptions } from "./readOptions.ts";
import type { Source } from "./source.ts";

const { used, noting } = vi.hoisted(() => {
  const used: (readonly [name: string, path: unknown])[] = [];
  /** A module whose functions of these names record the path that they get. */
  const noting = <M extends object>(module: M, names: readonly (keyof M & string)[]): M => ({
    ...module,
    ...Object.fromEntries(
      names.map((name) => {
        const own: unknown = module[name];
        if (typeof own !== "function") throw new Error(`${name} is not a function`);
        return [
          name,
          (...args: unknown[]): unknown => {
            used.push([name, args[0]]);
            return Reflect.apply(own, module, args);
          },
        ];
      }),
    ),
  });
  return { used, noting };
});

vi.mock("node:fs/promises", async (original) =>
  noting(await original<typeof promises>(), ["open", "stat", "lstat", "access", "readFile", "realpath"]),
);
vi.mock("node:fs", async (original) =>
  noting(await original<typeof fs>(), [
    "existsSync",
    "statSync",
    "openSync",
    "readFileSync",
    "accessSync",
    "createReadStream",
  ]),
);

const folder = mkdtempSync(join(tmpdir(), "hebb-read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  used.length = 0;
});

const options: ReadOptions = { target: "y", needLabels: true, form: "auto" };
const rows = Array.from({ length: 20 }, (_, row) => `${row},${row % 2 === 0 ? "a" : "b"}`);
const csv = `x,y\n${rows.join("\n")}\n`;
const idx = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 9, 8, 7, 6);
const picture = encode({ width: 2, height: 2, channels: 1, depth: 8, data: Uint8Array.of(1, 2, 3, 4) });

const files: readonly (readonly [name: string, content: string | Uint8Array, Partial<ReadOptions>, Source["kind"]])[] =
  [
    ["t.csv", csv, {}, "table"],
    ["packed.csv.gz", gzipSync(csv), {}, "table"],
    ["rows.txt", csv, {}, "table"],
    ["t.csv", csv, { form: "parts" }, "parts"],
    ["song.txt", "la la la", { target: undefined }, "text"],
    ["t.csv", csv, { form: "text" }, "text"],
    ["images.bin", idx, { target: undefined, needLabels: false }, "images"],
    ["one.png", picture, { target: undefined, needLabels: false }, "images"],
  ];

test.each(files)("%s is examined once and opened once", async (name, content, special, kind) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  expect((await read(path, { ...options, ...special })).kind).toBe(kind);
  expect(used.filter(([, of]) => of === path)).toEqual([
    ["stat", path],
    ["open", path],
  ]);
});

test("for ranks, images and texts stay in their files until they are needed", async () => {
  const asked: ReadOptions = { ...options, target: undefined, needLabels: false, asNeeded: true };
  const images = join(folder, "rows.bin");
  writeFileSync(images, idx);
  const found = await read(images, asked);
  expect(found).toMatchObject({ kind: "images", images: { shape: [1, 2, 2], read: expect.any(Function) } });
  used.length = 0;
  if (found.kind === "images" && "read" in found.images) expect([...found.images.read([0])]).toEqual([9, 8, 7, 6]);
  expect(used).toEqual([["openSync", images]]);
  const song = join(folder, "long song.txt");
  writeFileSync(song, "la la la. ".repeat(2000));
  const source = await read(song, asked);
  const text = { tokenizer: "characters", vocabulary: 8, context: 16 } as const;
  const prepared = await prepare(source, { validation: 0.1, fold: null, seed: 0, columns: {}, text });
  if (prepared.kind !== "text") throw new Error("a text became something else");
  expect(prepared.cuts).toHaveLength(2);
  const inMemory = await read(song, { ...asked, asNeeded: false });
  const whole = await prepare(inMemory, { validation: 0.1, fold: null, seed: 0, columns: {}, text });
  if (whole.kind !== "text") throw new Error("a text became something else");
  expect(prepared.train.reader).toBeDefined();
  expect(prepared.train.tokens).toEqual(whole.train.tokens);
  expect(prepared.validation?.tokens).toEqual(whole.validation?.tokens);
});

test("a large table is read in parts unless disabled; images of that size stay images", async () => {
  const path = join(folder, "large.csv");
  writeFileSync(path, csv);
  truncateSync(path, 300 * 2 ** 20);
  expect((await read(path, options)).kind).toBe("parts");
  writeFileSync(path, csv);
  expect((await read(path, options)).kind).toBe("table");
  const images = join(folder, "large.idx");
  const header = Uint8Array.of(0, 0, 8, 3, 0, 0x4b, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8);
  writeFileSync(images, header);
  truncateSync(images, header.length + 0x4b0000 * 64);
  expect((await read(images, { ...options, target: undefined, needLabels: false })).kind).toBe("images");
});

test("a file with the name of a built-in problem is read, and found from another folder", async () => {
  const before = process.cwd();
  process.chdir(mkdtempSync(join(folder, "work-")));
  try {
    const builtIn = await read("moons", { ...options, target: undefined });
    expect(builtIn).toMatchObject({ kind: "table", place: "moons", target: "class" });
    writeFileSync("moons", csv);
    const own = await read("moons", options);
    expect(own).toMatchObject({ kind: "table", place: join(process.cwd(), "moons"), target: "y" });
    const prepared = await prepare(own, { validation: undefined, fold: null, seed: 0, columns: {}, text: null });
    const config = decide(own, { seed: 0, testData: "moons" }, prepared, null);
    expect([config.data, config.testData]).toEqual([join(process.cwd(), "moons"), join(process.cwd(), "moons")]);
  } finally {
    process.chdir(before);
  }
});

test("a text in a legacy encoding is read, with a notice", async () => {
  const path = join(folder, "old.txt");
  writeFileSync(path, Buffer.from("caf\u00e9 au lait\n", "latin1"));
  const told: string[] = [];
  const notices = { progress: () => {}, note: () => {}, warn: (notes: readonly string[]) => told.push(...notes) };
  const source = await read(path, { needLabels: false, form: "text", notices });
  expect(source).toMatchObject({ kind: "text", text: "caf\u00e9 au lait\n" });
  expect(told).toEqual([expect.stringMatching(/old\.txt: .*not UTF-8 and was read as Windows-1252/)]);
});

test("a text to be read in parts requires a target column", async () => {
  const path = join(folder, "tale.txt");
  writeFileSync(path, "once upon a time");
  const source = await read(path, { ...options, target: undefined, form: "parts" });
  await expect(prepare(source, { validation: 0.1, fold: null, seed: 0, columns: {}, text: null })).rejects.toThrow(
    "tale.txt: which column should be predicted? Name it with --target COLUMN",
  );
  writeFileSync(join(folder, "wines.csv"), "ash,cultivar\n2.4,barolo\n2.1,barbera\n");
  const wines = await read(join(folder, "wines.csv"), { ...options, target: undefined, form: "whole" });
  await expect(prepare(wines, { validation: 0.1, fold: null, seed: 0, columns: {}, text: null })).rejects.toThrow(
    'Name it with --target COLUMN; --target "cultivar" is likely, because it is the last column; the columns are ash, cultivar',
  );
  mkdirSync(join(folder, "pictures"));
  await expect(read(join(folder, "pictures"), { ...options, form: "text" })).rejects.toThrow(
    "is a folder; name a file",
  );
});
