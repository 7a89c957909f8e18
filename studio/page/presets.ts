// Presets for each kind of data: network, loss and batch size, so that one click on a tile gives a network that learns.
import type { DataName } from "../shared/names.ts";
import type { Layer, StudioState } from "../shared/state.ts";

const dense = (units: number, activation: Layer["activation"]): Layer => ({ kind: "dense", units, activation });
const conv = (units: number, activation: Layer["activation"]): Layer => ({ kind: "conv", units, activation });

const plain: Partial<StudioState> = {
  layers: [dense(8, "tanh"), dense(8, "tanh")],
  ensemble: undefined,
  loss: "bce",
  optimizer: "adam",
  lr: 0.01,
  decay: 0,
  dropout: 0,
  batchNorm: false,
  batch: 16,
  count: 240,
  noise: 0.15,
  test: 0.25,
  features: [],
};

const presets: Readonly<Record<DataName, Partial<StudioState>>> = {
  loans: { count: 800, noise: 0.4, layers: [dense(12, "relu"), dense(6, "relu")], batch: 32, lr: 0.003 },
  and: { layers: [], lr: 0.1, batch: 4, test: 0 },
  or: { layers: [], lr: 0.1, batch: 4, test: 0 },
  xor: { layers: [dense(4, "tanh")], lr: 0.03, batch: 4, test: 0 },
  moons: {},
  circles: { noise: 0.1, layers: [dense(6, "tanh"), dense(4, "tanh")] },
  spirals: { noise: 0.1, count: 400, layers: [dense(16, "tanh"), dense(16, "tanh")] },
  blobs: { noise: 0.25, count: 300, loss: "crossEntropy", layers: [dense(6, "tanh")] },
  curve: { noise: 0.1, count: 128, loss: "mse", layers: [dense(16, "tanh"), dense(16, "tanh")] },
  iris: { loss: "crossEntropy", layers: [dense(8, "relu")] },
  digits: {
    noise: 0.15,
    count: 800,
    loss: "crossEntropy",
    batch: 32,
    lr: 0.003,
    layers: [conv(6, "relu"), conv(8, "relu"), dense(24, "relu")],
  },
  words: { loss: "crossEntropy", batch: 32, lr: 0.003, test: 0.15, layers: [dense(48, "tanh")] },
  painted: { count: 240, names: "" },
  // Like the command line's settings for tables.
  own: {
    layers: [dense(64, "relu"), dense(32, "relu")],
    optimizer: "adamw",
    lr: 0.003,
    decay: 0.01,
    batch: 32,
    test: 0.2,
    dataSeed: 0,
  },
};

/** The changes that come with a choice of data. */
export const presetFor = (data: DataName, state: StudioState): Partial<StudioState> => ({
  ...plain,
  ...presets[data],
  data,
  edits: [],
  axes: [0, 1],
  selected: "",
  speed: state.speed,
});

/** Own pictures: a small convolutional network. */
export const presetForPictures = (state: StudioState): Partial<StudioState> => ({
  ...presetFor("own", state),
  loss: "crossEntropy",
  lr: 0.001,
  layers: [
    { kind: "conv", units: 8, activation: "relu" },
    { kind: "conv", units: 16, activation: "relu" },
    { kind: "dense", units: 32, activation: "relu" },
  ],
});
