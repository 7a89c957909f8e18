// Records against another parser on random tables, in pieces of any size; encodings; errors.
import { type CsvError, parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import { RecordReader } from "./csvRecords.ts";
import { decodeText, readerOfText, textPieces } from "./encoding.ts";
import { Random } from "./random.ts";

const reader = (delimiter = ","): RecordReader =>
  new RecordReader({ name: "t.csv", delimiter, maxRecordLength: 1000, maxColumns: 100 });

function inPieces(text: string, random: Random | undefined): string[][] | string {
  const records = reader();
  const found: string[][] = [];
  try {
    for (let at = 0; at < text.length; ) {
      const size = random === undefined ? text.length : 1 + random.integer(4);
      found.push(...records.push(text.slice(at, at + size)));
      at += size;
    }
    return [...found, ...records.finish()];
  } catch (error) {
    return String(error);
  }
}

function byOther(text: string): string[][] | undefined {
  try {
    return parse(text, { trim: true, skip_empty_lines: true, record_delimiter: ["\r\n", "\n"] }) as string[][];
  } catch (error) {
    expect((error as CsvError).code).toMatch(/CSV|QUOTE/);
    return undefined;
  }
}

test("finds the same records as another parser, whole and in pieces, and refuses the same tables", () => {
  const random = new Random(11);
  const parts = ["a", "bc", ",", ",", "\n", "\n", "\r\n", '"', '"x"', '""', " ", "\t", '"y,z"', '"two\nlines"'];
  let [accepted, refused] = [0, 0];
  for (let round = 0; round < 6_000; round++) {
    const text = Array.from({ length: 1 + random.integer(14) }, () => parts[random.integer(parts.length)]).join("");
    const mine = inPieces(text, undefined);
    const other = byOther(text);
    // The other parser accepts some stray quotes, such as: "" "",
    if (typeof mine === "string") {
      if (other === undefined) refused++;
      else expect(mine, JSON.stringify(text)).toMatch(/a quote stands in the middle/);
    } else {
      expect(mine, JSON.stringify(text)).toEqual(other);
      accepted++;
    }
    expect(inPieces(text, random), JSON.stringify(text)).toEqual(mine);
  }
  expect(accepted).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(500);
});

test("counts lines through quotes, blank lines and every line break", () => {
  const fault = (text: string): string => String(inPieces(text, undefined));
  expect(fault('a,b\n"1\n2\r\n3",4\n\n5\n')).toMatch(/line 6: this record has 1 field, the first has 2/);
  expect(fault('a,b\r1,2\r3,"\r4"x\r')).toMatch(/line 3: a quote stands in the middle/);
  expect(inPieces("a\tb\r1\t2", undefined)).toEqual([["a\tb"], ["1\t2"]]);
  const tabs = reader("\t");
  expect([...tabs.push('a\tb\n\t\n "1" \t 2\n'), ...tabs.finish()]).toEqual([
    ["a", "b"],
    ["", ""],
    ["1", "2"],
  ]);
});

test("refuses records that are too long before storing them", () => {
  const unclosed = reader();
  expect(() => {
    for (let i = 0; i < 1000; i++) unclosed.push(`"${"x\n".repeat(50)}`.slice(i === 0 ? 0 : 1));
  }).toThrow(/line 1: a record is longer than 1000 characters/);
  const endless = reader();
  expect(() => {
    for (let i = 0; i < 1000; i++) endless.push("x,".repeat(50));
  }).toThrow(/longer than 1000/);
  expect(() => reader().push(`${"a,".repeat(100)}a\n`)).toThrow(/101 columns are more than 100/);
});

describe("encodings", () => {
  const text = "größe,€\n1,Ж\n";
  const utf16 = (little: boolean): Uint8Array => {
    const out = new Uint8Array(2 + 2 * text.length);
    const view = new DataView(out.buffer);
    view.setUint16(0, 0xfeff, little);
    for (let i = 0; i < text.length; i++) view.setUint16(2 + 2 * i, text.charCodeAt(i), little);
    return out;
  };

  test("set by the byte order mark, or by name", () => {
    expect(decodeText(utf16(true), "t")).toBe(text);
    expect(decodeText(utf16(false), "t")).toBe(text);
    expect(decodeText(utf16(true).subarray(2), "t", "utf-16le")).toBe(text);
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), "t")).toBe("a");
    expect(decodeText(Uint8Array.of(0x80, 0xe4, 0x9f, 0xff, 0x81), "t", "latin1")).toBe("€äŸÿ\u0081");
    expect(decodeText(new Uint8Array(0), "t")).toBe("");
  });

  test("characters split across two pieces", () => {
    const long = `${"x".repeat((1 << 22) - 1)}ß${"😀".repeat(3)}`;
    const bytes = new TextEncoder().encode(long);
    const pieces = [...textPieces(bytes, readerOfText(bytes, "t"))];
    expect(pieces.length).toBe(2);
    expect(pieces.join("")).toBe(long);
  });

  test("bytes of no encoding, and of another", () => {
    expect(() => decodeText(Uint8Array.of(0x61, 0xe4, 0x02), "t")).toThrow(/t is not UTF-8 text.*latin1/);
    expect(() => decodeText(Uint8Array.of(0xc3, 0xa4, 0x0a, 0xe4, 0x0a), "t")).toThrow(/t is not UTF-8 text/);
    expect(decodeText(Uint8Array.of(0x61, 0xe4, 0x0a), "t")).toBe("aä\n");
    expect(() => decodeText(Uint8Array.of(0xe2, 0x82), "t")).toThrow(/t is not UTF-8 text/);
    expect(() => decodeText(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8), "t")).toThrow(/t is not UTF-16LE text/);
  });
});
