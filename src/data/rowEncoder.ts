// Encodes records as features and targets, cell by cell, with the fitted preprocessing.
import { at } from "../graph/at.ts";
import { HebbError, unreachable } from "../graph/errors.ts";
import { quoted, visible } from "../graph/visible.ts";
import { type Cell, show } from "./cells.ts";
import { listColumns, matchColumn } from "./columnNames.ts";
import { Sightings } from "./evidence.ts";
import { isInfinite } from "./numbers.ts";
import {
  type CategoryInput,
  type CycleName,
  featureNamesOf,
  type InputEncoding,
  isNumber,
  logTransform,
  type NumberInput,
  type TablePreprocessing,
  type TextInput,
} from "./preprocessing.ts";
import { type CellReader, readerOf } from "./reading.ts";
import { termsOf, wordsOf } from "./terms.ts";
import { thresholds } from "./thresholds.ts";

const daysOf: Readonly<Record<CycleName, number>> = { year: 365.2425, week: 7, day: 1 };

/** Keeps values far outside the fitted range finite. */
const clampToFloat = (value: number): number => Math.max(-1e6, Math.min(1e6, value));

/** An unreadable cell, which counts as missing, or a value that training did not show. */
export interface Unread {
  /** From 0. */
  readonly row: number;
  readonly column: string;
  readonly cell: string;
  readonly why: "not a number" | "not a date" | "not a duration" | "infinite" | "new";
}

/** Maximum number listed. */
const mostListed = 1000;

/** Writes the features of one column, cell by cell. */
interface ColumnWriter {
  readonly input: InputEncoding;
  readonly reader: CellReader;
  /** The index of the column in a record. */
  readonly place: number;
  /** Its first feature. */
  readonly at: number;
  /** Unreadable cells. */
  readonly unreadable: Sightings;
  readonly infinite: Sightings;
  /** Values that training did not show. */
  readonly unseen: Sightings;
  write(cell: Cell, row: number, out: Float32Array, from: number): void;
}

type Where = Pick<ColumnWriter, "reader" | "place" | "at">;

function numberWriter(input: NumberInput, where: Where, unread: Unread[]): ColumnWriter {
  const { reader } = where;
  const [unreadable, infinite] = [new Sightings(), new Sightings()];
  const note = (cell: Cell, row: number): void => {
    if (cell === undefined || cell === "") return;
    const isTooLarge = isInfinite(cell);
    if (!isTooLarge && reader.missing(cell)) return;
    (isTooLarge ? infinite : unreadable).add(cell, row);
    const why = isTooLarge ? "infinite" : (`not a ${input.kind}` as const);
    if (unread.length < mostListed) unread.push({ row, column: input.column, cell, why });
  };
  return {
    ...where,
    input,
    unreadable,
    infinite,
    unseen: new Sightings(),
    write(cell, row, out, from) {
      const value = reader.number(cell);
      const missing = Number.isNaN(value);
      if (missing) note(cell, row);
      const level = missing ? input.median : input.transform === "log" ? logTransform(value) : value;
      out[from++] = clampToFloat((level - input.mean) / input.scale);
      for (const cycle of input.cycles) {
        const turn = (2 * Math.PI * value) / daysOf[cycle];
        out[from++] = missing ? 0 : Math.sin(turn);
        out[from++] = missing ? 0 : Math.cos(turn);
      }
      if (input.missingIndicator) out[from] = missing ? 1 : 0;
    },
  };
}

/** Limit of spellings to remember beyond the fitted ones. */
const mostSpellings = 1000;

/** The indices of values in a list, regardless of spelling. */
class Places {
  readonly #reader: CellReader;
  readonly #keys: ReadonlyMap<string, number>;
  readonly #spellings: Map<string, number>;

  constructor(values: readonly string[], reader: CellReader) {
    this.#reader = reader;
    this.#keys = new Map(values.map((value, place) => [reader.key(value), place]));
    this.#spellings = new Map(values.map((value, place) => [value, place]));
  }

  of(cell: string): number | undefined {
    const known = this.#spellings.get(cell);
    if (known !== undefined) return known;
    const place = this.#keys.get(this.#reader.key(cell));
    if (place !== undefined && this.#spellings.size < mostSpellings) this.#spellings.set(cell, place);
    return place;
  }
}

function categoryWriter(input: CategoryInput, where: Where, unread: Unread[]): ColumnWriter {
  const { reader } = where;
  const places = new Places(input.categories, reader);
  const otherPlace = input.other ? input.categories.length : undefined;
  const rare = new Set(input.rare?.map((value) => reader.key(value)));
  const unseen = new Sightings();
  const note = (value: string, row: number): void => {
    // If not all rare values are remembered, this may be one of them.
    if (input.rare === null || rare.has(reader.key(value))) return;
    unseen.add(value, row);
    if (unread.length < mostListed) unread.push({ row, column: input.column, cell: value, why: "new" });
  };
  const missingPlace = input.missing ? input.categories.length + (input.other ? 1 : 0) : undefined;
  return {
    ...where,
    input,
    unreadable: new Sightings(),
    infinite: new Sightings(),
    unseen,
    write(cell, row, out, from) {
      const value = cell === undefined || reader.missing(cell) ? input.fill : cell;
      const known = value === null ? missingPlace : places.of(value);
      if (known === undefined && value !== null) note(value, row);
      const which = known ?? (value === null ? undefined : otherPlace);
      if (which !== undefined) out[from + which] = 1;
    },
  };
}

function textWriter(input: TextInput, where: Where): ColumnWriter {
  const { reader } = where;
  const { terms, weights, norm, mean, scale, fill } = input;
  const places = new Map(terms.map((term, place) => [term, place]));
  return {
    ...where,
    input,
    unreadable: new Sightings(),
    infinite: new Sightings(),
    unseen: new Sightings(),
    write(cell, _row, out, from) {
      const words = wordsOf((reader.missing(cell) ? fill : cell) ?? "");
      let squares = 0;
      for (const [term, count] of termsOf(words)) {
        const place = places.get(term);
        if (place === undefined) continue;
        const value = at(weights, place) * (1 + Math.log(count));
        out[from + place] = value;
        squares += value ** 2;
      }
      const factor = squares === 0 ? 0 : norm / Math.sqrt(squares);
      for (let place = 0; place < terms.length; place++) out[from + place] = at(out, from + place) * factor;
      out[from + terms.length] = clampToFloat((Math.log1p(words.length) - mean) / scale);
    },
  };
}

function writerOf(input: InputEncoding, where: Where, unread: Unread[]): ColumnWriter {
  switch (input.kind) {
    case "number":
    case "date":
    case "duration":
      return numberWriter(input, where, unread);
    case "category":
      return categoryWriter(input, where, unread);
    case "text":
      return textWriter(input, where);
    default:
      return unreachable(input);
  }
}

/** A column of a record. */
interface RecordColumn {
  readonly name: string;
  readonly typed?: boolean;
}

/**
 * Turns records (the cells of a row, in the order of `columns`) into features, one after another. Throws HebbError that names the missing
 * columns.
 */
export class RowEncoder {
  readonly width: number;
  /** Unreadable input cells so far, and values that training did not show, at most a thousand. */
  readonly unread: readonly Unread[];
  readonly #name: string;
  readonly #pre: TablePreprocessing;
  readonly #writers: readonly ColumnWriter[];
  readonly #dropping: readonly ColumnWriter[];
  readonly #target: Pick<ColumnWriter, "reader" | "place"> | undefined;
  readonly #weight: Pick<ColumnWriter, "reader" | "place"> | undefined;
  readonly #classes: Places;

  constructor(
    pre: TablePreprocessing,
    columns: readonly RecordColumn[],
    options: { readonly name: string; readonly targets: boolean },
  ) {
    const { name, targets } = options;
    const { weights, target } = pre;
    const names = columns.map((column) => column.name);
    const exact = new Map(names.map((column, place) => [column, place]));
    const placeOf = (column: string): number => exact.get(column) ?? names.indexOf(matchColumn(column, names) ?? "");
    const used = [...pre.inputs, ...(targets && weights !== null ? [weights] : [])];
    const absent = used.filter(({ column }) => placeOf(column) < 0).map(({ column }) => quoted(column));
    if (absent.length > 0) {
      const one = absent.length === 1;
      throw new HebbError(
        `${name}: ${one ? "column" : "columns"} ${absent.join(", ")} ${one ? "is" : "are"} missing, which the model was trained on; add ${one ? "it" : "them"} (empty cells are fine). The columns are ${listColumns(names)}`,
      );
    }
    let at = 0;
    const unread: Unread[] = [];
    this.unread = unread;
    this.#writers = pre.inputs.map((input) => {
      const from = at;
      at += featureNamesOf(input).length;
      const place = placeOf(input.column);
      const where = { reader: readerOf(input.reading, columns[place]?.typed), place, at: from };
      return writerOf(input, where, unread);
    });
    const found = ({
      column,
      reading,
    }: Pick<typeof target, "column" | "reading">): Pick<ColumnWriter, "reader" | "place"> => {
      const place = placeOf(column);
      return { place, reader: readerOf(reading, columns[place]?.typed) };
    };
    this.width = at;
    this.#name = name;
    this.#pre = pre;
    this.#dropping = targets ? this.#writers.filter(({ input }) => input.dropMissing) : [];
    this.#target = targets ? found(target) : undefined;
    this.#weight = targets && weights !== null ? found(weights) : undefined;
    this.#classes = new Places(target.kind === "classes" ? target.classes : [], readerOf(target.reading));
  }

  /** Whether a row is used: it has a target, if required, and no missing value that drops the row. */
  takes(record: readonly Cell[]): boolean {
    if (this.#target?.reader.missing(record[this.#target.place])) return false;
    for (const { reader, place } of this.#dropping) if (!reader.reads(record[place])) return false;
    return true;
  }

  /** Writes the features of a record into `out`, which must hold zeros there. `row` (from 0) is for messages. */
  features(record: readonly Cell[], row: number, out: Float32Array, from: number): void {
    for (const writer of this.#writers) writer.write(record[writer.place], row, out, from + writer.at);
  }

  /** The class number or scaled value. Throws HebbError for a class that fitting did not see, and for text as a number. */
  target(record: readonly Cell[], row: number): number {
    const { target } = this.#pre;
    const cell = this.#target === undefined ? undefined : record[this.#target.place];
    if (target.kind === "number") {
      const value = this.#target?.reader.number(cell) ?? Number.NaN;
      if (Number.isNaN(value)) {
        throw new HebbError(
          `${this.#name}: the target ${quoted(target.column)} must hold numbers, but row ${row + 1} has ${show(cell)}; fix that cell or leave it empty`,
        );
      }
      return ((target.transform === "log" ? logTransform(value) : value) - target.mean) / target.scale;
    }
    const place = this.#classes.of(cell ?? "");
    if (place === undefined) {
      const known = target.classes.slice(0, 12).map(visible);
      throw new HebbError(
        `${this.#name}: the target ${quoted(target.column)} is ${show(cell)} in row ${row + 1}, a class the model does not know; the classes are ${known.join(", ")}${target.classes.length > 12 ? ", …" : ""}`,
      );
    }
    return place;
  }

  /** Whether rows have individual weights. */
  get weighted(): boolean {
    return this.#weight !== undefined;
  }

  /** The weight of a row. Throws HebbError for anything but a number of at least 0. */
  weight(record: readonly Cell[], row: number): number {
    if (this.#weight === undefined) return 1;
    const cell = record[this.#weight.place];
    const value = this.#weight.reader.number(cell);
    if (!(value >= 0)) throw badWeight(this.#name, this.#pre.weights?.column ?? "", cell, row);
    return value;
  }

  /** A few slips are missing values; a column of text is a mistake. */
  check(rows: number): void {
    for (const { input, unreadable } of this.#writers) {
      if (unreadable.count <= rows * thresholds.unreadableShare) continue;
      const { first, count } = unreadable;
      throw new HebbError(
        `${this.#name}: column ${quoted(input.column)} must hold ${valuesOf(input)}, but row ${(first?.row ?? -1) + 1} has ${show(first?.cell)}${count > 1 ? `, and ${count - 1} more do not` : ""}; fix ${count > 1 ? "them or leave the cells" : "it or leave the cell"} empty`,
      );
    }
  }

  /** Notes for the user on unreadable cells and new values so far. */
  notes(): string[] {
    return this.#writers.flatMap(({ input, unreadable, infinite, unseen }) => [
      ...unseenNote(input.column, unseen),
      ...missingNote(input.column, unreadable, isNumber(input) ? input.kind : "number"),
      ...missingNote(input.column, infinite, "infinite"),
    ]);
  }
}

/** The expected cells of a column, with an example. */
function valuesOf({ reading }: InputEncoding): string {
  if (reading.kind === "date") return reading.form === "time" ? "times such as 14:30" : "dates such as 2024-05-01";
  if (reading.kind === "duration") return "durations such as 1:23:45";
  if (reading.kind !== "number") return "numbers";
  const examples = {
    plain: "",
    thousands: " such as 1,234.5",
    decimalComma: " such as 1234,5",
    groupedComma: " such as 1.234,5",
  };
  return `numbers${examples[reading.format]}`;
}

/** The wording for one cell, and for several. */
const faults = {
  number: ["not a number", "not numbers"],
  date: ["not a date", "not dates"],
  time: ["not a time", "not times"],
  duration: ["not a duration", "not durations"],
  infinite: ["infinite", "infinite"],
} as const;

/** `"city": 3 rows have a value that was not in the training data (the first is "Paris" in row 7)` */
function unseenNote(column: string, { count, first }: Pick<Sightings, "count" | "first">): string[] {
  if (first === undefined) return [];
  const where = `${show(first.cell)} in row ${first.row + 1}`;
  return [
    count === 1
      ? `${quoted(column)}: ${where} is a value that was not in the training data`
      : `${quoted(column)}: ${count} rows have a value that was not in the training data (the first is ${where})`,
  ];
}

/** `"x": 3 cells are not numbers (the first is "12o" in row 7) and count as missing` */
export function missingNote(
  column: string,
  { count, first }: Pick<Sightings, "count" | "first">,
  fault: keyof typeof faults,
): string[] {
  if (first === undefined) return [];
  const [one, many] = faults[fault];
  const cells =
    count === 1
      ? `${show(first.cell)} in row ${first.row + 1} is ${one} and counts as missing`
      : `${count} cells are ${many} (the first is ${show(first.cell)} in row ${first.row + 1}) and count as missing`;
  return [`${quoted(column)}: ${cells}`];
}

export const badWeight = (table: string, column: string, cell: Cell, row: number): HebbError =>
  new HebbError(
    `${table}: the weight ${quoted(column)} must be a number of at least 0, but row ${row + 1} has ${show(cell)}; fix that cell`,
  );
