// The figures of a column that is seen once, cell by cell, in memory that does not grow with the rows.
import { type Cell, parseDate, parseNumber } from "./cells.ts";
import { ColumnEvidence, type ColumnType, ValueCounts } from "./evidence.ts";
import { type ColumnFacts, modeOf, type NumberFacts } from "./fitting.ts";
import { logTransform } from "./preprocess.ts";
import { Random } from "./random.ts";
import { numberSummary } from "./table.ts";

/** Numbers kept for the median: exact up to so many rows, and of a sample beyond, whose rank is off by 0.4 % on average. */
const sampleSize = 16_384;
/** Different values told apart in a column. */
const valueLimit = 20_000;

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

  merge(other: Moments): Moments {
    const out = new Moments();
    const [a, b] = [this.count, other.count];
    out.count = a + b;
    if (out.count === 0) return out;
    const delta = other.mean - this.mean;
    out.mean = (a * this.mean + b * other.mean) / out.count;
    out.square = this.square + other.square + (delta * delta * a * b) / out.count;
    out.cube =
      this.cube +
      other.cube +
      (delta ** 3 * a * b * (a - b)) / out.count ** 2 +
      (3 * delta * (a * other.square - b * this.square)) / out.count;
    out.min = Math.min(this.min, other.min);
    out.max = Math.max(this.max, other.max);
    return out;
  }

  get std(): number {
    return this.min === this.max ? 0 : Math.sqrt(this.square / this.count);
  }

  get skewness(): number {
    return this.cube / this.count / this.std ** 3;
  }
}

/** The numbers of a column that are written in one way. */
class NumberScan {
  raw = new Moments();
  log = new Moments();
  fractional = false;
  readonly distinct = new Set<number>();
  #sample = new Float64Array(64);

  /** `random` decides what a full sample keeps. */
  add(value: number, random: Random): void {
    const { count } = this.raw;
    this.raw.add(value);
    this.log.add(logTransform(value));
    if (!Number.isInteger(value)) this.fractional = true;
    if (this.distinct.size < 12) this.distinct.add(value);
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

  /** The numbers of both; of samples that are full, parts as large as their shares. */
  merge(other: NumberScan): NumberScan {
    const out = new NumberScan();
    out.raw = this.raw.merge(other.raw);
    out.log = this.log.merge(other.log);
    out.fractional = this.fractional || other.fractional;
    for (const value of [...this.distinct, ...other.distinct]) if (out.distinct.size < 12) out.distinct.add(value);
    const total = out.raw.count;
    const room = Math.min(total, sampleSize);
    const mine = total === 0 ? 0 : Math.round((room * this.raw.count) / total);
    out.#sample = Float64Array.from([...this.sample.subarray(0, mine), ...other.sample.subarray(0, room - mine)]);
    return out;
  }
}

/** Streams of samples start here, one for each column. */
const sampleStream = 0x61000000;

/** What is known of one column of a stream. */
export class ColumnScan implements ColumnFacts {
  readonly name: string;
  readonly evidence = new ColumnEvidence(valueLimit);
  readonly #random: Random;
  readonly #values = new ValueCounts(valueLimit);
  readonly #plain = new NumberScan();
  readonly #thousands = new NumberScan();
  readonly #comma = new NumberScan();
  readonly #dates = new NumberScan();
  #rows = 0;
  #missing = 0;

  constructor(name: string, place: number, seed: number) {
    this.name = name;
    this.#random = new Random(seed, sampleStream + place);
  }

  /** Takes the cell of a row; the figures are those of the rows that are fitted, the type that of all. */
  add(cell: Cell, row: number, fitted: boolean): void {
    const plain = this.evidence.add(cell, row);
    if (!fitted) return;
    this.#rows++;
    if (cell === undefined) {
      this.#missing++;
      return;
    }
    if (Number.isFinite(plain)) {
      this.#plain.add(plain, this.#random);
      // A column of few numbers may turn out to be classes; of many, nobody asks how often each came.
      if (!this.#values.overflowed) this.#values.add(cell);
      return;
    }
    this.#values.add(cell);
    if (cell.includes(",") && !this.evidence.dates) {
      const [thousands, comma] = [parseNumber(cell, "thousands"), parseNumber(cell, "decimalComma")];
      if (Number.isFinite(thousands)) this.#thousands.add(thousands, this.#random);
      if (Number.isFinite(comma)) this.#comma.add(comma, this.#random);
    }
    if (this.evidence.dates) {
      const days = parseDate(cell);
      if (Number.isFinite(days)) this.#dates.add(days, this.#random);
    }
  }

  numbers(type: Extract<ColumnType, { kind: "number" | "date" }>): NumberFacts {
    const other = type.kind === "date" ? this.#dates : type.format === "thousands" ? this.#thousands : this.#comma;
    const scan = type.kind === "date" ? other : type.format === "plain" ? this.#plain : this.#plain.merge(other);
    const { raw, log, sample } = scan;
    const base = {
      rows: this.#rows,
      missing: this.#rows - raw.count,
      distinct: scan.distinct.size,
      skewness: raw.count === 0 ? 0 : raw.skewness,
      mode: modeOf(sample),
      fractional: scan.fractional,
    };
    const median = numberSummary(sample)?.median;
    if (median === undefined) return { ...base, raw: undefined, log: undefined };
    const range = (moments: Moments, middle: number): NonNullable<NumberFacts["raw"]> => {
      const { min, max, mean, std } = moments;
      return { min, max, mean, std, median: middle };
    };
    return { ...base, raw: range(raw, median), log: range(log, logTransform(median)) };
  }

  categories(): ReturnType<ColumnFacts["categories"]> {
    const { overflowed } = this.#values;
    return { rows: this.#rows, missing: this.#missing, counts: this.#values.sorted(), more: overflowed };
  }
}
