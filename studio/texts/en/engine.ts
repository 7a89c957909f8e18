// What the engine says from its worker, in English.
import type { Value } from "../value.ts";

// engine/beginning.ts
export const hasWeightsAndBiasesTheNetwork = (name: Value, weights: Value, wanted: Value) =>
  `${name} has ${weights} weights and biases, the network here ${wanted}; it opens with its settings alone`;
export const layerOfIsHereItOpens = (place: Value, name: Value, shape: Value, here: Value) =>
  `layer ${place} of ${name} is [${shape}], here [${here}]; it opens with its settings alone`;

// engine/cure.ts
export const startAgainWithLearningRate = (lr: Value, weights: Value) =>
  `Start again with learning rate ${lr}${weights}`;
export const andSmallerInitialWeights = " and smaller initial weights";

// engine/data.ts
export const classWord = "class";
export const theLabelArray = "the label array";
export const pixel = (k: Value) => `pixel ${k}`;
export const paintedPoints = "painted points";
export const figure = "figure";
export const nextLetter = "next letter";
export const yourDataIsNotInThis =
  "your data is not in this browser: a link holds the experiment, not the file; drop it again";
export const onlyTablesAreExamined = "only tables are examined";
export const classes = (classes: Value) => `${classes} classes`;
export const aNumber = "a number";
export const onlyTablesHaveAPreview = "only tables have a preview";
export const hasAHeaderAndNoRows = (name: Value) => `${name} has a header and no rows; there is nothing to learn from`;

// engine/lanes.ts
export const aLaneHasNoData = "a lane has no data";
export const thereAreNoLanes = "there are no lanes";

// engine/lessons.ts
export const rosenblattsRuleDecidesBetweenTwo =
  "Rosenblatt's rule decides between two classes of rows; choose such data";

// engine/network.ts
export const batchNormalisationNeedsMoreThanOne =
  "batch normalisation needs more than one row in a batch; choose a larger batch, or switch it off";

// engine/pictureLook.ts
export const thereIsNoTrainingRowThere = (row: Value, rows: Value) =>
  `there is no training row ${row}; there are ${rows}`;
export const thisNetworkTakesNumbersNotA = "this network takes numbers, not a picture";

// engine/pictures.ts
export const couldNotBeDecodedItIs = (path: Value) =>
  `${path} could not be decoded: it is damaged, or of a kind that this browser does not show; take it out or replace it`;
export const hasPixelsTooLongAStrip = (path: Value, width: Value, height: Value) =>
  `${path} has ${width} × ${height} pixels, too long a strip; cut it`;
export const couldNotBeReadThisBrowser = (path: Value) =>
  `${path} could not be read: this browser gives no canvas to its workers`;

// engine/predict.ts
export const thisNetworkTakesNumbersNotThe = "this network takes numbers, not the cells of a table";
export const theForm = "the form";
export const theNetworkTakesNumbersGot = (size: Value, inputs: Value) =>
  `the network takes ${size} numbers, got ${inputs}`;

// engine/results.ts
export const picturesHavePixelsNotColumnsTheir =
  "pictures have pixels, not columns; their saliency says which of them an answer hangs on";
export const valuesOfTheColumn = "values of the column";
export const thereIsNoColumn = (column: Value) => `there is no column ${column}`;

// engine/session.ts
export const epochHasNoBatch = (epoch: Value, batch: Value) => `epoch ${epoch} has no batch ${batch}`;

// engine/ship.ts
export const readBackRunAgain = (rows: Value) => `read back, ${rows} run again`;
export const notRunAgainItTakesSteps = (step: Value) => `not run again: it takes ${step} steps`;
export const runFromTheStartStepsTraining = (step: Value, loss: Value) =>
  `run from the start, ${step} steps: training loss ${loss}`;
export const theFile = "the file";
export const thisNetworkBeganWithTheWeights = (name: Value) =>
  `this network began with the weights of ${name}, which no program draws again; take the weights, or choose new initial ones`;
export const whatWasReadBackDiffersBy = (difference: Value) =>
  `what was read back differs by ${difference}: the file is not given out`;

// engine/stepThrough.ts
export const theStepHasNoTheNetwork = (what: Value) =>
  `the step has no ${what}; the network and what is shown do not fit`;
export const stepLaysOpenNetworksOfUp = (parameters: Value, values: Value, rows: Value) =>
  `Step lays open networks of up to 20,000 weights and 4 million values; this one has ${parameters} weights and ${values} values in each of ${rows} rows. Choose fewer units or a smaller batch`;
export const thereIsNoNumberIn = (index: Value, node: Value) => `there is no number ${index} in ${node}`;
export const inputOf = (name: Value) => `input of ${name}`;
export const valueOf = (path: Value) => `value of ${path}`;
export const updateOf = (path: Value) => `update of ${path}`;
export const maskOfDropout = "mask of dropout";
export const valuesAfterDropout = "values after dropout";
export const valuesOfTheNormalisation = "values of the normalisation";
export const meanOfTheBatch = "mean of the batch";
export const deviationOfTheBatch = "deviation of the batch";
export const thisIsAnEnsembleWhoseMembers =
  "this is an ensemble, whose members share their weights: a step is laid open for one network of layers";
export const sumOfLayer = (place: Value) => `sum of layer ${place}`;
export const valuesOfThePooling = "values of the pooling";

// engine/text/attentionStep.ts
export const layerOfThisModelHasNo = (layer: Value) =>
  `layer ${layer} of this model has no attention of the form softmax(q·kᵀ/√d)·v`;

// engine/text/course.ts
export const itMemorisesTheTrainingTextSince = (step: Value, training: Value, heldOut: Value) =>
  `It memorises the training text: since step ${step} the training loss fell ${training} while the held-out loss rose ${heldOut}.`;

// engine/text/tasks.ts
export const thereAreOnlyDifferentQuestionsOf = (all: Value) =>
  `there are only ${all} different questions of this length, too few to hold some out; choose a larger one`;

// engine/text/textData.ts
export const isNotATask = (source: Value) => `"${source}" is not a task`;
export const theTextIsEmptyPasteOne = "the text is empty; paste one, or drop a .txt file";
export const theTextHasLettersMoreThan = (corpus: Value, longestText: Value) =>
  `the text has ${corpus} letters, more than the ${longestText} that this page takes; cut it`;
export const theTextHasTokensTooFew = (all: Value) =>
  `the text has ${all} tokens, too few to learn from and to hold some out; give at least a few lines`;
export const theTextHasOnlyTokensSo = (all: Value, context: Value) =>
  `The text has only ${all} tokens, so the windows have ${context} tokens.`;
export const theTextHasDifferentCharactersByte = (names: Value) =>
  `The text has ${names} different characters; byte pairs need fewer tokens.`;

// engine/text/textSession.ts
export const theLossIsNaNAfterStep = (step: Value) =>
  `The loss is NaN or infinite after step ${step}: the steps were too large.`;
export const startAgainWithALearningRate = (lr: Value) => `Start again with a learning rate of ${lr}`;
export const allAnswersThatWereHeldOut = (count: Value, step: Value) =>
  `All ${count} answers that were held out are right, from the first token to the last, after ${step} steps. Play goes on.`;
export const aLongerTextASmallerModel = (sentence: Value) =>
  `${sentence} A longer text, a smaller model or dropout helps.`;
export const goBackToStep = (stepOf: Value) => `Go back to step ${stepOf}`;

// engine/text/textWorker.ts
export const repeatingTheFirstSteps = (target: Value, step: Value) => `repeating the first ${target} steps: ${step} %`;

// engine/verdict.ts
export const theNetworkOverfitsItMemorisesThe = (epoch: Value, training: Value, test: Value) =>
  `The network overfits: it memorises the training rows. Since epoch ${epoch} the training loss fell ${training} while the test loss rose ${test}.`;
export const goBackToEpoch = (epoch: Value) => `Go back to epoch ${epoch}`;
export const lossBecame = (what: Value) => `loss became ${what}`;
export const naN = "NaN";
export const infinite = "infinite";
export const theAtStepTheStepsWere = (became: Value, step: Value, lr: Value) =>
  `The ${became} at step ${step}: the steps were so large that the weights overflowed (learning rate ${lr}).`;
export const startAgainWithLearningRate2 = (rate: Value) => `Start again with learning rate ${rate}`;
export const learnedTheTrainingLossHardlyMoves = (now: Value) =>
  `Learned: the training loss hardly moves now (${now}).`;
export const theTrainingRowsAreLearnedTraining = (now: Value, test: Value) =>
  `The training rows are learned (training loss ${now}), the test rows are not: test ${test}. More steps will not change that; more data or less noise would.`;
export const accuracy = (metric: Value) => `accuracy ${metric} %`;
export const theTrainingLossHasHardlyMoved = (plateauEpochs: Value, figure: Value, now: Value) =>
  `The training loss has hardly moved for ${plateauEpochs} epochs (${figure} → ${now}).`;
export const giveItMoreUnits = "Give it more units";
export const learnThreeTimesFaster = "Learn three times faster";

// engine/worker.ts
export const thereIsNoNetworkYet = "there is no network yet";
export const thereAreNoLanesYet = "there are no lanes yet";
export const theTestRows = "the test rows";
export const weightsBecameNaNOrInfinite = "weights became NaN or infinite";
export const stretchesOfSteps = (count: Value, steps: Value) => `${count} stretches of ${steps} steps`;
