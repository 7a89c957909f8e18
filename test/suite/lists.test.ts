// Every list of tests, sources and examples names existing files: a moved file would otherwise no longer run.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const missing = (files: readonly string[]): string[] => files.filter((file) => !existsSync(join(root, file)));
const listOf = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(pathToFileURL(join(root, file)).href)) as Readonly<Record<string, unknown>>;

describe("every file exists that is named in", () => {
  it("test/durations.json", () => {
    const durations: object = JSON.parse(readFileSync(join(root, "test/durations.json"), "utf8"));
    expect(missing(Object.keys(durations))).toEqual([]);
  });

  it("the suites of scripts/processors.mjs", async () => {
    const { suites } = await listOf("scripts/processors/suites.mjs");
    expect(missing(Object.values(suites as Record<string, string[]>).flat())).toEqual([]);
  });

  it("the rooms of scripts/mutants.mjs", async () => {
    const { rooms } = await listOf("scripts/mutants/rooms.mjs");
    const named = Object.values(rooms as Record<string, { readonly files: string[]; readonly tests: string[] }>);
    expect(missing(named.flatMap(({ files, tests }) => [...files, ...tests]))).toEqual([]);
  });
});
