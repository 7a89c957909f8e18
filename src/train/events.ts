// The one stream of typed training events, read by progress bars, logs, pages and tests.
import type { Finding } from "./doctor/finding.ts";
import type { ClassScores } from "./metrics.ts";

/** Metrics by name, such as loss and accuracy. An undefined metric (NaN) is written as null in JSON. */
export type Metrics = Readonly<Record<string, number>>;

/** The scores of a class, with its name. */
export type NamedScores = ClassScores & { readonly name: string };

/** A histogram of a tensor: `counts[k]` values lie between `edges[k]` and `edges[k + 1]`. */
export interface Histogram {
  /** The parameter's name. */
  readonly name: string;
  readonly of: "weights" | "gradients";
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly sumSquares: number;
}

/**
 * The events of a training. Epochs and steps count from 0 in events and programs; the text of the terminal and of the Studio counts epochs from 1.
 */
export type TrainEvent =
  | {
      readonly type: "start";
      readonly run: string | null;
      /** The model, data and settings, for the log. */
      readonly config: Readonly<Record<string, unknown>>;
      readonly parameters: number;
      readonly epochs: number;
      readonly stepsPerEpoch: number;
      readonly backend: string;
      readonly threads: number;
      /** The backend and the reason for it. */
      readonly description: string;
      /** The class that precision, recall and F1 refer to if there are two classes; otherwise null. */
      readonly positiveClass: string | null;
      readonly notes: readonly string[];
    }
  | {
      readonly type: "progress";
      readonly epoch: number;
      readonly step: number;
      readonly totalSteps: number;
      /** The mean loss of the epoch so far. */
      readonly loss: number;
      readonly rowsPerSecond: number;
    }
  | {
      readonly type: "epoch";
      readonly epoch: number;
      readonly step: number;
      readonly lr: number;
      readonly train: Metrics;
      readonly validation: Metrics | null;
      readonly seconds: number;
      /** Whether this is the best epoch so far. */
      readonly best: boolean;
    }
  | {
      /** The monitored metric has reached a new best. */
      readonly type: "improvement";
      readonly epoch: number;
      readonly step: number;
      readonly metric: string;
      readonly value: number;
      /** Null in the first epoch. */
      readonly previous: number | null;
    }
  | {
      readonly type: "histograms";
      readonly epoch: number;
      readonly step: number;
      readonly histograms: readonly Histogram[];
    }
  | { readonly type: "finding"; readonly epoch: number; readonly step: number; readonly finding: Finding }
  | { readonly type: "checkpoint"; readonly epoch: number; readonly step: number }
  | { readonly type: "warning"; readonly message: string; readonly epoch: number; readonly step: number }
  | { readonly type: "earlyStop"; readonly epoch: number; readonly bestEpoch: number; readonly reason: string }
  | {
      /** After measuring, training is repeated on all rows, including held-out ones, for this many epochs. Later events belong to that. */
      readonly type: "refit";
      readonly epoch: number;
      readonly rows: number;
      readonly epochs: number;
    }
  | {
      readonly type: "interrupted";
      readonly epoch: number;
      readonly step: number;
      /** Whether it was to stop there (`pauseAfter`). */
      readonly paused: boolean;
      readonly resume: string | null;
    }
  | {
      readonly type: "end";
      readonly run: string | null;
      readonly metrics: { readonly train: Metrics; readonly validation: Metrics | null; readonly test: Metrics | null };
      /** Precision, recall, F1 and support of each class, for the same data; null without classes. */
      readonly classes: {
        readonly train: readonly NamedScores[] | null;
        readonly validation: readonly NamedScores[] | null;
        readonly test: readonly NamedScores[] | null;
      };
      readonly epochs: number;
      /** The epoch, from 0, whose weights are kept and measured here; null if no validation chose one. */
      readonly bestEpoch: number | null;
      /** The metrics of a constant answer and of a linear model on the validation data; null if not measured. */
      readonly baselines: { readonly constant: Metrics; readonly linear: Metrics } | null;
      /** Whether the monitored metric was still improving when the last epoch ended. */
      readonly improving: boolean;
      readonly seconds: number;
    };

export type EventListener = (event: TrainEvent) => void;
