// Cells: numbers in every notation to the last bit, booleans, conversion of values to text; labels distinguished by their digits.
import { describe, expect, test } from "vitest";
import { areBooleans, booleanOf, cellOf } from "./cells.ts";
import { compareDecimals, decimalKey } from "./labels.ts";
import { isInfinite, numberShape, parseNumber, plainNumber } from "./numbers.ts";
import { Random } from "./random.ts";

describe("numbers", () => {
  test("are those of the engine's parser, to the last bit", () => {
    const random = new Random(5);
    for (let round = 0; round < 20_000; round++) {
      const digits = String(random.integer(2 ** 31)) + String(random.integer(2 ** 31));
      const whole = digits.slice(0, random.integer(12));
      const fraction = digits.slice(0, random.integer(20));
      const exponent = random.uniform() < 0.2 ? `e${random.integer(40) - 20}` : "";
      const text = `${["", "-", "+"][random.integer(3)]}${whole}${random.uniform() < 0.7 ? `.${fraction}` : ""}${exponent}`;
      const expected = /\d/.test(text.replace(/e.*/, "")) ? Number(text) : Number.NaN;
      if (!Object.is(plainNumber(text), expected)) expect([text, plainNumber(text)]).toEqual([text, expected]);
    }
  });

  test.each(["", ".", "-", "+.", "1e", "e5", "--1", "1.2.3", "0x1f", "1 2", "1,5", "Infinity", "9".repeat(65), "1e5x"])(
    "%s is none",
    (cell) => expect(plainNumber(cell)).toBeNaN(),
  );

  test.each<[string, string, number | undefined, number | undefined, number | undefined, number | undefined]>([
    // cell, shape, plain, thousands, decimalComma, groupedComma
    ["12", "whole", 12, 12, 12, 12],
    ["12.5", "point", 12.5, 12.5, 12.5, undefined],
    ["1.234", "pointGroup", 1.234, 1.234, undefined, 1234],
    ["0.234", "point", 0.234, 0.234, 0.234, undefined],
    ["1,234", "commaGroup", undefined, 1234, 1.234, 1.234],
    ["1,23", "comma", undefined, undefined, 1.23, 1.23],
    ["0,234", "comma", undefined, undefined, 0.234, 0.234],
    ["1,234.5", "commaGroups", undefined, 1234.5, undefined, undefined],
    ["1,234,567", "commaGroups", undefined, 1234567, undefined, undefined],
    ["1.234,5", "pointGroups", undefined, undefined, undefined, 1234.5],
    ["1.234.567", "pointGroups", undefined, undefined, undefined, 1234567],
    ["-$1,234", "commaGroup", undefined, -1234, -1.234, -1.234],
    ["1 234,5 €", "comma", undefined, undefined, 1234.5, 1234.5],
    ["1'234.5", "point", 1234.5, 1234.5, 1234.5, undefined],
    ["12 %", "whole", 12, 12, 12, 12],
  ])("%s", (cell, shape, ...values) => {
    expect(numberShape(cell)?.shape).toBe(shape);
    const formats = ["plain", "thousands", "decimalComma", "groupedComma"] as const;
    expect(formats.map((format) => parseNumber(cell, format))).toEqual(values.map((value) => value ?? Number.NaN));
  });

  test("infinities, in words and beyond float64", () => {
    for (const cell of ["inf", "-INF", "+Infinity", "∞", "1e999", "-1e309"])
      expect([cell, isInfinite(cell)]).toEqual([cell, true]);
    for (const cell of ["info", "1e308", "", "infinit", "in"]) expect([cell, isInfinite(cell)]).toEqual([cell, false]);
  });
});

test("booleans: pairs of words, in any spelling", () => {
  expect(["True", "YES", "t", "On", "1", "1.0"].map(booleanOf)).toEqual(Array(6).fill(true));
  expect(["False", "no", "F", "off", "0", "0.0"].map(booleanOf)).toEqual(Array(6).fill(false));
  expect(["maybe", "2", "", "truethat"].map(booleanOf)).toEqual(Array(4).fill(undefined));
  expect([["True", "false"], ["y", "no", "1"], ["on"]].map((words) => areBooleans(words))).toEqual([true, true, true]);
  expect(
    [
      ["t", "n"],
      ["1", "0"],
      ["yes", "maybe"],
      ["true", "no"],
    ].map((words) => areBooleans(words)),
  ).toEqual(Array(4).fill(false));
});

test("values from programs as text", () => {
  const values = [1.5, -0, 2n ** 60n, true, null, undefined, Number.NaN, " a ", "  ", new Date(0), new Date(3.6e6)];
  expect(values.map(cellOf)).toEqual([
    ...["1.5", "0", "1152921504606846976", "true", undefined, undefined, undefined],
    ...["a", undefined, "1970-01-01", "1970-01-01T01:00:00Z"],
  ]);
});

describe("numeric labels", () => {
  test.each<[string, string]>([
    ["1", "1"],
    ["+1.0", "1"],
    ["10e-1", "1"],
    [".1e1", "1"],
    ["-0.0", "0"],
    ["007", "7"],
    ["-1.50", "-1.5"],
    ["1e3", "1000"],
    ["1e-3", "0.001"],
    ["12.5e-4", "0.00125"],
    ["1610521604143693813", "1610521604143693813"],
    ["0.10000000000000000000001", "0.10000000000000000000001"],
  ])("%s is %s", (cell, key) => expect(decimalKey(cell, "plain")).toBe(key));

  test("in order of value, to the last digit", () => {
    const keys = ["-12", "-2.5", "-2", "0", "0.05", "0.5", "2", "12", "1610521604143693812", "1610521604143693813"];
    for (const a of keys)
      for (const b of keys) expect(Math.sign(compareDecimals(a, b))).toBe(Math.sign(keys.indexOf(a) - keys.indexOf(b)));
  });
});
