// The protocol between the page and its worker: every message and every request, typed.

import type { TableFinding } from "../../src/data/tableFindings.ts";
import type { JsonObject } from "../../src/formats/json.ts";
import type { DType, TypedArray } from "../../src/graph/dtype.ts";
import type { Landscape, LaneNumbers, LanesAsk, LanesMove, SeedAsk, SeedRun } from "./compare.ts";
import type { Figures } from "./figures.ts";
import type { ActivationName, LossName, TaskKind } from "./names.ts";
import type {
  DependenceAsk,
  DependenceCurve,
  ImportanceAsk,
  Importances,
  PictureAsk,
  PictureLook,
  Results,
} from "./results.ts";
import type { StudioState } from "./state.ts";
import type { StepAsk, StepTrace } from "./steps.ts";
import type { Film, RateSearch } from "./training.ts";

export type { Figures };

/** The visitor's own data. It goes from the page to its worker and nowhere else. */
export type OwnData =
  | {
      readonly kind: "table";
      readonly name: string;
      readonly text: string;
      /** The run's preprocessing, from its folder; the worker checks it. */
      readonly preprocessing?: unknown;
    }
  | {
      readonly kind: "images";
      readonly name: string;
      readonly images: Uint8Array;
      readonly labels: Uint8Array;
      /** The class names behind the labels, for pictures from folders. */
      readonly classes?: readonly string[];
    };

export interface ColumnInfo {
  readonly name: string;
  readonly kind: string;
  readonly distinct: number;
  readonly missing: number;
  readonly example: string;
}

/** The contents of a file, before it is used. */
export interface Preview {
  readonly rows: number;
  readonly columns: readonly ColumnInfo[];
  readonly head: readonly (readonly string[])[];
  /** The column that is most likely the target, and why. */
  readonly target: string;
  readonly why: string;
}

/** The findings about a table and a target before training. */
export interface Examined {
  readonly findings: readonly TableFinding[];
  /** How the target is read, in words. */
  readonly task: string;
}

/** The inputs from one column: for a category, one for each of its values. */
export interface InputGroup {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

export interface DataInfo {
  readonly name: string;
  readonly task: TaskKind;
  /** One name for each input of the network. */
  readonly inputs: readonly string[];
  /** The number of given inputs; later ones are computed from these. */
  readonly given: number;
  readonly inputShape: readonly number[];
  /** The indices of numeric inputs; the others are indicators of categories and of gaps. */
  readonly numbers: readonly number[];
  /** Whether its columns are scaled to mean 0 and deviation 1. */
  readonly scaled: boolean;
  /** The share of the most frequent class among the test rows, or the training rows where there are none; 0 for numbers. */
  readonly majority: number;
  readonly classes: readonly string[];
  readonly target: string;
  readonly trainCount: number;
  readonly testCount: number;
  /** The range of each input, for axes. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly targetRange: readonly [number, number];
  readonly notes: readonly string[];
  /** The problems of the visitor's own table. */
  readonly findings: readonly TableFinding[];
  /** The columns behind the inputs; empty if it is not a table. */
  readonly groups: readonly InputGroup[];
  /** The fields of the form that applies the network; empty for images and text. */
  readonly form: readonly FormField[];
  /** Some training images to choose from: their rows, and their values [count, …inputShape]. */
  readonly samples: { readonly rows: readonly number[]; readonly values: Float32Array } | undefined;
  /** Rows to draw: inputs [shownCount, width], targets, and whether a row is held out for testing. */
  readonly shown: {
    readonly width: number;
    readonly count: number;
    readonly features: Float32Array;
    readonly targets: Float32Array;
    readonly test: Uint8Array;
  };
}

export interface RunInfo {
  readonly data: DataInfo;
  readonly backend: string;
  readonly backendWhy: string;
  /** The loss in use: the requested one if it fits the task. */
  readonly loss: LossName;
  readonly parameters: number;
  /** The run that it begins with, and notes on it. */
  readonly beginning: { readonly name: string; readonly step: number; readonly notes: readonly string[] } | undefined;
  readonly batches: number;
  /** The number of training rows for the slopes of a snapshot: the first ones. */
  readonly slopeRows: number;
  /** Epochs between two points of the curves, from the twentieth on. */
  readonly measuredEvery: number;
  /** Each stage of the network: the inputs, every layer, the output. */
  readonly stages: readonly StageInfo[];
}

export interface StageInfo {
  readonly kind: "input" | "dense" | "conv" | "output";
  readonly units: number;
  /** Shape of one sample at this stage. */
  readonly shape: readonly number[];
  /** The path of the layer's parameters in the model, such as "2"; empty for inputs. */
  readonly path: string;
}

export interface HistoryPoint {
  readonly step: number;
  readonly train: Figures;
  readonly test: Figures | undefined;
}

/** The weights of one layer, with their slopes while a neuron of the network is selected. */
export interface LayerNumbers {
  readonly weight: Float32Array;
  readonly weightShape: readonly number[];
  readonly bias: Float32Array;
  readonly weightGrad: Float32Array;
  readonly biasGrad: Float32Array;
}

/** The values of the selected neuron. */
export interface UnitNumbers {
  readonly stage: number;
  readonly unit: number;
  readonly values: Float32Array;
  readonly weightUpdate: Float32Array;
  readonly biasUpdate: number;
}

export interface Maps {
  /** Side of the maps in points; 0 when there are none. */
  readonly side: number;
  /** For each stage from the inputs on: [units, side, side], row 0 at the top; empty if there is no map. */
  readonly stages: readonly Float32Array[];
  /** The output at a finer grid: [outputs, fine, fine]. */
  readonly fine: number;
  readonly output: Float32Array;
  readonly axes: readonly [number, number];
}

export interface Snapshot {
  readonly step: number;
  readonly epoch: number;
  readonly now: HistoryPoint;
  /** Points of the curves since the last snapshot; `reset` when the curves restart. */
  readonly history: readonly HistoryPoint[];
  readonly reset: boolean;
  readonly layers: readonly LayerNumbers[];
  readonly maps: Maps;
  readonly unit: UnitNumbers | undefined;
  readonly output: OutputNumbers;
  readonly advice: readonly Advice[];
  readonly stepsPerSecond: number;
}

/** The output panel's data, by task. */
export interface OutputNumbers {
  /** [classes, classes], rows are the truth. */
  readonly confusion: Int32Array;
  /** For numbers: truth and prediction in turn, in the target's own units. */
  readonly pairs: Float32Array;
  /** For text: words generated by the network. */
  readonly samples: readonly string[];
  readonly onTest: boolean;
}

/** Why training stopped by itself, and the effect of a click. */
export interface Stopped {
  readonly reason: "plateau" | "nan" | "overfit";
  readonly text: string;
  readonly fix: string;
  readonly patch: Partial<StudioState> | undefined;
  /** A step to go back to, instead of a patch. */
  readonly goTo: number | undefined;
}

/** The doctor's advice during a run, and the effect of a click. */
export interface Advice {
  readonly code: string;
  readonly text: string;
  readonly fix: string;
  readonly patch: Partial<StudioState> | undefined;
}

/** A run's exact state, so that it continues after a reload. */
export interface Saved {
  readonly runKey: string;
  readonly step: number;
  readonly history: readonly HistoryPoint[];
  readonly from: SavedTraining;
}

/**
 * A TrainState of the library, field by field: the page is compiled without Node's types, and the file that declares TrainState
 * leads to all of the runtime, which uses them.
 */
export interface TrainerState {
  readonly tensors: Readonly<
    Record<string, { readonly dtype: DType; readonly shape: readonly number[]; readonly data: TypedArray }>
  >;
  readonly json: JsonObject;
}

/** The trainer's state; for a project, weights and the optimizer's state. */
export type SavedTraining =
  | { readonly kind: "trainer"; readonly state: TrainerState }
  | {
      readonly kind: "project";
      readonly tensors: readonly SavedTensor[];
      readonly random: { readonly key: readonly [number, number]; readonly calls: number };
    };

export interface SavedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** A finished run whose weights training starts with, instead of random ones. */
export interface Beginning {
  /** The state that it requires. */
  readonly runKey: string;
  readonly name: string;
  readonly step: number;
  /** Weight and bias of each layer in turn. */
  readonly weights: readonly SavedTensor[];
  readonly history: readonly HistoryPoint[];
  /** The differences from the run. */
  readonly notes: readonly string[];
}

/** The page's questions to its worker, with the answers. */
export interface Questions {
  preview: { readonly ask: OwnData; readonly answer: Preview };
  examine: {
    readonly ask: { readonly own: OwnData; readonly target: string; readonly without: readonly string[] };
    readonly answer: Examined;
  };
  /** The engine's memory in bytes: device memory obtained, and the heap if the browser reports it. */
  memory: { readonly ask: null; readonly answer: { readonly bytes: number } };
  save: { readonly ask: null; readonly answer: Saved | undefined };
  step: { readonly ask: StepAsk; readonly answer: StepTrace };
  lanes: { readonly ask: LanesAsk; readonly answer: readonly LaneNumbers[] };
  moveLanes: { readonly ask: LanesMove; readonly answer: readonly LaneNumbers[] };
  seedRun: { readonly ask: SeedAsk; readonly answer: SeedRun };
  landscape: { readonly ask: null; readonly answer: Landscape };
  film: { readonly ask: null; readonly answer: Film };
  rateSearch: { readonly ask: null; readonly answer: RateSearch };
  look: { readonly ask: PictureAsk; readonly answer: PictureLook };
  results: { readonly ask: null; readonly answer: Results };
  importance: { readonly ask: ImportanceAsk; readonly answer: Importances };
  dependence: { readonly ask: DependenceAsk; readonly answer: DependenceCurve };
  /** The tensors in the safetensors bytes of a project. */
  tensors: { readonly ask: Uint8Array; readonly answer: readonly SavedTensor[] };
  rosenblatt: { readonly ask: null; readonly answer: Rosenblatt };
  activation: { readonly ask: ActivationName; readonly answer: Plotted };
  losses: { readonly ask: "classes" | "numbers"; readonly answer: readonly (Plotted & { readonly name: LossName })[] };
  export: { readonly ask: ExportFormat; readonly answer: Exported };
  predict: { readonly ask: PredictAsk; readonly answer: Prediction };
  pictures: { readonly ask: PicturesAsk; readonly answer: PicturesRead };
}

/** Picture files to decode and scale down. */
export interface PicturesAsk {
  readonly files: readonly { readonly path: string; readonly file: Blob }[];
  readonly size: readonly [height: number, width: number];
  /** 1 is grey, 3 colour; undefined: grey if all of them are. */
  readonly channels: 1 | 3 | undefined;
}

/** The bytes of all pictures in turn, each [channels, height, width]. */
export interface PicturesRead {
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** A case for the network: its input numbers, raw cells of a table, or the beginning of a word. */
export type PredictAsk =
  | { readonly inputs: readonly number[] }
  | { readonly cells: Readonly<Record<string, string>> }
  | { readonly text: string };

/** A misclassified training row, and the weights after the rule's correction. */
export interface Correction {
  readonly pass: number;
  readonly row: number;
  readonly inputs: readonly number[];
  readonly truth: 0 | 1;
  readonly weights: readonly number[];
  readonly bias: number;
}

/** Rosenblatt's rule on the training rows: each mistake, and the number of mistakes in each pass. */
export interface Rosenblatt {
  readonly rate: number;
  readonly corrections: readonly Correction[];
  readonly mistakes: readonly number[];
  readonly converged: boolean;
}

/** A function and its slope. */
export interface Plotted {
  readonly at: Float64Array;
  readonly value: Float64Array;
  readonly slope: Float64Array;
}

export const exportFormats = ["safetensors", "typescript", "project"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A file to keep, with the result of reading it back. */
export interface Exported {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The largest difference between the network's outputs and those of the file read back; for a program, between the losses. */
  readonly difference: number;
  readonly checked: string;
}

/** A field of the form that applies the network. */
export type FormField =
  | { readonly kind: "number"; readonly name: string; readonly start: number }
  | { readonly kind: "text"; readonly name: string; readonly start: string }
  | { readonly kind: "category"; readonly name: string; readonly options: readonly string[] };

export interface Prediction {
  readonly label: string;
  readonly scores: readonly { readonly name: string; readonly value: number }[];
}

export type QuestionKind = keyof Questions;

export type ToWorker =
  | {
      readonly kind: "run";
      /** Counts the runs requested by the page. */
      readonly number: number;
      readonly state: StudioState;
      readonly own: OwnData | undefined;
      readonly saved: Saved | undefined;
      readonly beginning: Beginning | undefined;
      readonly playing: boolean;
      /** Go to this step at once, without drawing the steps in between. */
      readonly goTo: number;
    }
  | { readonly kind: "view"; readonly state: StudioState }
  | { readonly kind: "play"; readonly playing: boolean }
  | { readonly kind: "advance"; readonly steps: number }
  | { readonly kind: "goTo"; readonly step: number }
  | { readonly kind: "drawn" }
  | {
      readonly [K in QuestionKind]: {
        readonly kind: "question";
        readonly id: number;
        readonly question: K;
        readonly ask: Questions[K]["ask"];
      };
    }[QuestionKind];

export type FromWorker =
  | { readonly kind: "ready"; readonly number: number; readonly run: RunInfo }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "stopped"; readonly stopped: Stopped }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly text: string };
