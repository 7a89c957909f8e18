// The Lab, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/lab/Code.tsx
export const typeScript = "TypeScript";
export const theProgramForExactlyThisNetwork = "the program for exactly this network";
export const copied = "Copied";
export const copy = "Copy";
export const theProgram = "The program";

// page/lab/Curves.tsx
export const atStep = (loss: Value, step: Value) => `${loss} at step ${step}`;
export const everyThFrom20On = (every: Value) => `; every ${every}th from 20 on`;
export const epochEach = (batches: Value, part: Value, rarely: Value) => `epoch (${batches} ${part} each${rarely})`;
export const step = "step";
export const steps = "steps";
export const byArrowKeysReadValues = (title: Value, up: Value, across: Value) =>
  `${title}, ${up}, by ${across}: arrow keys read values`;
export const figuresByStep = "Figures by step";
export const trainLoss = "train loss";
export const testLoss = "test loss";
export const train = (metric: Child) => rich`train ${metric}`;
export const test = (metric: Child) => rich`test ${metric}`;
export const curves = "Curves";
export const train2 = "train";
export const test2 = "test";
export const logScale = "log scale";
export const showAsChart = "show as chart";
export const showAsTable = "show as table";
export const loss = "Loss";
export const accuracy = "Accuracy";
export const shareOfRows = "share of rows";

// page/lab/DataPanel.tsx
export const data = "Data";
export const yourOwnData = "Your own data";
export const dropOrPasteACSVTable =
  "Drop or paste a CSV table, or a folder with a sub-folder of pictures for each class. It never leaves this browser.";
export const files = "Files …";
export const folder = "Folder …";
export const chooseAFolderOfPictures = "Choose a folder of pictures";
export const chooseFilesOfYourOwn = "Choose files of your own";
export const paintOnTheOutputMapClick = (first: Child, second: Child, note: Child, erase: Child) =>
  rich`Paint on the output map: click or drag for ${first}, with Shift for ${second}, with Alt to erase. ${note}${erase}`;
export const twoPointsStandThereUntilYou = "Two points stand there until you do. ";
export const eraseAll = "Erase all";
export const points = "points";
export const noise = "noise";
export const furtherInputsComputedFromXAnd = "Further inputs, computed from x₁ and x₂";
export const testRowsHeldOut = "test rows, held out";
export const otherPoints = "Other points";
export const otherSplit = "Other split";
export const otherWeights = "Other weights";
export const trainingRows = (trainCount: Child, testCount: Child, classes: Child, inputs: Child) =>
  rich`${trainCount} training rows${testCount}${classes}${inputs}.`;
export const testRows = (testCount: Value) => `, ${testCount} test rows`;
export const classes = (classes: Value) => `, ${classes} classes`;
export const inputs = (inputs: Value) => `, ${inputs} inputs`;
export const whatWasDoneToTheTable = "What was done to the table";

// page/lab/Inspector.tsx
export const aboveLeft = "above left";
export const aboveRight = "above right";
export const belowLeft = "below left";
export const belowRight = "below right";
export const kernelOverEveryPlace = (where: Value) => `the 3 × 3 weights laid over every place of ${where}`;
export const theImage = "the image";
export const allMapsBefore = "all maps before";
export const theFirstTrainingRows = (rows: Value) => `the first ${rows} training rows`;
export const allTrainingRows = (rows: Value) => `all ${rows} training rows`;
export const weightOf = (name: Value) => `weight of ${name}`;
export const from = "from";
export const weight = "weight";
export const slopeOfTheLossOver = (slopeRows: Value) => `Slope of the loss over ${slopeRows}`;
export const slope = "slope";
export const whatTheLatestStepChangedWhich = "What the latest step changed, which learned from one batch";
export const update = "update";
export const bias = "bias";
export const andMore = (inputs: Child) => rich`and ${inputs} more`;
export const slopeOfTheLossOverUpdate = (slopeRows: Child) =>
  rich`slope: of the loss over ${slopeRows}; update: by the latest step, from its one batch`;
export const inspector = "Inspector";
export const theNetworkShowsWhatItMakes =
  "The network shows what it makes of one image. Choose another, or select a map or a neuron to see its weights:";
export const selectANeuronToSeeIts =
  "Select a neuron to see its weights, slopes and the spread of its values. Its weights can be changed by hand.";
export const imagesToLookAt = "Images to look at";
export const imageOfRow = (row: Value) => `image of row ${row}`;
export const output = "Output";
export const layer = (stage: Value) => `Layer ${stage}`;
export const eachOfTheseNeuronsIsThere = (members: Child) =>
  rich`Each of these neurons is there ${members} times: the members of the ensemble share its weights, scale what goes in and comes out, and have a bias of their own. One network of these layers can be inspected neuron by neuron.`;
export const trainOneNetwork = "Train one network";
export const neuron = (layer: Child, unit: Child) => rich`${layer}, neuron ${unit}`;
export const done = "Done";
export const howTheNeuronsValuesAreSpread = "How the neuron's values are spread over the training rows";
export const theSpreadOfTheNeuronsValues = "The spread of the neuron's values";
export const to = "to";
export const rows = "rows";

// page/lab/Lab.tsx
export const partsOfTheLab = "Parts of the Lab";

// page/lab/LearnPanel.tsx
export const learning = "Learning";
export const network = "network";
export const oneOfTheseLayers = "one, of these layers";
export const ensembleOfForTables = (members: Value) => `ensemble of ${members}, for tables`;
export const loss2 = "loss";
export const optimizer = "optimizer";
export const learningRate = "learning rate";
export const batch = "batch";
export const initialWeights = "initial weights";
export const weightDecay = "weight decay";
export const dropout = "dropout";
export const batchNorm = "batch norm";
export const afterEachHiddenSum = "after each hidden sum";
export const computedInThisBrowser = (backendWhy: Child) => rich`Computed in this browser: ${backendWhy}.`;

// page/lab/Network.tsx
export const map = "map";
export const maps = "maps";
export const layer2 = (place: Value) => `layer ${place}`;
export const ofWord = (part: Value, name: Value) => `${part} of ${name}`;
export const units = "units";
export const activationOf = (name: Value) => `activation of ${name}`;
export const remove = (name: Value) => `Remove ${name}`;
export const input = "input";
export const output2 = "output";
export const layer3 = (stage: Value) => `layer ${stage}`;
export const neuronsArrowsMoveEnterSelectsPlus =
  "Neurons: arrows move, Enter selects, plus and minus change the layer, Insert adds one";
export const allOf = (stageName: Value) => `all of ${stageName}`;
export const input2 = (inputName: Value) => `input ${inputName}`;
export const inputsFromColumns = (inputs: Value, all: Value) => `${inputs} inputs from ${all} columns`;
export const membersShareTheWeightsASquare = (members: Value) =>
  `; ${members} members share the weights, a square is their mean`;
export const toOneSample = "to one sample";
export const overTheMap = "over the map";
export const network2 = "Network";
export const parameters = (shapeOf: Value, parameters: Value, state: Value) =>
  `${shapeOf}, ${parameters} parameters${state}`;
export const addALayerAfterTheInputs = "Add a layer after the inputs";
export const addALayerAfterLayer = (place: Value) => `Add a layer after layer ${place}`;
export const addAConvolutionHere = "Add a convolution here";
export const addALayerHere = "Add a layer here";
export const weightAbove0 = "weight above 0";
export const below0 = "below 0";
export const thickerLarger = "thicker: larger";
export const squareTheNeuronsAnswer = (squares: Child) => rich`square: the neuron's answer ${squares}`;

// page/lab/Notices.tsx
export const closeThisNotice = "Close this notice";
export const notices = "Notices";
export const yourExperimentFromBeforeIsKept = (by: Child) => rich`Your experiment from before ${by} is kept.`;
export const backToYourExperiment = "Back to your experiment";
export const keepThisOneInstead = "Keep this one instead";
export const eachSquareShowsWhatOneNeuron = (strong: Child, key: Child) =>
  rich`${strong} Each square shows what one neuron says about the plane; together they part orange from blue. You cannot break it: pause with ${key}, add neurons, click one to look inside, choose other data or drop your own.`;
export const aNeuralNetworkIsLearningHere = "A neural network is learning here, in your browser.";
export const space = "Space";
export const learnItInFourteenLessons = "Learn it in fourteen lessons";
export const thisIsTheRunAsIt = (name: Child, step: Child) =>
  rich`This is the run ${name} as it ended, after ${step} steps. Play trains it further, and Rewind leads back here. `;
export const why = "Why";
export const runBoth = "Run both";

// page/lab/Output.tsx
export const confusion = "confusion";
export const truthAndPrediction = "truth and prediction";
export const samples = "samples";
export const theFittedCurveOverWithThe = (input: Value) => `The fitted curve over ${input}, with the data`;
export const whatTheNetworkAnswersOverAnd = (across: Value, up: Value) =>
  `What the network answers over ${across} and ${up}, with the data`;
export const layerNeuron = (stage: Child, unit: Child) => rich`layer ${stage}, neuron ${unit}`;
export const decisionsOnly = "decisions only";
export const paintPoints = "Paint points";
export const across = "across";
export const up = "up";
export const dataNetwork = (dataMark: Child, networkMark: Child) => rich`${dataMark} data ${networkMark} network`;
export const to2 = (lowMark: Child, low: Child, highMark: Child, high: Child) =>
  rich`${lowMark} ${low} to ${highMark} ${high}`;
export const paleTestRows = "pale: test rows";
export const confusionMatrix = "Confusion matrix";
export const truth = "truth";
export const trueAndPredictedOnTheDashed = (target: Value) =>
  `True and predicted ${target}: on the dashed line they are equal`;
export const acrossTrueUpPredictedOnThe = (target: Child) =>
  rich`across: true ${target}, up: predicted; on the dashed line they are equal`;
export const trueAndPredictedValues = "True and predicted values";
export const trueWord = "true";
export const predicted = "predicted";
export const difference = "difference";
export const wordsMadeUpLetterByLetter = "words made up letter by letter from the network's own probabilities";
export const show = "Show";
export const downTheTruthAcrossWhatThe = (rows: Child) => rich`${rows}: down the truth, across what the network says`;
export const testRows2 = "test rows";
export const trainingRows2 = "training rows";
export const accuracy2 = (rows: Child, metric: Child) => rich`${rows} accuracy ${metric}`;

// page/lab/controls.tsx
export const oneLess = (label: Value) => `${label}: one less`;
export const oneMore = (label: Value) => `${label}: one more`;
export const off = "off";
export const epoch = (epoch: Value) => `epoch ${epoch}`;
export const neuronOf = (stage: Value, unit: Value) => `${stage}, neuron ${unit}`;
