// The messages between the text worker and the page: a run of one model or several, and pictures of it.
import type { HistoryPoint } from "./protocol.ts";
import type { ModelName, TextState } from "./text.ts";

/** One of the models trained side by side; the first is the inspected one. */
export interface LaneInfo {
  readonly model: ModelName;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly parameters: number;
}

export interface TextInfo {
  readonly kind: "task" | "corpus";
  /** Every token by name. */
  readonly tokens: readonly string[];
  readonly context: number;
  /** Sequences of a task, or tokens of a text. */
  readonly trainCount: number;
  readonly heldCount: number;
  /** Tokens of every question; 0 for a text. */
  readonly question: number;
  readonly stepsPerEpoch: number;
  readonly lanes: readonly LaneInfo[];
  readonly backend: string;
  readonly backendWhy: string;
  readonly notes: readonly string[];
}

/** A held-out question, with the model's answer. */
export interface Answered {
  readonly question: string;
  readonly wanted: string;
  readonly given: string;
}

export type Samples =
  | { readonly kind: "answers"; readonly step: number; readonly answers: readonly Answered[] }
  | { readonly kind: "texts"; readonly step: number; readonly texts: readonly string[] };

/** The model's view of one text, position by position. */
export interface Look {
  readonly tokens: Int32Array;
  readonly layers: number;
  readonly heads: number;
  /** [layers, heads, n, n], the attention of each position in its row; empty without attention. */
  readonly attention: Float32Array;
  /** The next token's logits: [n, vocabulary]. */
  readonly logits: Float32Array;
  /**
   * For each position before the first layer and after each, [layers + 1, n]: the vector's length, the token it would predict, and its probability.
   */
  readonly norms: Float32Array;
  readonly said: Int32Array;
  readonly surely: Float32Array;
  /** Letters of the text without a token. */
  readonly unknown: string;
}

/** The token embeddings in the plane of their largest differences. */
/** The attention to show in detail: a head of a layer, looking from a position of the text. */
export interface AttentionAsk {
  readonly layer: number;
  readonly head: number;
  readonly row: number;
}

/** The arrays of one head, row by row: queries, keys, values and outputs are [n, size], scores and weights [n, n]. */
export interface HeadArrays {
  readonly q: Float32Array;
  readonly k: Float32Array;
  /** q·kᵀ/√size, before later positions are masked. */
  readonly scores: Float32Array;
  readonly weights: Float32Array;
  readonly v: Float32Array;
  readonly out: Float32Array;
}

/** One head on one text, forward and backward, from the library's `inspect`. */
export interface AttentionStep extends AttentionAsk {
  readonly tokens: Int32Array;
  /** The width of a query. */
  readonly size: number;
  /** The token whose −log probability, after the position `row`, is the loss of the slopes. */
  readonly next: number;
  readonly loss: number;
  readonly values: HeadArrays;
  readonly slopes: HeadArrays;
}

export interface Projection {
  readonly tokens: Int32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The share of their differences that lies in this plane. */
  readonly share: number;
}

export interface LanePicture {
  readonly now: HistoryPoint;
  /** Points of the curves since the last picture. */
  readonly history: readonly HistoryPoint[];
  /** Milliseconds of a step. */
  readonly stepTime: number;
}

export interface TextPicture {
  readonly step: number;
  readonly epoch: number;
  readonly reset: boolean;
  readonly lanes: readonly LanePicture[];
  readonly look: Look;
  /** Only if there are new ones. */
  readonly samples: Samples | undefined;
  readonly projection: Projection | undefined;
  readonly stepsPerSecond: number;
}

/** Why training stopped by itself, or the doctor's advice during a run, and a step to go to or a change that helps. */
export interface TextStop {
  readonly reason: "nan" | "solved" | "overfit" | "rate";
  readonly text: string;
  readonly fix: string;
  readonly patch: Partial<TextState> | undefined;
  readonly goTo: number | undefined;
}

export type ToTextWorker =
  | {
      readonly kind: "run";
      /** Counts the runs requested by the page. */
      readonly number: number;
      readonly state: TextState;
      /** The text, if the state is not a task. */
      readonly corpus: string;
      readonly playing: boolean;
      readonly goTo: number;
    }
  | { readonly kind: "view"; readonly state: TextState }
  | { readonly kind: "play"; readonly playing: boolean }
  | { readonly kind: "advance"; readonly steps: number }
  | { readonly kind: "goTo"; readonly step: number }
  | { readonly kind: "attention"; readonly ask: AttentionAsk }
  | { readonly kind: "drawn" };

export type FromTextWorker =
  | { readonly kind: "ready"; readonly number: number; readonly info: TextInfo }
  | { readonly kind: "picture"; readonly picture: TextPicture }
  | { readonly kind: "attention"; readonly found: AttentionStep }
  | { readonly kind: "stopped"; readonly stop: TextStop }
  | { readonly kind: "advised"; readonly advice: TextStop }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "progress"; readonly text: string };
