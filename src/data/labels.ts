// Compares labels by their digits, not as float64: 1 and 1.0 are equal, 19-digit ids stay different.
import { type NumberFormat, numberShape, plainDigits } from "./numbers.ts";

const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
/** A larger exponent would write out more zeros than is sensible. */
const largestShift = 400;

/**
 * The digits of a number without redundant signs, zeros and exponents: "1", "+1.0" and "10e-1" are all "1". Exact for any number of digits.
 * Undefined for a cell that is not a number.
 */
export function decimalKey(cell: string, format: NumberFormat): string | undefined {
  const bare = numberShape(cell)?.bare;
  if (bare === undefined) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts.exec(plainDigits(bare, format)) ?? [];
  const shift = Number(exponent);
  if (Math.abs(shift) > largestShift) return bare;
  const digits = whole + fraction;
  const point = whole.length + shift;
  const before = digits.slice(0, Math.max(0, point)).padEnd(Math.max(0, point), "0").replace(/^0+/, "");
  const after = ("0".repeat(Math.max(0, -point)) + digits.slice(Math.max(0, point))).replace(/0+$/, "");
  if (before === "" && after === "") return "0";
  return `${sign === "-" ? "-" : ""}${before === "" ? "0" : before}${after === "" ? "" : `.${after}`}`;
}

/** Compares two such keys by value, to the last digit. */
export function compareDecimals(a: string, b: string): number {
  const [negative, other] = [a.startsWith("-"), b.startsWith("-")];
  if (negative !== other) return negative ? -1 : 1;
  const size = negative ? -1 : 1;
  const [left, right] = [a, b].map((key) => key.replace("-", ""));
  const [whole = "", fraction = ""] = (left ?? "").split(".");
  const [otherWhole = "", otherFraction = ""] = (right ?? "").split(".");
  if (whole.length !== otherWhole.length) return size * (whole.length - otherWhole.length);
  if (whole !== otherWhole) return whole < otherWhole ? -size : size;
  return fraction === otherFraction ? 0 : fraction < otherFraction ? -size : size;
}
