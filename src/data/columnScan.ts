// Statistics of a column in one pass, in constant memory.
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

/** Distinct numbers are counted up to this limit, to see whether there are few. */
const mostDistinct = thresholds.fewDistinct + 2;
/** Numbers kept for the median. It is exact up to this many rows; beyond, it comes from a sample, and its rank is off by 0.4 % on average. */
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

/** Statistics of a column's numbers. */
class NumberScan {
  readonly raw = new Moments();
  readonly log = new Moments();
  fractional = false;
  readonly distinct = new Set<number>();
  #sample = new Float64Array(64);

  /** `random` decides which values a full sample keeps. */
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

/** The first sampling stream, one per column. */
const sampleStream = 0x61000000;

export interface ScanOptions {
  readonly name: string;
  /** The index of the column, from 0. */
  readonly place: number;
  readonly seed: number;
  /** The expected reading of its cells. */
  readonly reading: Reading;
  /** Whether the cells were numbers before conversion to text. */
  readonly typed: boolean;
  /** Whether to count values although they are numbers: they are names, or may turn out to be classes. */
  readonly counted: boolean;
  /** Whether the column holds texts, whose terms are counted. */
  readonly texts: boolean;
}

/** Statistics of one column of a stream. They hold only if all cells confirm the expected reading; the evidence always holds. */
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

  /** Adds the cell of a row. Statistics come from the fitted rows, the type from all rows. */
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

  /** Whether this scan counted everything that a column of this type needs. */
  covers({ kind }: ColumnType): boolean {
    return (this.counted || kind !== "category") && (this.#texts !== undefined || kind !== "text");
  }

  /** The column's statistics, given its type. */
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
