// Batches concurrent requests: while one batch is computed, the next one collects.
import { HebbError } from "../../graph/errors.ts";
import type { Prediction } from "../predictions.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Predicts rows in one go; throws HebbError that names what does not fit. */
export type PredictRows = (rows: readonly Row[]) => Promise<readonly Prediction[]>;

export interface BatchLimits {
  /** Rows computed at once. */
  readonly maxBatchRows: number;
  /** Rows that may wait; a request beyond is refused. */
  readonly maxWaitingRows: number;
}

/** More rows wait than may; the sender tries again later. */
export class Overloaded extends HebbError {}

interface Waiting {
  readonly rows: readonly Row[];
  /** The columns that any of its rows has: only requests with the same are computed together. */
  readonly columns: string;
  readonly resolve: (predictions: readonly Prediction[]) => void;
  readonly reject: (error: unknown) => void;
}

const columnsOf = (rows: readonly Row[]): string =>
  JSON.stringify([...new Set(rows.flatMap((row) => Object.keys(row)))].sort());

/** A program is compiled for each number of rows, so numbers are rounded up to a power of two: the last row is repeated. */
function padded(rows: readonly Row[]): readonly Row[] {
  const size = 2 ** Math.ceil(Math.log2(rows.length));
  const last = rows.at(-1);
  return last === undefined ? rows : [...rows, ...Array.from({ length: size - rows.length }, () => last)];
}

export class Batcher {
  private readonly predict: PredictRows;
  private readonly limits: BatchLimits;
  private waiting: Waiting[] = [];
  private running = false;
  /** Rows that wait. */
  waitingRows = 0;
  /** Batches computed so far. */
  batches = 0;

  constructor(predict: PredictRows, limits: BatchLimits) {
    this.predict = predict;
    this.limits = limits;
  }

  /** The predictions of these rows. Rejects with Overloaded where too many wait. */
  ask(rows: readonly Row[]): Promise<readonly Prediction[]> {
    const { maxWaitingRows } = this.limits;
    if (this.waitingRows + rows.length > maxWaitingRows)
      return Promise.reject(
        new Overloaded(`${this.waitingRows} rows are already queued, of at most ${maxWaitingRows}; try again`),
      );
    return new Promise((resolve, reject) => {
      this.waiting.push({ rows, columns: columnsOf(rows), resolve, reject });
      this.waitingRows += rows.length;
      if (this.running) return;
      this.running = true;
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      await this.answer(this.next());
      // Requests that arrived meanwhile are read before the next batch is made.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.running = false;
  }

  /** As many requests with the columns of the first as fit into a batch; one that is larger goes alone. */
  private next(): readonly Waiting[] {
    const [first] = this.waiting;
    const batch: Waiting[] = [];
    let rows = 0;
    for (const request of this.waiting) {
      if (request.columns !== first?.columns) continue;
      if (batch.length > 0 && rows + request.rows.length > this.limits.maxBatchRows) break;
      batch.push(request);
      rows += request.rows.length;
    }
    const taken = new Set(batch);
    this.waiting = this.waiting.filter((request) => !taken.has(request));
    this.waitingRows -= rows;
    return batch;
  }

  private async answer(requests: readonly Waiting[]): Promise<void> {
    const [first] = requests;
    this.batches++;
    const rows = requests.flatMap((request) => request.rows);
    try {
      const predictions = await this.predict(padded(rows));
      let from = 0;
      for (const request of requests) {
        const own = predictions.slice(from, from + request.rows.length);
        from += request.rows.length;
        // What is wrong with a cell depends on the rows beside it, which must be those of its own request.
        if (requests.length > 1 && own.some(({ notes }) => notes !== undefined)) await this.answer([request]);
        else request.resolve(own);
      }
    } catch (error) {
      if (requests.length === 1) return first?.reject(error);
      // One of them does not fit: each is asked alone, so that only its sender hears of it.
      for (const request of requests) await this.answer([request]);
    }
  }
}
