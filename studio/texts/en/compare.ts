// Compare, in English.
import type { Value } from "../value.ts";

// page/compare/Compare.tsx
export const theLanesStandAtStep = (step: Value) => `The lanes stand at step ${step}`;
export const theBandsOverTenSeedsAre = "The bands over ten seeds are drawn";
export const asInTheLab = "as in the Lab";
export const removeTheLane = (name: Value) => `Remove the lane ${name}`;
export const trainLoss = "train loss";
export const train = "train";
export const test = "test";
export const accuracy = "accuracy";
export const step = "step";
export const lengthOfTheSlopeInEach = (gradients: Value) =>
  `Length of the slope in each layer, from the first: ${gradients}`;
export const layer = (k: Value, size: Value) => `layer ${k}: ${size}`;
export const slopeInEachLayerLogarithmic = "slope in each layer, logarithmic";
export const figuresOfEveryLane = "Figures of every lane";
export const theSameData = "the same data";
export const theSameSeed = "the same seed";
export const theSameInitialWeights = "the same initial weights";
export const allLanesHave = (shared: Value) => `All lanes have ${shared}. `;
export const otherInitialWeightsBecauseThe = (before: Value, lanes: Value) =>
  `${before}Other initial weights: ${lanes}, because the change is to the initialisation or to the shape of the network.`;
export const experiments = "Experiments";
export const lanes = "Lanes";
export const stop = "Stop";
export const runAllLanes = "Run all lanes";
export const equal = "equal";
export const steps = "steps";
export const time = "time";
export const upToStep = "up to step";
export const n10Seeds = "× 10 seeds";
export const landscape = "Landscape";
export const rewind = "Rewind";
export const curve = "Curve";
export const log = "log";
export const showAsChart = "show as chart";
export const showAsTable = "show as table";
export const oneLaneSoFarTakeAn = "One lane so far. Take an experiment above, or fork this one below and run both.";
export const runAllLanesTheirCurvesAre = "Run all lanes: their curves are drawn here.";

// page/compare/ForkForm.tsx
export const optimizer = "optimizer";
export const learningRate = "learning rate";
export const loss = "loss";
export const activation = "activation";
export const initialWeights = "initial weights";
export const batch = "batch";
export const numberOfLayers = "number of layers";
export const unitsOfEachLayer = "units of each layer";
export const weightDecay = "weight decay";
export const fork = "Fork";
export const theSameDataAndSeedWith =
  "The same data and seed, with one thing changed. The initial weights are the same as well, unless the change is to them or to the layers.";
export const change = "change";
export const to = "to";
export const addThisLane = "Add this lane";

// page/compare/LaneCurves.tsx
export const train2 = (part: Value) => `train ${part}`;
export const ofEveryLaneArrowKeysRead = (part: Value) => `${part} of every lane: arrow keys read values`;
export const trainingLoss = "Training loss";
export const metric = "Metric";
export const lineMedianOfTheSeedsBand = "line: median of the seeds; band: the middle half";

// page/compare/LaneMap.tsx
export const whatTheLaneAnswersOverThe = (name: Value) => `What the lane ${name} answers over the plane`;

// shared/compare.ts
export const sigmoidOrReLUSixLayersDeep = "Sigmoid or ReLU, six layers deep";
export const sigmoidsSlopeIsAtMostThrough =
  "Sigmoid's slope is at most ¼: through six layers next to nothing comes back, and the first layers stand still. ReLU passes the slope on whole.";
export const fourOptimizers = "Four optimizers";
export const theSameNetworkFromTheSame =
  "The same network from the same weights, with the same learning rate: plain descent, with momentum, and two that measure each weight's slope by its usual size.";
export const crossEntropyOrSquaredError = "Cross-entropy or squared error";
export const theLastBiasStartsAt8 =
  "The last bias starts at 8: every point of class A is confidently wrong. Squared error after a sigmoid hardly feels them; cross-entropy does.";
export const zeroOrHeInitialWeights = "Zero or He initial weights";
export const fromZeroEveryUnitOfA =
  "From zero every unit of a layer gets the same slope and stays like its neighbours: the network never becomes more than one unit wide.";
export const noActivationAtAll = "No activation at all";
export const aMatrixTimesAMatrixIs =
  "A matrix times a matrix is a matrix: without activations the deep network is one line, and no line parts a ring from a disc.";
export const fiveLearningRates = "Five learning rates";
export const tooSmallAndItCrawlsToo = "Too small and it crawls, too large and it jumps about; between them it learns.";
export const seedOfLaneOf = (seed: Value, lane: Value, lanes: Value) => `seed ${seed} of 10, lane ${lane} of ${lanes}`;
export const stepNumber = (step: Value) => `step ${step}`;
