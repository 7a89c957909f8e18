// Compare: lanes that differ from the Lab in one setting, predefined experiments, and the worker's reports.
import * as say from "../texts/en/compare.ts";
import type { Figures } from "./figures.ts";
import type { LanePatch, Layer, StudioState } from "./state.ts";

export interface LanesAsk {
  readonly state: StudioState;
  readonly lanes: readonly LanePatch[];
}

/** How far every lane trains: in steps or in milliseconds. */
export type LanesMove = { readonly steps: number } | { readonly milliseconds: number };

export interface LaneNumbers {
  readonly step: number;
  /** Whether it began with exactly the weights of the first lane. */
  readonly sameStart: boolean;
  readonly train: Figures;
  readonly test: Figures | undefined;
  /** The length of the gradient of each layer's weights, from the first. */
  readonly gradients: readonly number[];
  /** The output over the plane, [outputs, side, side]; empty if there is none. */
  readonly map: Float32Array;
  readonly side: number;
  readonly parameters: number;
}

export interface SeedAsk {
  readonly lane: number;
  readonly seed: number;
  /** The steps at which the run is measured. */
  readonly steps: readonly number[];
}

/** One run of a lane with another seed. */
export interface SeedRun {
  readonly loss: Float32Array;
  readonly metric: Float32Array;
}

/** A plane in weight space, spanned by the movement of the lanes. */
export interface Landscape {
  readonly side: number;
  readonly values: Float32Array;
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** The path of each lane, x and y in turn; empty if its network differs. */
  readonly paths: readonly Float32Array[];
  /** The share of the movement that lies in this plane. */
  readonly share: number;
}

export interface ComparePreset {
  readonly id: string;
  readonly title: string;
  /** What to expect from the lanes. */
  readonly says: string;
  readonly base: Partial<StudioState>;
  readonly lanes: readonly LanePatch[];
  readonly curve: "loss" | "metric";
  readonly steps: number;
}

const deep = (count: number, units: number, activation: Layer["activation"]): Layer[] =>
  Array.from({ length: count }, () => ({ kind: "dense", units, activation }));

const plain: Partial<StudioState> = {
  data: "moons",
  count: 240,
  noise: 0.15,
  test: 0.25,
  loss: "bce",
  optimizer: "sgd",
  lr: 0.1,
  decay: 0,
  dropout: 0,
  batchNorm: false,
  ensemble: undefined,
  features: [],
  batch: 16,
  init: "default",
  edits: [],
};

export const comparePresets: readonly ComparePreset[] = [
  {
    id: "vanishing",
    title: say.sigmoidOrReLUSixLayersDeep,
    says: say.sigmoidsSlopeIsAtMostThrough,
    base: { ...plain, layers: deep(6, 8, "sigmoid"), init: "he", lr: 0.03 },
    lanes: [{ layers: deep(6, 8, "relu") }],
    curve: "loss",
    steps: 3000,
  },
  {
    id: "optimizers",
    title: say.fourOptimizers,
    says: say.theSameNetworkFromTheSame,
    base: { ...plain, layers: deep(2, 8, "tanh"), lr: 0.01 },
    lanes: [{ optimizer: "momentum" }, { optimizer: "rmsprop" }, { optimizer: "adam" }],
    curve: "loss",
    steps: 2000,
  },
  {
    id: "loss",
    title: say.crossEntropyOrSquaredError,
    says: say.theLastBiasStartsAt8,
    base: {
      ...plain,
      layers: deep(1, 8, "tanh"),
      init: "large",
      lr: 0.03,
      noise: 0.1,
      edits: [{ step: 0, parameter: "2.bias", index: 0, value: 8 }],
    },
    lanes: [{ loss: "mse" }],
    curve: "metric",
    steps: 1200,
  },
  {
    id: "zeros",
    title: say.zeroOrHeInitialWeights,
    says: say.fromZeroEveryUnitOfA,
    base: { ...plain, layers: deep(2, 8, "relu"), init: "he" },
    lanes: [{ init: "zeros" }],
    curve: "loss",
    steps: 2000,
  },
  {
    id: "linear",
    title: say.noActivationAtAll,
    says: say.aMatrixTimesAMatrixIs,
    base: { ...plain, data: "circles", noise: 0.1, layers: deep(3, 8, "tanh"), optimizer: "adam", lr: 0.01 },
    lanes: [{ layers: deep(3, 8, "identity") }],
    curve: "metric",
    steps: 2000,
  },
  {
    id: "rates",
    title: say.fiveLearningRates,
    says: say.tooSmallAndItCrawlsToo,
    base: { ...plain, layers: deep(2, 8, "tanh"), lr: 0.001 },
    lanes: [{ lr: 0.01 }, { lr: 0.1 }, { lr: 1 }, { lr: 10 }],
    curve: "loss",
    steps: 2000,
  },
];

/** The quartiles. */
export function quartiles(values: readonly number[]): readonly [number, number, number] {
  const order = values.map((value) => (Number.isFinite(value) ? value : Number.MAX_VALUE)).sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (order.length - 1);
    const low = order[Math.floor(place)] ?? 0;
    return low + (place % 1) * ((order[Math.ceil(place)] ?? low) - low);
  };
  return [at(0.25), at(0.5), at(0.75)];
}
