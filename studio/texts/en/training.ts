// Training, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/training/Distributions.tsx
export const theWeights = "The weights";
export const whatTheUnitsGiveOverRows = "What the units give, over rows and units";
export const theSlopesOfTheLossIn = "The slopes of the loss in the weights";
export const medianFromTo = (name: Child, quantiles: Child, here: Child, to: Child) =>
  rich`${name} median ${quantiles}, from ${here} to ${to}`;
export const ofOverTheSteps = (kind: Value, name: Value) => `${kind} of ${name} over the steps`;
export const step = "step";
export const histogramOfTheOfAtStep = (kind: Value, name: Value, step: Value) =>
  `Histogram of the ${kind} of ${name} at step ${step}`;
export const atStep = (kind: Value, step: Value) => `${kind} at step ${step}`;
export const count = "count";
export const output = "output";
export const layer = (place: Value) => `layer ${place}`;
export const show = "Show";
export const lookAtStep = "look at step";
export const step2 = (step: Value) => `step ${step}`;
export const theLineIsTheMedianThe = (about: Child, rows: Child) =>
  rich`${about}: the line is the median, the bands hold the middle half, nine tenths and all of them. Activations and slopes are of the first ${rows} training rows.`;
export const howTheValuesAreSpread = "How the values are spread";
export const layer2 = "layer";
export const least = "least";
export const median = "median";
export const largest = "largest";

// page/training/RateFinder.tsx
export const theLossWhileTheLearningRate = "The loss while the learning rate grows";
export const learningRate = "learning rate";
export const lossSmoothed = "loss, smoothed";
export const lossesWhileTheLearningRateGrows = "Losses while the learning rate grows";
export const whichLearningRate = "Which learning rate?";
export const looking = "Looking …";
export const lookForOne = "Look for one";
export const aShortTrainingFromTheInitial = (lr: Child) =>
  rich`A short training from the initial weights whose rate grows at every step. Where the loss falls fastest the rate is good; where it turns up again it is too high. Dashed: the rate now, ${lr}.`;
export const itFallsFastestAt = (suggested: Child, part: Child) => rich`It falls fastest at ${suggested}${part}.`;
export const andIsLowestAt = (highest: Value) => `, and is lowest at ${highest}`;
export const trainWith = (rounded: Child) => rich`Train with ${rounded}`;

// page/training/Training.tsx
export const lengthOfTheSlopeLayerBy = "Length of the slope, layer by layer";
export const ofTheLossOverTheFirst = (rows: Child) =>
  rich`of the loss over the first ${rows} training rows, in the weights`;
export const theLengthOfTheGradientOf = "The length of the gradient of each layer over the steps";
export const lengthOfTheSlope = "length of the slope";
export const whereTheFirstLayersSlopesAre =
  "Where the first layers' slopes are a thousand times shorter than the last one's, the first layers hardly learn: the gradient vanishes on its way back.";
export const lengthOfTheSlopeOfEach = "Length of the slope of each layer";
export const whatHappenedInsideTheRun = "What happened inside the run";
export const theRunIsTakenAgainFrom = "The run is taken again from its first step, and looked at on the way …";
export const thePictureIsTakenAtA = "The picture is taken at a pause.";
export const looksFromStepTo = (frames: Value, step: Value, step2: Value, part: Value) =>
  `${frames} looks from step ${step} to ${step2}${part}`;
export const ofTheRestWouldHaveTaken = (wanted: Value) => `; of ${wanted} the rest would have taken too long`;
export const thereIsOneLookSoFar = "There is one look so far: let the network learn, and pause it.";
export const thisRun = "this run";
