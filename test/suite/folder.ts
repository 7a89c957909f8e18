// Before and after all tests: a folder for builds that several test files need, each made once per run.
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { buildSources } from "./builtSources.ts";
import { folderVariable } from "./once.ts";
import { removeFolder } from "./removeFolder.ts";

/** Below node_modules, so that builds there find their packages. */
const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));

export default async function setup(project: TestProject): Promise<() => void> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "hebb-tests-"));
  // Workers inherit the environment of this process.
  process.env[folderVariable] = folder;
  if (process.env["HEBB_TEST_BUILT"] === "1") await buildSources(folder);
  const empty = (): void => removeFolder(folder);
  project.onTestsRerun(() => {
    empty();
    mkdirSync(folder);
  });
  return empty;
}
