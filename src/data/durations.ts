// Durations in cells: 1:23:45, 2h 30m, PT1H30M, 0 days 01:23:45; in seconds.

const clock = /^([+-])?(?:(\d+) days?,? ?\+?)?(?:(\d+):)?(\d+):(\d\d(?:[.,]\d+)?)$/;
const days = /^([+-])?(\d+) days?$/;
const iso =
  /^([+-])?P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const part = /(\d+(?:[.,]\d+)?)\s?([a-zµ]+)\.?/g;
const parts = /^-?(?:\d+(?:[.,]\d+)?\s?[A-Za-zµ]+\.?,?\s*(?:and |und |et )?)+(?:\d{1,2})?$/;

/** Units of time, in seconds. */
const lengths: ReadonlyMap<string, number> = new Map(
  (
    [
      [604800, ["w", "wk", "wks", "week", "weeks", "woche", "wochen"]],
      [86400, ["d", "day", "days", "tag", "tage", "tagen", "jour", "jours"]],
      [3600, ["h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden", "heure", "heures"]],
      [60, ["m", "min", "mins", "minute", "minutes", "minuten"]],
      [1, ["s", "sec", "secs", "second", "seconds", "sek", "sekunde", "sekunden"]],
      [1e-3, ["ms", "msec", "millis", "millisecond", "milliseconds"]],
      [1e-6, ["µs", "us"]],
    ] as const
  ).flatMap(([seconds, words]) => words.map((word): [string, number] => [word, seconds])),
);

/** A lone m may be a metre, and a lone d or s anything. */
const vague: readonly string[] = ["m", "d", "s", "w", "us"];

const number = (text: string | undefined): number => Number((text ?? "0").replace(",", "."));

/** Seconds of a duration. Two numbers with a colon are minutes and seconds. NaN for anything else. */
export function parseDuration(cell: string): number {
  if (cell.length > 40) return Number.NaN;
  const clocked = clock.exec(cell);
  if (clocked !== null) {
    const [, sign, dayCount, hours, minutes, seconds] = clocked;
    if (number(seconds) >= 60 || (hours !== undefined && number(minutes) >= 60)) return Number.NaN;
    const rest = number(hours) * 3600 + number(minutes) * 60 + number(seconds);
    // "-1 days +23:59:59" is a second before zero.
    if (dayCount !== undefined) return (sign === "-" ? -1 : 1) * number(dayCount) * 86400 + rest;
    return sign === "-" ? -rest : rest;
  }
  const whole = days.exec(cell);
  if (whole !== null) return (whole[1] === "-" ? -1 : 1) * number(whole[2]) * 86400;
  if (/^[+-]?P./.test(cell)) {
    const found = iso.exec(cell);
    if (found === null) return Number.NaN;
    const [, sign, weeks, dayCount, hours, minutes, seconds] = found;
    const sum =
      number(weeks) * 604800 + number(dayCount) * 86400 + number(hours) * 3600 + number(minutes) * 60 + number(seconds);
    return sign === "-" ? -sum : sum;
  }
  return parts.test(cell) ? ofParts(cell) : Number.NaN;
}

/** 2h 30m, 45 min, 1 day 4 hours, 2h30. */
function ofParts(cell: string): number {
  const found = [...cell.toLowerCase().matchAll(part)];
  const [first] = found;
  if (first === undefined || (found.length === 1 && vague.includes(first[2] ?? "") && !/\d$/.test(cell)))
    return Number.NaN;
  let [sum, last] = [0, Number.POSITIVE_INFINITY];
  for (const [, amount, word = ""] of found) {
    const seconds = lengths.get(word);
    // Units must go from longest to shortest, each at most once.
    if (seconds === undefined || seconds >= last) return Number.NaN;
    sum += number(amount) * seconds;
    last = seconds;
  }
  const rest = /[a-z](\d{1,2})$/.exec(cell.toLowerCase());
  if (rest !== null) {
    if (last !== 3600) return Number.NaN;
    sum += number(rest[1]) * 60;
  }
  return cell.startsWith("-") ? -sum : sum;
}
