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

/** Data of the visitor's own. It goes from the page to its worker and nowhere else. */
export type OwnData =
  | {
      readonly kind: "table";
      readonly name: string;
      readonly text: string;
      /** How a run has made numbers of it, as its folder has it; the worker checks it. */
      readonly preprocessing?: unknown;
    }
  | {
      readonly kind: "images";
      readonly name: string;
      readonly images: Uint8Array;
      readonly labels: Uint8Array;
      /** The names that the labels count, for pictures from folders. */
      readonly classes?: readonly string[];
    };

export interface ColumnInfo {
  readonly name: string;
  readonly kind: string;
  readonly distinct: number;
  readonly missing: number;
  readonly example: string;
}

/** What a file turned out to hold, before it is used. */
export interface Preview {
  readonly rows: number;
  readonly columns: readonly ColumnInfo[];
  readonly head: readonly (readonly string[])[];
  /** The column that is most likely to be predicted, and why. */
  readonly target: string;
  readonly why: string;
}

/** What is to be said of a table and a target before anything is trained. */
export interface Examined {
  readonly findings: readonly TableFinding[];
  /** What the target is read as, in words. */
  readonly task: string;
}

/** Inputs that come from one column: of a category, one for each of its values. */
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
  /** How many of them are given: those after are computed from these. */
  readonly given: number;
  readonly inputShape: readonly number[];
  /** The places of the inputs that are numbers; the others are marks of categories and of gaps. */
  readonly numbers: readonly number[];
  /** Whether its columns were brought to mean 0 and deviation 1. */
  readonly scaled: boolean;
  /** The share of the most frequent class among the test rows, or the training rows where there are none; 0 for numbers. */
  readonly majority: number;
  readonly classes: readonly string[];
  readonly target: string;
  readonly trainCount: number;
  readonly testCount: number;
  /** From … to of each input, for axes. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly targetRange: readonly [number, number];
  readonly notes: readonly string[];
  /** What is wrong with the visitor's own table. */
  readonly findings: readonly TableFinding[];
  /** The columns that the inputs come from; empty for what is not a table. */
  readonly groups: readonly InputGroup[];
  /** What a person fills in to try the network; empty for images and text. */
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
  /** The loss in use: the one asked for where it fits the task. */
  readonly loss: LossName;
  readonly parameters: number;
  /** The run that it begins with, and what is to be said of that. */
  readonly beginning: { readonly name: string; readonly step: number; readonly notes: readonly string[] } | undefined;
  readonly batches: number;
  /** Training rows that the slopes of a snapshot are of: the first so many. */
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

/** The weights of one layer; its slopes too while one of the network's neurons is selected. */
export interface LayerNumbers {
  readonly weight: Float32Array;
  readonly weightShape: readonly number[];
  readonly bias: Float32Array;
  readonly weightGrad: Float32Array;
  readonly biasGrad: Float32Array;
}

/** What the selected neuron does. */
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
  /** Points of the curves that came since the last snapshot; `reset` when the curves restart. */
  readonly history: readonly HistoryPoint[];
  readonly reset: boolean;
  readonly layers: readonly LayerNumbers[];
  readonly maps: Maps;
  readonly unit: UnitNumbers | undefined;
  readonly output: OutputNumbers;
  readonly advice: readonly Advice[];
  readonly stepsPerSecond: number;
}

/** What the output panel draws, by task. */
export interface OutputNumbers {
  /** [classes, classes], rows are the truth. */
  readonly confusion: Int32Array;
  /** For numbers: truth and prediction in turn, in the target's own units. */
  readonly pairs: Float32Array;
  /** For text: words made up by the network. */
  readonly samples: readonly string[];
  readonly onTest: boolean;
}

/** Why training ended by itself, and what a click would change. */
export interface Stopped {
  readonly reason: "plateau" | "nan" | "overfit";
  readonly text: string;
  readonly fix: string;
  readonly patch: Partial<StudioState> | undefined;
  /** A step to go back to, instead of a patch. */
  readonly goTo: number | undefined;
}

/** What the doctor says of a run that goes on, and what a click would change. */
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

/** The state of its trainer; of a project, weights and what the optimizer remembers. */
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

/** A finished run that training here begins with, instead of drawn weights. */
export interface Beginning {
  /** What the state must be for it to fit. */
  readonly runKey: string;
  readonly name: string;
  readonly step: number;
  /** Weight and bias of each layer in turn. */
  readonly weights: readonly SavedTensor[];
  readonly history: readonly HistoryPoint[];
  /** What is otherwise here than in the run. */
  readonly notes: readonly string[];
}

/** What a page may ask of its worker, with the answer. */
export interface Questions {
  preview: { readonly ask: OwnData; readonly answer: Preview };
  examine: {
    readonly ask: { readonly own: OwnData; readonly target: string; readonly without: readonly string[] };
    readonly answer: Examined;
  };
  /** Bytes that the engine holds: device memory obtained, and the heap where the browser tells. */
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

/** Picture files to be decoded and made small. */
export interface PicturesAsk {
  readonly files: readonly { readonly path: string; readonly file: Blob }[];
  readonly size: readonly [height: number, width: number];
  /** 1 is grey, 3 colour; undefined: grey where all of them are. */
  readonly channels: 1 | 3 | undefined;
}

/** Bytes of all the pictures in turn, each [channels, height, width]. */
export interface PicturesRead {
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** A case to try: numbers as the network takes them, raw cells of a table, or the beginning of a word. */
export type PredictAsk =
  | { readonly inputs: readonly number[] }
  | { readonly cells: Readonly<Record<string, string>> }
  | { readonly text: string };

/** A training row that was decided wrongly, and the weights that the rule made of it. */
export interface Correction {
  readonly pass: number;
  readonly row: number;
  readonly inputs: readonly number[];
  readonly truth: 0 | 1;
  readonly weights: readonly number[];
  readonly bias: number;
}

/** What Rosenblatt's rule did on the training rows: each mistake, and how many there were in each pass. */
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

/** A file to keep, with what reading it back has shown. */
export interface Exported {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The largest difference between the network's outputs and those of what was read back; for a program, of the losses. */
  readonly difference: number;
  readonly checked: string;
}

/** A field of the form that tries the network. */
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
      /** Counts the runs that the page has asked for. */
      readonly number: number;
      readonly state: StudioState;
      readonly own: OwnData | undefined;
      readonly saved: Saved | undefined;
      readonly beginning: Beginning | undefined;
      readonly playing: boolean;
      /** Go to this step at once, without showing the way. */
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
