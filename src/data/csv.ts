// Tables from CSV text: detects the delimiter, checks the form, and reports errors with file, line and fix.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { quoted } from "../graph/visible.ts";
import { asBytes, type FileBytes } from "./bytes.ts";
import { bareName, listColumns } from "./columnNames.ts";
import { defaultMaxColumns, defaultMaxRecord, RecordReader } from "./csvRecords.ts";
import { type EncodingName, encodingNames, encodingOf, readerOfText, textPieces } from "./encoding.ts";
import { leadInOf } from "./leadIn.ts";
import { Table } from "./table.ts";
import type { TableRemark } from "./tableRemarks.ts";

export interface CsvOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** One character; detected by default (comma, semicolon, tab or bar). */
  readonly delimiter?: string;
  /** Whether the first record names the columns (default true); otherwise they are column1, column2 … */
  readonly header?: boolean;
  /** Only for bytes; detected by default: UTF-8, UTF-16 or Windows-1252, also named "latin1". */
  readonly encoding?: EncodingName;
  /** Longest record accepted, in characters (default 1,000,000): an unclosed quote would otherwise swallow the file. */
  readonly maxRecordLength?: number;
  /** Most columns accepted (default 100,000). */
  readonly maxColumns?: number;
}

/** The options without the name, which a file already has. */
export const readingKinds: OptionKinds<Omit<CsvOptions, "name">> = {
  delimiter: kind.string,
  header: kind.boolean,
  encoding: kind.oneOf(...encodingNames),
  maxRecordLength: kind.number,
  maxColumns: kind.number,
};
const csvKinds: OptionKinds<CsvOptions> = { name: kind.string, ...readingKinds };

const delimiters: readonly string[] = [",", ";", "\t", "|"];

/** Counts each candidate outside quotes, for each of the first records. */
function countDelimiters(text: string): number[][] {
  const limit = Math.min(text.length, 65536);
  const lines: number[][] = [];
  let counts = delimiters.map(() => 0);
  let quoted = false;
  let filled = false;
  for (let i = 0; i < limit && lines.length < 50; i++) {
    const char = text[i] ?? "";
    if (char === '"') quoted = !quoted;
    if (quoted) continue;
    if (char === "\n" || char === "\r") {
      if (filled) lines.push(counts);
      counts = delimiters.map(() => 0);
      filled = false;
      continue;
    }
    filled = true;
    const which = delimiters.indexOf(char);
    if (which >= 0) counts[which] = (counts[which] ?? 0) + 1;
  }
  if (filled && (lines.length === 0 || limit === text.length)) lines.push(counts);
  return lines;
}

/** The delimiter that splits the first lines into the most records of equal width; a comma if none does. */
export function sniffDelimiter(text: string): string {
  const lines = countDelimiters(text);
  let best = ",";
  let bestScore = 0;
  delimiters.forEach((candidate, which) => {
    const inHeader = lines[0]?.[which] ?? 0;
    if (inHeader === 0) return;
    const agreeing = lines.filter((counts) => counts[which] === inHeader).length;
    const score = agreeing / lines.length + inHeader * 1e-6;
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  });
  return best;
}

/** Whether the first lines of a text form equal records of at least two fields: a table, as opposed to prose. */
export function looksLikeTable(head: Uint8Array): boolean {
  const { encoding } = encodingOf(head);
  // A head may end within a character; only delimiters and line breaks matter here.
  const lines = countDelimiters(new TextDecoder(encoding === "utf-8" ? "latin1" : encoding).decode(head));
  return delimiters.some((_, which) => {
    const inHeader = lines[0]?.[which] ?? 0;
    const agreeing = lines.filter((counts) => counts[which] === inHeader).length;
    return inHeader > 0 && lines.length > 1 && agreeing >= 0.8 * lines.length;
  });
}

/** The first line of a spreadsheet export may name the delimiter: sep=; */
const delimiterLine = /^(?:sep=(.)|"sep=(.)")(?:\r\n|\n|\r)/i;

/** A record reader and its first piece of text. */
export interface Begun {
  readonly reader: RecordReader;
  readonly text: string;
  /** The text that was skipped before it. */
  readonly before: string;
  readonly remarks: readonly TableRemark[];
}

/** Whether the first line names every field, and every line has as many fields: nothing precedes such a table. */
function beginsAtOnce(text: string, delimiter: string): boolean {
  const which = delimiters.indexOf(delimiter);
  const lines = countDelimiters(text).map((counts) => counts[which]);
  const [first = 0] = lines;
  const [names = ""] = text.split(/[\r\n]/, 1);
  return (
    first > 0 && lines.every((count) => count === first) && names.split(delimiter).every((name) => name.trim() !== "")
  );
}

/** A record reader with the given delimiter, or the one detected in the first piece of the text. */
export function beginRecords(piece: string, name: string, options: CsvOptions): Begun {
  const [before = "", plain, quotedSign] = delimiterLine.exec(piece) ?? [];
  const whole = piece.slice(before.length);
  const named = options.delimiter ?? plain ?? quotedSign;
  const leadIn =
    options.header === false || beginsAtOnce(whole, named ?? sniffDelimiter(whole))
      ? undefined
      : leadInOf(whole, named === undefined ? delimiters : [named]);
  const text = whole.slice(leadIn?.length ?? 0);
  const delimiter = named ?? sniffDelimiter(text);
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new HebbError(
      `the delimiter must be one character other than a quote or a line break, got ${JSON.stringify(delimiter)}`,
    );
  }
  const { maxRecordLength = defaultMaxRecord, maxColumns = defaultMaxColumns } = options;
  const reader = new RecordReader({ name, delimiter, maxRecordLength, maxColumns });
  const skipped = piece.slice(0, piece.length - text.length);
  const line = skipped.split(/\r\n|\n|\r/).length;
  return {
    reader: line === 1 ? reader : reader.from(line),
    text,
    before: skipped,
    remarks: leadIn === undefined ? [] : [leadIn.remark],
  };
}

/** Refuses zero bytes, which text cannot contain; `before` characters precede this piece. */
export function refuseZeros(piece: string, before: number, name: string): void {
  const zero = piece.indexOf("\0");
  if (zero < 0) return;
  throw new HebbError(
    `${name} holds a zero byte at character ${before + zero}, so it is not a text table; check that it is the right file (UTF-16 needs a byte order mark)`,
  );
}

export const emptyTable = (name: string): HebbError =>
  new HebbError(`${name} is empty; it needs a line of column names and at least one row`);

export const noRows = (name: string, columns: readonly string[]): HebbError =>
  new HebbError(
    `${name} has column names (${listColumns(columns.slice(0, 6))}${columns.length > 6 ? ", …" : ""}) but no rows; add at least one row (if these are data, put a line of column names before them)`,
  );

/**
 * Reads a table from CSV text or bytes. Trims fields and skips empty lines; Table recognises missing values.
 * Throws HebbError that names the file, the line and the fix for anything but a rectangular table with distinct column names.
 */
export function parseCsv(source: string | FileBytes, options: CsvOptions = {}): Table {
  checkOptions("parseCsv", options, csvKinds);
  const name = options.name ?? "the table";
  const bytes = typeof source === "string" ? undefined : asBytes(source, "parseCsv");
  const decoder = bytes === undefined ? undefined : readerOfText(bytes, name, options.encoding);
  const pieces =
    typeof source === "string"
      ? [source.replace(/^\uFEFF/, "")]
      : textPieces(bytes ?? new Uint8Array(0), decoder ?? readerOfText(new Uint8Array(0), name));
  let reader: RecordReader | undefined;
  const remarks: TableRemark[] = [];
  let names: readonly string[] | undefined;
  const columns: string[][] = [];
  const take = (records: readonly (readonly string[])[]): void => {
    for (const record of records) {
      if (names === undefined) {
        const header = options.header ?? true;
        const named = header ? nameColumns(record) : withoutHeader(record);
        names = named.names;
        remarks.push(...named.remarks);
        for (const _ of names) columns.push([]);
        if (header) continue;
      }
      for (let i = 0; i < record.length; i++) columns[i]?.push(record[i] ?? "");
    }
  };
  let before = 0;
  for (const piece of pieces) {
    refuseZeros(piece, before, name);
    before += piece.length;
    if (reader === undefined) {
      const begun = beginRecords(piece, name, options);
      reader = begun.reader;
      remarks.push(...begun.remarks);
      take(reader.push(begun.text));
    } else take(reader.push(piece));
  }
  if (reader !== undefined) take(reader.finish());
  if (names === undefined) throw emptyTable(name);
  if (columns[0]?.length === 0) throw noRows(name, names);
  return new Table(
    names.map((column, i) => ({ name: column, cells: columns[i] ?? [], typed: false })),
    name,
    reader?.delimiter,
    [...remarks, ...(options.encoding === undefined ? encodingRemarks(decoder?.encoding) : [])],
  );
}

/** Column names, and remarks about them. */
export interface NamedColumns {
  readonly names: string[];
  readonly remarks: readonly TableRemark[];
}

export const withoutHeader = (record: readonly string[]): NamedColumns => ({
  names: record.map((_, i) => `column${i + 1}`),
  remarks: [],
});

/** Column names from the first record. Unnamed columns and duplicates get a generated name. */
export function nameColumns(header: readonly string[]): NamedColumns {
  const taken = new Set(header.filter((cell) => bareName(cell) !== ""));
  const seen = new Map<string, number>();
  const remarks: TableRemark[] = [];
  const free = (wanted: (count: number) => string, from: number): string => {
    let count = from;
    while (taken.has(wanted(count))) count++;
    taken.add(wanted(count));
    return wanted(count);
  };
  const names = header.map((cell, i) => {
    if (bareName(cell) === "") {
      // R and pandas write row numbers under an empty name.
      const column = free((count) => `${i === 0 ? "index" : `column${i + 1}`}${count > 1 ? ` (${count})` : ""}`, 1);
      const text = `column ${i + 1} has no name and is called ${quoted(column)} here`;
      if (i > 0) remarks.push({ code: "header", text, columns: [column] });
      return column;
    }
    const earlier = seen.get(cell);
    if (earlier === undefined) {
      seen.set(cell, i);
      return cell;
    }
    const column = free((count) => `${cell} (${count})`, 2);
    const text = `columns ${earlier + 1} and ${i + 1} are both called ${quoted(cell)}; the second is called ${quoted(column)} here`;
    remarks.push({ code: "header", text, columns: [cell, column] });
    return column;
  });
  return { names, remarks };
}

/** A remark for encodings other than UTF-8. */
export const encodingRemarks = (encoding: EncodingName | undefined): TableRemark[] =>
  encoding === "latin1"
    ? [
        {
          code: "encoding",
          text: "the file is not UTF-8 and was read as Windows-1252; if its letters look wrong, save it as UTF-8",
          columns: [],
        },
      ]
    : [];

/** CSV text of columns of cells; quotes fields with delimiters, quotes or line breaks. */
export function formatCsv(
  names: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
  delimiter = ",",
): string {
  const field = (cell: string | number | undefined): string => {
    const text = cell === undefined ? "" : String(cell);
    return text.includes(delimiter) || /["\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows].map((row) => `${row.map(field).join(delimiter)}\n`).join("");
}
