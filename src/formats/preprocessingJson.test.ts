// Stored preprocessings: those of earlier versions give the same features; errors in hand-edited ones name the position.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyPreprocessing, fitPreprocessing, parseCsv, type TablePreprocessing } from "../data/index.ts";
import { checkPreprocessing } from "./preprocessingJson.ts";

const read = (value: unknown): TablePreprocessing => {
  const found = checkPreprocessing(value, "preprocessing.json:");
  if (found.kind !== "table") throw new Error("a table was stored");
  return found;
};

describe("version 1", () => {
  // From the previous version: `features`, `targets` and `weights` are its results for its own table.
  const golden = JSON.parse(readFileSync(new URL("golden/preprocessing-1.json", import.meta.url), "utf8"));
  const table = parseCsv(golden.csv);

  test("classes, dates, categories, weights, decimal commas", () => {
    const pre = read(golden.classes.pre);
    expect(pre.version).toBe(2);
    const { features, targets, weights } = applyPreprocessing(pre, table);
    expect([...features]).toEqual(golden.classes.features);
    expect([...(targets ?? [])]).toEqual(golden.classes.targets);
    expect([...(weights ?? [])]).toEqual(golden.classes.weights);
  });

  test("a numeric target", () => {
    const { targets } = applyPreprocessing(read(golden.number.pre), table);
    expect([...(targets ?? [])]).toEqual(golden.number.targets);
  });
});

describe("refuses anything else", () => {
  const pre = fitPreprocessing(parseCsv("x;b;y\n1,5;yes;p\n2,5;no;q\n4,5;no;p\n"), { target: "y" });
  const [number, category] = pre.inputs;
  test.each<[string, object, RegExp]>([
    ["another version", { ...pre, version: 3 }, /version must be 2, but is 3/],
    [
      "a notation that does not exist",
      { ...pre, inputs: [{ ...number, reading: { ...number?.reading, format: "roman" } }, category] },
      /inputs\[0\]\.reading\.format must be "plain" or .*"groupedComma", but is "roman"/,
    ],
    [
      "a number that is read as text",
      { ...pre, inputs: [{ ...number, reading: { kind: "text", values: [] } }, category] },
      /inputs\[0\]\.reading must be an object whose kind is number or date/,
    ],
    ["no reading", { ...pre, inputs: [{ ...category, reading: undefined }] }, /inputs\[0\]\.reading must be an object/],
    ["weights by name alone", { ...pre, weights: "x" }, /weights must be an object/],
    ["too few names", { ...pre, featureNames: ["x"] }, /names 1 features, but its inputs make \d/],
  ])("%s", (_, value, says) => expect(() => read(value)).toThrow(says));
});
