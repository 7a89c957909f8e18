// Statistics of a column in one pass, in memory that does not grow with the rows.
import type { Cell } from "./cells.ts";
import type { ColumnType } from "./columnType.ts";
import { ColumnEvidence } from "./evidence.ts";
import { type ColumnFacts, modeOf, type NumberFacts } from "./facts.ts";
import { logTransform } from "./preprocessing.ts";
import { Random } from "./random.ts";
import { type CellReader, type Reading, readerOf } from "./reading.ts";
import { numberSummary } from "./table.ts";
import { TextScan } from "./terms.ts";
import { thresholds } from "./thresholds.ts";
import { ValueCounts } from "./valueCounts.ts";

/** Distinct numbers are counted up to here, to see whether they are few. */
const mostDistinct = thresholds.fewDistinct + 2;
/** Numbers kept for the median: exact up to this many rows, and from a sample beyond, whose rank is off by 0.4 % on average. */
const sampleSize = 16_384;

/** Count, mean and central moments, updated value by value (Pébay 2008). */
class Moments {
  count = 0;
  mean = 0;
  square = 0;
  cube = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    const before = this.count++;
    const delta = value - this.mean;
    const step = delta / this.count;
    const term = delta * step * before;
    this.mean += step;
    this.cube += term * step * (this.count - 2) - 3 * step * this.square;
    this.square += term;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  get std(): number {
    return this.min === this.max ? 0 : Math.sqrt(this.square / this.count);
  }

  get skewness(): number {
    return this.cube / this.count / this.std ** 3;
  }
}

/** The numbers of a column. */
class NumberScan {
  readonly raw = new Moments();
  readonly log = new Moments();
  fractional = false;
  readonly distinct = new Set<number>();
  #sample = new Float64Array(64);

  /** `random` decides what a full sample keeps. */
  add(value: number, random: Random): void {
    const { count } = this.raw;
    this.raw.add(value);
    this.log.add(logTransform(value));
    if (!this.fractional && !Number.isInteger(value)) this.fractional = true;
    if (this.distinct.size < mostDistinct) this.distinct.add(value);
    if (count < sampleSize) {
      if (count === this.#sample.length) {
        const larger = new Float64Array(2 * count);
        larger.set(this.#sample);
        this.#sample = larger;
      }
      this.#sample[count] = value;
    } else {
      const place = random.integer(count + 1);
      if (place < sampleSize) this.#sample[place] = value;
    }
  }

  get sample(): Float64Array {
    return this.#sample.subarray(0, Math.min(this.raw.count, sampleSize));
  }
}

/** Streams of samples start here, one for each column. */
const sampleStream = 0x61000000;

export interface ScanOptions {
  readonly name: string;
  /** Which column it is, counted from 0. */
  readonly place: number;
  readonly seed: number;
  /** How its cells are thought to be read. */
  readonly reading: Reading;
  /** Whether they were numbers before they were text. */
  readonly typed: boolean;
  /** Whether its values are counted although it holds numbers: they are names, or may turn out to be classes. */
  readonly counted: boolean;
  /** Whether it holds texts, whose terms are counted. */
  readonly texts: boolean;
}

/**
 * What is known of one column of a stream. Its figures hold if the reading that was thought of is the one that all cells lead to;
 * its evidence holds in any case.
 */
export class ColumnScan {
  readonly name: string;
  readonly evidence = new ColumnEvidence(true);
  readonly reading: Reading;
  readonly reader: CellReader;
  readonly typed: boolean;
  readonly counted: boolean;
  readonly #plain: boolean;
  readonly #random: Random;
  readonly #numbers: NumberScan | undefined;
  readonly #values: ValueCounts | undefined;
  readonly #texts: TextScan | undefined;
  #rows = 0;

  constructor({ name, place, seed, reading, typed, counted, texts }: ScanOptions) {
    this.name = name;
    this.reading = reading;
    this.reader = readerOf(reading, typed);
    this.typed = typed;
    this.counted = counted;
    this.#random = new Random(seed, sampleStream + place);
    const numbers = reading.kind === "number" || reading.kind === "date" || reading.kind === "duration";
    this.#plain = reading.kind === "number" && reading.format === "plain";
    this.#numbers = numbers ? new NumberScan() : undefined;
    this.#values = !numbers || counted ? new ValueCounts(true) : undefined;
    this.#texts = texts ? new TextScan() : undefined;
  }

  /** Takes the cell of a row; the figures are those of the rows that are fitted, the type that of all. */
  add(cell: Cell, row: number, fitted: boolean): void {
    const plain = this.evidence.add(cell, row);
    if (!fitted) return;
    this.#rows++;
    if (this.#numbers !== undefined) {
      const value = this.#plain && !Number.isNaN(plain) ? plain : this.reader.number(cell);
      if (!Number.isNaN(value)) this.#numbers.add(value, this.#random);
    }
    if (this.#values !== undefined && cell !== undefined && cell !== "") this.#values.add(cell);
    this.#texts?.add(this.reader.missing(cell) ? undefined : cell);
  }

  /** Whether all that is asked of a column of this type was counted. */
  covers({ kind }: ColumnType): boolean {
    return (this.counted || kind !== "category") && (this.#texts !== undefined || kind !== "text");
  }

  /** What the column says, when its type is known. */
  facts(type: ColumnType): ColumnFacts {
    return {
      name: this.name,
      evidence: this.evidence,
      type,
      numbers: () => this.#numberFacts(this.#numbers ?? new NumberScan()),
      counts: () => {
        const values = this.#values ?? new ValueCounts();
        return { rows: this.#rows, values: values.sorted(), more: values.overflowed };
      },
      texts: () => (this.#texts ?? new TextScan()).facts(),
    };
  }

  #numberFacts({ raw, log, sample, distinct, fractional }: NumberScan): NumberFacts {
    const base = {
      rows: this.#rows,
      missing: this.#rows - raw.count,
      distinct: distinct.size,
      skewness: raw.count === 0 ? 0 : raw.skewness,
      mode: modeOf(sample),
      fractional,
    };
    const median = numberSummary(sample)?.median;
    if (median === undefined) return { ...base, raw: undefined, log: undefined };
    const range = (moments: Moments, middle: number): NonNullable<NumberFacts["raw"]> => {
      const { min, max, mean, std } = moments;
      return { min, max, mean, std, median: middle };
    };
    return { ...base, raw: range(raw, median), log: range(log, logTransform(median)) };
  }
}
