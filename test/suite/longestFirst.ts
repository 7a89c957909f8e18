// The order of the test files: longest first, by test/durations.json, so that no worker is left alone with a long one at the end.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const root = fileURLToPath(new URL("../..", import.meta.url));
const durations: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(new URL("../durations.json", import.meta.url), "utf8"),
);

/** Vitest's own order uses durations of earlier runs on the same machine; a clean one, such as CI, has none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = ({ moduleId }: TestSpecification): number => durations[relative(root, moduleId)] ?? 0;
    return [...files].sort((a, b) => seconds(b) - seconds(a) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}
