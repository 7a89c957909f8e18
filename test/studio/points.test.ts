// The table of properties in docs/studio.md: every one has a test, and every named test exists.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");

it("every point of the Studio's table names an existing test", () => {
  const rows = [...read("../../docs/studio.md").matchAll(/^\| (\d+) \|(.*)\|(.*)\|$/gm)];
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 16 }, (_, k) => k + 1));
  for (const [, number, , tests = ""] of rows) {
    const named = [...tests.matchAll(/`(\w+\.test\.ts)` "([^"]+)"/g)];
    expect(named.length, `point ${number}`).toBeGreaterThan(0);
    for (const [, file, title = ""] of named) expect(read(`./${file}`), `point ${number}: ${file}`).toContain(title);
  }
});
