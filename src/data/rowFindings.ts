// Problems in the rows of a table: repeated rows, and last rows that differ from the first.
import { at } from "../graph/at.ts";
import { quoted } from "../graph/visible.ts";
import { keysOf } from "./leaks.ts";
import { readerOf } from "./reading.ts";
import type { JudgedColumn, Table } from "./table.ts";

/** A row that repeats an earlier one, and the first identical row. */
export interface Repeated {
  readonly row: number;
  readonly first: number;
}

const textOf = (table: Table, row: number): string =>
  JSON.stringify(table.columns.map(({ cells }) => cells[row] ?? null));

/** Rows that repeat an earlier row of the table; identifiers count as ordinary cells. */
export function repeatedRows(table: Table, rows: ArrayLike<number>): Repeated[] {
  const seen = new Map<string, number>();
  const found: Repeated[] = [];
  for (const row of Array.from(rows)) {
    const text = textOf(table, row);
    const first = seen.get(text);
    if (first === undefined) seen.set(text, row);
    else found.push({ row, first });
  }
  return found;
}

/** The expected number of equal pairs of rows if columns were independent. */
function expectedPairs(table: Table): number {
  const rows = table.rowCount;
  const chance = table.judgedColumns.reduce((product, { evidence }) => {
    const counts = evidence.counts();
    const same = counts.reduce((sum, { count }) => sum + (count / rows) ** 2, 0);
    const empty = Math.max(0, 1 - counts.reduce((sum, { count }) => sum + count / rows, 0));
    return product * Math.max(same + empty ** 2, 1 / rows);
  }, 1);
  return (chance * rows * (rows - 1)) / 2;
}

/** Fewest repeated rows to report. */
const fewestRepeated = 2;

/** A sentence if more rows repeat others than by chance. */
export function duplicates(table: Table): string | undefined {
  const all = repeatedRows(
    table,
    Array.from({ length: table.rowCount }, (_, row) => row),
  );
  const [one] = all;
  if (one === undefined || all.length < fewestRepeated || all.length < 5 * expectedPairs(table)) return undefined;
  return `${all.length} rows repeat earlier ones, such as row ${one.row + 1}, which is row ${one.first + 1} again: a random split puts the same row on both sides. Remove them, or keep rows of one origin together by a group.`;
}

/** A sentence if identical rows are on both sides of a split. */
export function acrossSplit(table: Table, train: ArrayLike<number>, held: ArrayLike<number>): string | undefined {
  const known = new Map(Array.from(train, (row) => [textOf(table, row), row] as const));
  const found = Array.from(held, (row) => ({ row, first: known.get(textOf(table, row)) })).filter(
    ({ first }) => first !== undefined,
  );
  const [one] = found;
  if (one?.first === undefined) return undefined;
  const example = `row ${one.row + 1} is the same as row ${one.first + 1}`;
  return found.length === 1
    ? `1 of ${held.length} held-out rows is also among the training rows: ${example}`
    : `${found.length} of ${held.length} held-out rows are also among the training rows; for example, ${example}`;
}

/** The smallest difference of two distributions to report, from 0 to 1, and the critical value that chance exceeds once in a hundred times. */
const [fewestApart, oneInHundred] = [0.3, 1.63] as const;

/** The difference between a column's values in two lists of rows, from 0 to 1. */
function apart(column: JudgedColumn, before: ArrayLike<number>, after: ArrayLike<number>): number {
  if (column.type.kind === "number" || column.type.kind === "duration") {
    const { number } = readerOf(column.type.reading, column.typed);
    const sorted = [before, after].map((rows) =>
      Float64Array.from(rows, (row) => number(column.cells[row]))
        .filter((value) => Number.isFinite(value))
        .sort(),
    );
    return largestGap(at(sorted, 0), at(sorted, 1));
  }
  const counts = new Map<string, [number, number]>();
  for (const [side, rows] of [before, after].entries())
    for (const key of keysOf(column, rows)) {
      const own = counts.get(key) ?? [0, 0];
      own[side === 0 ? 0 : 1] += 1 / rows.length;
      counts.set(key, own);
    }
  return [...counts.values()].reduce((sum, [a, b]) => sum + Math.abs(a - b) / 2, 0);
}

/** The largest distance of the two distribution functions, from sorted numbers (Kolmogorov and Smirnov). */
function largestGap(a: Float64Array, b: Float64Array): number {
  let [i, j, gap] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const value = Math.min(at(a, i), at(b, j));
    while (i < a.length && at(a, i) === value) i++;
    while (j < b.length && at(b, j) === value) j++;
    gap = Math.max(gap, Math.abs(i / a.length - j / b.length));
  }
  return gap;
}

const rounded = (value: number): string => String(Number(value.toPrecision(3)));

/** Describes a column in the given rows. */
function likeness(column: JudgedColumn, rows: ArrayLike<number>): string {
  if (column.type.kind === "number" || column.type.kind === "duration") {
    const { number } = readerOf(column.type.reading, column.typed);
    const values = Array.from(rows, (row) => number(column.cells[row])).filter((value) => Number.isFinite(value));
    return `mean ${rounded(values.reduce((sum, value) => sum + value / values.length, 0))}`;
  }
  const counts = new Map<string, number>();
  for (const key of keysOf(column, rows)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most === undefined ? "nothing" : `${Math.round((100 * most[1]) / rows.length)} % ${quoted(most[0])}`;
}

/** Columns whose values differ between two lists of rows by more than chance, the largest difference first. */
export function drifts(
  columns: readonly JudgedColumn[],
  before: ArrayLike<number>,
  after: ArrayLike<number>,
): readonly { readonly column: string; readonly text: string }[] {
  const limit = Math.max(fewestApart, oneInHundred * Math.sqrt(1 / before.length + 1 / after.length));
  return columns
    .filter(({ type }) => type.kind !== "date" && type.kind !== "identifier" && type.kind !== "text")
    .map((column) => ({ column, far: apart(column, before, after) }))
    .filter(({ far }) => far > limit)
    .sort((a, b) => b.far - a.far)
    .map(({ column }) => ({
      column: column.name,
      text: `${quoted(column.name)} (${likeness(column, before)}, then ${likeness(column, after)})`,
    }));
}

/** Rows sorted by a column of dates, without those that have none. */
export function inTime(column: JudgedColumn): Int32Array {
  const { number } = readerOf(column.type.reading, column.typed);
  const times = Float64Array.from(column.cells, (cell) => number(cell));
  const rows = Array.from(times.keys()).filter((row) => Number.isFinite(at(times, row)));
  return Int32Array.from(rows.sort((a, b) => at(times, a) - at(times, b) || a - b));
}

/** Minimum rows to judge drift. */
const fewestInTime = 50;

/** The column of dates that the rows are sorted by, as in logs. */
const timeOf = (columns: readonly JudgedColumn[]): JudgedColumn | undefined =>
  columns.find((column) => {
    if (column.type.kind !== "date" || (column.type.reading.kind === "date" && column.type.reading.form === "time"))
      return false;
    const { number } = readerOf(column.type.reading, column.typed);
    const times = Array.from(column.cells, (cell) => number(cell)).filter((time) => Number.isFinite(time));
    const steps = times.slice(1).map((time, place) => Math.sign(time - (times[place] ?? time)));
    const [up, down] = [steps.filter((step) => step > 0).length, steps.filter((step) => step < 0).length];
    return times.length >= fewestInTime && up + down > 0 && Math.min(up, down) <= 0.02 * steps.length;
  });

/** A sentence if the last fifth in time differs from the rest. */
export function driftInTime(
  columns: readonly JudgedColumn[],
): { readonly text: string; readonly columns: readonly string[] } | undefined {
  const time = timeOf(columns);
  if (time === undefined) return undefined;
  const order = inTime(time);
  const cut = Math.floor(0.8 * order.length);
  const found = drifts(columns, order.subarray(0, cut), order.subarray(cut));
  if (found.length === 0) return undefined;
  const told = found.slice(0, 3).map(({ text }) => text);
  return {
    text: `The last fifth of ${quoted(time.name)} is not like the time before: ${told.join(", ")}${found.length > 3 ? ` and ${found.length - 3} more` : ""}. A random split hides that; split by time instead.`,
    columns: found.map(({ column }) => column),
  };
}
