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

test("classes are split in proportion; a class of one row is learned from", () => {
  const labels = Array.from({ length: 101 }, (_, i) => (i === 0 ? "single" : i <= 70 ? "many" : "few"));
  const { train, validation } = trainValidationSplit(101, { labels });
  const count = (rows: Int32Array, label: string): number => rows.filter((row) => labels[row] === label).length;
  expect(validation.length).toBe(20);
  expect([count(validation, "many"), count(validation, "few"), count(validation, "single")]).toEqual([14, 6, 0]);
  expect(count(train, "single")).toBe(1);
});

test("a class of two rows gives one to each side of halves", () => {
  const labels = ["many", "many", "many", "many", "two", "two", "many", "many", "many", "many"];
  const { validation } = trainValidationSplit(10, { labels, validation: 0.5 });
  expect(validation.length).toBe(5);
  expect([...validation].filter((row) => labels[row] === "two")).toHaveLength(1);
});

test("every side gets its share, also where many labels stand in one row alone", () => {
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
    // Every label can be learned, where there are rows enough for that.
    const learned = new Set(Array.from(train, (row) => labels[row])).size;
    expect(learned).toBe(Math.min(new Set(labels).size, train.length));
  }
  expect(trainValidationSplit(10, { labels: [0, 1, 2, 3, 4, 5, 6, 7, 7, 7] }).validation.length).toBe(2);
  expect(trainValidationSplit(3, { labels: ["a", "b", "c"], validation: 0 }).train.length).toBe(3);
});

test("tiny tables and a share of 0", () => {
  expect(trainValidationSplit(1).train.length).toBe(1);
  expect(trainValidationSplit(2).validation.length).toBe(1);
  expect(trainValidationSplit(10, { validation: 0 }).validation.length).toBe(0);
});

test("folds are disjoint, cover everything and keep the classes' proportions", () => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 3);
  const folds = kFold(60, 5, { labels, seed: 1 });
  expect(sorted(...folds.map((fold) => fold.validation))).toEqual(Array.from({ length: 60 }, (_, i) => i));
  for (const { train, validation } of folds) {
    expect(sorted(train, validation).length).toBe(60);
    expect([0, 1, 2].map((label) => validation.filter((row) => labels[row] === label).length)).toEqual([4, 4, 4]);
  }
});

test("bad shares, folds and labels are refused", () => {
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
