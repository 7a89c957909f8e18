// The table of PyTorch's names is up to date, its aliases exist, and most of each room is covered.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aliases } from "./differs.ts";
import { camelCase, coverage, entries, names, pytorchTable, resolves } from "./table.ts";

describe("docs/pytorch.md", () => {
  it("is up to date (npm run docs:pytorch)", () => {
    expect(readFileSync(new URL("../../docs/pytorch.md", import.meta.url), "utf8")).toBe(pytorchTable());
  });
  it("has no alias for a name that does not exist", () => {
    const codes = aliases.flatMap(({ names: list, ours }) =>
      list.split(" ").map((name) => ours.replace("*", camelCase(name))),
    );
    expect(codes.filter((code) => !resolves(code))).toEqual([]);
  });
  it("names each name once", () => {
    for (const room of Object.keys(names.rooms)) {
      const found = entries(room).map(({ name }) => name);
      expect(new Set(found).size, room).toBe(found.length);
    }
  });
  it.each(["Tensor", "nn", "nn.functional", "optim"])(
    "%s: nine in ten names exist here, not counting those with a reason to be missing",
    (room) => {
      expect(coverage(room).share).toBeGreaterThanOrEqual(0.9);
    },
  );
});
