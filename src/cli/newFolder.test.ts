// Default run folders: runs that start in the same second each get their own.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { newFolder } from "./newFolder.ts";

const parent = mkdtempSync(join(tmpdir(), "hebb-folders-"));
afterAll(() => rmSync(parent, { recursive: true }));

test("folders made in the same second are all different, and exist", () => {
  const folders = Array.from({ length: 20 }, () => newFolder("my table", parent));
  expect(new Set(folders).size).toBe(20);
  expect(folders.every((folder) => existsSync(folder))).toBe(true);
  expect(folders[0]).toContain(`${parent}/my_table-`);
});
