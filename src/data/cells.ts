// How a single cell of a table reads: empty, a number in one of four notations, a boolean.
import { quoted } from "../graph/visible.ts";
import { thresholds } from "./thresholds.ts";

/** A cell as it was written, without surrounding blanks; undefined or empty if there is nothing. */
export type Cell = string | undefined;

/** A cell in a message. */
export const show = (cell: Cell): string => (cell === undefined || cell === "" ? "nothing" : quoted(cell));

/** Values that a cell of a table accepts. */
export type CellValue = string | number | bigint | boolean | Date | null | undefined;

export const isCellValue = (value: unknown): value is CellValue =>
  value === null || value instanceof Date || !(typeof value === "object" || /^(?:function|symbol)$/.test(typeof value));

/** A value as it would be written in a file: NaN and null are empty, a date is 2024-05-01 or 2024-05-01T12:30:00Z. */
export function cellOf(value: CellValue): Cell {
  if (typeof value === "string") return value.trim() || undefined;
  if (value === undefined || value === null || Number.isNaN(value)) return undefined;
  if (!(value instanceof Date)) return String(value);
  if (Number.isNaN(value.getTime())) return undefined;
  const text = value.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, -14) : text.replace(".000Z", "Z");
}

/** Marks of missing values in every column, unless the column shows that one of them is a value there. */
const usualMarks = [
  "NA",
  "N/A",
  "n/a",
  "na",
  "#N/A",
  "#NA",
  "<NA>",
  "NaN",
  "nan",
  "NAN",
  "-nan",
  "null",
  "NULL",
  "Null",
  "?",
];

/** Words and signs that are missing values among numbers, dates and truth values, and may be values among words. */
const wordMarks = [
  ...["None", "none", "NONE", "nil", "Nil", "NIL", "NaT", "undefined", "unknown", "Unknown", "UNKNOWN"],
  ...[
    "missing",
    "Missing",
    "MISSING",
    "n.a.",
    "N.A.",
    "n.d.",
    "N.D.",
    "nd",
    "ND",
    "-",
    "--",
    "---",
    "–",
    "—",
    ".",
    "..",
  ],
  ...["#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"],
];

export type Mark = "usual" | "word";

const marks: ReadonlyMap<string, Mark> = new Map([
  ...usualMarks.map((mark): [string, Mark] => [mark, "usual"]),
  ...wordMarks.map((mark): [string, Mark] => [mark, "word"]),
]);
const longestMark = Math.max(...[...marks.keys()].map((mark) => mark.length));

/** Whether a cell is a mark of missing values, and of which kind. */
export const markOf = (cell: string): Mark | undefined => (cell.length <= longestMark ? marks.get(cell) : undefined);

/** How a number is written: 1234.5, or 1,234.5, or 1234,5, or 1.234,5. */
export const numberFormats = ["plain", "thousands", "decimalComma", "groupedComma"] as const;
export type NumberFormat = (typeof numberFormats)[number];

/**
 * The pattern of points and commas in a number, which tells its possible notations: none (12), a decimal point (12.5), a point
 * before three digits (1.234), a decimal comma (12,5), a comma before three digits (1,234), commas between thousands (1,234.5), points
 * between thousands (1.234,5).
 */
export const numberShapes = [
  "whole",
  "point",
  "pointGroup",
  "comma",
  "commaGroup",
  "commaGroups",
  "pointGroups",
] as const;
export type NumberShape = (typeof numberShapes)[number];

const shapesOf: Readonly<Record<NumberFormat, readonly NumberShape[]>> = {
  plain: ["whole", "point", "pointGroup"],
  thousands: ["whole", "point", "pointGroup", "commaGroup", "commaGroups"],
  // A point before three digits could be either here, so it is neither.
  decimalComma: ["whole", "point", "comma", "commaGroup"],
  groupedComma: ["whole", "pointGroup", "comma", "commaGroup", "pointGroups"],
};

export const fits = (shape: NumberShape, format: NumberFormat): boolean => shapesOf[format].includes(shape);

const powers = Array.from({ length: 16 }, (_, exponent) => Number(`1e${exponent}`));
const exponentNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number that digits, at most one point and an exponent write; NaN for anything else. The digits of most cells fit into a float64,
 * whose quotient by a power of ten is the nearest number, so they need no parser.
 */
export function plainNumber(cell: string): number {
  const { length } = cell;
  const first = cell.charCodeAt(0);
  let at = first === 45 || first === 43 ? 1 : 0;
  let [value, digits, point] = [0, 0, -1];
  for (; at < length; at++) {
    const code = cell.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      value = value * 10 + (code - 48);
      digits++;
    } else if (code === 46 && point < 0) point = at;
    // Only an exponent can still make a number of it.
    else
      return digits > 0 && (code | 32) === 101 && length <= thresholds.longestNumber && exponentNumber.test(cell)
        ? Number(cell)
        : Number.NaN;
  }
  if (digits === 0 || length > thresholds.longestNumber) return Number.NaN;
  if (digits > 15) return Number(cell);
  if (point >= 0) value /= powers[length - 1 - point] ?? 1;
  return first === 45 ? -value : value;
}

/** A point before the last three digits, and one to three digits before it that begin with no zero: 1.234 may be 1234. */
export function maybeGrouped(cell: string): boolean {
  const { length } = cell;
  if (length > 8 || cell.charCodeAt(length - 4) !== 46) return false;
  const sign = cell.charCodeAt(0);
  const start = sign === 45 || sign === 43 ? 1 : 0;
  const whole = length - 4 - start;
  return whole >= 1 && whole <= 3 && cell.charCodeAt(start) !== 48;
}

const currencies = "$€£¥₹₩₽";
const leadingSigns = new RegExp(`^([+-]?)[${currencies}]\\s?`);
const trailingSigns = new RegExp(`\\s?[%${currencies}]$`);
const spacedGroups = /^[+-]?[1-9]\d{0,2}(?:[ '’\u00a0\u202f]\d{3})+(?![\d ])/;

/** Without a currency, a percent sign, and blanks or apostrophes between thousands. */
function bareNumber(cell: string): string {
  const bare = cell.replace("−", "-").replace(leadingSigns, "$1").replace(trailingSigns, "");
  return spacedGroups.test(bare) ? bare.replace(/[ '’\u00a0\u202f]/g, "") : bare;
}

const decimalComma = /^[+-]?\d*,\d+$/;
const commaGroup = /^[+-]?[1-9]\d{0,2},\d{3}$/;
const commaGroups = /^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$/;
const pointGroups = /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?$/;

/** What a number can begin with: digits, signs, points and commas, currencies. This rules out most cells that are not numbers. */
const beginsNumber = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 43 && code <= 46) ||
  code === 36 ||
  (code > 127 && `−${currencies}`.includes(String.fromCharCode(code)));

/** A cell that is a number in some notation: the shape and the digits without signs of other kinds; undefined when it is none. */
export function numberShape(cell: string): { readonly shape: NumberShape; readonly bare: string } | undefined {
  if (cell.length > thresholds.longestNumber || !beginsNumber(cell.charCodeAt(0))) return undefined;
  const bare = Number.isNaN(plainNumber(cell)) ? bareNumber(cell) : cell;
  if (!Number.isNaN(plainNumber(bare)))
    return { bare, shape: !bare.includes(".") ? "whole" : maybeGrouped(bare) ? "pointGroup" : "point" };
  if (commaGroup.test(bare)) return { bare, shape: "commaGroup" };
  if (decimalComma.test(bare)) return { bare, shape: "comma" };
  if (commaGroups.test(bare)) return { bare, shape: "commaGroups" };
  return pointGroups.test(bare) ? { bare, shape: "pointGroups" } : undefined;
}

/** The digits as 1234.5, of a number in one of the notations. */
export function plainDigits(bare: string, format: NumberFormat): string {
  switch (format) {
    case "plain":
      return bare;
    case "thousands":
      return bare.replaceAll(",", "");
    case "decimalComma":
      return bare.replace(",", ".");
    case "groupedComma":
      return bare.replaceAll(".", "").replace(",", ".");
  }
}

/** The number that a cell holds in a notation, NaN when it holds none. A currency and a % are taken off. */
export function parseNumber(cell: string, format: NumberFormat = "plain"): number {
  const plain = plainNumber(cell);
  // Where commas are decimal, a point may separate thousands.
  const pointIsDecimal = format === "plain" || format === "thousands" || !cell.includes(".");
  if (pointIsDecimal && !Number.isNaN(plain)) return plain;
  const found = numberShape(cell);
  return found !== undefined && fits(found.shape, format) ? plainNumber(plainDigits(found.bare, format)) : Number.NaN;
}

const infinity = /^[+-]?(?:inf|infinity|∞)$/i;

/** Whether a cell says that a number is infinite, in a word or by an exponent beyond a float64. */
export const isInfinite = (cell: string): boolean =>
  (cell.length <= 9 && infinity.test(cell)) || Math.abs(plainNumber(cell)) === Number.POSITIVE_INFINITY;

/** Words for true and false; those of one family go together. */
const families: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["true", "t"],
    ["false", "f"],
  ],
  [
    ["yes", "y"],
    ["no", "n"],
  ],
  [["on"], ["off"]],
];
const figures: readonly [readonly string[], readonly string[]] = [
  ["1", "1.0"],
  ["0", "0.0"],
];

const booleanWords: ReadonlyMap<string, boolean> = new Map(
  [...families, figures].flatMap(([yes, no]) => [
    ...yes.map((word) => [word, true] as const),
    ...no.map((word) => [word, false] as const),
  ]),
);

/** What a word for true or false says: True, yes, T, on, 1 and their opposites; undefined for other texts. */
export const booleanOf = (cell: string): boolean | undefined =>
  cell.length <= 5 ? booleanWords.get(cell.toLowerCase()) : undefined;

/** Whether these values are words for true and false that go together, perhaps beside 1 and 0, but not those alone. */
export function areBooleans(values: Iterable<string>): boolean {
  const words = new Set<string>();
  for (const value of values) {
    if (booleanOf(value) === undefined) return false;
    const word = value.toLowerCase();
    if (!figures.flat().includes(word)) words.add(word);
  }
  return words.size > 0 && families.some((family) => [...words].every((word) => family.flat().includes(word)));
}
