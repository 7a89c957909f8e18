// Tables from CSV text: finds the delimiter, checks the form, and names file, line and fix when something is wrong.
import { CsvError, parse } from "csv-parse/browser/esm/sync";
import { HebbError } from "../graph/errors.ts";
import { Table } from "./table.ts";

export interface CsvOptions {
  /** The name used in messages; normally the file's. */
  readonly name?: string;
  /** One character; found from the text when not given (comma, semicolon, tab or bar). */
  readonly delimiter?: string;
  /** Whether the first record names the columns (default true); otherwise they are called column1, column2 … */
  readonly header?: boolean;
  /** Longest record accepted, in characters (default 1,000,000): an unclosed quote would otherwise swallow the file. */
  readonly maxRecordLength?: number;
  /** Most columns accepted (default 100,000). */
  readonly maxColumns?: number;
}

const delimiters: readonly string[] = [",", ";", "\t", "|"];

/** Text from bytes: UTF-8 (with or without a byte order mark), or UTF-16 with one. Throws HebbError for anything else. */
export function decodeText(bytes: Uint8Array, name: string): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new HebbError(
      `${name} is not ${encoding.toUpperCase()} text: it holds bytes that mean nothing in that encoding; save it as UTF-8 (or check that it is the right file)`,
    );
  }
}

/** How many of each candidate stand outside quotes, for each of the first records. */
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

/** The delimiter that splits the first lines into the most equal records; a comma when none does. */
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

/** Whether the first lines of a text fall into equal records of at least two fields: a table, as opposed to prose. */
export function looksLikeTable(head: Uint8Array): boolean {
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  // A head may end within a character; only delimiters and line breaks matter here.
  const text = new TextDecoder(wide ? (head[0] === 0xff ? "utf-16le" : "utf-16be") : "latin1").decode(head);
  const lines = countDelimiters(text);
  return delimiters.some((_, which) => {
    const inHeader = lines[0]?.[which] ?? 0;
    const agreeing = lines.filter((counts) => counts[which] === inHeader).length;
    return inHeader > 0 && lines.length > 1 && agreeing >= 0.8 * lines.length;
  });
}

function explain(error: CsvError, name: string, options: CsvOptions): HebbError {
  const line = typeof error["lines"] === "number" ? error["lines"] : undefined;
  const place = line === undefined ? name : `${name}, line ${line}`;
  switch (error.code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH": {
      const record: unknown = error["record"];
      const found = Array.isArray(record)
        ? `${record.length} ${record.length === 1 ? "field" : "fields"}`
        : "another number of fields";
      const expected = /expect (\d+)/.exec(error.message)?.[1];
      return new HebbError(
        `${place}: this record has ${found}, the first has ${expected ?? "another number"}; add the missing ones (an empty field is fine), or quote fields that contain the delimiter`,
      );
    }
    case "CSV_QUOTE_NOT_CLOSED":
      return new HebbError(
        `${place}: a quote opens here and never closes; close it, or double a quote that is part of the text ("")`,
      );
    case "CSV_MAX_RECORD_SIZE":
      return new HebbError(
        `${place}: a record is longer than ${options.maxRecordLength ?? defaultMaxRecord} characters, which usually means an unclosed quote; close it, or raise maxRecordLength`,
      );
    case "CSV_INVALID_CLOSING_QUOTE":
    case "INVALID_OPENING_QUOTE":
    case "CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE":
      return new HebbError(
        `${place}: a quote stands in the middle of a field; quote the whole field and double the quotes inside it, as in "6"" pipe"`,
      );
    default:
      return new HebbError(
        `${place}: this is not a well-formed table (${error.message}); check the quotes and delimiters there`,
      );
  }
}

const defaultMaxRecord = 1_000_000;

/**
 * Reads a table from CSV text or bytes. Fields are trimmed, empty lines skipped; missing values are recognised by Table.
 * Throws HebbError naming the file, the line and the fix for anything that is not a rectangular table with distinct column names.
 */
export function parseCsv(source: string | Uint8Array, options: CsvOptions = {}): Table {
  const name = options.name ?? "the table";
  const text = (typeof source === "string" ? source : decodeText(source, name)).replace(/^\uFEFF/, "");
  if (text.trim() === "") throw new HebbError(`${name} is empty; it needs a line of column names and at least one row`);
  const zero = text.indexOf("\0");
  if (zero >= 0) {
    throw new HebbError(
      `${name} holds a zero byte at character ${zero}, so it is not a text table; check that it is the right file`,
    );
  }
  const delimiter = options.delimiter ?? sniffDelimiter(text);
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new HebbError(
      `the delimiter must be one character other than a quote or a line break, got ${JSON.stringify(delimiter)}`,
    );
  }
  let records: string[][];
  try {
    records = parse(text, {
      delimiter,
      trim: true,
      skip_empty_lines: true,
      max_record_size: options.maxRecordLength ?? defaultMaxRecord,
    });
  } catch (error) {
    if (error instanceof CsvError) throw explain(error, name, options);
    throw error;
  }
  const first = records[0];
  if (first === undefined)
    throw new HebbError(`${name} is empty; it needs a line of column names and at least one row`);
  const maxColumns = options.maxColumns ?? 100_000;
  if (first.length > maxColumns) {
    throw new HebbError(
      `${name}, line 1: ${first.length} columns are more than ${maxColumns}; check the delimiter, or raise maxColumns`,
    );
  }
  const hasHeader = options.header ?? true;
  const names = hasHeader ? nameColumns(first, name) : first.map((_, i) => `column${i + 1}`);
  const rows = hasHeader ? records.slice(1) : records;
  if (rows.length === 0) {
    throw new HebbError(
      `${name} has column names (${shorten(names)}) but no rows; add at least one row, or say header: false`,
    );
  }
  return new Table(
    names.map((column, i) => ({ name: column, cells: rows.map((row) => row[i]) })),
    name,
  );
}

function nameColumns(header: readonly string[], name: string): string[] {
  const seen = new Map<string, number>();
  return header.map((cell, i) => {
    // R and pandas write row numbers under an empty name.
    const column = cell === "" && i === 0 ? "index" : cell;
    if (column === "") throw new HebbError(`${name}, line 1: column ${i + 1} has no name; give it one`);
    const earlier = seen.get(column);
    if (earlier !== undefined) {
      throw new HebbError(
        `${name}, line 1: columns ${earlier + 1} and ${i + 1} are both called "${column}"; rename one (or say header: false if line 1 is data)`,
      );
    }
    seen.set(column, i);
    return column;
  });
}

function shorten(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(", ")}, …` : names.join(", ");
}

/** CSV text of columns of cells; fields with commas, quotes or line breaks are quoted. */
export function formatCsv(
  names: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string {
  const field = (cell: string | number | undefined): string => {
    const text = cell === undefined ? "" : String(cell);
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows].map((row) => `${row.map(field).join(",")}\n`).join("");
}
