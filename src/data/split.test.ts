// Splits: every row once, classes in proportion, the same for the same seed.
import { expect, test } from "vitest";
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
  expect(() => trainValidationSplit(10, { validation: 1 })).toThrow(/validation 1 is not a share/);
  expect(() => trainValidationSplit(10, { validation: Number.NaN })).toThrow(/validation NaN/);
  expect(() => trainValidationSplit(10, { labels: [1, 2] })).toThrow(/2 labels for 10 rows/);
  expect(() => kFold(3, 4)).toThrow(/4 folds of 3 rows/);
});
