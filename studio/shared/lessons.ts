// The lessons: text, page setup, and tasks that are checked from the state.
import * as say from "../texts/en/course.ts";
import { deeperLessons } from "./deeperLessons.ts";
import type { PaintedPoint, StudioState } from "./state.ts";
import { startState } from "./state.ts";

/** The values that tasks check. */
export interface LessonView {
  readonly state: StudioState;
  readonly step: number;
  readonly epoch: number;
  /** Of the training rows. */
  readonly loss: number;
  /** The figure in the bar: of the test rows, or of the training rows if there are none. */
  readonly metric: number;
  /** Of the training rows. */
  readonly trainMetric: number;
  /** Undefined where there are no test rows. */
  readonly testLoss: number | undefined;
  /** Batches in an epoch. */
  readonly batches: number;
  readonly parameters: number;
  readonly testRows: number;
  /** The share of the most frequent class among the rows of the metric; 0 for numbers. */
  readonly majority: number;
  /** Right answers and finished actions, by name. */
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

/** Applicants by income and debt: approved if income outweighs debt. A line separates them, with a gap. */
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

/** With fewer test rows an accuracy says little. */
const fewTestRows = 20;

/**
 * Whether held-out rows show learning: the metric is high, and it is two standard errors above that of always
 * answering the most frequent class.
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
    title: say.thePerceptronAndTheLoan,
    about: say.turnALineByHandThen,
    says: [say.aNeuronWeighsEvidenceIncomeSpeaks, say.weightsAndBiasAreThreeNumbers, say.in1958FrankRosenblattLetA],
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
        text: say.dragTheWeightsAndTheBias,
        done: marked("dragged"),
      },
      {
        text: say.followRosenblattsRuleFromMistakeTo,
        done: marked("rosenblatt"),
      },
    ],
  },
  {
    title: say.itsLimit,
    about: say.xorNoLineWillDoTwo,
    says: [say.exclusiveOrIsTrueWhenExactly, say.in1969ThisWasTakenFor],
    setup: { ...plain, data: "xor", test: 0, layers: [], lr: 0.05, batch: 4, seed: 3 },
    widget: "none",
    tasks: [
      {
        text: say.letTheSingleNeuronLearnFor,
        done: (view) => view.state.data === "xor" && hidden(view) === 0 && view.epoch >= 200 && view.metric < 1,
      },
      {
        text: say.addALayerWithTwoUnits,
        done: (view) => view.state.data === "xor" && widest(view) >= 2 && view.metric === 1 && view.step > 0,
      },
    ],
  },
  {
    title: say.activationFunctions,
    about: say.fAndItsSlopeSaturationDead,
    says: [say.betweenTwoLayersStandsABend, say.withoutAnyBendLayersCollapseA],
    setup: {
      ...plain,
      data: "circles",
      noise: 0.1,
      lr: 0.01,
      layers: Array.from({ length: 2 }, () => ({ kind: "dense" as const, units: 6, activation: "identity" as const })),
    },
    widget: "activations",
    tasks: [
      { text: say.whichIsTheLargestSlopeThat, done: marked("slope") },
      {
        text: say.letTheNetworkWithoutActivations,
        done: (view) => view.state.data === "circles" && !active(view) && view.epoch >= 60 && view.metric < 0.75,
      },
      {
        text: say.giveTheLayersAnActivationAnd,
        done: (view) => view.state.data === "circles" && active(view) && view.metric >= 0.95 && view.step > 0,
      },
    ],
  },
  {
    title: say.forwardPropagation,
    about: say.fromInputsToAnAnswerPredict,
    says: [say.fromLeftToRightEveryNeuron, say.workOutTheNumbersOfThis],
    setup: { ...plain, data: "moons", count: 40, layers: [small], batch: 1, seed: 7 },
    widget: "forward",
    tasks: [
      { text: say.findZTheWeightedSumOf, done: marked("z") },
      { text: say.findATanhZ, done: marked("a") },
      { text: say.findTheOutputPZOf, done: marked("p") },
    ],
  },
  {
    title: say.backpropagation,
    about: say.theChainRuleFactorByFactor,
    says: [say.fromRightToLeftHowDoes, say.theSlopeOfAWeightIs],
    setup: { ...plain, data: "moons", count: 40, layers: [small], batch: 1, seed: 7 },
    widget: "backward",
    tasks: [
      { text: say.findAtTheOutputPY, done: marked("d-out") },
      { text: say.findOfTheFirstHiddenNeuron, done: marked("d-hidden") },
      { text: say.findTheSlopeOfTheWeight, done: marked("g") },
    ],
  },
  {
    title: say.lossFunctions,
    about: say.whatItCostsToBeConfidently,
    says: [say.theLossSaysHowWrongThe, say.forNumbersItIsAnOutlier],
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
        text: say.moveZToWhereSquaredError,
        done: marked("confident"),
      },
      {
        text: say.anOutlierIs10AwayWith,
        done: marked("outlier"),
      },
      {
        text: say.chooseBinaryCrossEntropyForThis,
        done: ({ state, metric, step }) => state.data === "moons" && state.loss === "bce" && metric >= 0.9 && step > 0,
      },
    ],
  },
  {
    title: say.optimizers,
    about: say.oneUpdateByHandThenA,
    says: [say.allOptimizersWalkDownhillThey, say.workOutOneUpdateByHand],
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
        text: say.aWeightIs05Its,
        done: marked("sgd"),
      },
      { text: say.andAfterAdamsFirstStep, done: marked("adam") },
      {
        text: say.letFourOptimizersRaceFromThe,
        done: marked("race"),
      },
      {
        text: say.trainTheNetworkHereWithAdam,
        done: ({ state, loss, epoch, step }) =>
          state.data === "moons" && state.optimizer === "adam" && loss < 0.1 && epoch < 100 && step > 0,
      },
    ],
  },
  {
    title: say.yourOwnData,
    about: say.aTableOfYoursTrainedChecked,
    says: [say.nowYourOwnProblemDropA, say.whenTheNetworkHasLearnedIt],
    setup: { ...plain },
    widget: "export",
    tasks: [
      {
        text: say.useDataOfYourOwnDrop,
        done: isOwn,
      },
      {
        text: say.get80OfAtLeastTest(fewTestRows),
        done: (view) => isOwn(view) && view.step > 0 && generalises(view),
      },
      { text: say.writeAnExportAndSeeIt, done: marked("exported") },
    ],
  },
];

export const lessons: readonly Lesson[] = [...firstLessons, ...deeperLessons];
