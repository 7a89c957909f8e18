// Columns that leak the target: alone, or in pairs.
import { at } from "../graph/at.ts";
import { quoted } from "../graph/visible.ts";
import { targetType } from "./fitTarget.ts";
import { readerOf } from "./reading.ts";
import type { JudgedColumn } from "./table.ts";

/** With fewer rows, a coincidence looks like a rule. */
export const fewestRows = 20;
/** A column decides a target if it leaves at most this share of the mistakes of always answering the most frequent class. */
const decidedShare = 0.02;
/** A column's gaps decide the target if they leave at most this share of those mistakes. */
const filledShare = 0.1;
/** Rows needed per distinct value of a column to judge it value by value. */
const rowsPerValue = 5;
/** Columns give a number away if they leave at most this share of its spread unexplained. */
const sameSpread = 1e-3;
export const share = (count: number, all: number): string =>
  `${((100 * count) / all).toFixed(1).replace(/\.0$/, "")} %`;

/** Wrong rows when each group answers its most frequent class. */
function mistakes(groups: Iterable<readonly [group: string, label: number]>, classes: number): number {
  const counts = new Map<string, Uint32Array>();
  for (const [group, label] of groups) {
    const own = counts.get(group) ?? new Uint32Array(classes);
    counts.set(group, own);
    own[label] = at(own, label) + 1;
  }
  let wrong = 0;
  for (const own of counts.values()) wrong += own.reduce((sum, count) => sum + count, 0) - Math.max(...own);
  return wrong;
}

/** Wrong rows when values up to a limit are one class and those above it another, for the best limit. */
function beyondLimit(values: Float64Array, labels: Int32Array, classes: number): number {
  const order = Array.from(values.keys()).sort((a, b) => at(values, a) - at(values, b));
  const [below, above] = [new Uint32Array(classes), new Uint32Array(classes)];
  for (const label of labels) above[label] = at(above, label) + 1;
  let best = Number.POSITIVE_INFINITY;
  order.forEach((row, place) => {
    const label = at(labels, row);
    below[label] = at(below, label) + 1;
    above[label] = at(above, label) - 1;
    const following = order[place + 1];
    if (following === undefined || at(values, following) === at(values, row)) return;
    best = Math.min(best, labels.length - Math.max(...below) - Math.max(...above));
  });
  return best;
}

export interface Labelled {
  /** Rows with a target. */
  readonly rows: readonly number[];
  readonly labels: Int32Array;
  readonly names: readonly string[];
}

export function labelsOf(target: JudgedColumn): Labelled {
  const reader = readerOf(targetType(target, "classification").reading, target.typed);
  const places = new Map<string, number>();
  const names: string[] = [];
  const rows: number[] = [];
  const labels: number[] = [];
  target.cells.forEach((cell, row) => {
    if (cell === undefined || !reader.reads(cell)) return;
    const key = reader.key(cell);
    const label = places.get(key) ?? places.size;
    if (label === places.size) names.push(cell);
    places.set(key, label);
    rows.push(row);
    labels.push(label);
  });
  return { rows, labels: Int32Array.from(labels), names };
}

/** A sentence if this column alone decides the class. */
export function classLeak(column: JudgedColumn, target: string, { rows, labels, names }: Labelled): string | undefined {
  const classes = names.length;
  const usual = mistakes(
    Array.from(labels, (label) => ["", label] as const),
    classes,
  );
  if (rows.length < fewestRows || usual === 0) return undefined;
  const reader = readerOf(column.type.reading, column.typed);
  const cells = rows.map((row) => column.cells[row]);
  const told = (wrong: number): string => share(rows.length - wrong, rows.length);
  const leave = `leave it out if it is not known before ${quoted(target)} is`;
  const keys = cells.map((cell) => (cell !== undefined && reader.reads(cell) ? reader.key(cell) : ""));
  const distinct = new Set(keys).size;
  const filled = mistakes(
    keys.map((key, place) => [key === "" ? "" : "filled", at(labels, place)] as const),
    classes,
  );
  if (filled <= filledShare * usual)
    return `Whether ${quoted(column.name)} is filled in tells ${quoted(target)} in ${told(filled)} of the rows; ${leave}.`;
  if (distinct * rowsPerValue <= rows.length) {
    const wrong = mistakes(
      keys.map((key, place) => [key, at(labels, place)] as const),
      classes,
    );
    if (wrong <= decidedShare * usual)
      return `${quoted(column.name)} alone decides ${quoted(target)} in ${told(wrong)} of the rows; ${leave}.`;
  }
  if (column.type.kind !== "number" && column.type.kind !== "date") return undefined;
  const numbers = Float64Array.from(cells, (cell) => reader.number(cell));
  if (classes > 2 || numbers.some((value) => Number.isNaN(value))) return undefined;
  const wrong = beyondLimit(numbers, labels, classes);
  return wrong <= decidedShare * usual
    ? `${quoted(column.name)} alone decides ${quoted(target)} in ${told(wrong)} of the rows, by whether it is above a limit; ${leave}.`
    : undefined;
}

const leaveOut = (which: string, target: string): string =>
  `leave ${which} out if it is not known before ${quoted(target)} is`;

/** The numbers of a column in the given rows; NaN for gaps. */
function numbersOf(column: JudgedColumn, rows: ArrayLike<number>): Float64Array {
  const { number } = readerOf(column.type.reading, column.typed);
  return Float64Array.from(rows, (row) => number(column.cells[row]));
}

const isNumeric = ({ type }: JudgedColumn): boolean =>
  type.kind === "number" || type.kind === "date" || type.kind === "duration";

/** The share of the spread of y that the best plane through columns leaves; 1 if there is nothing to judge. */
function spreadLeft(y: Float64Array, xs: readonly Float64Array[]): number {
  const rows = Array.from(y.keys()).filter(
    (place) => Number.isFinite(at(y, place)) && xs.every((x) => Number.isFinite(at(x, place))),
  );
  const n = rows.length;
  if (n < fewestRows) return 1;
  const all = [y, ...xs];
  const means = all.map((values) => rows.reduce((sum, row) => sum + at(values, row) / n, 0));
  const moment = (i: number, j: number): number =>
    rows.reduce((sum, row) => sum + (at(at(all, i), row) - at(means, i)) * (at(at(all, j), row) - at(means, j)), 0);
  const [yy, aa, ya] = [moment(0, 0), moment(1, 1), moment(0, 1)];
  // Squares of numbers beyond 1e154 are infinite.
  if (!(yy > 0 && yy < Number.POSITIVE_INFINITY && aa > 0 && aa < Number.POSITIVE_INFINITY)) return 1;
  if (xs.length === 1) return 1 - ya ** 2 / (aa * yy);
  const [bb, ab, yb] = [moment(2, 2), moment(1, 2), moment(0, 2)];
  const determinant = aa * bb - ab ** 2;
  if (!(determinant > 1e-9 * aa * bb)) return 1;
  const [u, v] = [(ya * bb - yb * ab) / determinant, (yb * aa - ya * ab) / determinant];
  return Math.max(0, 1 - (u * ya + v * yb) / yy);
}

const percentLeft = (left: number): string => (left < 1e-4 ? "less than 0.01 %" : `${(100 * left).toFixed(2)} %`);
const allRows = ({ cells }: JudgedColumn): number[] => Array.from(cells.keys());

/** A sentence if a column is the target number in other units, or decides it value by value. */
export function numberLeak(column: JudgedColumn, target: JudgedColumn): string | undefined {
  const rows = allRows(target);
  const y = numbersOf(target, rows);
  if (isNumeric(column)) {
    const left = spreadLeft(y, [numbersOf(column, rows)]);
    if (left > sameSpread) return undefined;
    return `${quoted(column.name)} is ${quoted(target.name)} in other units: a straight line through it leaves ${percentLeft(left)} of the spread; ${leaveOut("it", target.name)}.`;
  }
  const reader = readerOf(column.type.reading, column.typed);
  const groups = new Map<string, number[]>();
  rows.forEach((row, place) => {
    const cell = column.cells[row];
    const value = at(y, place);
    if (cell === undefined || !reader.reads(cell) || !Number.isFinite(value)) return;
    const key = reader.key(cell);
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [value]);
    else own.push(value);
  });
  const values = [...groups.values()].flat();
  if (values.length < fewestRows || groups.size * rowsPerValue > values.length) return undefined;
  const within = [...groups.values()].reduce((sum, own) => sum + spread(own), 0);
  const whole = spread(values);
  if (!(whole > 0 && whole < Number.POSITIVE_INFINITY) || within > sameSpread * whole) return undefined;
  return `${quoted(column.name)} alone decides ${quoted(target.name)}: its values leave ${percentLeft(within / whole)} of the spread; ${leaveOut("it", target.name)}.`;
}

/** The sum of squared distances from the mean. */
function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/** Maximum columns to examine in pairs. */
const [mostKeyed, mostMeasured] = [30, 12] as const;
/** Rows for the first screening of a pair. */
const screened = 2000;

function* pairsOf<T>(all: readonly T[]): Generator<readonly [T, T], void, void> {
  for (const [place, first] of all.entries()) for (const second of all.slice(place + 1)) yield [first, second];
}

const together = (a: JudgedColumn, b: JudgedColumn): string => `${quoted(a.name)} and ${quoted(b.name)} together`;

/** Combinations of two numbers, to split at a limit or fit a line through. */
const combinations: readonly { readonly what: string; readonly of: (a: number, b: number) => number }[] = [
  { what: "the difference of both", of: (a, b) => a - b },
  { what: "the sum of both", of: (a, b) => a + b },
  { what: "the product of both", of: (a, b) => a * b },
  { what: "the ratio of both", of: (a, b) => a / b },
];

/** Sentences for pairs of columns that decide the class together although neither does alone. */
export function classPairLeaks(columns: readonly JudgedColumn[], target: string, labelled: Labelled): PairLeak[] {
  const { rows, labels, names } = labelled;
  const classes = names.length;
  const usual = mistakes(
    Array.from(labels, (label) => ["", label] as const),
    classes,
  );
  if (rows.length < 2 * fewestRows || usual < fewestRows / 2) return [];
  const found: PairLeak[] = [];
  const enough = decidedShare * usual;
  const told = (wrong: number): string => share(rows.length - wrong, rows.length);
  const keyed = columns
    .map((column) => ({ column, keys: keysOf(column, rows) }))
    .filter(({ keys }) => 2 * rowsPerValue * new Set(keys).size <= rows.length)
    .slice(0, mostKeyed);
  for (const [a, b] of pairsOf(keyed)) {
    const joint = a.keys.map((key, place) => `${key}\0${b.keys[place]}`);
    if (new Set(joint).size * rowsPerValue > rows.length) continue;
    const wrong = mistakes(
      joint.map((key, place) => [key, at(labels, place)] as const),
      classes,
    );
    if (wrong > enough) continue;
    const text = `${together(a.column, b.column)} decide ${quoted(target)} in ${told(wrong)} of the rows; ${leaveOut("one", target)}.`;
    found.push({ columns: [a.column.name, b.column.name], text });
  }
  if (classes !== 2) return found;
  const measured = columns
    .filter(isNumeric)
    .map((column) => ({ column, values: numbersOf(column, rows) }))
    .filter(({ values }) => values.every((value) => Number.isFinite(value)) && new Set(values).size > 2)
    .slice(0, mostMeasured);
  const head = Math.min(rows.length, screened);
  const wrongOf = (combined: Float64Array, count: number): number =>
    beyondLimit(combined.subarray(0, count), labels.subarray(0, count), classes);
  for (const [a, b] of pairsOf(measured)) {
    if ((a.column.type.kind === "date") !== (b.column.type.kind === "date")) continue;
    for (const { what, of } of combinations) {
      const combined = a.values.map((value, place) => of(value, at(b.values, place)));
      if (combined.some((value) => !Number.isFinite(value)) || wrongOf(combined, head) > enough) continue;
      const wrong = wrongOf(combined, rows.length);
      if (wrong > enough) continue;
      const text = `${together(a.column, b.column)} decide ${quoted(target)} in ${told(wrong)} of the rows, by whether ${what} is above a limit; ${leaveOut("one", target)}.`;
      found.push({ columns: [a.column.name, b.column.name], text });
      break;
    }
  }
  return found;
}

export interface PairLeak {
  readonly columns: readonly [string, string];
  readonly text: string;
}

/** As above for a number: a plane through two columns, or their product or ratio. */
export function numberPairLeaks(columns: readonly JudgedColumn[], target: JudgedColumn): PairLeak[] {
  const rows = allRows(target);
  const y = numbersOf(target, rows);
  const measured = columns
    .filter(isNumeric)
    .map((column) => ({ column, values: numbersOf(column, rows) }))
    .slice(0, mostMeasured);
  const found: PairLeak[] = [];
  for (const [a, b] of pairsOf(measured)) {
    const of = (combine: (x: number, z: number) => number): Float64Array =>
      a.values.map((value, place) => combine(value, at(b.values, place)));
    const ways = [
      { how: "a weighted sum of both", left: () => spreadLeft(y, [a.values, b.values]) },
      { how: "their product", left: () => spreadLeft(y, [of((x, z) => x * z)]) },
      {
        how: "their ratio",
        left: () => Math.min(spreadLeft(y, [of((x, z) => x / z)]), spreadLeft(y, [of((x, z) => z / x)])),
      },
    ];
    for (const { how, left } of ways) {
      const rest = left();
      if (rest > sameSpread) continue;
      const text = `${together(a.column, b.column)} give ${quoted(target.name)} away: ${how} leaves ${percentLeft(rest)} of its spread; ${leaveOut("one", target.name)}.`;
      found.push({ columns: [a.column.name, b.column.name], text });
      break;
    }
  }
  return found;
}

/** The share of a spread that rounding leaves. */
const exact = 1e-9;

/** A key for the value of a column in each of the given rows; empty for gaps. */
export function keysOf({ cells, type, typed }: JudgedColumn, rows: ArrayLike<number>): string[] {
  const reader = readerOf(type.reading, typed);
  return Array.from(rows, (row) => {
    const cell = cells[row];
    return cell !== undefined && reader.reads(cell) ? reader.key(cell) : "";
  });
}

/** Sentences for pairs of inputs that hold the same values. */
export function copies(columns: readonly JudgedColumn[]): PairLeak[] {
  const [first] = columns;
  if (first === undefined) return [];
  const rows = allRows(first);
  if (rows.length < fewestRows) return [];
  const found: PairLeak[] = [];
  const told = (a: JudgedColumn, b: JudgedColumn, how: string): void => {
    const text = `${quoted(b.name)} says what ${quoted(a.name)} says${how}; one of them is enough.`;
    found.push({ columns: [a.name, b.name], text });
  };
  const measured = columns.filter(isNumeric).map((column) => ({ column, values: numbersOf(column, rows) }));
  for (const [a, b] of pairsOf(measured.slice(0, mostKeyed))) {
    const left = spreadLeft(a.values, [b.values]);
    // The days between two dates may matter, even if small compared to their spread.
    const most = a.column.type.kind === "date" || b.column.type.kind === "date" ? exact : sameSpread / 10;
    if (left <= most) told(a.column, b.column, left < exact ? "" : `, but for ${percentLeft(left)} of its spread`);
  }
  const keyed = columns
    .map((column) => ({ column, keys: keysOf(column, rows) }))
    .map((each) => ({ ...each, size: new Set(each.keys).size }))
    .filter(({ column, size }) => (!isNumeric(column) || size <= rows.length / rowsPerValue) && size > 1)
    .slice(0, mostKeyed);
  for (const [a, b] of pairsOf(keyed)) {
    if (a.size !== b.size || (isNumeric(a.column) && isNumeric(b.column))) continue;
    if (new Set(a.keys.map((key, place) => `${key}\0${b.keys[place]}`)).size === a.size) told(a.column, b.column, "");
  }
  return found;
}
