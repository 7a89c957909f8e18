// What one cell of a table says: nothing, a number in one of three notations, or a date.

/** A cell as it was written; undefined when the value is missing. */
export type Cell = string | undefined;

const missingMarks: ReadonlySet<string> = new Set([
  "",
  "NA",
  "N/A",
  "n/a",
  "na",
  "#N/A",
  "<NA>",
  "NaN",
  "nan",
  "NAN",
  "null",
  "NULL",
  "Null",
  "?",
]);

const longestMark = 4;

/** The cell without surrounding blanks, undefined when it marks a missing value ("" NA N/A NaN null ? …). */
export function normalizeCell(value: unknown): Cell {
  if (value === undefined || value === null) return undefined;
  const text = String(value).trim();
  return text.length <= longestMark && missingMarks.has(text) ? undefined : text;
}

/** How a number is written: 1234.5, or 1,234.5, or 1234,5. */
export type NumberFormat = "plain" | "thousands" | "decimalComma";

const plainNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const thousandsNumber = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;
const decimalCommaNumber = /^[+-]?\d*,\d+$/;

/** What a number can begin with: digits, signs, points and commas, currencies. Most cells that are none are told by that. */
const beginsNumber = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 43 && code <= 46) ||
  code === 36 ||
  code === 0x20ac ||
  code === 0xa3 ||
  code === 0xa5;

/** The number a cell holds, NaN when it holds none. A leading currency sign and a trailing % are taken off. */
export function parseNumber(cell: string, format: NumberFormat = "plain"): number {
  if (cell.length > 64 || !beginsNumber(cell.charCodeAt(0))) return Number.NaN;
  if (plainNumber.test(cell)) return Number(cell);
  const bare = cell.replace(/^([+-]?)[$€£¥]\s?/, "$1").replace(/\s?%$/, "");
  if (plainNumber.test(bare)) return Number(bare);
  if (format === "thousands" && thousandsNumber.test(bare)) return Number(bare.replaceAll(",", ""));
  if (format === "decimalComma" && decimalCommaNumber.test(bare)) return Number(bare.replace(",", "."));
  return Number.NaN;
}

const datePattern =
  /^(?:(\d{4})[-/](\d{1,2})[-/](\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Days since 1970-01-01 of a date such as 2024-05-01, 2024/5/1, 1.5.2024 or 2024-05-01T12:30:00; NaN for anything else. */
export function parseDate(cell: string): number {
  const match = cell.length > 40 ? null : datePattern.exec(cell);
  if (!match) return Number.NaN;
  const part = (place: number): number => Number(match[place] ?? 0);
  const written = match[1] === undefined;
  const [year, month, day] = written ? [part(6), part(5), part(4)] : [part(1), part(2), part(3)];
  const time = Date.UTC(year, month - 1, day);
  const back = new Date(time);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return Number.NaN;
  if (part(7) > 24 || part(8) > 59 || part(9) >= 61) return Number.NaN;
  return time / 86400000 + (part(7) * 3600 + part(8) * 60 + part(9)) / 86400;
}
