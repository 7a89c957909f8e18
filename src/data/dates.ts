// Dates in cells, as days since 1970: the notations it understands, and the order of day and month if it is ambiguous.

/** Of dates such as 05/06/2024: whether the day or the month comes first. */
export const dateOrders = ["dayFirst", "monthFirst"] as const;
export type DateOrder = (typeof dateOrders)[number];

const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const day = String.raw`\d{1,2}`;
const date = [
  String.raw`(\d{4})[-/](${day})[-/](${day})`,
  String.raw`(${day})\.(${day})\.(\d{4})`,
  String.raw`(${day})([-/])(${day})\8(\d{4})`,
  String.raw`(${day})[- ]([A-Za-z]{3,9})[- ](\d{4})`,
].join("|");
const time = String.raw`(${day}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: ?([AaPp])[Mm])?`;
const zone = String.raw`([Zz]|([+-])(\d{2}):?(\d{2})?)`;
const pattern = new RegExp(`^(?:${date})(?:[T ]${time}(?: ?${zone})?)?$`);
const longest = 40;

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days since 1970-01-01, NaN where the calendar has no such day. */
function daysOf(year: number, month: number, dayOfMonth: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 && leap ? 29 : (monthLengths[month - 1] ?? 0);
  if (dayOfMonth < 1 || dayOfMonth > length) return Number.NaN;
  // Years that begin in March end with their leap day.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;
const isDigit = (value: number): boolean => value >= 0 && value <= 9;

/** Of 2024-05-01 without anything behind it, which most dates of files are; undefined for other texts. */
function isoDays(cell: string): number | undefined {
  if (cell.length !== 10 || cell.charCodeAt(4) !== 45 || cell.charCodeAt(7) !== 45) return undefined;
  for (const at of [0, 1, 2, 3, 5, 6, 8, 9]) if (!isDigit(digit(cell, at))) return undefined;
  const year = digit(cell, 0) * 1000 + digit(cell, 1) * 100 + digit(cell, 2) * 10 + digit(cell, 3);
  return daysOf(year, digit(cell, 5) * 10 + digit(cell, 6), digit(cell, 8) * 10 + digit(cell, 9));
}

/** Whether the order of day and month must be known to read a date of this form. */
export function hasOrder(cell: string): boolean {
  const second = cell.charCodeAt(1);
  const mark = isDigit(second - 48) ? cell.charCodeAt(2) : second;
  return mark === 47 || (mark === 45 && /^\d{1,2}-\d/.test(cell));
}

/**
 * Days since 1970-01-01 of 2024-05-01, 2024/5/1, 1.5.2024, 1-May-2024, 01/05/2024 (day and month in `order`), with a time such as
 * T12:30:00 or 3:15 PM, and a zone such as Z or +02:00, which moves the instant; NaN for anything else.
 */
export function parseDate(cell: string, order: DateOrder = "dayFirst"): number {
  const iso = isoDays(cell);
  if (iso !== undefined) return iso;
  if (cell.length > longest || cell.length < 8 || !isDigit(digit(cell, 0))) return Number.NaN;
  const match = pattern.exec(cell);
  if (!match) return Number.NaN;
  const part = (place: number): number => Number(match[place] ?? 0);
  let days: number;
  if (match[1] !== undefined) days = daysOf(part(1), part(2), part(3));
  else if (match[4] !== undefined) days = daysOf(part(6), part(5), part(4));
  else if (match[7] !== undefined) {
    const [dayOfMonth, month] = order === "dayFirst" ? [part(7), part(9)] : [part(9), part(7)];
    days = daysOf(part(10), month, dayOfMonth);
  } else days = daysOf(part(13), monthOf(match[12] ?? ""), part(11));
  if (match[14] === undefined) return days;
  const [minutes, seconds] = [part(15), part(16)];
  let hours = part(14);
  if (match[17] !== undefined) {
    if (hours < 1 || hours > 12) return Number.NaN;
    hours = (hours % 12) + (match[17].toLowerCase() === "p" ? 12 : 0);
  }
  if (minutes > 59 || seconds >= 61 || hours * 3600 + minutes * 60 + seconds > 86400) return Number.NaN;
  const [zoneHours, zoneMinutes] = [part(20), part(21)];
  if (zoneHours > 23 || zoneMinutes > 59) return Number.NaN;
  const offset = (match[19] === "-" ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  return days + (hours * 3600 + minutes * 60 + seconds - offset * 60) / 86400;
}

/** 1 to 12 of an English name or its beginning; 0 of anything else. */
function monthOf(name: string): number {
  const whole = [
    ...["january", "february", "march", "april", "may", "june", "july", "august"],
    ...["september", "october", "november", "december"],
  ];
  const lower = name.toLowerCase();
  const short = monthNames.indexOf(lower);
  return (short >= 0 ? short : lower === "sept" ? 8 : whole.indexOf(lower)) + 1;
}
