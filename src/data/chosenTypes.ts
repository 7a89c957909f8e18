// Column types set by the user, which override the inferred ones.
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { Cell } from "./cells.ts";
import { show } from "./cells.ts";
import type { ColumnType } from "./columnType.ts";
import { type DateOrder, dateForms, dateOrders } from "./dates.ts";
import type { ColumnEvidence } from "./evidence.ts";
import type { NumberFormat } from "./numbers.ts";
import { asNumber, asText, type DateReading, readerOf } from "./reading.ts";
import { thresholds } from "./thresholds.ts";

/** Lists of columns by their content. */
export interface TypeChoices {
  /** Columns of numbers that are names, such as stores and postcodes. */
  readonly categorical?: readonly string[];
  /** Columns of amounts. */
  readonly numeric?: readonly string[];
  readonly date?: readonly string[];
  /** Columns of texts whose words become features. */
  readonly text?: readonly string[];
}

export const typeLists = ["categorical", "numeric", "date", "text"] as const satisfies readonly (keyof TypeChoices)[];
export type TypeList = (typeof typeLists)[number];
export type ChosenTypes = ReadonlyMap<string, TypeList>;

/** The list that each column is in. Throws HebbError for a column in two lists. */
export function chosenTypes(choices: TypeChoices): ChosenTypes {
  const chosen = new Map<string, TypeList>();
  for (const list of typeLists)
    for (const name of choices[list] ?? []) {
      const other = chosen.get(name);
      if (other !== undefined && other !== list)
        throw new HebbError(`the column ${quoted(name)} is chosen as ${other} and as ${list}; leave one out`);
      chosen.set(name, list);
    }
  return chosen;
}

interface Chosen {
  readonly name: string;
  readonly evidence: ColumnEvidence;
  /** The type inferred from the cells. */
  readonly found: ColumnType;
  /** The notation of the table. */
  readonly format: NumberFormat;
  readonly order: DateOrder;
}

/** The type of a column as chosen. Throws HebbError that names a cell which does not fit. */
export function retyped(column: Chosen, list: TypeList): ColumnType {
  const { found } = column;
  switch (list) {
    case "categorical":
      return found.kind === "boolean"
        ? found
        : {
            kind: "category",
            reading: found.reading.kind === "number" || found.reading.kind === "text" ? found.reading : asText,
          };
    case "numeric":
      return numeric(column);
    case "date":
      return dated(column);
    case "text":
      return { kind: "text", reading: found.reading.kind === "text" ? found.reading : asText };
  }
}

/** Refuses the choice if more cells than slips allow do not fit it. */
function checkMost({ name, evidence }: Chosen, what: string, unreadable: number, cell: Cell): void {
  if (unreadable <= evidence.present * thresholds.unreadableShare) return;
  throw new HebbError(
    `${quoted(name)} is chosen as ${what}, but ${unreadable} of its ${evidence.present} cells are none, such as ${show(cell)}; leave the choice out, or fix the cells`,
  );
}

function numeric(column: Chosen): ColumnType {
  const { evidence, found, format } = column;
  if (found.kind === "number" || found.kind === "duration") return found;
  const reading = found.reading.kind === "number" ? found.reading : { ...asNumber, format, unit: evidence.unit };
  const unreadable = evidence.unreadable(reading.format);
  checkMost(column, "numbers", unreadable, evidence.misfit(reading.format)?.cell);
  return { kind: "number", reading, wholeNumbers: evidence.wholeNumbers(reading.format), unreadable };
}

/** The form of date that reads the most cells. If the order of day and month is ambiguous, that of the table applies. */
function dated(column: Chosen): ColumnType {
  const { evidence, found, order } = column;
  if (found.kind === "date") return found;
  const cells = evidence.counts();
  const readings = dateForms.flatMap((form) =>
    [order, ...dateOrders].map((one): DateReading => ({ kind: "date", order: one, form })),
  );
  const plausible = (reading: DateReading): number => {
    const { number } = readerOf(reading);
    // Days of the years 1900 to 2100; a time is a fraction of a day.
    const [low, high] = reading.form === "time" ? [0, 1] : [-25567, 47847];
    return cells.reduce((sum, { value, count }) => {
      const days = number(value);
      return days >= low && days <= high ? sum + count : sum;
    }, 0);
  };
  const [best] = readings.map((reading) => ({ reading, read: plausible(reading) })).sort((a, b) => b.read - a.read);
  const reading = best?.reading ?? { kind: "date", order, form: "calendar" };
  const { reads } = readerOf(reading);
  const unreadable = Math.max(0, evidence.present - (best?.read ?? 0));
  checkMost(column, "dates", unreadable, cells.find(({ value }) => !reads(value))?.value ?? cells[0]?.value);
  return { kind: "date", reading, unreadable };
}
