// The target: classes or a number, the list of classes, and targets that cannot be learned.
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import { type Cell, show } from "./cells.ts";
import type { ColumnType } from "./columnType.ts";
import { decideTypes } from "./columnTypes.ts";
import { type ColumnEvidence, evidenceOf } from "./evidence.ts";
import type { ColumnFacts, RowFacts } from "./facts.ts";
import { compareDecimals } from "./labels.ts";
import type { TargetEncoding, Task } from "./preprocessing.ts";
import {
  asNumber,
  asText,
  type DurationReading,
  type NumberReading,
  type Reading,
  readerOf,
  type Spelling,
  spellings,
} from "./reading.ts";
import { thresholds } from "./thresholds.ts";

/** Options for the target. */
export interface TargetOptions {
  /** Default: inferred from the target column. */
  readonly task?: Task;
  /** "log": the network learns sign(y) · log(1 + |y|), for prices and other long tails. Default "none". */
  readonly targetTransform?: "none" | "log";
  /** Whether a numeric target is shifted and scaled to mean 0 and deviation 1. Default true. */
  readonly standardizeTarget?: boolean;
}

function taskOf(evidence: ColumnEvidence, type: ColumnType): Task {
  if (type.kind === "date" || type.kind === "duration") return "regression";
  if (type.kind !== "number") return "classification";
  if (!type.wholeNumbers || evidence.values.overflowed) return "regression";
  const values = spellings(evidence.counts(), readerOf(type.reading));
  if (values.length <= 2) return "classification";
  // Numbers that float64 cannot tell apart are names if they repeat.
  if (!evidence.exact)
    return values.length <= thresholds.mostClasses && 2 * values.length <= evidence.present
      ? "classification"
      : "regression";
  if (values.length > thresholds.mostNumberClasses) return "regression";
  const numbers = values.map(({ key }) => Number(key));
  const span = Math.max(...numbers) - Math.min(...numbers);
  const close = span < thresholds.numberClassSpread * values.length;
  return close && evidence.present >= thresholds.rowsPerNumberClass * values.length ? "classification" : "regression";
}

/** Whether a column calls for classes or a number. */
export const taskFor = ({ evidence, type }: Pick<ColumnFacts, "evidence" | "type">, task: Task | undefined): Task =>
  task ?? taskOf(evidence, type);

/**
 * Whether a column calls for classes or a number. Text and booleans are classes. Numbers are classes when they are few whole numbers: two,
 * or up to ten close together with at least ten rows each on average.
 */
export function inferTask(column: { readonly name: string; readonly cells: readonly Cell[] }): Task {
  const evidence = evidenceOf(column.cells);
  const [type] = decideTypes([{ name: column.name, evidence }]);
  return type === undefined ? "classification" : taskOf(evidence, type);
}

/**
 * The target's type, given the requested task. As classes, dates and numbers mixed with words are names; for a regression, codes such as
 * 007 are numbers.
 */
export function targetType(
  { evidence, type }: Pick<ColumnFacts, "evidence" | "type">,
  task: Task | undefined,
): ColumnType {
  const names = type.kind === "date" || type.kind === "duration" || (type.kind === "number" && type.unreadable > 0);
  if (names && task === "classification") return { kind: "category", reading: asText };
  if (task === "regression" && type.kind === "category" && type.reading.kind === "number")
    return { kind: "number", reading: type.reading, wholeNumbers: true, unreadable: 0 };
  if (task === "regression" && evidence.codes && type.reading.kind === "text")
    return { kind: "number", reading: asNumber, wholeNumbers: true, unreadable: evidence.unreadable("plain") };
  return type;
}

/** The order of classes: by value for numbers, false before true, otherwise by code units. */
function compareLabels(a: Spelling, b: Spelling, reading: Reading): number {
  const text = a.key < b.key ? -1 : 1;
  return reading.kind === "number" ? compareDecimals(a.key, b.key) || text : text;
}

function fitNumber(
  the: string,
  column: ColumnFacts,
  reading: NumberReading | DurationReading,
  options: TargetOptions,
): TargetEncoding {
  const facts = column.numbers();
  const transform = options.targetTransform ?? "none";
  const range = transform === "log" ? facts.log : facts.raw;
  if (!range || range.min === range.max || !(range.std > 0) || !Number.isFinite(range.std)) {
    const same = range?.min === range?.max;
    throw new HebbError(
      `${the} is ${range ? (same ? `${facts.raw?.min} in every row` : "too large to scale") : "missing in every training row"}, so there is nothing to learn; choose another target`,
    );
  }
  const [mean, scale] = (options.standardizeTarget ?? true) ? [range.mean, range.std] : [0, 1];
  return { kind: "number", column: column.name, reading, transform, mean, scale };
}

function fitClasses(the: string, table: RowFacts, column: ColumnFacts, options: TargetOptions): TargetEncoding {
  const { evidence, type } = column;
  const { reading } = type;
  if (options.targetTransform === "log")
    throw new HebbError(
      `${the} holds classes, which have no logarithm; leave targetTransform out, or use task regression`,
    );
  const reader = readerOf(reading);
  // Names come from every row, counts from the fitted rows: a rare class may occur only in the validation rows.
  const found = spellings(evidence.counts(), reader).sort((a, b) => compareLabels(a, b, reading));
  if (reading.kind === "number" && type.kind === "number" && !type.wholeNumbers) {
    const example = found.find(({ key }) => key.includes("."))?.value;
    throw new HebbError(
      `${the} holds numbers with fractions, such as ${example}, which are amounts, not classes; leave the task out for a regression, or write each class as a word or a whole number`,
    );
  }
  if (found.length < 2) {
    throw new HebbError(
      `${the} is ${show(found[0]?.value)} in every row, so there is nothing to learn; choose another target`,
    );
  }
  const many = evidence.values.overflowed;
  if (
    many ||
    found.length > thresholds.mostClasses ||
    (found.length > thresholds.fewClasses && found.length > table.rows / 2)
  ) {
    throw new HebbError(
      `${the} has ${many ? "more than " : ""}${found.length} different values in ${table.rows} rows, too many for classes; choose another target${reading.kind === "number" ? " or task regression" : ""}`,
    );
  }
  const fitted = new Map(spellings(column.counts().values, reader).map(({ key, count }) => [key, count]));
  return {
    kind: "classes",
    column: column.name,
    reading,
    classes: found.map(({ value }) => value),
    counts: found.map(({ key }) => fitted.get(key) ?? 0),
  };
}

/** Decides how to encode the target, whose type comes from `targetType`. Throws HebbError that says why it cannot be learned. */
export function fitTarget(table: RowFacts, column: ColumnFacts, options: TargetOptions): TargetEncoding {
  const { evidence, type, name } = column;
  const the = `${table.name}: the target ${quoted(name)}`;
  if (type.kind === "empty") throw new HebbError(`${the} has no values; choose another column`);
  const classes = taskFor(column, options.task) === "classification";
  if (type.kind === "number" && type.unreadable > 0) {
    const misfit = evidence.misfit(type.reading.format);
    throw new HebbError(
      `${the} holds numbers, but ${show(misfit?.cell)} in row ${(misfit?.row ?? -1) + 1}; fix that cell or leave it empty, or use task classification if these are class names`,
    );
  }
  if (classes) return fitClasses(the, table, column, options);
  if (type.kind === "number" || type.kind === "duration") return fitNumber(the, column, type.reading, options);
  if ((type.kind === "identifier" || type.kind === "category") && type.reading.kind === "number")
    return fitNumber(the, column, type.reading, options);
  if (type.kind === "date")
    throw new HebbError(
      `${the} holds dates, and no task predicts dates; choose another target, or write a number such as the days until then`,
    );
  const misfit = evidence.misfit("plain");
  throw new HebbError(
    `${the} is not a number in row ${(misfit?.row ?? -1) + 1} (${show(misfit?.cell)}); regression needs numbers, so fix it or use task classification`,
  );
}
