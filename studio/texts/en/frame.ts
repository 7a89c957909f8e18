// The bar, the frame of the page and what it says about itself, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/App.tsx
export const skipToTheNetwork = "Skip to the network";

// page/Bar.tsx
export const surfaces = "Surfaces";
export const pause = "Pause";
export const play = "Play";
export const space = (part: Value) => `${part} (Space)`;
export const training = "Training";
export const rewindToTheSameInitialWeights = "Rewind to the same initial weights";
export const oneStepBack = "One step back";
export const oneStepAhead = "One step ahead";
export const newInitialWeights = "New initial weights";
export const speedAnd = "Speed ([ and ])";
export const speed = "speed";
export const hebb = (part: Child) => rich`hebb ${part}`;
export const studio = "Studio";
export const commandPalette = "Command palette";
export const linkCopied = "Link copied";
export const copyALinkToThisExperiment = "Copy a link to this experiment";
export const theme = (theme: Value) => `Theme: ${theme}`;

// page/Embedded.tsx
export const answerFirstThenLetItTrain = "Answer first; then let it train and see.";
export const nowLetItTrain = "Now let it train.";
export const wasIRight = "Was I right?";
export const youWereRight = "You were right.";
export const itIs = (right: Value) => `It is “${right}”.`;
export const hebbStudio = "hebb Studio";
export const hebbStudio2 = "hebb Studio ↗";

// page/client.ts
export const theEngineStopped = (why: Value) => `the engine stopped: ${why}`;
export const itCouldNotBeLoaded = "it could not be loaded";

// page/handed.ts
export const wasNotFoundBesideThePage = (name: Value) =>
  `${name} was not found beside the page; start hebb studio again with the run`;

// page/main.tsx
export const thePageHasNoPlaceFor = "the page has no place for the Studio";

// page/offline.ts
export const worksOfflineFromNowOnThe = "Works offline from now on: the page is stored in this browser.";
export const needsAConnectionThisBrowserStores = "Needs a connection: this browser stores no pages.";
export const needsAConnectionBrowsersStorePages =
  "Needs a connection: browsers store pages only from https or from this computer.";
export const notEveryFileCouldBeStored = "not every file could be stored";
export const needsAConnectionThePageCould = (why: Value) =>
  `Needs a connection: the page could not be stored (${why}).`;

// page/parts.tsx
export const notLoaded = "Not loaded";
export const thisPartOfTheStudioCould = (why: Child) =>
  rich`This part of the Studio could not be loaded${why}. What you have trained is still here.`;
export const itsServerDoesNotAnswer = ": its server does not answer";
export const youAreOfflineAndItIs = ": you are offline, and it is not stored here yet";
export const reloadThePage = "Reload the page";

// page/shortcuts.ts
export const lab = "Lab";
export const step = "Step";
export const compare = "Compare";
export const ship = "Ship";
export const lessons = "Lessons";
export const text = "Text";
export const results = "Results";
export const theLinkIsInTheClipboard = "The link is in the clipboard";
export const htmlForAnotherPageIsIn = "HTML for another page is in the clipboard";
export const playOrPause = "Play or pause";
export const newInitialWeightsNextSeed = "New initial weights (next seed)";
export const undoTheLatestChangeTheBrowsers = "Undo the latest change (the browser's Back)";
export const faster = "Faster";
export const slower = "Slower";
export const copyHTMLThatShowsThisExperiment = "Copy HTML that shows this experiment on another page";
export const changeTheTheme = "Change the theme";
export const goTo = (surface: Value) => `Go to ${surface}`;
export const whatWasDroppedCouldNotBe = (why: Value) => `what was dropped could not be read: ${why}`;

// page/store.ts
export const epochTrainingLoss = (epoch: Value, loss: Value) => `Epoch ${epoch}, training loss ${loss}`;
export const thisExperimentCannotBeChangedHere = "This experiment cannot be changed here: open it in the Studio";
export const thereIsNothingToUndo = "There is nothing to undo";
export const takesAndGivesTheDataHere = (
  name: Value,
  inputs: Value,
  outputs: Value,
  inputShape: Value,
  wanted: Value,
) =>
  `${name} takes [${inputs}] and gives ${outputs}; the data here have [${inputShape}] and need ${wanted}. Choose the data that it was made for, then open it again.`;
export const theNetworkBeginsWithTheWeights = (name: Value) => `The network begins with the weights of ${name}.`;

// page/transport.ts
export const fullSpeed = "full speed";
export const test = "test";
export const train = "train";
export const epoch = "epoch";
export const step2 = "step";
export const trainLoss = "train loss";
export const testLoss = "test loss";
export const oneEpochASecond = "1 epoch/s";
export const epochsASecond = (epochs: Value) => `${epochs} epochs/s`;
/** The rows that it is of, and what is measured: test accuracy. */
export const metricOf = (rows: Value, metric: Value) => `${rows} ${metric}`;
export const accuracy = "accuracy";
