// Reading files: compressed and plain, and the error for each file that cannot be read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { readBytes, readCsvFile, readTextFile, sniffFile } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("reads tables and texts, plain and compressed; the first bytes tell the kind of file", async () => {
  writeFileSync(join(folder, "t.csv"), "a,b\n1,2\n");
  writeFileSync(join(folder, "t.csv.gz"), gzipSync("a,b\n1,2\n"));
  writeFileSync(join(folder, "x.dat"), gzipSync(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5)));
  expect((await readCsvFile(join(folder, "t.csv"))).columns).toEqual(
    (await readCsvFile(join(folder, "t.csv.gz"))).columns,
  );
  expect(await readTextFile(join(folder, "t.csv"))).toBe("a,b\n1,2\n");
  expect(await sniffFile(join(folder, "x.dat"))).toBe("idx");
  expect(await sniffFile(join(folder, "t.csv.gz"))).toBe("table");
});

test("a missing file or a folder is named; a bad table names its file and line", async () => {
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "bad.csv"), "a,b\n1\n");
  await expect(readBytes(join(folder, "no.csv"))).rejects.toThrow(/there is no file .*no\.csv; check the name/);
  await expect(readBytes(join(folder, "sub"))).rejects.toThrow(/sub is a folder; name a file in it/);
  await expect(readBytes(join(folder, "bad.csv", "x"))).rejects.toThrow(/there is no file/);
  await expect(readCsvFile(join(folder, "bad.csv"))).rejects.toThrow(/bad\.csv, line 2/);
});
