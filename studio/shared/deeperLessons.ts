// Lessons 9 to 14: what decides whether a larger network learns, and the quality of its answers.
import * as say from "../texts/en/course.ts";
import type { Lesson, LessonView } from "./lessons.ts";
import type { Layer, StudioState } from "./state.ts";
import { startState } from "./state.ts";
import { presetOf, startText } from "./text.ts";

const plain: Partial<StudioState> = { ...startState, surface: "lessons", lanes: [] };
const dense = (units: number, activation: Layer["activation"]): Layer => ({ kind: "dense", units, activation });

const marked =
  (name: string) =>
  (view: LessonView): boolean =>
    view.marks.has(name);

/** The least number of hidden layers in lesson 11. */
const deep = 6;
const isDeep = ({ state }: LessonView): boolean => state.layers.length >= deep;
const saturates = ({ state }: LessonView): boolean => state.layers.every(({ activation }) => activation === "sigmoid");
/** The noise of the data in lesson 10, which training cannot remove. */
const noise = 0.4;
const onNoise = ({ state }: LessonView): boolean => state.data === "moons" && state.noise >= noise;

export const deeperLessons: readonly Lesson[] = [
  {
    title: say.batchesAndLearningRate,
    about: say.howManyRowsAStepLearns,
    says: [say.aStepTakesTheSlopeOf, say.theLearningRateSaysHowFar],
    setup: { ...plain, data: "moons", optimizer: "sgd", lr: 0.1, batch: 16 },
    widget: "batches",
    tasks: [
      { text: say.howManyStepsMakeAnEpoch, done: marked("steps") },
      {
        text: say.watchNoiseWithABatchOf,
        done: ({ state, epoch, loss }) =>
          state.data === "moons" &&
          state.optimizer === "sgd" &&
          state.batch === 1 &&
          state.lr >= 1 &&
          epoch >= 5 &&
          loss > 0.2,
      },
      {
        text: say.nowWithAllRowsInOne,
        done: ({ state, metric, step, batches }) =>
          state.data === "moons" &&
          state.optimizer === "sgd" &&
          batches === 1 &&
          step > 0 &&
          step < 200 &&
          metric >= 0.9,
      },
    ],
  },
  {
    title: say.overfittingAndHeldOutData,
    about: say.whatTheTrainingRowsCannotTell,
    says: [say.aNetworkWithManyWeightsAnd, say.whileTheTrainingLossFallsAnd],
    setup: {
      ...plain,
      data: "moons",
      count: 60,
      noise,
      test: 0.5,
      layers: [dense(32, "tanh"), dense(32, "tanh")],
      lr: 0.03,
    },
    widget: "heldOut",
    tasks: [
      {
        text: say.letItMemoriseEveryTrainingRow,
        done: (view) =>
          onNoise(view) && view.step > 0 && view.trainMetric === 1 && (view.testLoss ?? 0) >= 5 * view.loss,
      },
      {
        text: say.onceItHasMemorisedHowMany,
        done: marked("new"),
      },
      {
        text: say.reinItInWithTheSame,
        done: (view) =>
          onNoise(view) &&
          view.step >= 100 &&
          view.testRows >= 20 &&
          Math.abs(view.trainMetric - view.metric) < 0.05 &&
          (view.testLoss ?? Number.POSITIVE_INFINITY) < 0.5,
      },
    ],
  },
  {
    title: say.initialWeightsAndVanishing,
    about: say.whyADeepNetworkMayStand,
    says: [say.goingBackTheSlopeIsMultiplied, say.twoThingsKeepTheSlopeAlive],
    setup: {
      ...plain,
      data: "moons",
      optimizer: "sgd",
      lr: 0.1,
      layers: Array.from({ length: deep }, () => dense(8, "sigmoid")),
    },
    widget: "gradients",
    tasks: [
      {
        text: say.aSlopePassesSixSigmoidLayers,
        done: marked("quarter"),
      },
      {
        text: say.letTheNetworkLearnFor60,
        done: (view) => isDeep(view) && saturates(view) && view.epoch >= 60 && view.marks.has("vanishing"),
      },
      {
        text: say.keepSixLayersOrMoreAnd,
        done: (view) =>
          isDeep(view) &&
          view.state.data === "moons" &&
          view.state.optimizer === "sgd" &&
          view.step > 0 &&
          view.metric >= 0.9,
      },
    ],
  },
  {
    title: say.convolution,
    about: say.oneSmallKernelLaidOverEvery,
    says: [say.aDigitStaysTheSameDigit, say.theKernelsNineWeightsAreMultiplied],
    setup: {
      ...plain,
      data: "digits",
      count: 400,
      noise: 0.15,
      loss: "crossEntropy",
      batch: 32,
      lr: 0.003,
      layers: [dense(24, "relu")],
    },
    widget: "convolution",
    tasks: [
      { text: say.multiplyAndAddWhatDoesThe, done: marked("kernel") },
      {
        text: say.howManyNumbersDoSix3,
        done: marked("count"),
      },
      {
        text: say.buildANetworkWithAConvolution,
        done: ({ state, metric, parameters, step }) =>
          state.data === "digits" &&
          state.layers.some(({ kind }) => kind === "conv") &&
          parameters < 2500 &&
          metric >= 0.9 &&
          step > 0,
      },
    ],
  },
  {
    title: say.sequencesAndAttention,
    about: say.toWriteTheNextTokenLook,
    says: [say.aSequenceIsReadTokenBy, say.attentionIsThatLookForEach],
    setup: {
      ...plain,
      text: { ...startText, ...presetOf("reverse"), length: 6, layers: 2, width: 32, heads: 2, batch: 64, lr: 0.003 },
    },
    widget: "attention",
    tasks: [
      {
        text: say.theFirstLetterOfTheAnswer,
        done: marked("looks"),
      },
      {
        text: say.letTheModelLearnUntilIt,
        done: marked("reversed"),
      },
      {
        text: say.findAHeadThatHasLearned,
        done: marked("head"),
      },
    ],
  },
  {
    title: say.readingAModelsMistakes,
    about: say.twoKindsOfMistakesWhatThey,
    says: [say.anAccuracyHidesWhatAModel, say.thenLookAtColumnsAndRows],
    setup: {
      ...plain,
      data: "loans",
      count: 800,
      noise: 0.4,
      layers: [dense(8, "relu")],
      batch: 32,
      lr: 0.003,
    },
    widget: "mistakes",
    tasks: [
      {
        text: say.trainTheNetworkAtLeast85,
        done: ({ state, metric, step }) => state.data === "loans" && step > 0 && metric >= 0.85,
      },
      {
        text: say.moveTheThresholdSoThatAt,
        done: marked("recall"),
      },
      { text: say.showHowTheAnswerGoesWith, done: marked("second") },
      { text: say.aRowGotAChanceOf, done: marked("loss") },
    ],
  },
];
