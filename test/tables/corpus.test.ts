// The files of corpus.ts: the same types, targets and findings in the library, in parts, in the command and in the Studio's engine.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { typeName } from "../../src/data/columnType.ts";
import {
  decodeText,
  fitPreprocessing,
  guessTarget,
  parseCsv,
  type Table,
  tableFindings,
} from "../../src/data/index.ts";
import { streamTable } from "../../src/data/tableStream.ts";
import { read } from "../../src/run/read.ts";
import { examine, preview } from "../../studio/engine/data.ts";
import { bytesOfFile, type CorpusFile, corpus } from "./corpus.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-corpus-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const typesOf = (table: Table): Record<string, string> =>
  Object.fromEntries(table.judgedColumns.map(({ name, type }) => [name, typeName(type)]));

const said = (findings: readonly { readonly code: string; readonly columns: readonly string[] }[]): string[] =>
  findings.map(({ code, columns }) => [code, ...columns].join(" ")).sort();

function taskOf(table: Table, target: string): string {
  const { target: read } = fitPreprocessing(table, { target });
  return read.kind === "classes" ? `${read.classes.length} classes` : "a number";
}

test("there are at least sixty, with unique names", () => {
  expect(corpus.length).toBeGreaterThanOrEqual(60);
  expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
});

describe.each(corpus.map((file) => [file.name, file] as const))("%s", (name, file: CorpusFile) => {
  const bytes = bytesOfFile(file);
  const expected = { types: file.types, target: file.target, task: file.task, said: [...file.warnings].sort() };

  test("in the library", () => {
    const table = parseCsv(bytes, { name });
    const { target } = guessTarget(table);
    const found = tableFindings(table, { target });
    expect({ types: typesOf(table), target, task: taskOf(table, target), said: said(found) }).toEqual(expected);
  });

  test("from a path, at once and in parts", async () => {
    const path = join(folder, name.replace(/\.txt$/, ".tsv"));
    writeFileSync(path, bytes);
    const source = await read(path, { needLabels: true, form: "whole" });
    if (source.kind !== "table") throw new Error("a table was written");
    expect(typesOf(source.table)).toEqual(file.types);
    const { preprocessing } = await streamTable(path, { target: file.target, validation: 0 });
    const whole = fitPreprocessing(source.table, { target: file.target });
    expect(preprocessing.notes.slice(1)).toEqual(whole.notes);
    expect(preprocessing.featureNames).toEqual(whole.featureNames);
    expect(preprocessing.inputs.map(({ reading }) => reading)).toEqual(whole.inputs.map(({ reading }) => reading));
  });

  test("in the Studio", () => {
    const own = { kind: "table", name, text: decodeText(bytes, name) } as const;
    const { columns, target } = preview(own);
    const { findings, task } = examine({ own, target, without: [] });
    const types = Object.fromEntries(columns.map((column) => [column.name, column.kind]));
    // The page gets the text only, and reports itself how it was decoded.
    const warnings = expected.said.filter((text) => text !== "encoding");
    expect({ types, target, task, said: said(findings) }).toEqual({ ...expected, said: warnings });
  });
});
