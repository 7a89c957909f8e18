// The one stream of typed training events, read by progress bars, logs, pages and tests.
import type { Finding } from "./doctor/finding.ts";
import type { ClassScores } from "./metrics.ts";

/** Figures by name, such as loss and accuracy. A figure that does not exist (NaN) is written as null in JSON. */
export type Metrics = Readonly<Record<string, number>>;

/** The scores of a class, with its name. */
export type NamedScores = ClassScores & { readonly name: string };

/** How many values of a tensor lie where: `counts[k]` between `edges[k]` and `edges[k + 1]`. */
export interface Histogram {
  /** The parameter's name. */
  readonly name: string;
  readonly of: "weights" | "gradients";
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly sumSquares: number;
}

/** What a training tells. Epochs and steps count from 0 in events and programs; the text of the terminal and of the Studio counts epochs from 1. */
export type TrainEvent =
  | {
      readonly type: "start";
      readonly run: string | null;
      /** What is trained, on what, by what: for the log. */
      readonly config: Readonly<Record<string, unknown>>;
      readonly parameters: number;
      readonly epochs: number;
      readonly stepsPerEpoch: number;
      readonly backend: string;
      readonly threads: number;
      /** Which backend and why. */
      readonly description: string;
      /** The class whose precision, recall and F1 are reported, where there are two; null elsewhere. */
      readonly positiveClass: string | null;
      readonly notes: readonly string[];
    }
  | {
      readonly type: "progress";
      readonly epoch: number;
      readonly step: number;
      readonly totalSteps: number;
      /** Mean loss of the epoch so far. */
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
      /** The watched figure is better than ever before. */
      readonly type: "improvement";
      readonly epoch: number;
      readonly step: number;
      readonly metric: string;
      readonly value: number;
      /** Null for the first epoch. */
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
      /** Training is measured, and repeated on all rows, held out or not, for so many epochs; what it tells next is of that. */
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
      /** Precision, recall, F1 and rows of each class, of the same data; null where there are no classes. */
      readonly classes: {
        readonly train: readonly NamedScores[] | null;
        readonly validation: readonly NamedScores[] | null;
        readonly test: readonly NamedScores[] | null;
      };
      readonly epochs: number;
      /** The epoch, from 0, whose weights are kept and measured here; null where no validation chose one. */
      readonly bestEpoch: number | null;
      /** What one answer for all rows, and a linear model, reach on the validation data; null where they are not measured. */
      readonly baselines: { readonly constant: Metrics; readonly linear: Metrics } | null;
      /** Whether the figure that is watched was still getting better when the last epoch ended. */
      readonly improving: boolean;
      readonly seconds: number;
    };

export type EventListener = (event: TrainEvent) => void;
