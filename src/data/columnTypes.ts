// Decides the types of a table's columns and the reading of their cells, from all columns together.
import { areBooleans, type Cell } from "./cells.ts";
import { type ChosenTypes, retyped } from "./chosenTypes.ts";
import type { ColumnType } from "./columnType.ts";
import { type DateForm, type DateOrder, dateOrders } from "./dates.ts";
import { type ColumnEvidence, evidenceOf, type Seen } from "./evidence.ts";
import { markOf } from "./marks.ts";
import { clockHint, codeHint, dateHint, durationHint, identifierHint } from "./nameHints.ts";
import { type NumberFormat, type NumberShape, numberFormats } from "./numbers.ts";
import { asText, type NumberReading, type TextReading } from "./reading.ts";
import { thresholds } from "./thresholds.ts";

/** A column whose type is to be decided. */
export interface NamedEvidence {
  readonly name: string;
  readonly evidence: ColumnEvidence;
  /** Whether the values were numbers before conversion to text, so that their notation is known. */
  readonly typed?: boolean;
}

/** The table's notation of numbers, for columns that are ambiguous. */
interface Notation {
  /** The meaning of a comma before three digits. */
  readonly comma: "thousands" | "decimal";
  /** Whether a point before three digits separates thousands: some column has decimal commas, and none has decimal points. */
  readonly pointGroups: boolean;
  readonly order: DateOrder;
}

/** The number of cells that may be slips. */
const slips = (present: number): number =>
  Math.max(present >= thresholds.fewestWithSlip ? 1 : 0, present * thresholds.slipShare);

/** Whether values rarely repeat. A category is only worth learning if they do: most rows must share their value with another row. */
function isVaried({ values, present }: ColumnEvidence): boolean {
  if (!values.overflowed) return present > thresholds.fewestVaried && values.size > present / 2;
  const frequent = values
    .sorted()
    .slice(0, thresholds.frequentValues)
    .reduce((sum, { count }) => sum + count, 0);
  return frequent < present / 2;
}

/**
 * Whether a column is numeric although some cells are not numbers. They may be slips. If the values would teach nothing as categories, they
 * may also be up to a fifth of the cells, or up to half of them if they repeat one, two or three words, which then mean "missing".
 */
function numbersPrevail(
  evidence: ColumnEvidence,
  format: NumberFormat,
): { readonly missing: readonly string[] } | undefined {
  const { present, spellings, words } = evidence;
  const unreadable = evidence.unreadable(format);
  if (evidence.numbers + evidence.infinite.count === 0) return undefined;
  if (unreadable <= slips(present)) return { missing: [] };
  if (evidence.values.size <= thresholds.fewestOfScale && !isVaried(evidence)) return undefined;
  const spelled = [...spellings.values()].reduce((sum, { count }) => sum + count, 0);
  const own = unreadable === words.count && spelled === words.count && spellings.size <= thresholds.ownMarks;
  if (own && unreadable <= present * thresholds.ownMarkShare) return { missing: [...spellings.keys()] };
  return unreadable <= present * thresholds.unreadableShare ? { missing: [] } : undefined;
}

const pointShapes: readonly NumberShape[] = ["point", "commaGroups"];
const commaShapes: readonly NumberShape[] = ["comma", "pointGroups"];

/** The notation that reads the most cells of a column; at a tie, the table's notation. */
function formatOf(evidence: ColumnEvidence, { comma, pointGroups }: Notation): NumberFormat {
  const decimal: readonly NumberFormat[] = pointGroups
    ? ["decimalComma", "groupedComma", "plain", "thousands"]
    : ["decimalComma", "plain", "thousands", "groupedComma"];
  const order = comma === "decimal" ? decimal : numberFormats;
  const [best = "plain"] = [...order].sort((a, b) => evidence.unreadable(a) - evidence.unreadable(b));
  return best;
}

/** The notation of a table, from its unambiguous columns. If there are none, a semicolon as delimiter implies decimal commas. */
function notationOf(columns: readonly NamedEvidence[], delimiter: string | undefined): Notation {
  const plain: Notation = { comma: "thousands", pointGroups: false, order: "monthFirst" };
  let [points, commas] = [0, 0];
  for (const { evidence, typed } of columns) {
    if (typed === true) continue;
    if (numbersPrevail(evidence, formatOf(evidence, plain)) === undefined) continue;
    const count = (shapes: readonly NumberShape[]): number =>
      shapes.reduce((sum, shape) => sum + evidence.shape(shape), 0);
    const [ofPoints, ofCommas] = [count(pointShapes), count(commaShapes)];
    if (ofPoints > ofCommas) points++;
    else if (ofCommas > ofPoints) commas++;
  }
  const semicolon = delimiter === ";";
  const decimal = points === commas ? semicolon : commas > points;
  return {
    comma: decimal ? "decimal" : "thousands",
    pointGroups: commas > 0 && points === 0,
    order: decimal ? "dayFirst" : "monthFirst",
  };
}

/** Two to five capital letters, like NA. */
const capitals = /^[A-Z]{2,5}$/;

/** Only signs, like a dash or +. */
const signs = /^[^\p{L}\p{N}]+$/u;

/** Whether a marker is a value like the others: NA is a region among EU and AS, or a country among US and DE; - stands beside +. */
function isValue(mark: string, { values }: ColumnEvidence): boolean {
  const like = mark === "NA" ? capitals : signs.test(mark) ? signs : undefined;
  if (like === undefined || values.overflowed || values.size > thresholds.capitalValues) return false;
  if (values.size < (like === signs ? 1 : 2)) return false;
  for (const value of values.keys()) if (!like.test(value)) return false;
  return true;
}

function textReading(evidence: ColumnEvidence): TextReading {
  const values = [...evidence.marks.keys()].filter((mark) => markOf(mark) === "usual" && isValue(mark, evidence));
  return values.length === 0 ? asText : { kind: "text", values };
}

const mostlyRead = ({ count }: Seen, present: number): boolean => present > count && count <= slips(present);

/** A date, a time of the day, or a duration. */
function timeType(name: string, evidence: ColumnEvidence, { order }: Notation): ColumnType | undefined {
  const { present } = evidence;
  const [best = order] = [order, ...dateOrders].sort((a, b) => evidence.noDates(a).count - evidence.noDates(b).count);
  const date = (form: DateForm, seen: Seen): ColumnType => ({
    kind: "date",
    reading: { kind: "date", order: best, form },
    unreadable: seen.count,
  });
  const [noDates, noTimes, noDurations] = [evidence.noDates(best), evidence.noTimes(), evidence.noDurations()];
  if (mostlyRead(noDates, present)) return date("calendar", noDates);
  // 9:15 may be either. 26:40 is not a time of day, and 1:23:45 is how stopwatches write.
  const watched = evidence.stopwatches.count > 0 && !clockHint(name);
  if (mostlyRead(noTimes, present) && !watched && !durationHint(name)) return date("time", noTimes);
  if (!mostlyRead(noDurations, present)) return undefined;
  return { kind: "duration", reading: { kind: "duration" }, unreadable: noDurations.count };
}

/** Units of the time since 1970. Accepted dates are from 2000 to 2069. */
const epochs: readonly (readonly [form: DateForm, second: number])[] = [
  ["seconds", 1],
  ["milliseconds", 1e3],
  ["microseconds", 1e6],
  ["nanoseconds", 1e9],
];
const [firstEpoch, lastEpoch] = [946_684_800, 3_124_224_000] as const;

/** Dates written as plain numbers: 20240501 if all numbers are valid dates, or the time since 1970 if the column's name says so. */
function figureDate(name: string, evidence: ColumnEvidence, order: DateOrder): ColumnType | undefined {
  const { present, compactDates, numbers, range } = evidence;
  const date = (form: DateForm): ColumnType => ({
    kind: "date",
    reading: { kind: "date", order, form },
    unreadable: present - numbers,
  });
  if (present === 0 || numbers < present - slips(present)) return undefined;
  if (compactDates.count >= numbers - slips(present)) return date("compact");
  const epoch = epochs.find(([, second]) => range.min >= firstEpoch * second && range.max <= lastEpoch * second);
  // Seconds may be an amount. Milliseconds and finer units that only grow hardly are.
  return epoch !== undefined && (dateHint(name) || (epoch[0] !== "seconds" && evidence.increasing))
    ? date(epoch[0])
    : undefined;
}

/** Numbers that are names: their digits say so, or the column's name does and the values repeat. */
function codeType(name: string, evidence: ColumnEvidence, reading: NumberReading): ColumnType | undefined {
  const { values, present, range } = evidence;
  const hint = codeHint(name);
  if (!evidence.longDigits && (hint === undefined || !(range.min >= 0) || evidence.binary)) return undefined;
  if (hint === "thing" && values.size > thresholds.mostCategories) return undefined;
  if (values.repeated && !isVaried(evidence)) return { kind: "category", reading };
  return present <= thresholds.fewestIdentifiers ? undefined : { kind: "identifier", reading };
}

function decide({ name, evidence, typed = false }: NamedEvidence, notation: Notation): ColumnType {
  const { values, present } = evidence;
  const words = [...evidence.marks.keys()].filter((mark) => markOf(mark) === "word");
  if (present === 0 && words.length === 0) return { kind: "empty", reading: asText };
  if (values.size > 0 && values.size <= thresholds.booleanSpellings && !values.overflowed && areBooleans(values.keys()))
    return { kind: "boolean", reading: { kind: "boolean" } };
  const format = typed ? "plain" : formatOf(evidence, notation);
  const prevail = typed || !evidence.codes ? numbersPrevail(evidence, format) : undefined;
  const time = timeType(name, evidence, notation);
  if (time?.kind === "duration") return time;
  if (prevail !== undefined) {
    const { unit } = evidence;
    const figures = figureDate(name, evidence, notation.order);
    if (figures !== undefined) return figures;
    const reading: NumberReading = {
      kind: "number",
      format,
      booleans: evidence.binary,
      missing: prevail.missing,
      unit,
    };
    const own = prevail.missing.length > 0;
    const unreadable = own ? 0 : evidence.unreadable(format);
    const wholeNumbers = evidence.wholeNumbers(format);
    const code = wholeNumbers && unreadable === 0 && unit === null ? codeType(name, evidence, reading) : undefined;
    if (code !== undefined) return code;
    const unique =
      !values.repeated && present > thresholds.fewestIdentifiers && wholeNumbers && unreadable === 0 && !own;
    if (unique && identifierHint(name)) return { kind: "identifier", reading };
    return { kind: "number", reading, wholeNumbers, unreadable };
  }
  if (time !== undefined) return time;
  const reading = textReading(evidence);
  if (isVaried(evidence)) return { kind: evidence.severalWords ? "text" : "identifier", reading };
  return { kind: "category", reading };
}

/** Decides the types of all columns of a table. `delimiter` is the delimiter of the file; `chosen` is the user's choice. */
export function decideTypes(
  columns: readonly NamedEvidence[],
  delimiter?: string,
  chosen: ChosenTypes = new Map(),
): ColumnType[] {
  const notation = notationOf(columns, delimiter);
  return columns.map((column) => {
    const { name, evidence, typed } = column;
    const found = decide(column, notation);
    const list = chosen.get(name);
    const format = typed === true ? "plain" : formatOf(evidence, notation);
    return list === undefined ? found : retyped({ name, evidence, found, format, order: notation.order }, list);
  });
}

/** Decides the type of a column from all its cells. Never throws: anything that fits no narrower type is a category or text. */
export function inferColumnType(column: { readonly name: string; readonly cells: readonly Cell[] }): ColumnType {
  const [type] = decideTypes([{ name: column.name, evidence: evidenceOf(column.cells) }]);
  return type ?? { kind: "empty", reading: asText };
}
