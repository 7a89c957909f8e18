// The table in docs equals the one that the suite generates.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { opTable } from "./table.ts";

it("docs/op-table.md is up to date (npm run docs:ops)", () => {
  expect(readFileSync(new URL("../../docs/op-table.md", import.meta.url), "utf8")).toBe(opTable());
});
