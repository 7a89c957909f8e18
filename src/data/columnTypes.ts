// Decides what the columns of a table hold and how their cells are read, from all of them together.
import { areBooleans, type Cell, markOf, type NumberFormat, type NumberShape, numberFormats } from "./cells.ts";
import { type DateOrder, dateOrders } from "./dates.ts";
import { type ColumnEvidence, evidenceOf } from "./evidence.ts";
import { asText, type BooleanReading, type DateReading, type NumberReading, type TextReading } from "./reading.ts";
import { thresholds } from "./thresholds.ts";

/** What a column holds. "identifier" and "text" differ in nearly every row and say nothing that generalises as they are. */
export type ColumnType =
  | {
      readonly kind: "number";
      readonly reading: NumberReading;
      readonly wholeNumbers: boolean;
      /** Cells that are neither numbers nor marks of missing values, and count as missing. */
      readonly unreadable: number;
    }
  | { readonly kind: "date"; readonly reading: DateReading; readonly unreadable: number }
  | { readonly kind: "boolean"; readonly reading: BooleanReading }
  | { readonly kind: "category"; readonly reading: TextReading }
  | { readonly kind: "text"; readonly reading: TextReading }
  | { readonly kind: "empty"; readonly reading: TextReading }
  | { readonly kind: "identifier"; readonly reading: NumberReading | TextReading };

/** A column of a table whose type is to be decided. */
export interface NamedEvidence {
  readonly name: string;
  readonly evidence: ColumnEvidence;
  /** Whether the values were numbers before they were text, so that their notation is known. */
  readonly typed?: boolean;
}

/** How numbers are written in a table, where a column does not tell by itself. */
interface Notation {
  /** What a comma before three digits is. */
  readonly comma: "thousands" | "decimal";
  /** Whether a point before three digits separates thousands: another column has decimal commas, and none has decimal points. */
  readonly pointGroups: boolean;
  readonly order: DateOrder;
}

const identifierName = /^(?:id|idx|index|row|row[ _-]?(?:id|number|names?)|rownames|uuid|guid|unnamed.*|.*[ _-]id)$/i;
const camelCaseIdentifier = /[a-z]I[dD]$/;

/** How many of the cells may be slips. */
const slips = (present: number): number =>
  Math.max(present >= thresholds.fewestWithSlip ? 1 : 0, present * thresholds.slipShare);

/** A category is worth learning only if its values come back: here, most rows must share theirs with another row. */
function isVaried({ values, present }: ColumnEvidence): boolean {
  if (!values.overflowed) return present > thresholds.fewestVaried && values.size > present / 2;
  const frequent = values
    .sorted()
    .slice(0, thresholds.frequentValues)
    .reduce((sum, { count }) => sum + count, 0);
  return frequent < present / 2;
}

/**
 * Whether a column is one of numbers although some cells are none: slips; or, where as categories its values would teach nothing, up to
 * a fifth of the cells, or up to half of them if they are one, two or three words again and again, which then mean "missing".
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

/** The notation that reads the most cells of a column; at a tie, the table's. */
function formatOf(evidence: ColumnEvidence, { comma, pointGroups }: Notation): NumberFormat {
  const decimal: readonly NumberFormat[] = pointGroups
    ? ["decimalComma", "groupedComma", "plain", "thousands"]
    : ["decimalComma", "plain", "thousands", "groupedComma"];
  const order = comma === "decimal" ? decimal : numberFormats;
  const [best = "plain"] = [...order].sort((a, b) => evidence.unreadable(a) - evidence.unreadable(b));
  return best;
}

/**
 * The notation of a table: that of the columns which can be read in one way only. Where none tells, a semicolon between the columns means
 * that the comma is taken, for decimals.
 */
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

/** Two to five capital letters, as NA is. */
const capitals = /^[A-Z]{2,5}$/;

/** Whether NA is a value like the others: a region among EU and AS, a country among US and DE. */
function isValue(mark: string, { values }: ColumnEvidence): boolean {
  if (mark !== "NA" || values.overflowed || values.size < 2 || values.size > thresholds.capitalValues) return false;
  for (const value of values.keys()) if (!capitals.test(value)) return false;
  return true;
}

function textReading(evidence: ColumnEvidence): TextReading {
  const values = [...evidence.marks.keys()].filter((mark) => markOf(mark) === "usual" && isValue(mark, evidence));
  return values.length === 0 ? asText : { kind: "text", values };
}

function dateType(evidence: ColumnEvidence, { order }: Notation): ColumnType | undefined {
  const { present } = evidence;
  const [best = order] = [order, ...dateOrders].sort((a, b) => evidence.noDates(a).count - evidence.noDates(b).count);
  const { count } = evidence.noDates(best);
  return present > count && count <= slips(present)
    ? { kind: "date", reading: { kind: "date", order: best }, unreadable: count }
    : undefined;
}

function decide({ name, evidence, typed = false }: NamedEvidence, notation: Notation): ColumnType {
  const { values, present } = evidence;
  const words = [...evidence.marks.keys()].filter((mark) => markOf(mark) === "word");
  if (present === 0 && words.length === 0) return { kind: "empty", reading: asText };
  if (values.size > 0 && values.size <= thresholds.booleanSpellings && !values.overflowed && areBooleans(values.keys()))
    return { kind: "boolean", reading: { kind: "boolean" } };
  const format = typed ? "plain" : formatOf(evidence, notation);
  const prevail = typed || !evidence.codes ? numbersPrevail(evidence, format) : undefined;
  if (prevail !== undefined) {
    const reading: NumberReading = { kind: "number", format, booleans: evidence.binary, missing: prevail.missing };
    const own = prevail.missing.length > 0;
    const unreadable = own ? 0 : evidence.unreadable(format);
    const wholeNumbers = evidence.wholeNumbers(format);
    const unique =
      !values.repeated && present > thresholds.fewestIdentifiers && wholeNumbers && unreadable === 0 && !own;
    if (unique && (identifierName.test(name) || camelCaseIdentifier.test(name))) return { kind: "identifier", reading };
    return { kind: "number", reading, wholeNumbers, unreadable };
  }
  const date = dateType(evidence, notation);
  if (date !== undefined) return date;
  const reading = textReading(evidence);
  if (isVaried(evidence)) return { kind: evidence.blanks ? "text" : "identifier", reading };
  return { kind: "category", reading };
}

/** Decides the types of all columns of a table. `delimiter` is the delimiter of the file. */
export function decideTypes(columns: readonly NamedEvidence[], delimiter?: string): ColumnType[] {
  const notation = notationOf(columns, delimiter);
  return columns.map((column) => decide(column, notation));
}

/** Decides what a column holds from all its cells. Nothing is thrown: what fits no narrower kind is a category or text. */
export function inferColumnType(column: { readonly name: string; readonly cells: readonly Cell[] }): ColumnType {
  const [type] = decideTypes([{ name: column.name, evidence: evidenceOf(column.cells) }]);
  return type ?? { kind: "empty", reading: asText };
}
