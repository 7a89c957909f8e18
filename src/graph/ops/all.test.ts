// The list of ops is complete, and names are unique.
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { allOps } from "./all.ts";
import { collectiveOp } from "./collective.ts";

const folder = new URL(".", import.meta.url);
const files = readdirSync(folder).filter(
  (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "all.ts",
);

it.each(files)("%s: every exported op is listed", async (name) => {
  const exported = Object.entries((await import(new URL(name, folder).href)) as Record<string, unknown>);
  // Ranks compute collectives between programs: no backend does.
  const listed = new Set<unknown>([...allOps, collectiveOp]);
  expect(exported.filter(([key, value]) => key.endsWith("Op") && !listed.has(value)).map(([key]) => key)).toEqual([]);
});

it("names are unique, because they identify equal nodes", () => {
  const names = allOps.map(({ name }) => name);
  expect(names.filter((name, place) => names.indexOf(name) !== place)).toEqual([]);
});
