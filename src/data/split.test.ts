// Splits: every row once, classes in proportion, the same for the same seed.
import { expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { kFold, trainValidationSplit } from "./split.ts";

const sorted = (...parts: Int32Array[]): number[] => parts.flatMap((part) => [...part]).sort((a, b) => a - b);

test("each row is in exactly one part, and the seed decides which", () => {
  const split = trainValidationSplit(103, { validation: 0.25, seed: 4 });
  expect(split.validation.length).toBe(26);
  expect(sorted(split.train, split.validation)).toEqual(Array.from({ length: 103 }, (_, i) => i));
  expect(trainValidationSplit(103, { validation: 0.25, seed: 4 })).toEqual(split);
  expect(trainValidationSplit(103, { validation: 0.25, seed: 5 })).not.toEqual(split);
});

test("classes are split in proportion; a class of one row is trained on", () => {
  const labels = Array.from({ length: 101 }, (_, i) => (i === 0 ? "single" : i <= 70 ? "many" : "few"));
  const { train, validation } = trainValidationSplit(101, { labels });
  const count = (rows: Int32Array, label: string): number => rows.filter((row) => labels[row] === label).length;
  expect(validation.length).toBe(20);
  expect([count(validation, "many"), count(validation, "few"), count(validation, "single")]).toEqual([14, 6, 0]);
  expect(count(train, "single")).toBe(1);
});

test("a class of two rows gives one row to each side of a half split", () => {
  const labels = ["many", "many", "many", "many", "two", "two", "many", "many", "many", "many"];
  const { validation } = trainValidationSplit(10, { labels, validation: 0.5 });
  expect(validation.length).toBe(5);
  expect([...validation].filter((row) => labels[row] === "two")).toHaveLength(1);
});

test("every side gets its share, even with many labels of a single row", () => {
  for (const [singles, others, share] of [
    [60, 40, 0.2],
    [10, 3, 0.15],
    [10, 0, 0.2],
    [100, 0, 0.5],
    [6, 2, 0.9],
    [1, 9, 0.5],
    [0, 50, 0.02],
  ] as const) {
    const labels = Array.from({ length: singles + others }, (_, i) => (i < singles ? `alone ${i}` : `common ${i % 2}`));
    const count = labels.length;
    const { train, validation } = trainValidationSplit(count, { labels, validation: share });
    expect(validation.length).toBe(Math.max(1, Math.round(count * share)));
    expect(sorted(train, validation)).toEqual(Array.from({ length: count }, (_, i) => i));
    // Every label has a training row, if there are enough rows.
    const learned = new Set(Array.from(train, (row) => labels[row])).size;
    expect(learned).toBe(Math.min(new Set(labels).size, train.length));
  }
  expect(trainValidationSplit(10, { labels: [0, 1, 2, 3, 4, 5, 6, 7, 7, 7] }).validation.length).toBe(2);
  expect(trainValidationSplit(3, { labels: ["a", "b", "c"], validation: 0 }).train.length).toBe(3);
});

test("handles tiny tables and a share of 0", () => {
  expect(trainValidationSplit(1).train.length).toBe(1);
  expect(trainValidationSplit(2).validation.length).toBe(1);
  expect(trainValidationSplit(10, { validation: 0 }).validation.length).toBe(0);
});

test("folds are disjoint, cover everything and keep the class proportions", () => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 3);
  const folds = kFold(60, 5, { labels, seed: 1 });
  expect(sorted(...folds.map((fold) => fold.validation))).toEqual(Array.from({ length: 60 }, (_, i) => i));
  for (const { train, validation } of folds) {
    expect(sorted(train, validation).length).toBe(60);
    expect([0, 1, 2].map((label) => validation.filter((row) => labels[row] === label).length)).toEqual([4, 4, 4]);
  }
});

test("refuses bad shares, folds and labels", () => {
  expect(() => trainValidationSplit(10, { validation: 1 })).toThrow(/validation 1 is not a valid share/);
  expect(() => trainValidationSplit(10, { validation: Number.NaN })).toThrow(/validation must be a number, got NaN/);
  expect(() => trainValidationSplit(10, { labels: [1, 2] })).toThrow(/2 labels for 10 rows/);
  expect(() => kFold(3, 4)).toThrow(/4 folds of 3 rows/);
  const wrong = (run: (...given: readonly unknown[]) => unknown, ...given: readonly unknown[]): void =>
    expect(() => run(...given)).toThrow(HebbError);
  const [split, folds] = [trainValidationSplit, kFold] as readonly ((...given: readonly unknown[]) => unknown)[];
  if (split === undefined || folds === undefined) throw new Error("two functions");
  wrong(split, 10, 0.2);
  wrong(split, 10, { validaton: 0.2 });
  wrong(split, 10, { labels: 3 });
  wrong(split, 10, { validation: "0.2" });
  wrong(split, [1, 2, 3]);
  wrong(folds, 10);
  wrong(folds, 10, 5, { validation: 0.2 });
  expect(() => split(10, { stratify: [1] })).toThrow(
    /there is no option stratify; its options are validation, seed, labels/,
  );
});

test("no rows give two empty parts", () => {
  const { train, validation } = trainValidationSplit(0);
  expect([train.length, validation.length]).toEqual([0, 0]);
});

/** Held-out rows per class, by the largest remainders; a class of one row is trained on. */
function sharesOf(sizes: readonly number[], share: number): number[] {
  const exact = sizes.map((size) => (size === 1 ? 0 : size * share));
  const taken = exact.map(Math.floor);
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const byRemainder = exact.map((value, place) => ({ rest: value % 1, place })).sort((a, b) => b.rest - a.rest);
  let missing = Math.max(1, Math.round(count * share)) - taken.reduce((sum, size) => sum + size, 0);
  for (const { place } of byRemainder) {
    if (missing <= 0 || (taken[place] ?? 0) + 1 >= (sizes[place] ?? 0)) continue;
    taken[place] = (taken[place] ?? 0) + 1;
    missing--;
  }
  return taken;
}

test("leftover rows go to the classes with the largest remainders", () => {
  for (const sizes of [
    [13, 7, 5],
    [9, 9, 9, 9],
    [1, 22, 17],
    [40, 3, 6, 8],
    [11, 12],
  ])
    for (const share of [0.1, 0.2, 0.25, 0.3, 0.45, 0.5]) {
      const labels = sizes.flatMap((size, label) => new Array<number>(size).fill(label));
      const { train, validation } = trainValidationSplit(labels.length, { labels, validation: share, seed: 3 });
      const held = sizes.map((_, label) => validation.filter((row) => labels[row] === label).length);
      expect(held, `${sizes}, ${share}`).toEqual(sharesOf(sizes, share));
      expect(sorted(train, validation)).toEqual(labels.map((_, row) => row));
    }
});

test("the selection of held-out rows is a contract", () => {
  const labels = Array.from({ length: 24 }, (_, row) => ["a", "b", "c"][(row * row) % 3]);
  const rows = [
    trainValidationSplit(24).validation,
    trainValidationSplit(24, { seed: 7, validation: 0.3 }).validation,
    trainValidationSplit(24, { seed: 7, labels, validation: 0.3 }).validation,
    ...kFold(7, 3).map(({ validation }) => validation),
    ...kFold(9, 2, { seed: 5, labels: labels.slice(0, 9) }).map(({ validation }) => validation),
  ].map((part) => part.join(" "));
  expect(rows).toMatchInlineSnapshot(`
    [
      "3 7 18 19 21",
      "0 8 9 10 14 15 17",
      "0 2 8 10 11 12 13",
      "0 2 6",
      "1 4",
      "3 5",
      "0 1 3 5 7",
      "2 4 6 8",
    ]
  `);
});

test("the smallest and largest valid arguments", () => {
  for (const validation of [-0.01, 1, 1.5])
    expect(() => trainValidationSplit(10, { validation })).toThrow(`validation ${validation} is not a valid share`);
  expect(trainValidationSplit(10, { validation: 0.99 }).train.length).toBe(1);
  expect(trainValidationSplit(10, { validation: 0.01 }).validation.length).toBe(1);
  for (const folds of [1, 0, 2.5, 11]) expect(() => kFold(10, folds)).toThrow(`${folds} folds of 10 rows`);
  expect(kFold(10, 10).map(({ validation }) => validation.length)).toEqual(new Array(10).fill(1));
  expect(kFold(10, 2).map(({ train }) => train.length)).toEqual([5, 5]);
  for (const count of [-1, 0.5, Number.NaN])
    for (const run of [() => trainValidationSplit(count), () => kFold(count, 2)])
      expect(run).toThrow(`takes a number of rows first, got ${count}`);
});

test("labels are a list with one entry per row", () => {
  const split = trainValidationSplit as (count: number, options: object) => unknown;
  for (const labels of [null, "abcdefghij", 5, {}, { length: "10" }])
    expect(() => split(10, { labels })).toThrow("labels must be a list of one for each row");
  expect(() => kFold(10, 2, { labels: [1] })).toThrow("kFold: 1 labels for 10 rows");
});
