// The counters of the service, in the Prometheus text format.
import { at } from "../../graph/at.ts";

/** Upper bounds of the response time histogram, in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** The state of the queue, and the number of computed batches, when the text is made. */
export interface QueueState {
  readonly waitingRows: number;
  readonly batches: number;
}

export class ServeMetrics {
  private readonly byStatus = new Map<number, number>();
  private readonly counts = bounds.map(() => 0);
  private seconds = 0;
  private answered = 0;
  private rows = 0;

  /** Counts a response to a prediction, with the number of requested rows. */
  add(status: number, seconds: number, rows: number): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    for (const [place, bound] of bounds.entries())
      if (seconds <= bound) this.counts[place] = at(this.counts, place) + 1;
    this.seconds += seconds;
    this.answered++;
    if (status === 200) this.rows += rows;
  }

  text({ waitingRows, batches }: QueueState): string {
    const lines = (name: string, kind: string, help: string, values: readonly string[]): string[] => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...values,
    ];
    const requests = [...this.byStatus].map(([status, count]) => `hebb_requests_total{status="${status}"} ${count}`);
    const buckets = bounds.map(
      (bound, place) => `hebb_request_seconds_bucket{le="${bound}"} ${at(this.counts, place)}`,
    );
    return `${[
      ...lines("hebb_requests_total", "counter", "Requests for predictions, by status.", requests),
      ...lines("hebb_predicted_rows_total", "counter", "Rows predicted.", [`hebb_predicted_rows_total ${this.rows}`]),
      ...lines("hebb_batches_total", "counter", "Batches computed.", [`hebb_batches_total ${batches}`]),
      ...lines("hebb_waiting_rows", "gauge", "Rows queued for a batch.", [`hebb_waiting_rows ${waitingRows}`]),
      ...lines("hebb_request_seconds", "histogram", "Time from a request to its response.", [
        ...buckets,
        `hebb_request_seconds_bucket{le="+Inf"} ${this.answered}`,
        `hebb_request_seconds_sum ${this.seconds}`,
        `hebb_request_seconds_count ${this.answered}`,
      ]),
    ].join("\n")}\n`;
  }
}
