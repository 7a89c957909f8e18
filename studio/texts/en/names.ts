// Names of data, losses, optimizers, surfaces and what goes with them, in English.
import type { Value } from "../value.ts";

// shared/features.ts
export const sinX = "sin πx₁";
export const sinX2 = "sin πx₂";

// shared/names.ts
export const loans = "Loans";
export const approveOrDeclineFromSevenColumns = "approve or decline, from seven columns";
export const and = "AND";
export const bothInputsMustBe1 = "both inputs must be 1";
export const or = "OR";
export const oneInputMustBe1 = "one input must be 1";
export const xor = "XOR";
export const exactlyOneInputMustBe1 = "exactly one input must be 1";
export const moons = "Moons";
export const twoInterleavedHalfCircles = "two interleaved half circles";
export const circles = "Circles";
export const aRingAroundADisc = "a ring around a disc";
export const spirals = "Spirals";
export const twoArmsWoundAroundEachOther = "two arms wound around each other";
export const blobs = "Blobs";
export const threeRoundCloudsThreeClasses = "three round clouds, three classes";
export const curve = "Curve";
export const aNumberFromANumberWith = "a number from a number, with noise";
export const iris = "Iris";
export const threeSpeciesFromFourMeasures = "three species from four measures";
export const digits = "Digits";
export const drawnFiguresOf1212Pixels = "drawn figures of 12 × 12 pixels";
export const words = "Words";
export const theNextLetterFromTheLast = "the next letter from the last three";
export const painted = "Painted";
export const pointsYouSetByHand = "points you set by hand";
export const yours = "Yours";
export const yourTableOrYourPictures = "your table or your pictures";
export const binaryCrossEntropy = "Binary cross-entropy";
export const crossEntropy = "Cross-entropy";
export const meanSquaredError = "Mean squared error";
export const meanAbsoluteError = "Mean absolute error";
export const huber = "Huber";
export const hinge = "Hinge";
export const natsPerRow = "nats per row";
export const squaredError = "squared error";
export const absoluteError = "absolute error";
export const huberLoss = "Huber loss";
export const hingeLoss = "hinge loss";
export const uniform1N = "uniform ±1/√n";
export const he = "He";
export const xavier = "Xavier";
export const normal001 = "normal, 0.01";
export const normal1 = "normal, 1";
export const allZero = "all zero";

// shared/pairings.ts
export const afterSigmoidTheGradientVanishes = (loss: Value) =>
  `${loss} after sigmoid: the gradient vanishes when the network is confidently wrong.`;
export const mse = "MSE";
export const mae = "MAE";
export const theSlopePassesThroughZP =
  "The slope passes through σ′(z) = p(1 − p), which is near 0 wherever p is near 0 or 1, right or wrong. Cross-entropy cancels that factor: its slope is p − y.";
export const aDistanceAfterSoftmaxTheGradient =
  "A distance after softmax: the gradient vanishes when the network is confidently wrong.";
export const theSlopePassesThroughTheSoftmax =
  "The slope passes through the softmax, which is flat wherever one class has nearly all the probability. Cross-entropy cancels that factor: its slope is p − y.";
export const noActivationAnywhereTheseLayers = "No activation anywhere: these layers together are one line.";
export const aMatrixTimesAMatrixIs =
  "A matrix times a matrix is a matrix. Without a bend between them, any number of layers computes what one layer can.";
export const sigmoidLayersInARowThe = (saturating: Value) =>
  `${saturating} sigmoid layers in a row: the first ones hardly learn.`;
export const isAtMostSoTheGradient =
  "σ′ is at most ¼, so the gradient shrinks by that much or more at every layer on its way back.";
export const allWeightsStartAtZeroEvery = "All weights start at zero: every unit of a layer stays like the others.";
export const unitsWithEqualWeightsGetEqual =
  "Units with equal weights get equal gradients, and so remain equal for ever. Random weights break the symmetry.";
export const largeInitialWeightsUnitsStart = "Large initial weights: units start saturated or explode with depth.";
export const eachLayerMultipliesTheSpreadOf = (init: Value) =>
  `Each layer multiplies the spread of its inputs by about √n. ${init} weights keep it even.`;
export const withLearningRateEveryWeightMoves = (optimizer: Value, lr: Value) =>
  `${optimizer} with learning rate ${lr}: every weight moves by about that much at every step.`;
export const rMSProp = "RMSProp";
export const adam = "Adam";
export const theseOptimizersDivideByTheSize =
  "These optimizers divide by the size of the gradient, so the learning rate is nearly the length of each step itself.";
export const noHiddenLayer = "no hidden layer";

// shared/text.ts
export const copy = "Copy";
export const theLettersAgainInTheSame = "the letters again, in the same order";
export const letters = "letters";
export const reverse = "Reverse";
export const theLettersAgainFromTheLast = "the letters again, from the last to the first";
export const sort = "Sort";
export const theDigitsAgainFromTheSmallest = "the digits again, from the smallest to the largest";
export const digits2 = "digits";
export const addition = "Addition";
export const theSumOfTwoNumbersIts = "the sum of two numbers, its last digit first, as one adds by hand";
export const digitsOfEachNumber = "digits of each number";
export const modularAddition = "Modular addition";
export const aBOnAClockEach = "a + b on a clock: each number is one token";
export const hoursOfTheClock = "hours of the clock";
export const parity = "Parity";
export const whetherTheOnesSoFarAre = "whether the ones so far are odd in number, bit by bit";
export const bits = "bits";
export const brackets = "Brackets";
export const theBracketsThatCloseWhatIs = "the brackets that close what is open";
export const brackets2 = "brackets";
export const names = "Names";
export const givenNamesOneOnEachLine = "given names, one on each line";
export const shakespeare = "Shakespeare";
export const sonnetsAndScenesByWilliam = "sonnets and scenes by William Shakespeare";
export const aTextOfYourOwnIt = "a text of your own; it stays in this browser";
export const transformer = "Transformer";
export const lstm = "LSTM";
export const gru = "GRU";
export const rnn = "RNN";
