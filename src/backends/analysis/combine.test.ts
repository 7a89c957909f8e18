// What a combination starts from changes nothing that is combined with it.
import { describe, expect, it } from "vitest";
import { identityOf, runningDtype } from "./combine.ts";

describe("a combination", () => {
  it.each([
    ["sum", "float32", 0],
    ["sum", "int32", 0],
    ["prod", "float32", 1],
    ["prod", "uint8", 1],
    ["max", "float32", Number.NEGATIVE_INFINITY],
    ["max", "int32", -(2 ** 31)],
    ["max", "uint8", 0],
    ["min", "float64", Number.POSITIVE_INFINITY],
    ["min", "int32", 2 ** 31 - 1],
    ["min", "bool", 1],
  ] as const)("%s of %s starts from %d", (combine, dtype, expected) => {
    expect(identityOf(combine, dtype)).toBe(expected);
  });

  it.each([
    ["sum", "float32", "float64"],
    ["prod", "float32", "float64"],
    ["max", "float32", "float32"],
    ["min", "float32", "float32"],
    ["sum", "float64", "float64"],
    ["sum", "int32", "int32"],
    ["prod", "int32", "int32"],
    ["max", "int32", "int32"],
  ] as const)("a running %s of %s is kept in %s", (combine, dtype, expected) => {
    expect(runningDtype(combine, dtype)).toBe(expected);
  });
});
