// Windows of series: their inputs and targets, which never cross a cut, a group or a gap.
import { describe, expect, test } from "vitest";
import { inverseTarget } from "./preprocessing.ts";
import { prepareSeries, seriesWindows, windowStarts } from "./series.ts";
import { Table } from "./table.ts";

test("starts: as many as fit, at every stride", () => {
  expect([...windowStarts(10, { window: 3 })]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...windowStarts(10, { window: 3, horizon: 2, stride: 2 })]).toEqual([0, 2, 4]);
  expect([...windowStarts(4, { window: 3, horizon: 2 })]).toEqual([]);
  expect(() => windowStarts(4, { window: 0 })).toThrow(/window must be a whole number/);
  expect(() => windowStarts(4, { window: 2, stride: 1.5 })).toThrow(/stride must be a whole number/);
});

describe("series of numbers", () => {
  const values = Float32Array.from({ length: 12 }, (_, i) => i);
  test("windows of two columns, one of them predicted two steps ahead", () => {
    const windows = seriesWindows({ values, width: 2, targets: [1] }, { window: 3, horizon: 2 });
    expect(windows.features.shape).toEqual([3, 2]);
    expect([...windows.features.data]).toEqual([0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7]);
    expect(windows.targets.shape).toEqual([2, 1]);
    expect([...windows.targets.data]).toEqual([7, 9, 9, 11]);
  });

  test("windows with gaps are left out", () => {
    const gaps = values.slice();
    gaps[4] = Number.NaN;
    expect([...seriesWindows({ values: gaps, width: 1 }, { window: 2 }).targets.data]).toEqual([2, 3, 7, 8, 9, 10, 11]);
    expect(() => seriesWindows({ values: gaps.fill(Number.NaN), width: 1 }, { window: 2 })).toThrow(
      /no complete window of 2/,
    );
  });

  test("refuses widths and columns that do not fit", () => {
    expect(() => seriesWindows({ values, width: 5 }, { window: 2 })).toThrow(/divide into rows of 5/);
    expect(() => seriesWindows({ values, width: 2, targets: [2] }, { window: 2 })).toThrow(/no column 2/);
  });
});

describe("tables", () => {
  const count = 50;
  const table = new Table([
    {
      name: "day",
      cells: Array.from({ length: count }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10)),
    },
    { name: "shop", cells: Array.from({ length: count }, (_, i) => (i % 2 ? "north" : "south")) },
    { name: "promo", cells: Array.from({ length: count }, (_, i) => (i % 3 === 0 ? "yes" : "no")) },
    { name: "sales", cells: Array.from({ length: count }, (_, i) => i * 1.5 + 0.25) },
  ]);

  test("windows stay within a shop and on one side of the cut; scales come from the past", () => {
    const prepared = prepareSeries(table, {
      target: "sales",
      group: "shop",
      time: "day",
      window: 4,
      horizon: 2,
      validation: 0.4,
    });
    expect(prepared.inputNames).toEqual(["promo = no", "promo = yes", "sales"]);
    // 25 rows each: 15 before the cut, 10 after it.
    expect(prepared.train.length).toBe(2 * 10);
    expect(prepared.validation?.length).toBe(2 * 5);
    expect(Math.max(...prepared.trainStarts)).toBeLessThan(30 - 2 * 5);
    expect(Math.min(...prepared.validationStarts)).toBeGreaterThanOrEqual(30);
    const { target } = prepared.preprocessing;
    const past = Array.from({ length: 30 }, (_, i) => i * 1.5 + 0.25);
    expect(target).toMatchObject({ mean: expect.closeTo(past.reduce((sum, value) => sum + value, 0) / 30, 9) });
    // Each shop has every second row, so the next value is 3 steps from the last one seen.
    const last = prepared.train.features.data[3 * 3 + 2] ?? 0;
    const next = [0, 1].map((step) => inverseTarget(target, prepared.train.targets.data[step] ?? 0));
    expect(next[0]).toBeCloseTo(inverseTarget(target, last) + 3, 4);
    expect(next[1]).toBeCloseTo(inverseTarget(target, last) + 6, 4);
  });

  test("a series alone is its own input", () => {
    const alone = prepareSeries(table, { target: "sales", ignore: ["promo", "shop", "day"], window: 3 });
    expect(alone.inputNames).toEqual(["sales"]);
    expect(alone.train.features.shape).toEqual([3, 1]);
    expect(() =>
      prepareSeries(table, { target: "sales", ignore: ["promo", "shop", "day"], window: 3, pastTarget: false }),
    ).toThrow(/no column to learn/);
  });

  test("classes: the one at the end of the horizon", () => {
    const prepared = prepareSeries(table, {
      target: "promo",
      ignore: ["day", "shop"],
      window: 3,
      horizon: 2,
      stride: 5,
      validation: 0,
    });
    expect(prepared.inputNames).toEqual(["sales", "promo = no", "promo = yes"]);
    expect([...prepared.train.targets.data]).toEqual(
      [4, 9, 14, 19, 24, 29, 34, 39, 44, 49].map((row) => (row % 3 === 0 ? 1 : 0)),
    );
  });

  test("refuses rows out of order, invalid times, and parts that are too short", () => {
    const turned = table.select(Array.from({ length: count }, (_, i) => count - 1 - i));
    expect(() => prepareSeries(turned, { target: "sales", time: "day", window: 3 })).toThrow(
      /row 2 is earlier than the row before it/,
    );
    expect(() => prepareSeries(table, { target: "sales", time: "shop", window: 3 })).toThrow(
      /the time "shop" in row 1 is "south"/,
    );
    expect(() => prepareSeries(table, { target: "sales", window: 20 })).toThrow(
      /validation part holds no window of 20 rows/,
    );
    expect(() => prepareSeries(table, { target: "sales", window: 3, validation: 1 })).toThrow(/not a valid share/);
  });
});
