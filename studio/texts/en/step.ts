// Step, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/step/AllValues.tsx
export const number = (label: Value, k: Value) => `${label}, number ${k}`;
export const andMore = (count: Child) => rich`and ${count} more`;
export const theNumbersOfRow = (row: Child) => rich`The numbers of row ${row}`;
export const batchLoss = "batch loss";
export const wOfNeuron = (chosen: Value) => `w of neuron ${chosen}`;
export const itsBias = "its bias";
export const theirSlopesOfTheBatch = "their slopes, of the batch";
export const afterTheStep = "after the step";

// page/step/Drawing.tsx
export const layer = (place: Value) => `layer ${place}`;
export const loss = "loss";
export const theStepOnTheNetwork = "The step on the network";
export const theNetworkOfTheStep = "The network of the step";
export const lTheLoss = "L, the loss";
export const loss2 = (brief: Value) => `loss ${brief}`;
export const aTerm = "term";
export const aUnit = "unit";
export const anOperation = "operation";
export const playAndClicks = "play; a click on a unit or an edge goes there.";
export const rowOfWithTarget = (row: Child, rows: Child, target: Child) => rich`Row ${row} of ${rows}, ${target}.`;
export const space = "Space";

// page/step/Math.tsx
export const formula = "formula";

// page/step/Player.tsx
export const theStepIsBeingPlayed = "The step is being played";
export const terms = "Terms";
export const previousOperation = "Previous operation";
export const previousTerm = "Previous term";
export const pause = "Pause";
export const playTheStep = "Play the step";
export const nextTerm = "Next term";
export const nextOperation = "Next operation";
export const termsASecond = "terms a second";
export const aSecond = (one: Child) => rich`${one} a second`;

// page/step/Step.tsx
export const ofSoManyWeightsASample =
  "Of so many weights a sample is compared with finite differences; this one is not in it.";
export const theLossHasAKinkHere = (difference: Value) =>
  `The loss has a kink here: on either side it has another slope, ${difference} between them.`;
export const movingTheWeightALittleChanges = (difference: Value, verdict: Value) =>
  `Moving the weight a little changes the loss of this batch by ${difference} times as much${verdict}.`;
export const theSame = ": the same";
export const whichIsNotTheSame = ", which is not the same";
export const ofWord = (label: Child, count: Child) => rich`${label} of ${count}`;
export const bias = "bias";
export const row = "row";
export const ofWord2 = (k: Value, rows: Value) => `${k} of ${rows}`;
export const map = "map";
export const neuron = "neuron";
export const place = "place";
export const from = "from";
export const operation = "Operation";
export const stepOneBatchOf = (step: Child, rows: Child) => rich`Step ${step}, one batch of ${rows}`;
export const lossOfThisBatch = (values: Child, compared: Child) => rich`loss of this batch ${values}${compared}`;
export const ofSlopesAgreeWithFiniteDifferences = (agreeing: Value, compared: Value, sample: Value) =>
  `, ${agreeing} of ${compared} slopes agree with finite differences${sample}`;
export const aSampleOf = (all: Value) => ` (a sample of ${all})`;
export const undo = (edits: Child, part: Child) => rich`Undo ${edits} ${part}`;
export const edit = "edit";
export const edits = "edits";
export const takeThisStep = "Take this step";
export const theStepIsBeingLaidOpen = "The step is being laid open …";
export const trainOneNetworkOfTheseLayers = "Train one network of these layers";
export const allNumbersOfRow = (row: Child) => rich`All numbers of row ${row}`;
export const editAnyOfThemWhatFollows = "Edit any of them: what follows from it is computed again.";

// page/step/Units.tsx
export const unitsAClickGoesToWhat = "Units: a click goes to what is computed there";
export const input = "input";
export const output = "output";
export const allOf = (name: Value) => `all of ${name}`;

// page/step/backward.ts
export const theChainRuleEachLaterUnit =
  "The chain rule: each later unit passes its δ back through the weight by which it took this value.";
export const crossEntropyCancelsTheSlopeOf =
  "Cross-entropy cancels the slope of the squashing: what is left is how far off the output is.";
export const theSlopeOfASquareFor = "The slope of a square, for one row of the batch.";
export const theSlopeOfTheSquareTimes =
  "The slope of the square, times the slope of the sigmoid: near 0 wherever p is near 0 or 1.";
export const theSlopeOfTheLossAt = (lossName: Value) =>
  `The slope of the ${lossName} loss at this output, for one row of the batch.`;
export const theActivationMultipliesItByIts = (part: Value, part2: Value) =>
  `${part}${part2}The activation multiplies it by its own slope.`;
export const poolingPassesTheSlopeBackTo =
  "Pooling passes the slope back to the value that was the largest, and 0 to the others. ";
export const dropoutPassesItBackWhereIt = "Dropout passes it back where it let the value through. ";
export const ifLargestElse = "if largest, else";
export const meanAndDeviationDependOnEvery =
  "Mean and deviation depend on every value of the batch, so each gets its share of what comes back to the others.";
export const theKernelsWeightWasUsedAt =
  "The kernel's weight was used at every place: δ there times the pixel it met, added over all places of all rows of the batch.";
export const ofTheUnitTimesWhatCame =
  "δ of the unit times what came in through the weight, added over the rows of the batch.";
export const moreRows = (rows: Value) => `⋯ ${rows} more rows`;

// page/step/edits.ts
export const everythingThatFollowsFromThis = "Everything that follows from this number was computed again";

// page/step/forward.ts
export const theKernelLiesOnASquare =
  "The kernel lies on a square of pixels: each pixel times its weight, added up, and the bias. Then it slides on, with the same weights.";
export const eachInputTimesItsWeightAdded = "Each input times its weight, added up, and the bias.";
export const overAllValuesOfThisIn = (uses: Value, part: Value) =>
  `Over all ${uses} values of this ${part} in the batch: less their mean, divided by their deviation; then stretched and moved by two weights that are learned.`;
export const unit = "unit";
export const theLargestOfASquareOf = (places: Value) =>
  `The largest of a square of ${places} goes on; where it was is not told.`;
export const dropoutHasDrawnThisValueTo =
  "Dropout has drawn this value to be left out in this step: whatever it is, 0 goes on.";
export const dropoutLetsThisValueThroughIn =
  "Dropout lets this value through in this step, scaled up to make good for those that are left out.";
export const theSumItselfIsThePrediction = "The sum itself is the prediction.";
export const theSigmoidMakesAProbabilityOf = "The sigmoid makes a probability of the sum.";
export const softmaxEToEachSumDivided = "Softmax: e to each sum, divided by all of them together.";
export const meanOverClassesOf = "mean over classes of";
export const howWrongOneRowIsThe = "How wrong one row is; the loss of the step is the mean over its batch.";

// page/step/path.ts
export const layer2 = (layer: Value) => `layer ${layer}`;
export const weightedSum = "Weighted sum";
export const batchNorm = (where: Value) => `Batch norm, ${where}`;
export const output2 = "Output";
export const maxPooling = (where: Value) => `Max pooling, ${where}`;
export const whatComesBackTo = (where: Value) => `What comes back to ${where}`;
export const ofTheLosssSlopeAtZ = (where: Value) => `δ of ${where}: the loss's slope at z`;
export const backThroughBatchNorm = (where: Value) => `Back through batch norm, ${where}`;
export const slopeOfAWeight = (where: Value) => `Slope of a weight, ${where}`;
export const updateOfAWeight = (where: Value) => `Update of a weight, ${where}`;
export const aStepWithoutOperations = "a step without operations";

// page/step/signs.ts
export const theStepHasNoLayer = (layer: Value) => `the step has no layer ${layer}`;

// page/step/update.ts
export const downhillByTheLearningRateTimes = "Downhill, by the learning rate times the slope.";
export const theVelocityKeepsNineTenthsOf = "The velocity keeps nine tenths of itself; the step looks ahead along it.";
export const theVelocityKeepsNineTenthsOf2 = "The velocity keeps nine tenths of itself and takes up the slope.";
export const theSlopeIsDividedByIts = "The slope is divided by its usual size.";
export const aRunningMeanOfTheSlope =
  "A running mean of the slope, divided by a running mean of its size; both corrected for their start at zero.";
export const pixels = "pixels";
export const kernel = "kernel";
export const window = "window";
export const slopesOfTheKernel = "slopes of the kernel, of the batch";
export const mapRowColumn = (map: Value, row: Value, column: Value) => `map ${map}, row ${row}, column ${column}`;
export const neuronNumber = (unit: Value) => `neuron ${unit}`;
export const neuronOf = (layer: Value, unit: Value) => `${layer}, neuron ${unit}`;
