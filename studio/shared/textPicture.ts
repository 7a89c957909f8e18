// What the text worker and the page tell each other: a run of one model or several, and pictures of it.
import type { HistoryPoint } from "./protocol.ts";
import type { ModelName, TextState } from "./text.ts";

/** One of the models that learn side by side; the first is the one that is looked into. */
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

/** A question that was held out, with what the model answers. */
export interface Answered {
  readonly question: string;
  readonly wanted: string;
  readonly given: string;
}

export type Samples =
  | { readonly kind: "answers"; readonly step: number; readonly answers: readonly Answered[] }
  | { readonly kind: "texts"; readonly step: number; readonly texts: readonly string[] };

/** What the model makes of one text, place by place. */
export interface Look {
  readonly tokens: Int32Array;
  readonly layers: number;
  readonly heads: number;
  /** [layers, heads, n, n], what each place attends to in its row; empty where nothing attends. */
  readonly attention: Float32Array;
  /** Of the next token: [n, vocabulary]. */
  readonly logits: Float32Array;
  /** Of each place before the first layer and after each, [layers + 1, n]: its length, the token it would say, and how surely. */
  readonly norms: Float32Array;
  readonly said: Int32Array;
  readonly surely: Float32Array;
  /** Letters of the text that no token stands for. */
  readonly unknown: string;
}

/** The token embeddings in the plane in which they differ most. */
/** Which attention is to be laid open: a head of a layer, looking from a place of the text. */
export interface AttentionAsk {
  readonly layer: number;
  readonly head: number;
  readonly row: number;
}

/** The arrays of one head, row by row: queries, keys, values and what comes out are [n, size], scores and weights [n, n]. */
export interface HeadArrays {
  readonly q: Float32Array;
  readonly k: Float32Array;
  /** q·kᵀ/√size, before what comes later is hidden. */
  readonly scores: Float32Array;
  readonly weights: Float32Array;
  readonly v: Float32Array;
  readonly out: Float32Array;
}

/** One head on one text, forward and backward, as the library's `inspect` gives it. */
export interface AttentionStep extends AttentionAsk {
  readonly tokens: Int32Array;
  /** Numbers in a query. */
  readonly size: number;
  /** The token whose −log of its chance, after the place `row`, is the loss of the slopes. */
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
  /** Points of the curves that came since the last picture. */
  readonly history: readonly HistoryPoint[];
  /** Milliseconds that a step takes. */
  readonly stepTime: number;
}

export interface TextPicture {
  readonly step: number;
  readonly epoch: number;
  readonly reset: boolean;
  readonly lanes: readonly LanePicture[];
  readonly look: Look;
  /** Only where there are new ones. */
  readonly samples: Samples | undefined;
  readonly projection: Projection | undefined;
  readonly stepsPerSecond: number;
}

/** Why training ended by itself, or what the doctor says of one that goes on, and a step to go to or a change that helps. */
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
      /** Counts the runs that the page has asked for. */
      readonly number: number;
      readonly state: TextState;
      /** The text, where the state is of no task. */
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
