// The decisions about each column before training: its type and the reason, missing values, encoding, number of features.
import { quoted } from "../graph/visible.ts";
import { show } from "./cells.ts";
import { type ChosenTypes, chosenTypes } from "./chosenTypes.ts";
import { type ColumnTypeName, typeName } from "./columnType.ts";
import { targetType } from "./fitTarget.ts";
import {
  checkTarget,
  type FitPreprocessingOptions,
  fitPreprocessing,
  fittingKinds,
  resolveOptions,
} from "./fitting.ts";
import { codeHint } from "./nameHints.ts";
import type { NumberFormat } from "./numbers.ts";
import { featureNamesOf, type InputEncoding, type TablePreprocessing } from "./preprocessing.ts";
import { readerOf } from "./reading.ts";
import { checkTable, type JudgedColumn, type Table } from "./table.ts";

export const columnRoles = ["input", "target", "weights", "not used"] as const;

export interface ColumnExplanation {
  readonly column: string;
  readonly role: (typeof columnRoles)[number];
  /** Its type: number, boolean, category, date, time, duration, identifier, text, empty. */
  readonly type: ColumnTypeName;
  readonly why: string;
  /** Rows without a value. */
  readonly gaps: number;
  /** How it is encoded. */
  readonly encoding: string;
  /** The number of features it becomes. */
  readonly features: number;
}

const notations: Readonly<Record<NumberFormat, string>> = {
  plain: "",
  thousands: ", with commas between thousands",
  decimalComma: ", with decimal commas",
  groupedComma: ", with points between thousands and decimal commas",
};
const dayForms = {
  calendar: "days of the calendar",
  time: "times of the day",
  compact: "days in figures, such as 20240501",
  seconds: "seconds since 1970",
  milliseconds: "milliseconds since 1970",
  microseconds: "microseconds since 1970",
  nanoseconds: "nanoseconds since 1970",
} as const;

/** Why a column has its type, from its cells. */
function whyOf({ name, type, evidence }: Known, chosen: ChosenTypes): string {
  const list = chosen.get(name);
  if (list !== undefined) return `chosen as ${list}`;
  const { present, values } = evidence;
  const { reading } = type;
  const different = `${values.overflowed ? "more than " : ""}${values.size} different values in ${present} rows`;
  switch (type.kind) {
    case "empty":
      return "it has no values";
    case "boolean":
      return `words for true and false (${[...values.keys()].slice(0, 4).map(show).join(", ")})`;
    case "number":
      return `numbers${type.reading.unit === null ? "" : ` in ${type.reading.unit}`}${notations[type.reading.format]}${type.reading.booleans ? ", all 0 or 1" : ""}`;
    case "date": {
      const order = `, the ${type.reading.order === "dayFirst" ? "day" : "month"} first`;
      return `${dayForms[type.reading.form]}${evidence.openDates.count > 0 && type.reading.form === "calendar" ? order : ""}`;
    }
    case "duration":
      return "how long something takes";
    case "category":
      if (evidence.codes)
        return `digits with zeros in front, such as ${show(evidence.leadingZeros.first?.cell)}, are names`;
      if (evidence.longDigits) return "so many digits are names, not amounts";
      if (reading.kind === "number" && codeHint(name) !== undefined)
        return `numbers that are names, by the name of the column; ${different}`;
      return different;
    case "identifier":
      return `${different}: it names rows`;
    case "text":
      return `texts of several words, ${different}`;
  }
}

function encodingOf(input: InputEncoding): string {
  if (input.kind === "category") {
    const gaps = input.fill === null ? (input.missing ? ", gaps apart" : "") : `, gaps as ${quoted(input.fill)}`;
    return `one feature for each of ${input.categories.length} values${input.other ? ", the rest together" : ""}${gaps}`;
  }
  if (input.kind === "text")
    return `words and pairs of words, ${input.terms.length} of them, weighted by how rare they are; length${input.fill === null ? "" : `, gaps as ${quoted(input.fill)}`}`;
  const steps = [
    ...(input.kind === "date" ? ["days"] : []),
    ...(input.kind === "duration" ? ["seconds"] : []),
    ...(input.transform === "log" ? ["logarithm"] : []),
    "scaled",
    ...(input.cycles.length > 0 ? [`${input.cycles.join(", ")} as sine and cosine`] : []),
    ...(input.dropMissing ? ["rows with gaps left out"] : input.missingIndicator ? ["gaps marked"] : []),
  ];
  return steps.join(", ");
}

function targetEncoding({ target }: TablePreprocessing): string {
  if (target.kind === "classes") return `${target.classes.length} classes`;
  return `a number${target.transform === "log" ? ", logarithm" : ""}, scaled`;
}

/** A column with its type decided. */
type Known = Pick<JudgedColumn, "name" | "type" | "evidence">;

/** Rows without a value, from the counts. */
function gapsOf({ type, evidence }: Known): number {
  const { rows, present, marks, spellings, infinite } = evidence;
  const reader = readerOf(type.reading);
  let gaps = rows - present;
  for (const [mark, { count }] of marks) if (!reader.missing(mark)) gaps -= count;
  switch (type.kind) {
    case "number":
      return type.reading.missing.reduce(
        (sum, word) => sum + (spellings.get(word)?.count ?? 0),
        gaps + type.unreadable + infinite.count,
      );
    case "date":
    case "duration":
      return gaps + type.unreadable;
    case "category":
      return type.reading.kind === "number" ? gaps + evidence.unreadable(type.reading.format) : gaps;
    case "boolean":
    case "identifier":
    case "text":
    case "empty":
      return gaps;
  }
}

/** How a fitted preprocessing encodes each column of its table. */
export function explainColumns(
  columns: readonly Known[],
  preprocessing: TablePreprocessing,
  options: Omit<FitPreprocessingOptions, "target">,
): ColumnExplanation[] {
  const { inputs, target, weights, dropped } = preprocessing;
  const chosen = chosenTypes(options);
  return columns.map((known): ColumnExplanation => {
    const { name, evidence } = known;
    const type = name === target.column ? targetType(known, options.task) : known.type;
    const judged = { name, evidence, type };
    const base = { column: name, type: typeName(type), why: whyOf(judged, chosen), gaps: gapsOf(judged) };
    if (name === target.column)
      return { ...base, role: "target", encoding: targetEncoding(preprocessing), features: 0 };
    if (name === weights?.column) return { ...base, role: "weights", encoding: "the weight of each row", features: 0 };
    const input = inputs.find(({ column }) => column === name);
    if (input !== undefined)
      return { ...base, role: "input", encoding: encodingOf(input), features: featureNamesOf(input).length };
    const reason = dropped.find(({ column }) => column === name)?.reason ?? "it is not used";
    return { ...base, role: "not used", encoding: reason, features: 0 };
  });
}

/**
 * How hebb reads each column of a table: its type and the reason, gaps, encoding. Options are those of fitPreprocessing.
 * Throws HebbError when the target cannot be learned.
 */
export function explainTable(table: Table, options: FitPreprocessingOptions): ColumnExplanation[] {
  checkTable("explainTable", table);
  checkTarget("explainTable", options, fittingKinds);
  const resolved = resolveOptions(table.name, table.columnNames, options);
  return explainColumns(table.as(resolved).judgedColumns, fitPreprocessing(table, options), resolved);
}
