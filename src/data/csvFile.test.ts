// A table that is reread block by block names the line of an error as the first reading would.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CsvFile } from "./csvFile.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-blocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = 20_000;
const wide = "x".repeat(20);
/** A note of two lines in every tenth row makes line and row numbers differ. */
const text = (broken: number | undefined): string => {
  const lines = Array.from({ length: rows }, (_, row) =>
    row === broken ? `${row};${wide}` : row % 10 === 0 ? `${row},"${wide.slice(3)}\n"` : `${row},${wide}`,
  );
  return `number,note\n${lines.join("\n")}\n`;
};
const write = (content: string): string => {
  const path = join(folder, "table.csv");
  writeFileSync(path, content);
  utimesSync(path, 1000, 1000);
  return path;
};

async function all(
  records: AsyncIterable<{ readonly records: readonly string[][]; readonly row: number }>,
): Promise<void> {
  for await (const { records: found, row } of records) expect(Number(found[0]?.[0])).toBe(row);
}

test.each([9, 15_001, 19_999])("row %d", async (broken) => {
  const file = await CsvFile.open(write(text(undefined)), {});
  await all(file.scan());
  await all(file.blocks(undefined));
  // Same size and age, with one comma missing.
  write(text(broken));
  const line = 2 + broken + Math.ceil(broken / 10);
  await expect(all(file.blocks(undefined))).rejects.toThrow(new RegExp(`table\\.csv, line ${line}: `));
});
