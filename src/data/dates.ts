// Dates in cells, as days since 1970: the supported notations, and the order of day and month if ambiguous.
import { isWeekday, monthOf } from "./monthNames.ts";

/** For dates such as 05/06/2024: whether the day or the month comes first. */
export const dateOrders = ["dayFirst", "monthFirst"] as const;
export type DateOrder = (typeof dateOrders)[number];

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days since 1970-01-01; NaN if the calendar has no such day. */
function daysOf(year: number, month: number, dayOfMonth: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 && leap ? 29 : (monthLengths[month - 1] ?? 0);
  if (dayOfMonth < 1 || dayOfMonth > length) return Number.NaN;
  // A year that begins in March ends with its leap day.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;
const isDigit = (value: number): boolean => value >= 0 && value <= 9;

/** Days of 2024-05-01 with nothing behind it, the most common form in files; undefined for other texts. */
function isoDays(cell: string): number | undefined {
  if (cell.length !== 10 || cell.charCodeAt(4) !== 45 || cell.charCodeAt(7) !== 45) return undefined;
  for (const at of [0, 1, 2, 3, 5, 6, 8, 9]) if (!isDigit(digit(cell, at))) return undefined;
  const year = digit(cell, 0) * 1000 + digit(cell, 1) * 100 + digit(cell, 2) * 10 + digit(cell, 3);
  return daysOf(year, digit(cell, 5) * 10 + digit(cell, 6), digit(cell, 8) * 10 + digit(cell, 9));
}

/** Whether a date of this form needs the order of day and month. */
export const hasOrder = (cell: string): boolean => /^\d{1,2}([-/])\d{1,2}\1(?:\d{4}|\d\d)(?!\d)/.test(cell);

/** The year of two digits, from 1969 on. */
const yearOf = (digits: string): number =>
  digits.length > 2 ? Number(digits) : Number(digits) + (Number(digits) < 69 ? 2000 : 1900);

/** The start of a date, and its day. */
interface Form {
  readonly pattern: RegExp;
  readonly days: (parts: readonly string[], order: DateOrder) => number;
}

const name = String.raw`([A-Za-zÀ-ÿ]{3,10})\.?`;
const numbered: readonly Form[] = [
  // 2024-05-01, 2024/5/1, 2024.05.01
  {
    pattern: /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)/,
    days: ([, year = "", , month = "", day = ""]) => daysOf(Number(year), Number(month), Number(day)),
  },
  // 1.5.2024, 01.05.24
  {
    pattern: /^(\d{1,2})\.(\d{1,2})\.(\d{4}|\d\d)(?!\d)/,
    days: ([, day = "", month = "", year = ""]) => daysOf(yearOf(year), Number(month), Number(day)),
  },
  // 05/01/2024, 1-5-24: depends on the order
  {
    pattern: /^(\d{1,2})([-/])(\d{1,2})\2(\d{4}|\d\d)(?!\d)/,
    days([, first = "", , second = "", year = ""], order) {
      const [day, month] = order === "dayFirst" ? [first, second] : [second, first];
      return daysOf(yearOf(year), Number(month), Number(day));
    },
  },
  // 1-May-2024, 1. Mai 2024, 1 de mayo de 2024
  {
    pattern: new RegExp(`^(\\d{1,2})(?:st|nd|rd|th|er|\\.)?[- /]*(?:de )?${name}[- /,]*(?:de )?(\\d{4}|\\d\\d)(?!\\d)`),
    days: ([, day = "", month = "", year = ""]) => daysOf(yearOf(year), monthOf(month), Number(day)),
  },
  // 2024-05, 2024/05
  {
    pattern: /^(\d{4})[-/](\d\d)(?![\d-/.])/,
    days: ([, year = "", month = ""]) => daysOf(Number(year), Number(month), 1),
  },
  // 05/2024
  {
    pattern: /^(\d{1,2})[-/](\d{4})(?!\d)/,
    days: ([, month = "", year = ""]) => daysOf(Number(year), Number(month), 1),
  },
  // 2024-Q2, 2024Q2
  {
    pattern: /^(\d{4})[- /]?Q([1-4])(?!\d)/,
    days: ([, year = "", quarter = ""]) => daysOf(Number(year), 3 * Number(quarter) - 2, 1),
  },
  // 2024-W18, 2024-W18-3
  {
    pattern: /^(\d{4})-?W(\d\d)(?:-?([1-7]))?(?!\d)/,
    days: ([, year = "", week = "", day = "1"]) => weekDays(Number(year), Number(week), Number(day)),
  },
  // 2024-May-01
  {
    pattern: new RegExp(`^(\\d{4})[- /]${name}[- /](\\d{1,2})(?!\\d)`),
    days: ([, year = "", month = "", day = ""]) => daysOf(Number(year), monthOf(month), Number(day)),
  },
];
const lettered: readonly Form[] = [
  // May 1, 2024
  {
    pattern: new RegExp(`^${name}[- ]?(\\d{1,2})(?:st|nd|rd|th)?(?:, ?|[- ])(\\d{4})(?!\\d)`),
    days: ([, month = "", day = "", year = ""]) => daysOf(Number(year), monthOf(month), Number(day)),
  },
  // May 2024, May-24
  {
    pattern: new RegExp(`^${name}[-/ ](\\d{4}|\\d\\d)(?![\\d:,])`),
    days: ([, month = "", year = ""]) => daysOf(yearOf(year), monthOf(month), 1),
  },
  // Q2 2024
  {
    pattern: /^Q([1-4])[-/ ]?(\d{4})(?!\d)/,
    days: ([, quarter = "", year = ""]) => daysOf(Number(year), 3 * Number(quarter) - 2, 1),
  },
];
/** May 1 12:30:00 2024, as system clocks write it. */
const clockFirst = new RegExp(`^${name} +(\\d{1,2}) (\\d\\d:\\d\\d:\\d\\d)(?: [A-Z]{3,4})? (\\d{4})$`);

/** Days since 1970-01-01 of a day of an ISO week. Week 1 contains the first Thursday. */
function weekDays(year: number, week: number, day: number): number {
  const fourth = daysOf(year, 1, 4);
  const monday = fourth - ((((fourth + 3) % 7) + 7) % 7);
  return week < 1 || week > 53 ? Number.NaN : monday + 7 * (week - 1) + day - 1;
}

/** Offsets in hours of named time zones. */
const zones: Readonly<Record<string, number>> = {
  ...{
    Z: 0,
    UTC: 0,
    GMT: 0,
    WET: 0,
    BST: 1,
    WEST: 1,
    CET: 1,
    MEZ: 1,
    CEST: 2,
    MESZ: 2,
    EET: 2,
    EEST: 3,
    MSK: 3,
    IST: 5.5,
    JST: 9,
  },
  ...{ EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 },
};
const zone = String.raw`(?:(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})?(?: UTC)?|([A-Za-z]{1,4}))`;
const clock = String.raw`(\d{1,2})[:.](\d{2})(?:[:.](\d{2}(?:[.,]\d+)?))?(?: ?([AaPp])\.?[Mm]\.?)?(?: ?Uhr)?(?: ?${zone})?(?: \(.*\))?`;
const timePattern = new RegExp(`^${clock}$`);
const restPattern = new RegExp(`^(?:T|,? +(?:um +|at +|à +)?|-(?=\\d\\d\\.))${clock}$`);

/** A time with its zone as a fraction of a day; NaN if it is not a time. */
function shareOfDay(match: RegExpExecArray | null): number {
  if (match === null) return Number.NaN;
  const [, hour = "", minute = "", second = "0", half, sign, zoneHours = "0", zoneMinutes = "0", zoneName] = match;
  let hours = Number(hour);
  const [minutes, seconds] = [Number(minute), Number(second.replace(",", "."))];
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return Number.NaN;
    hours = (hours % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  }
  if (minutes > 59 || seconds >= 61 || hours * 3600 + minutes * 60 + seconds > 86400) return Number.NaN;
  if (Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return Number.NaN;
  const named = zoneName === undefined ? 0 : (zones[zoneName.toUpperCase()] ?? Number.NaN);
  const offset = named * 60 + (sign === "-" ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes));
  return (hours * 3600 + minutes * 60 + seconds - offset * 60) / 86400;
}

/** A time of the day, such as 14:30, 2:30 PM or 09:15:00, as a fraction of the day; NaN for anything else. */
export const parseTime = (cell: string): number =>
  cell.length > 20 || !isDigit(digit(cell, 0))
    ? Number.NaN
    : shareOfDay(timePattern.exec(cell.replace(wideBlanks, " ")));

const longest = 72;
const wideBlanks = /[\u00a0\u202f\u2009]/g;

/**
 * Days since 1970-01-01. Accepts 2024-05-01, 2024/5/1, 1.5.2024, 1-May-2024, May 1, 2024, 01/05/2024 (day and month in `order`), and a
 * month, quarter or week. A time such as T12:30:00 or 3:15 PM may follow, and a zone such as Z or +02:00, which shifts the instant. NaN for
 * anything else.
 */
export function parseDate(cell: string, order: DateOrder = "dayFirst"): number {
  const iso = isoDays(cell);
  if (iso !== undefined) return iso;
  if (cell.length > longest || cell.length < 6) return Number.NaN;
  const plain = cell.replace(wideBlanks, " ");
  return isDigit(digit(plain, 0)) ? ofForms(numbered, plain, order) : lettersFirst(plain, order);
}

function ofForms(forms: readonly Form[], cell: string, order: DateOrder): number {
  for (const { pattern, days } of forms) {
    const match = pattern.exec(cell);
    if (match === null) continue;
    const day = days(match, order);
    const rest = cell.slice(match[0].length);
    const whole = rest === "" ? day : day + shareOfDay(restPattern.exec(rest));
    if (!Number.isNaN(whole)) return whole;
  }
  return Number.NaN;
}

/** A date that begins with the name of a month, or of a weekday, which is ignored. */
function lettersFirst(cell: string, order: DateOrder): number {
  const [, first = "", rest = ""] = /^([A-Za-zÀ-ÿ]{1,10})[.,]* ?(.*)$/s.exec(cell) ?? [];
  if (monthOf(first) === 0 && !isWeekday(first) && first !== "Q") return Number.NaN;
  const [, month = "", day = "", time = "", year = ""] = clockFirst.exec(cell) ?? [];
  if (month !== "") return daysOf(Number(year), monthOf(month), Number(day)) + shareOfDay(timePattern.exec(time));
  const found = ofForms(lettered, cell, order);
  return Number.isNaN(found) && isWeekday(first) && rest !== "" ? parseDate(rest, order) : found;
}

/** Forms of dates as plain numbers: 20240501 or 20240501123000, or the time since 1970. */
export const dateForms = [
  "calendar",
  "time",
  "compact",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
] as const;
export type DateForm = (typeof dateForms)[number];

/** Days since 1970-01-01 of 20240501, and of 20240501123000; NaN for anything else. */
export function compactDays(value: number): number {
  if (!Number.isInteger(value) || value < 19000101) return Number.NaN;
  if (value <= 22001231) return daysOf(Math.floor(value / 10000), Math.floor(value / 100) % 100, value % 100);
  if (value < 19000101000000 || value > 22001231235959) return Number.NaN;
  const [hours, minutes, seconds] = [Math.floor(value / 10000) % 100, Math.floor(value / 100) % 100, value % 100];
  if (hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  return compactDays(Math.floor(value / 1e6)) + (hours * 3600 + minutes * 60 + seconds) / 86400;
}

/** Units per day, for times since 1970. */
export const perDay = { seconds: 86400, milliseconds: 864e5, microseconds: 864e8, nanoseconds: 864e11 } as const;
