// Before and after all tests: a folder for what several files of tests need built, which is then built once for a run.
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { buildSources } from "./builtSources.ts";
import { folderVariable } from "./once.ts";
import { removeFolder } from "./removeFolder.ts";

/** Below node_modules, so that what is built there finds its packages. */
const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));

export default async function setup(project: TestProject): Promise<() => void> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "hebb-tests-"));
  // Workers inherit the variables of this process.
  process.env[folderVariable] = folder;
  if (process.env["HEBB_TEST_BUILT"] === "1") await buildSources(folder);
  const empty = (): void => removeFolder(folder);
  project.onTestsRerun(() => {
    empty();
    mkdirSync(folder);
  });
  return empty;
}
