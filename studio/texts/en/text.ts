// Text, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/text/Attention.tsx
export const layerHead = (layer: Value, head: Value) => `Layer ${layer}, head ${head}`;
export const layerHead2 = (layer: Value, head: Value) => `layer ${layer}, head ${head}`;
export const placeCannotSeePlaceWhichComes = (row: Value, shownToken: Value, to: Value) =>
  `Place ${row} “${shownToken}” cannot see place ${to}, which comes later.`;
export const placeAttendsToPlaceWith = (row: Value, shownToken: Value, to: Value, shownToken2: Value, weight: Value) =>
  `Place ${row} “${shownToken}” attends to place ${to} “${shownToken2}” with ${weight}.`;
export const whatEachTokenInItsRow = "What each token, in its row, attends to: the tokens of the columns";
export const rowsLookColumnsAreLookedAt = "Rows look, columns are looked at. Click a row to choose its token.";
export const attention = "Attention";
export const aRecurrentNetworkAttendsToNothing =
  "A recurrent network attends to nothing: what it knows of earlier tokens is in its state. Choose the transformer to see heads.";
export const layer = (layer: Child) => rich`layer ${layer}`;
export const whatEachTokenAttendsToMost = "What each token attends to most";
export const token = "token";
export const attendsTo = "attends to";

// page/text/AttentionSteps.tsx
export const queries = "queries";
export const keys = "keys";
export const scores = "scores";
export const shares = "shares";
export const values = "values";
export const takenAlong = "taken along";
export const placesNumbersEach = (title: Value, n: Value, columns: Value) =>
  `${title}: ${n} places, ${columns} numbers each`;
export const theOperation = "The operation";
export const termBack = "Term back";
export const nextTerm = "Next term";
export const looksAt = "looks at";
export const number = "number";
export const ofWord = (k: Child, size: Child) => rich`${k} of ${size}`;
export const rowsArePlacesOfTheText = (loss: Child, shownToken: Child, row: Child) =>
  rich`Rows are places of the text. The slopes are of the loss ${loss}: minus the logarithm of the chance of “${shownToken}” after place ${row}.`;
export const stepByStep = "step by step";
export const pauseAndEveryNumberOfThis = "Pause, and every number of this head is laid open as it stands.";
export const askingTheEngine = "Asking the engine …";

// page/text/Embeddings.tsx
export const embeddings = "Embeddings";
export const ofTheDifferencesLieInThis = (share: Value) => `${share} of the differences lie in this plane`;
export const everyTokenWhereItsEmbeddingLies =
  "Every token where its embedding lies, in the plane in which the embeddings differ most";
export const placesOfTheTokens = "Places of the tokens";
export const firstAxis = "first axis";
export const secondAxis = "second axis";

// page/text/Layers.tsx
export const tokens = "tokens";
export const layer2 = (stage: Value) => `layer ${stage}`;
export const layerByLayer = "Layer by layer";
export const whatEachWouldSayComesNext = "what each would say comes next";
export const forEachTokenFromTheEmbedding =
  "For each token, from the embedding to the last layer, the likeliest next token";
export const darkerSurer = "darker: surer";
export const barLengthOfTheVector = "bar: length of the vector";
export const whatEachLayerWouldSay = "What each layer would say";

// page/text/Reading.tsx
export const theTextTokenByToken = "The text, token by token";
export const place = (k: Value, shownToken: Value, part: Value) => `place ${k}: ${shownToken}${part}`;
export const attendedToWith = (weight: Value) => `, attended to with ${weight}`;
export const whatComesNext = "What comes next";
export const noFurtherToken = "no further token";
export const take = (shownToken: Value, chance: Value) => `take ${shownToken}, ${chance}`;
export const theAnswerFollowsAfterClickA = "The answer follows after =. Click a token to see from there.";
export const clickATokenToSeeWhat = "Click a token to see what comes after it, and what it attends to.";
export const nextToken = "Next token";
export const drawOne = "Draw one";
export const writeOn = "Write on";
export const theTextThatIsLookedAt = "The text that is looked at";
export const typeATextToLookAt = "Type a text to look at";
export const backToTheTextThatWas = "Back to the text that was held out";
export const noTokenForLeftOut = (unknown: Value) => `No token for “${unknown}”: left out.`;
export const theShadeIsWhatTheChosen = " The shade is what the chosen head attends to.";
export const temperature = "temperature";
export const n0TheLikeliest = "0: the likeliest";
export const topK = "top-k";
export const allTokens = "all tokens";
export const theLogitsAreDividedByThe =
  "The logits are divided by the temperature; only the k most likely tokens can be drawn.";

// page/text/SamplesPanel.tsx
export const answersToHeldOutQuestions = "Answers to held-out questions";
export const whatItWrites = "What it writes";
export const atStep = (step: Value) => `at step ${step}`;
export const samples = "Samples";

// page/text/Settings.tsx
export const yourOwnText = "Your own text";
export const dropATxtFileOrPaste = "Drop a .txt file, or paste some pages. They never leave this browser.";
export const aTextOfYourOwn = "A text of your own";
export const pasteATextHere = "Paste a text here";
export const file = "File …";
export const pastedText = "pasted text";
export const learnFromIt = "Learn from it";
export const chooseATextOfYourOwn = "Choose a text of your own";
export const whatItLearns = "What it learns";
export const aTask = "A task";
export const aText = "A text";
export const letters = (name: Value, text: Value) => `${name}: ${text} letters`;
export const length = "length";
export const bytePairs = "byte pairs";
export const differentTokens = "different tokens";
export const tokensSeenAtOnce = "tokens seen at once";
export const sequencesToLearnFromOthersHeld = (trainCount: Value, heldCount: Value) =>
  `${trainCount} sequences to learn from, ${heldCount} others held out as test.`;
export const tokensToLearnFromHeldOut = (trainCount: Value, heldCount: Value, tokens: Value) =>
  `${trainCount} tokens to learn from, ${heldCount} held out as test, ${tokens} different ones.`;
export const model = "Model";
export const parameters = (parameters: Value) => `${parameters} parameters`;
export const kind = "kind";
export const layers = "layers";
export const widthNumbersForEachToken = "width, numbers for each token";
export const headsInEachLayer = "heads in each layer";
export const dropout = "dropout";
export const besideItWithAsManyParameters = "Beside it, with as many parameters";
export const learning = "Learning";
export const optimizer = "optimizer";
export const learningRate = "learning rate";
export const rateOverTime = "rate over time";
export const fallsAs1Step = "falls as 1/√step";
export const constant = "constant";
export const weightDecay = "weight decay";
export const batchSequencesInAStep = "batch, sequences in a step";
export const otherWeights = "Other weights";

// page/text/TextCurves.tsx
export const step = "step";
export const byStepArrowKeysReadValues = (title: Value, up: Value) =>
  `${title}, ${up}, by step: arrow keys read values`;
export const figuresOfEveryModel = "Figures of every model";
export const model2 = "model";
export const parameters2 = "parameters";
export const trainLoss = "train loss";
export const testLoss = "test loss";
export const test = (exact: Child) => rich`test ${exact}`;
export const aStep = "a step";
export const ms = (stepTime: Value) => `${stepTime} ms`;
export const figuresByStep = "Figures by step";
export const curves = "Curves";
export const train = "train";
export const test2 = "test";
export const showAsChart = "show as chart";
export const showAsTable = "show as table";
export const loss = "Loss";
export const natsPerToken = "nats per token";
export const wholeAnswerRight = "Whole answer right";
export const nextTokenRight = "Next token right";
export const shareOfSequences = "share of sequences";
export const shareOfTokens = "share of tokens";

// page/text/attentionMath.ts
export const howWellTheQueryOfPlace = (from: Value, to: Value, size: Value) =>
  `How well the query of place ${from} fits the key of place ${to}: the sum of their products, divided by √${size}.`;
export const theScoresBecomeSharesOf1 = (from: Value) =>
  `The scores become shares of 1: e to the score, divided by the sum over all places up to ${from}. What comes later is hidden.`;
export const whatPlaceTakesAlongTheValues = (from: Value) =>
  `What place ${from} takes along: the values of all places, each by its share.`;
export const backwardWhatALittleMoreAttention = (to: Value) =>
  `Backward: what a little more attention to place ${to} would change in the loss.`;
export const throughTheSoftmaxAShareThat =
  "Through the softmax: a share that grows takes from all others, so their mean slope, by shares, is taken off.";
export const theSlopeOfTheQueryOf = (from: Value) =>
  `The slope of the query of place ${from}: the keys that it met, by the slopes of their scores.`;
export const theSlopeOfTheKeyOf = (to: Value) =>
  `The slope of the key of place ${to}: the queries of all places that saw it, by the slopes of their scores.`;
export const theSlopeOfTheValueOf = (to: Value) =>
  `The slope of the value of place ${to}: what all places that took it along pass back, by their shares.`;

// page/text/textStore.ts
export const theEngineOfTextsStopped = (part: Value) => `the engine of texts stopped: ${part}`;
export const itCouldNotBeLoaded = "it could not be loaded";
export const stepTrainingLoss = (step: Value, loss: Value) => `Step ${step}, training loss ${loss}`;
export const hasMBThisPageTakesTexts = (name: Value, size: Value) =>
  `${name} has ${size} MB; this page takes texts of up to 50.`;
export const fullSpeed = "full speed";
export const stepsS = (speed: Value) => `${speed} steps/s`;
export const epoch = "epoch";
export const testExact = "test exact";
export const testAccuracy = "test accuracy";
export const testOf = (model: Value) => `${model}, test`;
export const stepNumber = (step: Value) => `step ${step}`;
export const trainOf = (figure: Value) => `train ${figure}`;
export const testOfFigure = (figure: Value) => `test ${figure}`;
export const exact = "exact";
export const accuracy = "accuracy";
