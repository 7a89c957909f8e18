// The built-in problems: shapes, classes, seeds, and that each is the problem it claims to be.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Dataset } from "./dataset.ts";
import { readCsvFile } from "./files.ts";
import { blobs, circles, curve, gate, loans, moons, spirals } from "./generators.ts";
import { iris } from "./iris.ts";
import { CharacterVocabulary, nextTokenWindows } from "./text.ts";

const classCounts = (data: Dataset): number[] => {
  const counts: number[] = [];
  for (const label of data.targets.data) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
};

test("gates are their truth tables", () => {
  expect(Array.from(gate("xor").features.data)).toEqual([0, 0, 0, 1, 1, 0, 1, 1]);
  const tables = (["and", "or", "xor", "nand"] as const).map((name) => Array.from(gate(name).targets.data).join(""));
  expect(tables).toEqual(["0001", "0111", "0110", "1110"]);
});

test("points: class sizes, finite values, seeds", () => {
  for (const make of [moons, circles, spirals, blobs]) {
    const data = make({ count: 60, seed: 1 });
    expect(data.features.shape).toEqual([2]);
    expect(data.features.data.every(Number.isFinite)).toBe(true);
    const counts = classCounts(data);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(make({ count: 60, seed: 1 })).toEqual(data);
    expect(make({ count: 60, seed: 2 })).not.toEqual(data);
  }
  expect(classCounts(spirals({ count: 90, arms: 3 }))).toEqual([30, 30, 30]);
});

test("without noise, circles and moons have the exact shape", () => {
  const { features, targets } = circles({ count: 20, noise: 0 });
  for (let i = 0; i < 20; i++) {
    expect(Math.hypot(features.data[2 * i] ?? 0, features.data[2 * i + 1] ?? 0)).toBeCloseTo(
      targets.data[i] === 1 ? 0.5 : 1,
      6,
    );
  }
  const moon = moons({ count: 20, noise: 0 });
  for (let i = 0; i < 20; i++) {
    const [x, y] = [moon.features.data[2 * i] ?? 0, moon.features.data[2 * i + 1] ?? 0];
    expect(moon.targets.data[i] === 0 ? Math.hypot(x, y) : Math.hypot(x - 1, y - 0.5)).toBeCloseTo(1, 6);
  }
});

test("the curve is sin(3x) + x/2", () => {
  const { features, targets } = curve({ count: 5, noise: 0 });
  const wanted = Array.from(features.data, (x) => expect.closeTo(Math.sin(3 * x) + x / 2, 5));
  expect(Array.from(targets.data)).toEqual(wanted);
});

test("loans: a table of both decisions, with income in favour of approval and debt against", () => {
  const table = loans({ count: 2000, seed: 1 });
  const approved = table.column("approved").cells.map((cell) => cell === "yes");
  const share = approved.filter(Boolean).length / 2000;
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.65);
  const mean = (column: string, yes: boolean): number => {
    const values = table
      .column(column)
      .cells.map(Number)
      .filter((_, i) => approved[i] === yes);
    return values.reduce((sum, x) => sum + x, 0) / values.length;
  };
  expect(mean("income", true)).toBeGreaterThan(mean("income", false) + 5);
  expect(mean("debt_ratio", true)).toBeLessThan(mean("debt_ratio", false) - 0.05);
  expect(loans({ count: 2000, seed: 1 })).toEqual(table);
});

test("iris is complete", async () => {
  const table = iris();
  expect(table.rowCount).toBe(150);
  expect(table.describe().map((column) => column.range?.mean ?? column.distinct)).toEqual(
    [5.8433333, 3.0573333, 3.758, 1.1993333, 3].map((x) => expect.closeTo(x, 5)),
  );
  const file = fileURLToPath(new URL("../../../shared/data/iris.csv", import.meta.url));
  if (existsSync(file)) expect(table.columns).toEqual((await readCsvFile(file)).columns);
});

test("refuses invalid sizes and names", () => {
  expect(() => moons({ count: 0 })).toThrow(/count 0 is out of range/);
  expect(() => blobs({ count: 1e12 })).toThrow(/out of range/);
  // @ts-expect-error: there is no such gate
  expect(() => gate("toString")).toThrow(/name "toString" does not exist; use "and", "or", "xor" or "nand"/);
});

test("text: characters to numbers and back, and windows one step apart", () => {
  const vocabulary = CharacterVocabulary.of("héllo 🙂");
  expect(vocabulary.characters).toEqual([" ", "h", "l", "o", "é", "🙂"]);
  expect(vocabulary.decode(vocabulary.encode("hello".replace("e", "é")))).toBe("héllo");
  expect(() => vocabulary.encode("hex")).toThrow(/the character "e" \(position 2\) is not in the vocabulary of 6/);
  expect(() => CharacterVocabulary.of("")).toThrow(/at least one character/);
  const windows = nextTokenWindows(Int32Array.of(0, 1, 2, 3, 4, 5, 6), 3);
  expect(Array.from(windows.features.data)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Array.from(windows.targets.data)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(nextTokenWindows(Int32Array.of(0, 1, 2, 3), 2, 1).length).toBe(2);
  expect(() => nextTokenWindows(Int32Array.of(1, 2), 2)).toThrow(/2 tokens are too few for a context of 2/);
});
