// The live parts of the lessons, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/lessons/ActivationWidget.tsx
export const fAndF = "f and f′";
export const activation = "activation";
export const fItsSlope = (strong: Child) => rich`${strong} f′, its slope`;
export const andItsSlope = (title: Value) => `${title} and its slope`;
export const largestSlopeOfSigmoid = "largest slope of sigmoid";

// page/lessons/Answer.tsx
export const right = "✓ right";
export const notYet = "not yet";
export const reveal = "Reveal";

// page/lessons/AttentionWidget.tsx
export const sixLettersAndBackwards = "Six letters, and backwards";
export const theLetterToLookAtFirst = "the letter to look at first, of six";
export const playIsAboutThisModelNow =
  "Play is about this model now. Its answers are tested on sequences that it has not seen.";

// page/lessons/ByHand.tsx
export const oneRowThroughTheNetwork = "One row through the network";
export const theStepIsBeingLaidOpen = "The step is being laid open …";
export const tanhInTheHiddenLayerAt = "tanh in the hidden layer, σ at the output";
export const inputsXX = "inputs x₁, x₂";
export const weightsOfHiddenNeuronItsBias = (j: Child) => rich`weights of hidden neuron ${j}, its bias`;
export const weightsOfTheOutputItsBias = "weights of the output, its bias";
export const targetY = "target y";
export const aTanhZ = "a₁ = tanh(z₁)";
export const atTheOutputPY = "δ at the output = p − y";
export const slopeX = "slope = δ₁ · x₁";
export const slopesAgreeWithFiniteDifferences = (part: Child) => rich`✓ ${part} slopes agree with finite differences`;

// page/lessons/ConvolutionWidget.tsx
export const aKernelOverAPicture = "A kernel over a picture";
export const chooseWhereItLies = "choose where it lies";
export const thePictureWithTheKernelsPlace = "The picture, with the kernel's place";
export const theKernel = "The kernel";
export const placesOfTheKernel = "Places of the kernel";
export const rowColumn = (y: Value, x: Value, y2: Value, x2: Value) => `${y},${x}: row ${y2}, column ${x2}`;
export const pixelKernelAddedUpAtRow = (row: Value, column: Value) =>
  `pixel · kernel, added up, at row ${row}, column ${column}`;
export const numbersOfSix33Kernels = "numbers of six 3 × 3 kernels with biases";

// page/lessons/ExportWidget.tsx
export const bytesLargestDifference = (name: Value, bytes: Value, checked: Value, difference: Value) =>
  `${name}, ${bytes} bytes: ${checked}, largest difference ${difference}`;
export const yourOwnData = "Your own data";
export const chooseATable = "Choose a table";
export const paintPoints = "Paint points";
export const beginWithADrawing = "Begin with a drawing";
export const writeAndCheckTheWeights = "Write and check the weights";

// page/lessons/FunctionPlot.tsx
export const fromTo = (label: Value, plain: Value, plain2: Value) => `${label}, from ${plain} to ${plain2}`;
export const at = "at";

// page/lessons/GradientWidget.tsx
export const lengthOfTheSlopeInEach = "Length of the slope in each layer";
export const measuring = "Measuring …";
export const measureItNow = "Measure it now";
export const notMeasuredYetTrainForA = "Not measured yet: train for a while, then measure.";
export const output = "output";
export const layer = (place: Value) => `layer ${place}`;
export const theBarsAreLogarithmicEachEighth = "The bars are logarithmic: each eighth of a bar is a factor of ten.";
export const whatIsLeftAtMost = "what is left at most, (¼)⁶";

// page/lessons/Lessons.tsx
export const fourteenLessons = "Fourteen lessons";
export const eachIsAFewMinutesOn =
  "Each is a few minutes on the live page: something to read, something to do. What you make can be kept in the Lab.";
export const done = "done";
export const ofWord = (count: Value, tasks: Value) => `${count} of ${tasks}`;
export const taskDone = (fresh: Value) => `Task done: ${fresh}`;
export const done2 = " (done)";
export const open = " (open)";
export const lessonOf = (number: Child, lessons: Child) => rich`Lesson ${number} of ${lessons}`;
export const toDo = "To do";
export const startAgain = "Start again";
export const keepThisIn = (part: Child) => rich`Keep this in ${part}`;
export const theLab = "the Lab";
export const text = "Text";
export const allLessons = "All lessons";
export const next = (title: Child) => rich`Next: ${title}`;
export const training = "training";
export const paused = "paused";

// page/lessons/LossWidget.tsx
export const aPointOfClass1 = "A point of class 1";
export const lossesOfAPointOfClass = "Losses of a point of class 1 by its sum z";
export const zOfThePoint = "z of the point";
export const crossEntropyPullsWithSquaredError = (pull: Child, pull2: Child) =>
  rich`cross-entropy pulls with ${pull}, squared error with ${pull2}`;
export const hubersSlopeAtADistanceOf = "Huber's slope at a distance of 10";

// page/lessons/MistakesWidget.tsx
export const whatAMistakeCosts = "What a mistake costs";
export const theLossOfARowWith = "the loss of a row with 10 % for its class";

// page/lessons/PerceptronWidget.tsx
export const passApplicant = (pass: Child, row: Child, inputs: Child) =>
  rich`Pass ${pass}, applicant ${row} (${inputs}): `;
export const butTheNeuronSaid = (truth: Child, said: Child) => rich`${truth}, but the neuron said ${said}.`;
export const eachWeightTimesItsInput = (sign: Child, rate: Child) =>
  rich`Each weight ${sign} ${rate} · its input, the bias ${sign} ${rate}.`;
export const weightOf = (inputs: Value) => `weight of ${inputs}`;
export const bias = "bias";
export const oneNeuron = "One neuron";
export const decidedRightly = (metric: Child) => rich`${metric} decided rightly`;
export const approvedWhere0 = (values: Child, inputs: Child, added: Child, inputs2: Child, added2: Child) =>
  rich`approved where ${values} · ${inputs} ${added} · ${inputs2} ${added2} > 0`;
export const startRosenblattsRuleFromZero = "Start Rosenblatt's rule from zero";
export const nextMistake = "Next mistake";
export const pauseTheRule = "Pause the rule";
export const runTheRule = "Run the rule";
export const fromTheFirstMistake = "From the first mistake";
export const mistakeOf = (seen: Child, corrections: Child) => rich`Mistake ${seen} of ${corrections}`;
export const mistakesInEachPass = (mistakes: Child) => rich`Mistakes in each pass: ${mistakes}`;

// page/lessons/RowsWidget.tsx
export const rowsBatchesSteps = "Rows, batches, steps";
export const thereAreTrainingRowsAStep = (rows: Child) =>
  rich`There are ${rows} training rows. A step learns from one batch; an epoch has seen every row once. The last batch of an epoch takes the rows that are left.`;
export const stepsInAnEpochWithBatches = (asked: Value) => `steps in an epoch, with batches of ${asked}`;
export const seenAndUnseen = "Seen and unseen";
export const figuresOfTrainAndTestRows = "Figures of train and test rows";
export const rows = "rows";
export const loss = "loss";
export const accuracy = "accuracy";
export const train = "train";
export const test = "test";
export const percentOfNewRowsThatIt = "percent of new rows that it gets right";
export const pointsHalfOfThemForTesting = "points, half of them for testing";

// page/lessons/TaskCodes.tsx
export const theTasksOfTheCodeAre = "The tasks of the code are marked as done";
export const yourCode = "Your code";
export const itSaysWhichTasksAreDone =
  "It says which tasks are done. Hand it to your teacher, or enter it in another browser to go on from there.";
export const theCodeIsInTheClipboard = "The code is in the clipboard";
export const theBrowserDoesNotLetThis = "The browser does not let this page copy: select the code and copy it";
export const copy = "Copy";
export const notRead = (problem: Value) => `Not read: ${problem}.`;
export const ofWord2 = (size: Child, taskNames: Child) => rich`${size} of ${taskNames}`;
export const forTeachersReadTheCodesOf = "For teachers: read the codes of a class";
export const codesOneALine = "Codes, one a line";
export const ada = (taskCode: Value) => `Ada ${taskCode}`;
export const aNameMayStandBeforeEach =
  "A name may stand before each code. The codes are read in this page; nothing is sent or stored. A code proves no more than that its tasks were ticked.";
export const theTasksThatTheClassHas = "The tasks that the class has done";
export const learner = "Learner";
export const tasksDone = "Tasks done";

// page/lessons/UpdateWidget.tsx
export const theRace = "The race";
export const fourOptimizersTheSameWeightsThe =
  "Four optimizers, the same weights, the same batches, learning rate 0.01. Guess before you look.";
export const lowestTrainingLossAfter500Steps = "lowest training loss after 500 steps";
export const choose = "choose …";
export const letThemRace = "Let them race";
export const trainingLossOfEachOptimizer = "Training loss of each optimizer";
export const trainingLossAfter = "training loss after";
export const steps = (k: Child) => rich`${k} steps`;
export const watchThemInCompare = "Watch them in Compare";
export const oneUpdateByHand = "One update by hand";
export const w05SlopeG0 = "w = 0.5, slope g = 0.2, learning rate η = 0.1";
export const plainDescentWWG = "plain descent: w′ = w − η g";
export const wAfterPlainDescent = "w′ after plain descent";
export const adamWWMV1 = "Adam: w′ = w − η m̂ / (√v̂ + 1e−8), and at the first step m̂ = g, v̂ = g²";
export const wAfterAdam = "w′ after Adam";
