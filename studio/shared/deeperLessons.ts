// Lessons 9 to 14: what decides whether a larger network learns, and what its answers are worth.
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

/** Hidden layers of the network in lesson 11, at least. */
const deep = 6;
const isDeep = ({ state }: LessonView): boolean => state.layers.length >= deep;
const saturates = ({ state }: LessonView): boolean => state.layers.every(({ activation }) => activation === "sigmoid");
/** The noise of the data in lesson 10, which learning does not take away. */
const noise = 0.4;
const onNoise = ({ state }: LessonView): boolean => state.data === "moons" && state.noise >= noise;

export const deeperLessons: readonly Lesson[] = [
  {
    title: "Batches and learning rate",
    about: "How many rows a step learns from, and how far it goes.",
    says: [
      "A step takes the slope of the loss over a few rows, the batch, and moves against it. A small batch estimates the slope: its steps are cheap and noisy. A batch of all rows knows it exactly, but makes only one step in each epoch.",
      "The learning rate says how far a step goes. Noisy slopes allow only small rates; exact ones allow larger ones. So choose rate and batch together.",
    ],
    setup: { ...plain, data: "moons", optimizer: "sgd", lr: 0.1, batch: 16 },
    widget: "batches",
    tasks: [
      { text: "How many steps make an epoch here, with batches of 16?", done: marked("steps") },
      {
        text: "Watch noise: with a batch of 1 and a rate of 1, train for 5 epochs or more. The training loss stays above 0.2.",
        done: ({ state, epoch, loss }) =>
          state.data === "moons" &&
          state.optimizer === "sgd" &&
          state.batch === 1 &&
          state.lr >= 1 &&
          epoch >= 5 &&
          loss > 0.2,
      },
      {
        text: "Now with all rows in one batch: get 90 % of the test rows right in fewer than 200 steps of plain descent, by the learning rate alone.",
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
    title: "Overfitting and held-out data",
    about: "What the training rows cannot tell, and how to rein a network in.",
    says: [
      "A network with many weights and few rows can memorise: it gets every training row right, noise and all. Whether it has understood anything shows on rows that it has not seen. That is what the test rows are held out for.",
      "While the training loss falls and the test loss rises, the network overfits. More rows help most; fewer units, weight decay and dropout help too; or stop in time.",
    ],
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
        text: "Let it memorise: every training row right, and a test loss at least five times the training loss.",
        done: (view) =>
          onNoise(view) && view.step > 0 && view.trainMetric === 1 && (view.testLoss ?? 0) >= 5 * view.loss,
      },
      {
        text: "Once it has memorised: how many percent of new rows will it get right, as far as anyone can tell? Read it off the table.",
        done: marked("new"),
      },
      {
        text: `Rein it in, with the same noise: after 100 steps or more, train and test accuracy differ by less than 5 points, and the test loss is below 0.5.`,
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
    title: "Initial weights and vanishing gradients",
    about: "Why a deep network may stand still, and what sets it going.",
    says: [
      "Going back, the slope is multiplied by f′ and by a weight at every layer. With sigmoid f′ is at most ¼: six layers leave next to nothing for the first one. It stands still although the loss is large: the gradient vanishes.",
      "Two things keep the slope alive. An activation whose f′ is 1 where it is not 0, such as ReLU, and initial weights whose size fits the number of inputs: Xavier's for tanh, He's for ReLU. Then what goes in and what comes back keep their size from layer to layer.",
    ],
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
        text: "A slope passes six sigmoid layers. How much of it is left at most, if all weights are 1? (¼ six times)",
        done: marked("quarter"),
      },
      {
        text: "Let the network learn for 60 epochs, then measure: the slope of the first layer is less than a hundredth of that of the last.",
        done: (view) => isDeep(view) && saturates(view) && view.epoch >= 60 && view.marks.has("vanishing"),
      },
      {
        text: "Keep six layers or more, and get 90 % of the test rows right with plain descent: change the activation and the initial weights.",
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
    title: "Convolution",
    about: "One small kernel, laid over every place of a picture.",
    says: [
      "A digit stays the same digit two pixels further to the right. A dense layer has to learn it anew for every place. A convolution has one small kernel, lays it over every place, and asks each time: how much does it look like this here?",
      "The kernel's nine weights are multiplied with the nine pixels below them, the products are added, and a bias comes on top. Many kernels give many maps; pooling makes them smaller and forgives a shift.",
    ],
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
      { text: "Multiply and add: what does the kernel give at this place?", done: marked("kernel") },
      {
        text: "How many numbers do six 3 × 3 kernels over one grey picture have, with their biases? (Six dense units on 144 pixels have 870.)",
        done: marked("count"),
      },
      {
        text: "Build a network with a convolution (the + after the picture adds one), with fewer than 2500 parameters, that gets 90 % of the test digits right.",
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
    title: "Sequences and attention",
    about: "To write the next token, look at the ones that matter.",
    says: [
      "A sequence is read token by token, and the model predicts the next one. Here it is six letters, then the same letters backwards. To write the first letter of the answer, the model must look at the last one of the question; for the second, at the last but one.",
      "Attention is that look: for each token, a share of attention for every token before it, which add up to 1. Nobody tells the model where to look: it learns that, and its maps show what it has learned.",
    ],
    setup: {
      ...plain,
      text: { ...startText, ...presetOf("reverse"), length: 6, layers: 2, width: 32, heads: 2, batch: 64, lr: 0.003 },
    },
    widget: "attention",
    tasks: [
      {
        text: "The first letter of the answer is about to be written. Which letter of the question must the model look at? Count from 1 to 6.",
        done: marked("looks"),
      },
      {
        text: "Let the model learn until it writes at least 90 % of the test answers without one mistake.",
        done: marked("reversed"),
      },
      {
        text: "Find a head that has learned it: choose it, and at some letter of the answer more than half of its attention lies on the letter that is wanted.",
        done: marked("head"),
      },
    ],
  },
  {
    title: "Reading a model's mistakes",
    about: "Two kinds of mistakes, what they cost, and where to look for them.",
    says: [
      "An accuracy hides what a model does wrong. There are two kinds of mistakes: a loan that is given and not paid back, and a loan that is refused though it would have been. Which is worse, no model knows. The threshold is where one is traded for the other.",
      "Then look at columns and rows. A column whose loss costs nothing is not used. A row that is wrong with great confidence is a wrong cell, a rare case, or something that the columns do not say.",
    ],
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
        text: "Train the network: at least 85 % of the test rows right.",
        done: ({ state, metric, step }) => state.data === "loans" && step > 0 && metric >= 0.85,
      },
      {
        text: "Move the threshold so that at most 2 % of the good loans (“yes”) are missed. See what it costs in false alarms.",
        done: marked("recall"),
      },
      { text: "Show how the answer goes with the column that counts most after the first.", done: marked("second") },
      { text: "A row got a chance of 10 % for its true class. What is its loss, −ln of it?", done: marked("loss") },
    ],
  },
];
