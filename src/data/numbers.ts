// Notations of numbers in cells: one of four formats, with a currency, a percent sign, a unit, or brackets for negatives.
import { thresholds } from "./thresholds.ts";

/** Notations of a number: 1234.5, or 1,234.5, or 1234,5, or 1.234,5. */
export const numberFormats = ["plain", "thousands", "decimalComma", "groupedComma"] as const;
export type NumberFormat = (typeof numberFormats)[number];

/**
 * The pattern of points and commas in a number, which determines its possible notations: none (12), a decimal point (12.5), a point before
 * three digits (1.234), a decimal comma (12,5), a comma before three digits (1,234), commas between thousands (1,234.5), points between
 * thousands (1.234,5).
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
  // Here a point before three digits is ambiguous, so it is not accepted.
  decimalComma: ["whole", "point", "comma", "commaGroup"],
  groupedComma: ["whole", "pointGroup", "comma", "commaGroup", "pointGroups"],
};

export const fits = (shape: NumberShape, format: NumberFormat): boolean => shapesOf[format].includes(shape);

const powers = Array.from({ length: 16 }, (_, exponent) => Number(`1e${exponent}`));
const exponentNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number written by digits, at most one point and an exponent; NaN for anything else. In most cells the digits fit into a float64. Its
 * quotient by a power of ten is then the nearest number, so no parser is needed.
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
    // Only an exponent can still make this a number.
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

/** A point before the last three digits, after one to three digits without a leading zero: 1.234 may be 1234. */
export function maybeGrouped(cell: string): boolean {
  const { length } = cell;
  if (length > 8 || cell.charCodeAt(length - 4) !== 46) return false;
  const sign = cell.charCodeAt(0);
  const start = sign === 45 || sign === 43 ? 1 : 0;
  const whole = length - 4 - start;
  return whole >= 1 && whole <= 3 && cell.charCodeAt(start) !== 48;
}

/** Signs, codes and words of currencies, before or after an amount. */
const currency = [
  String.raw`(?:US|AU|CA|NZ|HK|SG|MX|A|C|R|S|NT)?\$`,
  "[€£¥₹₩₽₺₴₪₫₱฿₦₡₸]",
  "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|HRK|RSD|RUB|UAH|TRY|BRL|MXN|ARS|CLP|COP|PEN",
  "ZAR|NGN|KES|EGP|MAD|KRW|SGD|HKD|TWD|THB|IDR|MYR|PHP|VND|ILS|AED|SAR|QAR|PKR|BTC|ETH",
  String.raw`S?Fr\.?|[Kk]r\.?|Kč|zł|Ft|lei|TL|Rs\.?|[Ee]uros?|Euro|Dollars?|dollars?`,
].join("|");
const blank = String.raw`[ \u00a0\u202f\u2009]`;
/** A unit: letters behind the number, the same in the whole column. */
const unit = String.raw`[\p{L}µ°"'′″²³/]{1,8}\.?`;
/** [sign] [currency] [sign] digits [.- of prices without cents] [%, currency or unit] [sign, as SAP writes it]. */
const amount = new RegExp(
  `^([-+]?)${blank}?(?:(?:${currency})${blank}?)?([-+]?)${blank}?(\\d[\\d.,'’ \u00a0\u202f\u2009]*?|[.,]\\d+)(?:[.,]-{1,2})?` +
    `(?:${blank}?(?:[%‰]|${currency}|(${unit})))?(-?)$`,
  "u",
);
const brackets = /^(\D{0,4})\((.*)\)(\D{0,4})$/u;
const spacedGroups = /^[1-9]\d{0,2}(?:[ '’\u00a0\u202f\u2009]\d{3})+(?![\d ])/;
const separators = /[ '’\u00a0\u202f\u2009]/g;

interface BareNumber {
  /** A sign, digits, points and commas. */
  readonly bare: string;
  /** The unit. */
  readonly unit: string | undefined;
}

/** The number without a currency, a percent sign, a unit, brackets, and blanks or apostrophes between thousands. */
function bareNumber(cell: string): BareNumber | undefined {
  // A typographic minus sign; a dash in place of the cents.
  const written = cell.replace(/[−﹣－]/g, "-").replace(/(?<=[.,])[–—]$/, "-");
  if (!Number.isNaN(plainNumber(written))) return { bare: written, unit: undefined };
  const inside = brackets.exec(written);
  const [, first = "", second = "", found = "", measured, last = ""] =
    amount.exec(inside === null ? written : `${inside[1]}${inside[2]}${inside[3]}`) ?? [];
  const signs = [first, second, last].filter((sign) => sign !== "");
  if (found === "" || signs.length > 1 || (inside !== null && signs.length > 0)) return undefined;
  const digits = spacedGroups.test(found) ? found.replace(separators, "") : found;
  return { bare: `${inside !== null || signs[0] === "-" ? "-" : ""}${digits}`, unit: measured };
}

const decimalComma = /^[+-]?\d*,\d+$/;
const commaGroup = /^[+-]?[1-9]\d{0,2},\d{3}$/;
/** Commas between thousands, or grouped as in India. */
const commaGroups = /^[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d*)?$/;
const pointGroups = /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?$/;

/** Whether a cell may begin a number: with digits, signs, points and commas, a bracket, a few letters. This rules out most other cells cheaply. */
function beginsNumber(cell: string): boolean {
  const code = cell.charCodeAt(0);
  if ((code >= 48 && code <= 57) || (code >= 43 && code <= 46) || code === 40 || code === 36) return true;
  return code > 127 || /^\p{L}{1,4}[.$]?[ \u00a0\u202f]?[-(.,\d]/u.test(cell);
}

/** A number in some notation: its shape, the digits without other signs, and a unit. */
export interface WrittenNumber extends BareNumber {
  readonly shape: NumberShape;
}

/** The number in a cell, in any notation; undefined if it is not one. */
export function numberShape(cell: string): WrittenNumber | undefined {
  if (cell.length > thresholds.longestNumber || !beginsNumber(cell)) return undefined;
  const found = Number.isNaN(plainNumber(cell)) ? bareNumber(cell) : { bare: cell, unit: undefined };
  if (found === undefined) return undefined;
  const { bare } = found;
  const as = (shape: NumberShape): WrittenNumber => ({ ...found, shape });
  if (!Number.isNaN(plainNumber(bare)))
    return as(!bare.includes(".") ? "whole" : maybeGrouped(bare) ? "pointGroup" : "point");
  if (commaGroup.test(bare)) return as("commaGroup");
  if (decimalComma.test(bare)) return as("comma");
  if (commaGroups.test(bare)) return as("commaGroups");
  return pointGroups.test(bare) ? as("pointGroups") : undefined;
}

/** The digits of a number in this notation, rewritten as 1234.5. */
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

/** The number in a cell in this notation, without currency and %; NaN if it is not one, or has another unit. */
export function parseNumber(cell: string, format: NumberFormat = "plain", unit: string | null = null): number {
  const plain = plainNumber(cell);
  // If commas are decimal, a point may separate thousands.
  const pointIsDecimal = format === "plain" || format === "thousands" || !cell.includes(".");
  if (pointIsDecimal && !Number.isNaN(plain)) return plain;
  const found = numberShape(cell);
  if (found === undefined || !fits(found.shape, format)) return Number.NaN;
  if (found.unit !== undefined && found.unit !== unit) return Number.NaN;
  return plainNumber(plainDigits(found.bare, format));
}

const infinity = /^[+-]?(?:inf|infinity|∞)$/i;

/** Whether a cell means infinity, by a word or an exponent beyond float64. */
export const isInfinite = (cell: string): boolean =>
  (cell.length <= 9 && infinity.test(cell)) || Math.abs(plainNumber(cell)) === Number.POSITIVE_INFINITY;
