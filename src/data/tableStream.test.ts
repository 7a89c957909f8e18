// Tables in parts: the same statistics as in memory, every row once in every epoch, in every encoding; errors; prefetching.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { wholeCharacters } from "./encoding.ts";
import { readCsvFile } from "./files.ts";
import { fitPreprocessing } from "./fitting.ts";
import { prefetch } from "./prefetch.ts";
import { applyPreprocessing } from "./preprocess.ts";
import { isNumber } from "./preprocessing.ts";
import { Random } from "./random.ts";
import { streamTable } from "./tableStream.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-stream-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/** A table of every kind of column, with gaps, quotes and multi-byte letters. */
function mixed(count: number): string {
  const random = new Random(3);
  const lines = ["number,amount,price,date,colour,answer,id,note,y"];
  for (let row = 0; row < count; row++) {
    const number = random.normal(1000, 3);
    const cells = [
      random.uniform() < 0.03 ? "" : number.toFixed(4),
      Math.floor(Math.exp(3 * random.normal())),
      `"${1 + random.integer(9)},${100 + random.integer(900)}.5"`,
      `2024-0${1 + random.integer(9)}-1${random.integer(10)}`,
      ["rot", "grün", '"a ""blue"" one"', "seldom,"][Math.min(3, random.integer(400))]?.replace("seldom,", '"sel,dom"'),
      random.uniform() < 0.5 ? "yes" : "no",
      row,
      `"note ${row},\n${"ß".repeat(row % 5)}"`,
      number > 1000 ? "high" : "low",
    ];
    lines.push(cells.join(","));
  }
  return `${lines.join("\n")}\n`;
}

const options = { target: "y", validation: 0, seed: 5 } as const;
/** The rows of a data set as texts, to compare without their order. */
const rowsOf = (features: ArrayLike<number>, targets: ArrayLike<number>, width: number): string[] =>
  Array.from(targets, (target, i) => `${Array.from({ length: width }, (_, k) => features[i * width + k])} → ${target}`);

async function read(path: string, more: object = {}, epoch = 0): Promise<string[]> {
  const stream = await streamTable(path, { ...options, ...more });
  const rows: string[] = [];
  for await (const part of stream.parts(epoch))
    rows.push(...rowsOf(part.features.data, part.targets.data, part.features.shape[0] ?? 0));
  expect(rows.length).toBe(stream.length);
  return rows;
}

describe("the same as in memory", () => {
  const text = mixed(9_001);
  const utf16 = new Uint8Array(Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, "utf16le")]));
  test.each<[string, string | Uint8Array]>([
    ["UTF-8", text],
    ["a byte order mark and Windows line breaks", `\uFEFF${text.replaceAll("\n", "\r\n")}`],
    ["UTF-16", utf16],
    ["gzip", gzipSync(text)],
    ["no line break at the end", text.trimEnd()],
  ])("%s", async (name, content) => {
    const path = write(`${name}.csv`, content);
    const table = await readCsvFile(path);
    const expected = fitPreprocessing(table, { target: "y" });
    const stream = await streamTable(path, options);
    const found = stream.preprocessing;
    expect(found.featureNames).toEqual(expected.featureNames);
    expect(found.target).toEqual(expected.target);
    expect(found.dropped).toEqual(expected.dropped);
    for (const [i, input] of expected.inputs.entries()) {
      const mine = found.inputs[i];
      if (!isNumber(input) || mine === undefined || !isNumber(mine)) {
        expect(mine).toEqual(input);
        continue;
      }
      expect(mine).toEqual({
        ...input,
        mean: expect.closeTo(input.mean, 7),
        scale: expect.closeTo(input.scale, 7),
        median: expect.closeTo(input.median, 9),
      });
    }
    // Every row once, in any order of the blocks.
    const { features, featureCount, targets } = applyPreprocessing(found, table);
    const rows: string[] = [];
    for await (const part of stream.parts(1)) rows.push(...rowsOf(part.features.data, part.targets.data, featureCount));
    const inOrder = rowsOf(features, targets ?? [], featureCount);
    expect(rows.sort().join("\n") === inOrder.sort().join("\n")).toBe(true);
    expect(stream.sample.length).toBe(2000);
  });
});

test("epochs differ, seeds differ, the same seed and epoch repeat", async () => {
  const path = write(
    "order.csv",
    `x,y\n${Array.from({ length: 150_000 }, (_, i) => `${i},${i % 3 ? "a" : "b"}\n`).join("")}`,
  );
  const joined = async (more: object, epoch: number): Promise<string> => (await read(path, more, epoch)).join("\n");
  const first = await joined({}, 0);
  expect((await joined({}, 0)) === first).toBe(true);
  const second = await joined({}, 1);
  expect(second === first).toBe(false);
  expect((await joined({ seed: 6 }, 0)) === first).toBe(false);
  expect(second.split("\n").sort().join() === first.split("\n").sort().join()).toBe(true);
  expect((await joined({ shuffle: false }, 1)) === (await joined({ shuffle: false }, 0))).toBe(true);
});

test("parts have the requested size; batches are shuffled within them", async () => {
  const path = write(
    "parts.csv",
    `x,y\n${Array.from({ length: 10_000 }, (_, i) => `${i},${i % 2 ? "a" : "b"}\n`).join("")}`,
  );
  const stream = await streamTable(path, { ...options, bufferRows: 4096, shuffle: false });
  const sizes: number[] = [];
  for await (const part of stream.parts(0)) sizes.push(part.length);
  expect(sizes).toEqual([4096, 4096, 1808]);
  const batches: number[] = [];
  let [previous, ascending, total] = [-Infinity, 0, 0];
  for await (const batch of stream.batches({ batchSize: 1000, epoch: 2 })) {
    batches.push(batch.length);
    for (const value of batch.features.data) {
      if (value > previous) ascending++;
      previous = value;
      total++;
    }
  }
  expect(batches).toEqual([1000, 1000, 1000, 1000, 96, 1000, 1000, 1000, 1000, 96, 1000, 808]);
  expect(ascending / total).toBeLessThan(0.6);
});

test("held-out rows are drawn by seed, in the same share everywhere, and never trained on", async () => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `${i},${i % 2 ? "a" : "b"}\n`);
  const path = write("held.csv", `x,y\n${lines.join("")}`);
  const stream = await streamTable(path, { target: "y", validation: 0.1, seed: 4 });
  const held = stream.validation?.length ?? 0;
  expect(Math.abs(held - 4000)).toBeLessThan(4 * Math.sqrt(40_000 * 0.09));
  expect(stream.length + held).toBe(40_000);
  const seen = new Set(stream.validation?.features.data);
  for await (const part of stream.parts(0)) expect(part.features.data.some((value) => seen.has(value))).toBe(false);
  expect([...seen].filter((value) => value < 0).length / held).toBeCloseTo(0.5, 1);
  // Longer tables hold out a smaller share: the number stays below the limit, within chance.
  const few = await streamTable(path, { target: "y", validation: 0.5, maxValidation: 500 });
  expect(Math.abs((few.validation?.length ?? 0) - 500)).toBeLessThan(120);
});

test("weights, gaps that drop the row and logarithms of targets", async () => {
  const lines = Array.from({ length: 500 }, (_, i) => `${i % 10 ? i : ""},${1 + (i % 3)},${Math.exp(i / 50)}\n`);
  const path = write("weights.csv", `x,w,y\n${lines.join("")}`);
  const stream = await streamTable(path, { ...options, weights: "w", missing: "drop", targetTransform: "log" });
  expect(stream.length).toBe(450);
  expect(stream.preprocessing.notes.join()).toMatch(/50 rows have missing values/);
  for await (const part of stream.parts(0)) {
    expect(new Set(part.weights)).toEqual(new Set([1, 2, 3]));
    expect(Math.max(...part.targets.data)).toBeLessThan(2);
  }
});

describe("refused", () => {
  const rows = Array.from({ length: 120_000 }, (_, i) => `${i},${i % 2},x\n`);
  test.each<[string, string | Uint8Array, object, RegExp]>([
    ["nothing", "", {}, /is empty/],
    ["only a header", "a,y\n", {}, /has column names \(a, y\) but no rows/],
    ["a ragged record far into the file", `a,y,c\n${rows.join("")}1,2\n`, {}, /line 120002: this record has 2 fields/],
    ["an unclosed quote", `a,y,c\n"${rows.join("")}`, {}, /line 2: .*longer than 1000000 characters/],
    ["a zero byte", `a,y,c\n${rows.join("")}1,\0,2\n`, {}, /holds a zero byte at character \d+/],
    ["bytes of no encoding", Buffer.from("a,y\nä,1\n\x02", "latin1"), {}, /is not UTF-8 text/],
    [
      "a damaged gzip file",
      gzipSync(`a,y,c\n${rows.join("")}`).subarray(0, 3000),
      {},
      /is damaged: its gzip data cannot be decompressed/,
    ],
    ["a target that is not there", "a,b\n1,2\n", {}, /has no column "y"; the columns are a, b/],
    ["a target of one value", "a,y\n1,2\n3,2\n", {}, /"y" is "2" in every row|is 2 in every row/],
    ["no target in any row", "a,y\n1,\n2,\n", {}, /the target "y" has no values/],
    [
      "text as a weight",
      "a,w,y\n1,u,2\n3,v,4\n1,u,2\n",
      { weights: "w" },
      /the weight "w" must be a number of at least 0, but row 1 has "u"/,
    ],
    [
      "a negative weight",
      "a,w,y\n1,-1,2\n3,5,4\n1,1,2\n",
      { weights: "w" },
      /weight "w" must be a number of at least 0/,
    ],
    ["no rows at a time", "a,y\n1,2\n3,4\n", { bufferRows: 0 }, /bufferRows must be a whole number/],
    ["everything held out", "a,y\n1,2\n3,4\n", { validation: 1 }, /not a valid share of the rows/],
  ])("%s", async (name, content, more, message) => {
    await expect(streamTable(write(`${name}.csv`, content), { ...options, ...more })).rejects.toThrow(message);
  });

  test("a file that was deleted or changed", async () => {
    await expect(streamTable(join(folder, "gone.csv"), options)).rejects.toThrow(/there is no file/);
    const path = write("changing.csv", "x,y\n1,a\n2,b\n3,a\n");
    const stream = await streamTable(path, options);
    utimesSync(path, 1, 1);
    await expect(stream.parts(0).next()).rejects.toThrow(/changed while it was being read/);
  });
});

test("long texts and very many values do not stay in memory", async () => {
  const line = (i: number): string => `${i},${"word ".repeat(40)}${i},${i % 2 ? "a" : "b"}\n`;
  const path = write("texts.csv", `x,text,y\n${Array.from({ length: 25_000 }, (_, i) => line(i)).join("")}`);
  const stream = await streamTable(path, options);
  expect(stream.preprocessing.dropped.map(({ column }) => column)).toEqual(["text"]);
});

test("characters are not split", () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (const text of ["a", "aß", "a€", "a😀"])
    for (let length = 1; length <= encode(text).length; length++) {
      const whole = wholeCharacters(encode(text).subarray(0, length), "utf-8");
      expect(whole).toBe(length === encode(text).length ? length : 1);
    }
  const wide = new Uint8Array(Buffer.from("a😀", "utf16le"));
  expect([1, 2, 3, 4, 5, 6].map((length) => wholeCharacters(wide.subarray(0, length), "utf-16le"))).toEqual([
    0, 2, 2, 2, 2, 6,
  ]);
});

describe("prefetch", () => {
  test("reads ahead, keeps the order, raises errors in their place", async () => {
    const asked: number[] = [];
    async function* source(): AsyncGenerator<number> {
      for (let i = 0; i < 5; i++) {
        asked.push(i);
        if (i === 4) throw new Error("broken");
        yield i;
      }
    }
    const got: number[] = [];
    await expect(
      (async () => {
        for await (const value of prefetch(source(), 2)) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          got.push(value);
          expect(asked.length).toBeGreaterThanOrEqual(Math.min(5, value + 3));
        }
      })(),
    ).rejects.toThrow("broken");
    expect(got).toEqual([0, 1, 2, 3]);
    await expect(prefetch(source(), 0).next()).rejects.toThrow(/at least 1/);
  });

  test("leaving early closes the source", async () => {
    let closed = false;
    async function* source(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    for await (const value of prefetch(source(), 3)) if (value === 2) break;
    expect(closed).toBe(true);
  });
});
