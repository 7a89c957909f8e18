// The records of CSV text, piece by piece: RFC 4180 with any delimiter and line break; each error names its line.
import { HebbError } from "../graph/errors.ts";

export interface RecordOptions {
  /** The name in messages; normally the file's. */
  readonly name: string;
  readonly delimiter: string;
  /** Longest record accepted, in characters: an unclosed quote would otherwise swallow the file. */
  readonly maxRecordLength: number;
  readonly maxColumns: number;
}

export const defaultMaxRecord = 1_000_000;
export const defaultMaxColumns = 100_000;

const quote = '"';

/**
 * Splits text into records of equal width. Skips blank lines and trims blanks around a field, but not inside quotes. A doubled quote inside
 * quotes is a quote. Lines end with \n, \r\n or \r.
 * Throws HebbError for ragged records, stray and unclosed quotes, and records that are too long or too wide.
 */
export class RecordReader {
  readonly #options: RecordOptions;
  /** Text of an incomplete record. */
  #rest = "";
  /** The line where the next record begins, from 1. */
  #line = 1;
  #width: number | undefined;

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  /** Text that is not part of a record yet. */
  get rest(): string {
    return this.#rest;
  }

  get delimiter(): string {
    return this.#options.delimiter;
  }

  get line(): number {
    return this.#line;
  }

  /** Fields of each record; undefined before the first. */
  get width(): number | undefined {
    return this.#width;
  }

  /** A reader of the same table that starts with a record on this line. */
  from(line: number): RecordReader {
    const reader = new RecordReader(this.#options);
    reader.#line = line;
    reader.#width = this.#width;
    return reader;
  }

  /** The records that this text completes. */
  push(text: string): string[][] {
    return this.#read(this.#rest === "" ? text : this.#rest + text, false);
  }

  /** The last record, if the text does not end with a line break. */
  finish(): string[][] {
    return this.#read(this.#rest, true);
  }

  #read(text: string, last: boolean): string[][] {
    const { delimiter, maxRecordLength } = this.#options;
    const records: string[][] = [];
    let from = 0;
    // The next position of each, or the end of the text.
    let [feed, carriage, quoted] = [-1, -1, -1];
    const next = (mark: string, at: number): number => {
      const found = text.indexOf(mark, at);
      return found < 0 ? text.length : found;
    };
    while (from < text.length) {
      if (feed < from) feed = next("\n", from);
      if (carriage < from) carriage = next("\r", from);
      if (quoted < from) quoted = next(quote, from);
      let end = Math.min(feed, carriage);
      let record: string[] | undefined;
      if (quoted < end) {
        const read = this.#quotedRecord(text, from, last);
        if (read === undefined) break;
        [record, end] = read;
      } else {
        if (end - from > maxRecordLength) throw this.#tooLong();
        if (end === text.length && !last) break;
        const line = text.slice(from, end);
        if (line.trim() !== "" || line.includes(delimiter)) {
          record = line.split(delimiter);
          for (let i = 0; i < record.length; i++) record[i] = (record[i] ?? "").trim();
        }
      }
      // The end of this text may separate \r from \n.
      if (text[end] === "\r" && end + 1 === text.length && !last) break;
      if (record !== undefined) {
        this.#check(record);
        records.push(record);
      }
      this.#line += 1 + (record !== undefined && quoted < end ? breaksIn(text, from, end) : 0);
      from = end + (text[end] === "\r" && text[end + 1] === "\n" ? 2 : 1);
    }
    this.#rest = last ? "" : text.slice(Math.min(from, text.length));
    if (this.#rest.length > maxRecordLength) throw this.#tooLong();
    return records;
  }

  /** A record with quotes and its end; undefined if the text does not contain its end. */
  #quotedRecord(text: string, start: number, last: boolean): [string[], number] | undefined {
    const { delimiter, maxRecordLength } = this.#options;
    const fields: string[] = [];
    const limit = Math.min(text.length, start + maxRecordLength + 1);
    let at = start;
    for (;;) {
      while (at < limit && isBlank(text[at] ?? "") && text[at] !== delimiter) at++;
      if (text[at] === quote) {
        let field = "";
        let from = at + 1;
        for (;;) {
          const close = text.indexOf(quote, from);
          if (close < 0 || close >= limit) {
            if (text.length - start > maxRecordLength) throw this.#tooLong();
            if (!last) return undefined;
            throw this.#fault(
              'a quote opens here and never closes; close it, or double a quote that is part of the text ("")',
            );
          }
          field += text.slice(from, close);
          if (text[close + 1] !== quote) {
            at = close + 1;
            break;
          }
          field += quote;
          from = close + 2;
        }
        while (at < text.length && isBlank(text[at] ?? "") && text[at] !== delimiter) at++;
        if (at < text.length && text[at] !== delimiter && !isBreak(text[at] ?? "")) throw this.#stray();
        fields.push(field);
      } else {
        let end = at;
        while (end < limit && text[end] !== delimiter && !isBreak(text[end] ?? "")) {
          if (text[end] === quote) throw this.#stray();
          end++;
        }
        fields.push(text.slice(at, end).trim());
        at = end;
      }
      if (at - start > maxRecordLength) throw this.#tooLong();
      if (at >= text.length) return last ? [fields, at] : undefined;
      if (text[at] !== delimiter) return [fields, at];
      at++;
    }
  }

  #check(record: readonly string[]): void {
    const { maxColumns } = this.#options;
    if (this.#width === undefined) {
      if (record.length > maxColumns)
        throw this.#fault(
          `${record.length} columns are more than ${maxColumns}; check the delimiter (a program can raise maxColumns)`,
        );
      this.#width = record.length;
    }
    if (record.length === this.#width) return;
    throw this.#fault(
      `this record has ${record.length} ${record.length === 1 ? "field" : "fields"}, the first has ${this.#width}; add the missing ones (an empty field is fine), or quote fields that contain the delimiter`,
    );
  }

  #fault(what: string): HebbError {
    return new HebbError(`${this.#options.name}, line ${this.#line}: ${what}`);
  }

  #stray(): HebbError {
    return this.#fault(
      'a quote stands in the middle of a field; quote the whole field and double the quotes inside it, as in "6"" pipe"',
    );
  }

  #tooLong(): HebbError {
    return this.#fault(
      `a record is longer than ${this.#options.maxRecordLength} characters, which usually means an unclosed quote; close it (a program can raise maxRecordLength)`,
    );
  }
}

const isBreak = (char: string): boolean => char === "\n" || char === "\r";
const isBlank = (char: string): boolean => char !== "" && !isBreak(char) && char.trim() === "";

/** Line breaks inside quotes. */
function breaksIn(text: string, from: number, end: number): number {
  let count = 0;
  for (let i = from; i < end; i++) {
    if (text[i] === "\n" || (text[i] === "\r" && text[i + 1] !== "\n")) count++;
  }
  return count;
}
