// Batches concurrent requests: while one batch is computed, the next one collects.
import { HebbError } from "../../graph/errors.ts";
import type { Prediction } from "../predictions.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Predicts several rows at once; throws HebbError naming the mismatch. */
export type PredictRows = (rows: readonly Row[]) => Promise<readonly Prediction[]>;

export interface BatchLimits {
  /** The maximum number of rows computed at once. */
  readonly maxBatchRows: number;
  /** The maximum number of waiting rows; further requests are refused. */
  readonly maxWaitingRows: number;
}

/** Too many rows are waiting; the sender must try again later. */
export class Overloaded extends HebbError {}

interface Waiting {
  readonly rows: readonly Row[];
  /** The columns of its rows: only requests with the same columns are computed together. */
  readonly columns: string;
  readonly resolve: (predictions: readonly Prediction[]) => void;
  readonly reject: (error: unknown) => void;
}

const columnsOf = (rows: readonly Row[]): string =>
  JSON.stringify([...new Set(rows.flatMap((row) => Object.keys(row)))].sort());

/** A program is compiled for each number of rows, so numbers are rounded up to a power of two by repeating the last row. */
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
  /** The number of waiting rows. */
  waitingRows = 0;
  /** The number of batches computed so far. */
  batches = 0;

  constructor(predict: PredictRows, limits: BatchLimits) {
    this.predict = predict;
    this.limits = limits;
  }

  /** The predictions of these rows. Rejects with Overloaded if too many are waiting. */
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
      // Read requests that arrived meanwhile before making the next batch.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.running = false;
  }

  /** Requests with the same columns as the first, as many as fit into a batch; a larger one is computed alone. */
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
        // Notes on a cell depend on the other rows, which must be those of the same request.
        if (requests.length > 1 && own.some(({ notes }) => notes !== undefined)) await this.answer([request]);
        else request.resolve(own);
      }
    } catch (error) {
      if (requests.length === 1) return first?.reject(error);
      // One of them is invalid: each is computed alone, so that only its sender gets the error.
      for (const request of requests) await this.answer([request]);
    }
  }
}
