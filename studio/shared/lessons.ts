// The lessons: text, page setup, and tasks that are checked from the state.
import { deeperLessons } from "./deeperLessons.ts";
import type { PaintedPoint, StudioState } from "./state.ts";
import { startState } from "./state.ts";

/** What a task looks at. */
export interface LessonView {
  readonly state: StudioState;
  readonly step: number;
  readonly epoch: number;
  /** Of the training rows. */
  readonly loss: number;
  /** As the bar shows it: of the test rows, or of the training rows where there are none. */
  readonly metric: number;
  /** Of the training rows. */
  readonly trainMetric: number;
  /** Undefined where there are no test rows. */
  readonly testLoss: number | undefined;
  /** Batches in an epoch. */
  readonly batches: number;
  readonly parameters: number;
  readonly testRows: number;
  /** The share of the most frequent class among the rows that the metric is of; 0 for numbers. */
  readonly majority: number;
  /** Answers that were given and found right, and things that were done, by name. */
  readonly marks: ReadonlySet<string>;
}

export interface Task {
  readonly text: string;
  readonly done: (view: LessonView) => boolean;
}

export type Widget =
  | "perceptron"
  | "activations"
  | "forward"
  | "backward"
  | "losses"
  | "update"
  | "export"
  | "batches"
  | "heldOut"
  | "gradients"
  | "convolution"
  | "attention"
  | "mistakes"
  | "none";

export interface Lesson {
  readonly title: string;
  /** One line for the list. */
  readonly about: string;
  readonly says: readonly string[];
  readonly setup: Partial<StudioState>;
  readonly widget: Widget;
  readonly tasks: readonly Task[];
}

/** Applicants by income and debt: approved where income outweighs debt. A line parts them, with a gap. */
const applicants: readonly PaintedPoint[] = Array.from({ length: 60 }, (_, k) => k)
  .map((k): PaintedPoint => {
    const x = Math.round(100 * (((k * 0.61803) % 1) * 2 - 1)) / 100;
    const y = Math.round(100 * (((k * 0.75487) % 1) * 2 - 1)) / 100;
    return [x, y, x - 0.8 * y + 0.1 > 0 ? 1 : 0];
  })
  .filter(([x, y]) => Math.abs(x - 0.8 * y + 0.1) > 0.14);

const plain: Partial<StudioState> = { ...startState, surface: "lessons", lanes: [] };
const small = { kind: "dense" as const, units: 2, activation: "tanh" as const };
const hidden = ({ state }: LessonView): number => state.layers.length;
const widest = ({ state }: LessonView): number => Math.max(0, ...state.layers.map(({ units }) => units));
const active = ({ state }: LessonView): boolean => state.layers.some(({ activation }) => activation !== "identity");
const isOwn = ({ state }: LessonView): boolean => state.data === "own" || state.data === "painted";

/** Test rows below which an accuracy says little. */
const fewTestRows = 20;

/**
 * Whether held-out rows show that something was learned: the metric is high, and it lies two standard errors above what always
 * answering the most frequent class would give.
 */
function generalises({ metric, testRows, majority }: LessonView): boolean {
  const error = Math.sqrt((Math.max(0, metric) * (1 - Math.min(1, metric))) / Math.max(1, testRows));
  return testRows >= fewTestRows && metric >= 0.8 && (majority === 0 || metric - 2 * error > majority);
}

const marked =
  (name: string) =>
  (view: LessonView): boolean =>
    view.marks.has(name);

const firstLessons: readonly Lesson[] = [
  {
    title: "The perceptron and the loan",
    about: "Turn a line by hand, then let Rosenblatt's rule find it.",
    says: [
      "A neuron weighs evidence. Income speaks for a loan, debt against it: each input is multiplied by a weight, the products are added, and a bias shifts the sum. Where the sum is above zero the answer is yes.",
      "Weights and bias are three numbers, and together they are one line through the plane. Drag them and watch the line turn and shift.",
      "In 1958 Frank Rosenblatt let a machine find such numbers by itself: whenever it decides wrongly, it moves its weights a little towards the right answer. If any line parts the applicants, the rule finds one.",
    ],
    setup: {
      ...plain,
      data: "painted",
      points: applicants,
      names: "income,debt,declined,approved",
      test: 0,
      layers: [],
      loss: "hinge",
      optimizer: "sgd",
      lr: 0.1,
      edits: [
        { step: 0, parameter: "0.weight", index: 0, value: -1 },
        { step: 0, parameter: "0.weight", index: 1, value: 0.5 },
        { step: 0, parameter: "0.bias", index: 0, value: 0 },
      ],
    },
    widget: "perceptron",
    tasks: [
      {
        text: "Drag the weights and the bias until at least 95 % of the applicants are decided rightly.",
        done: marked("dragged"),
      },
      {
        text: "Follow Rosenblatt's rule from mistake to mistake until it makes none.",
        done: marked("rosenblatt"),
      },
    ],
  },
  {
    title: "Its limit",
    about: "XOR: no line will do, two hidden neurons will.",
    says: [
      "Exclusive or is true when exactly one of two inputs is. Four points, two classes, and no line with one class on either side: whatever the weights, at least one point is on the wrong side.",
      "In 1969 this was taken for the end of neural networks. The remedy is one hidden layer: two neurons draw two lines, and a third one combines them.",
    ],
    setup: { ...plain, data: "xor", test: 0, layers: [], lr: 0.05, batch: 4, seed: 3 },
    widget: "none",
    tasks: [
      {
        text: "Let the single neuron learn for at least 200 epochs: it does not get beyond three of four.",
        done: (view) => view.state.data === "xor" && hidden(view) === 0 && view.epoch >= 200 && view.metric < 1,
      },
      {
        text: "Add a layer with two units or more, and reach 100 %.",
        done: (view) => view.state.data === "xor" && widest(view) >= 2 && view.metric === 1 && view.step > 0,
      },
    ],
  },
  {
    title: "Activation functions",
    about: "f and its slope, saturation, dead ReLUs, and what is left with none.",
    says: [
      "Between two layers stands a bend: the activation f. Going back, the slope is multiplied by f′. Where f is flat, f′ is near zero and nothing is learned: the neuron is saturated. A ReLU whose sum is negative for every row has slope zero everywhere: it is dead.",
      "Without any bend, layers collapse: a matrix times a matrix is a matrix. The network here has three layers and no activation, and all it can draw is one line.",
    ],
    setup: {
      ...plain,
      data: "circles",
      noise: 0.1,
      lr: 0.01,
      layers: Array.from({ length: 2 }, () => ({ kind: "dense" as const, units: 6, activation: "identity" as const })),
    },
    widget: "activations",
    tasks: [
      { text: "Which is the largest slope that sigmoid has anywhere? Read it off the plot.", done: marked("slope") },
      {
        text: "Let the network without activations learn for 60 epochs: the ring stays unparted.",
        done: (view) => view.state.data === "circles" && !active(view) && view.epoch >= 60 && view.metric < 0.75,
      },
      {
        text: "Give the layers an activation, and get 95 % of the test rows right.",
        done: (view) => view.state.data === "circles" && active(view) && view.metric >= 0.95 && view.step > 0,
      },
    ],
  },
  {
    title: "Forward propagation",
    about: "From inputs to an answer: predict each number, then reveal it.",
    says: [
      "From left to right: every neuron adds up its inputs times their weights and its bias, and bends the sum. The results are the inputs of the next layer. There is nothing more to it.",
      "Work out the numbers of this small network yourself, to two decimals, before you look.",
    ],
    setup: { ...plain, data: "moons", count: 40, layers: [small], batch: 1, seed: 7 },
    widget: "forward",
    tasks: [
      { text: "Find z₁, the weighted sum of the first hidden neuron.", done: marked("z") },
      { text: "Find a₁ = tanh(z₁).", done: marked("a") },
      { text: "Find the output p = σ(z) of the network.", done: marked("p") },
    ],
  },
  {
    title: "Backpropagation",
    about: "The chain rule, factor by factor.",
    says: [
      "From right to left: how does the loss change when a number changes a little? At the output the answer is short: δ = p − y. Every neuron before gets the δ of those after it, through the same weights, times the slope of its own bend. That is the chain rule.",
      "The slope of a weight is then one product: δ of its neuron times what came in through it. A tick shows that moving the weight a little really changes the loss by that much.",
    ],
    setup: { ...plain, data: "moons", count: 40, layers: [small], batch: 1, seed: 7 },
    widget: "backward",
    tasks: [
      { text: "Find δ at the output: p − y.", done: marked("d-out") },
      { text: "Find δ₁ of the first hidden neuron: w · δ · (1 − a₁²).", done: marked("d-hidden") },
      { text: "Find the slope of the weight from x₁ to it: δ₁ · x₁.", done: marked("g") },
    ],
  },
  {
    title: "Loss functions",
    about: "What it costs to be confidently wrong, or to meet an outlier.",
    says: [
      "The loss says how wrong the network is, and its slope says how hard it is corrected. Take a point of class 1 whose sum z is very negative: the network is confidently wrong. Cross-entropy pulls with almost full force. Squared error after a sigmoid hardly pulls at all, because the sigmoid is flat there.",
      "For numbers it is an outlier that tells losses apart. Squared error pulls in proportion to the distance: one bad value outweighs many good ones. Huber's loss stops growing steeper at a distance of 1.",
    ],
    setup: {
      ...plain,
      data: "moons",
      layers: [{ kind: "dense", units: 8, activation: "tanh" }],
      loss: "mse",
      optimizer: "sgd",
      lr: 0.1,
    },
    widget: "losses",
    tasks: [
      {
        text: "Move z to where squared error pulls with less than 0.01 while cross-entropy pulls with more than 0.9.",
        done: marked("confident"),
      },
      {
        text: "An outlier is 10 away. With which slope does Huber's loss pull (squared error: 20)?",
        done: marked("outlier"),
      },
      {
        text: "Choose binary cross-entropy for this network and get 90 % of the test rows right.",
        done: ({ state, metric, step }) => state.data === "moons" && state.loss === "bce" && metric >= 0.9 && step > 0,
      },
    ],
  },
  {
    title: "Optimizers",
    about: "One update by hand, then a race.",
    says: [
      "All optimizers walk downhill; they differ in the length and the direction of a step. Plain descent takes the slope times the learning rate. Momentum keeps going. Adam divides by the usual size of the slope, so that its first step is just the learning rate, however small the slope is.",
      "Work out one update by hand, then let them race.",
    ],
    setup: {
      ...plain,
      data: "moons",
      layers: [
        { kind: "dense", units: 8, activation: "tanh" },
        { kind: "dense", units: 8, activation: "tanh" },
      ],
      optimizer: "sgd",
      lr: 0.01,
    },
    widget: "update",
    tasks: [
      {
        text: "A weight is 0.5, its slope 0.2, the learning rate 0.1. Where is it after a step of plain descent?",
        done: marked("sgd"),
      },
      { text: "And after Adam's first step?", done: marked("adam") },
      {
        text: "Let four optimizers race from the same weights. Which has the lowest training loss after 500 steps?",
        done: marked("race"),
      },
      {
        text: "Train the network here with Adam to a training loss below 0.1, in fewer than 100 epochs.",
        done: ({ state, loss, epoch, step }) =>
          state.data === "moons" && state.optimizer === "adam" && loss < 0.1 && epoch < 100 && step > 0,
      },
    ],
  },
  {
    title: "Your own data",
    about: "A table of yours, trained, checked and taken along.",
    says: [
      "Now your own problem. Drop a table with a column to be predicted, or paint points of two classes. Nothing leaves this browser.",
      "When the network has learned it, take it with you: as weights, as a program, or as a project to go on with. Each is read back and run again before it is given out.",
    ],
    setup: { ...plain },
    widget: "export",
    tasks: [
      {
        text: "Use data of your own: drop a table, or paint points.",
        done: isOwn,
      },
      {
        text: `Get 80 % of at least ${fewTestRows} test rows right, clearly more than by always answering the most frequent class (for numbers: a test R² of 0.8).`,
        done: (view) => isOwn(view) && view.step > 0 && generalises(view),
      },
      { text: "Write an export and see it checked.", done: marked("exported") },
    ],
  },
];

export const lessons: readonly Lesson[] = [...firstLessons, ...deeperLessons];
