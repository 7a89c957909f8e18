// Results, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/results/Camera.tsx
export const theCameraWasNotAllowedThe =
  "The camera was not allowed. You can change that in the browser's address bar.";
export const noCameraIsAvailableToThis = "No camera is available to this page.";
export const whatTheCameraSeesStaysIn =
  "What the camera sees stays in this browser: it is made small, looked at, and forgotten.";
export const askForTheCamera = "Ask for the camera";
export const stopTheCamera = "Stop the camera";
export const darkOnLight = "dark on light";
export const whatTheCameraSees = "What the camera sees";

// page/results/Columns.tsx
export const theColumnsAreBeingShuffled = "The columns are being shuffled …";
export const r = "R²";
export const accuracy = "accuracy";
export const whatFallsByWhenAColumn = (set: Child, figure: Child, metric: Child, rows: Child, shuffles: Child) =>
  rich`What ${set} ${figure} (${metric}) falls by when a column is shuffled among ${rows} rows: mean and spread of ${shuffles} shuffles. Correlated columns share it.`;
export const test = "test";
export const train = "train";
export const showHowTheAnswerGoesWith = (name: Value) => `Show how the answer goes with ${name}`;
export const andColumnsBelow = (columns: Child) => rich`and ${columns} columns below`;
export const theBarsHoldTheMiddleHalf = " The bars hold the middle half of them.";
export const theBandHoldsTheMiddleHalf = " The band holds the middle half of them.";
export const chanceOf = (classes: Value) => `chance of ${classes}`;
export const chanceOfEachClass = "chance of each class";
export const howGoesWith = (title: Value, column: Value) => `How ${title} goes with ${column}`;
export const firstQuartile = "first quartile";
export const thirdQuartile = "third quartile";
export const whichColumnsCount = "Which columns count";
export const measureAgain = "Measure again";
export const asOfStepMeasuredAgainAt = (step: Child) => rich`As of step ${step}; measured again at a pause.`;
export const howTheAnswerGoesWithA = "How the answer goes with a column";
export const column = "column";
export const theColumnIsBeingSet = "The column is being set …";
export const partialDependenceTheMeanAnswerOver = (rows: Child, bandSays: Child) =>
  rich`Partial dependence: the mean answer over ${rows} rows in which only this column is set to the value.${bandSays}`;

// page/results/Decisions.tsx
export const decisionsClassByClass = "Decisions, class by class";
export const accuracyBalanced = (rows: Child, set: Child, accuracy: Child, balancedAccuracy: Child) =>
  rich`${rows}: ${set} accuracy ${accuracy}, balanced ${balancedAccuracy}`;
export const scoresOfEachClass = "Scores of each class";
export const classWord = "class";
export const ofTheRowsGivenThisClass = "Of the rows given this class, the share that belongs to it";
export const precision = "precision";
export const ofTheRowsOfThisClass = "Of the rows of this class, the share that was found";
export const recall = "recall";
export const n2PrecisionRecallPrecisionRecall = "2 · precision · recall / (precision + recall)";
export const rows = "rows";
export const meanOfTheClasses = "mean of the classes";
export const precisionOfTheRowsGivenA =
  "Precision: of the rows given a class, the share that belongs to it. Recall: of the rows of a class, the share that was found. F1 combines both: 2·P·R / (P + R).";
export const sayFromAChanceOf = (name: Value) => `say “${name}” from a chance of`;
export const decisionsAtThisThreshold = "Decisions at this threshold";
export const found = "found";
export const missed = "missed";
export const falseAlarms = "false alarms";
export const correctlyRejected = "correctly rejected";
export const precisionRecallF1Accuracy = (precision: Child, recall: Child, f1: Child, accuracy: Child) =>
  rich`precision ${precision} recall ${recall} F1 ${f1} accuracy ${accuracy}`;
export const areaAveragePrecision = (strong: Child, auc: Child, averagePrecision: Child) =>
  rich`${strong} area ${auc} · average precision ${averagePrecision}`;
export const roc = "ROC";
export const rocCurveOfArea = (name: Value, auc: Value) => `ROC curve of ${name}, area ${auc}`;
export const falseAlarmsOfTheOthers = "false alarms, of the others";
export const foundOfTheClass = "found, of the class";
export const theROCCurve = "The ROC curve";
export const fromAChanceOf = "from a chance of";
export const errorBrier = (strong: Child, expectedCalibrationError: Child, brierScore: Child) =>
  rich`${strong} error ${expectedCalibrationError} · Brier ${brierScore}`;
export const calibration = "Calibration";
export const calibrationOfWhatChancesItGives = (name: Value) =>
  `Calibration of ${name}: the probabilities it gives, and how often it is right`;
export const predictedProbability = "predicted probability";
export const observedFrequency = "observed frequency";
export const chances = "chances";
export const meanProbability = "mean probability";
export const orNot = (name: Child) => rich`“${name}” or not`;
export const theNetworksAnswersAreNaNThere = "The network's answers are NaN: they have no curve.";
export const onTheDashedLineANetwork =
  "On the dashed line a network only guesses (left), and its chances are exactly right (right). Grey: how many rows got such a chance.";

// page/results/Pictures.tsx
export const thisNetworkHasNoConvolutionSo =
  "This network has no convolution, so it has no kernels. Add one in the Lab.";
export const kernels = (layer: Child, units: Child, each: Child, first: Child) =>
  rich`${layer} ${units} kernels${each}${first}`;
export const layer = (place: Child) => rich`layer ${place}`;
export const eachOfPlanes = (inputs: Value) => `, each of ${inputs} planes`;
export const theFirstPlanes = (count: Value) => `; the first ${count} planes`;
export const kernelsOfLayer = (place: Value) => `Kernels of layer ${place}`;
export const blueWeightsAbove0OrangeBelow =
  "Blue: weights above 0, orange: below. A kernel with both sides is an edge; its direction shows.";
export const saliencyThePixelsThatTheAnswer = "Saliency: the pixels that the answer depends on";
export const mapsOf = (place: Child, units: Child, side: Child, side2: Child) =>
  rich`${place} ${units} maps of ${side} × ${side2}`;
export const featureMapsOfLayer = (place: Value) => `Feature maps of layer ${place}`;
export const trainingPictures = "training pictures";
export const drawOne = "draw one";
export const onePictureLookedAt = "One picture, looked at";
export const whichPicture = "Which picture";
export const picturesToLookAt = "Pictures to look at";
export const pictureOfRow = (row: Value) => `picture of row ${row}`;
export const whatItSees = "what it sees";
export const thePictureAsTheNetworkTakes = "The picture as the network takes it";
export const saliency = "saliency";
export const saliencyHowMuchTheAnswerChanges =
  "Saliency: how much the answer changes when a pixel does. It says where the network looks, not whether it is right to.";
export const kernels2 = "Kernels";

// page/results/Residuals.tsx
export const residualsOf = (target: Child) => rich`Residuals of ${target}`;
export const rMeanAbsoluteErrorRootMean = (rows: Child, set: Child, r2: Child, mae: Child, rmse: Child) =>
  rich`${rows}: ${set} R² ${r2}, mean absolute error ${mae}, root mean square ${rmse}`;
export const overThePrediction = (strong: Child) => rich`${strong} over the prediction`;
export const predictedTrue = "Predicted − true";
export const residualsOfOverWhatTheNetwork = (target: Value) => `Residuals of ${target} over what the network says`;
export const predicted = (target: Value) => `predicted ${target}`;
export const predictedTrue2 = "predicted − true";
export const mean = (strong: Child, residuals: Child) => rich`${strong} mean ${residuals}`;
export const spread = "Spread";
export const howTheResidualsAreSpread = "How the residuals are spread";
export const dotsTheFirstRows = (shown: Child) => rich`Dots: the first ${shown} rows.`;
export const residualsThatLieAround0Everywhere =
  "Residuals that lie around 0 everywhere are noise. A bend says that something is not learned, a funnel that large values are less certain.";
export const residuals = "Residuals";
export const trueWord = "true";
export const predicted2 = "predicted";

// page/results/Results.tsx
export const results = "Results";
export const theRowsAreBeingMeasured = "The rows are being measured …";

// page/results/Worst.tsx
export const ofTheseRowsNoneIsDecided = "Of these rows none is decided wrongly.";
export const called = (truth: Value, said: Value) => `${truth}, called ${said}`;
export const isSaid = (truth: Child, said: Child) => rich`is ${truth}, said ${said}`;
export const forTheTruth = (off: Child) => rich`${off} for the truth`;
export const theMostConfidentMistakes = "The most confident mistakes";
export const theRowsThatAreMostWrong = "The rows that are most wrong";
export const whatIsWrongHereIsOften =
  "What is wrong here is often the label, or a picture that is ambiguous even to people.";
export const lookHereFirstForWrongCells =
  "Look here first: for wrong cells, for a column that is missing, for rows of another kind.";
export const rowsWithTheirCells = "Rows with their cells";
export const row = "row";
export const chanceOfTheTruth = "chance of the truth";
export const loss = "loss";
export const testRows = (rows: Value) => `${rows} test rows`;
export const trainingRows = (rows: Value) => `${rows} training rows`;
