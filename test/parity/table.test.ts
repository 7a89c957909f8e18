// The table of PyTorch's names is true: generated anew it is the same, its aliases mean something, and most of each room is ours.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aliases } from "./differs.ts";
import { camelCase, coverage, entries, names, pytorchTable, resolves } from "./table.ts";

describe("docs/pytorch.md", () => {
  it("is up to date (npm run docs:pytorch)", () => {
    expect(readFileSync(new URL("../../docs/pytorch.md", import.meta.url), "utf8")).toBe(pytorchTable());
  });
  it("has an alias for nothing that is not there", () => {
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
    "%s: nine names in ten are ours, of those that have no reason not to be",
    (room) => {
      expect(coverage(room).share).toBeGreaterThanOrEqual(0.9);
    },
  );
});
