// The lessons: what they say and ask, in English.
import type { Value } from "../value.ts";

// shared/deeperLessons.ts
export const batchesAndLearningRate = "Batches and learning rate";
export const howManyRowsAStepLearns = "How many rows a step learns from, and how far it goes.";
export const aStepTakesTheSlopeOf =
  "A step takes the slope of the loss over a few rows, the batch, and moves against it. A small batch estimates the slope: its steps are cheap and noisy. A batch of all rows knows it exactly, but makes only one step in each epoch.";
export const theLearningRateSaysHowFar =
  "The learning rate says how far a step goes. Noisy slopes allow only small rates; exact ones allow larger ones. So choose rate and batch together.";
export const howManyStepsMakeAnEpoch = "How many steps make an epoch here, with batches of 16?";
export const watchNoiseWithABatchOf =
  "Watch noise: with a batch of 1 and a rate of 1, train for 5 epochs or more. The training loss stays above 0.2.";
export const nowWithAllRowsInOne =
  "Now with all rows in one batch: get 90 % of the test rows right in fewer than 200 steps of plain descent, by the learning rate alone.";
export const overfittingAndHeldOutData = "Overfitting and held-out data";
export const whatTheTrainingRowsCannotTell = "What the training rows cannot tell, and how to rein a network in.";
export const aNetworkWithManyWeightsAnd =
  "A network with many weights and few rows can memorise: it gets every training row right, noise and all. Whether it has understood anything shows on rows that it has not seen. That is what the test rows are held out for.";
export const whileTheTrainingLossFallsAnd =
  "While the training loss falls and the test loss rises, the network overfits. More rows help most; fewer units, weight decay and dropout help too; or stop in time.";
export const letItMemoriseEveryTrainingRow =
  "Let it memorise: every training row right, and a test loss at least five times the training loss.";
export const onceItHasMemorisedHowMany =
  "Once it has memorised: how many percent of new rows will it get right, as far as anyone can tell? Read it off the table.";
export const reinItInWithTheSame =
  "Rein it in, with the same noise: after 100 steps or more, train and test accuracy differ by less than 5 points, and the test loss is below 0.5.";
export const initialWeightsAndVanishing = "Initial weights and vanishing gradients";
export const whyADeepNetworkMayStand = "Why a deep network may stand still, and what sets it going.";
export const goingBackTheSlopeIsMultiplied =
  "Going back, the slope is multiplied by f′ and by a weight at every layer. With sigmoid f′ is at most ¼: six layers leave next to nothing for the first one. It stands still although the loss is large: the gradient vanishes.";
export const twoThingsKeepTheSlopeAlive =
  "Two things keep the slope alive. An activation whose f′ is 1 where it is not 0, such as ReLU, and initial weights whose size fits the number of inputs: Xavier's for tanh, He's for ReLU. Then what goes in and what comes back keep their size from layer to layer.";
export const aSlopePassesSixSigmoidLayers =
  "A slope passes six sigmoid layers. How much of it is left at most, if all weights are 1? (¼ six times)";
export const letTheNetworkLearnFor60 =
  "Let the network learn for 60 epochs, then measure: the slope of the first layer is less than a hundredth of that of the last.";
export const keepSixLayersOrMoreAnd =
  "Keep six layers or more, and get 90 % of the test rows right with plain descent: change the activation and the initial weights.";
export const convolution = "Convolution";
export const oneSmallKernelLaidOverEvery = "One small kernel, laid over every place of a picture.";
export const aDigitStaysTheSameDigit =
  "A digit stays the same digit two pixels further to the right. A dense layer has to learn it again at every place. A convolution has one small kernel, lays it over every place, and asks each time: how much does this place look like it?";
export const theKernelsNineWeightsAreMultiplied =
  "The kernel's nine weights are multiplied with the nine pixels below them, the products are added, and a bias comes on top. Many kernels give many maps; pooling makes them smaller and forgives a shift.";
export const multiplyAndAddWhatDoesThe = "Multiply and add: what does the kernel give at this place?";
export const howManyNumbersDoSix3 =
  "How many numbers do six 3 × 3 kernels over one grey picture have, with their biases? (Six dense units on 144 pixels have 870.)";
export const buildANetworkWithAConvolution =
  "Build a network with a convolution (the + after the picture adds one), with fewer than 2500 parameters, that gets 90 % of the test digits right.";
export const sequencesAndAttention = "Sequences and attention";
export const toWriteTheNextTokenLook = "To write the next token, look at the ones that matter.";
export const aSequenceIsReadTokenBy =
  "A sequence is read token by token, and the model predicts the next one. Here it is six letters, then the same letters backwards. To write the first letter of the answer, the model must look at the last one of the question; for the second, at the last but one.";
export const attentionIsThatLookForEach =
  "Attention is that look: for each token, a share of attention for every token before it, which add up to 1. Nobody tells the model where to look: it learns that, and its maps show what it has learned.";
export const theFirstLetterOfTheAnswer =
  "The first letter of the answer is about to be written. Which letter of the question must the model look at? Count from 1 to 6.";
export const letTheModelLearnUntilIt =
  "Let the model learn until it writes at least 90 % of the test answers without one mistake.";
export const findAHeadThatHasLearned =
  "Find a head that has learned it: choose it, and at some letter of the answer more than half of its attention lies on the letter that is wanted.";
export const readingAModelsMistakes = "Reading a model's mistakes";
export const twoKindsOfMistakesWhatThey = "Two kinds of mistakes, what they cost, and where to look for them.";
export const anAccuracyHidesWhatAModel =
  "An accuracy hides what a model does wrong. There are two kinds of mistakes: a loan that is given and not paid back, and a loan that is refused though it would have been. Which is worse, no model knows. The threshold is where one is traded for the other.";
export const thenLookAtColumnsAndRows =
  "Then look at columns and rows. A column whose loss costs nothing is not used. A row that is wrong with great confidence is a wrong cell, a rare case, or something that the columns do not say.";
export const trainTheNetworkAtLeast85 = "Train the network: at least 85 % of the test rows right.";
export const moveTheThresholdSoThatAt =
  "Move the threshold so that at most 2 % of the good loans (“yes”) are missed. See what it costs in false alarms.";
export const showHowTheAnswerGoesWith = "Show how the answer goes with the second most important column.";
export const aRowGotAChanceOf = "A row got a chance of 10 % for its true class. What is its loss, −ln of it?";

// shared/lessons.ts
export const thePerceptronAndTheLoan = "The perceptron and the loan";
export const turnALineByHandThen = "Turn a line by hand, then let Rosenblatt's rule find it.";
export const aNeuronWeighsEvidenceIncomeSpeaks =
  "A neuron weighs evidence. Income speaks for a loan, debt against it: each input is multiplied by a weight, the products are added, and a bias shifts the sum. Where the sum is above zero the answer is yes.";
export const weightsAndBiasAreThreeNumbers =
  "Weights and bias are three numbers, and together they are one line through the plane. Drag them and watch the line turn and shift.";
export const in1958FrankRosenblattLetA =
  "In 1958 Frank Rosenblatt let a machine find such numbers by itself: whenever it decides wrongly, it moves its weights a little towards the right answer. If any line parts the applicants, the rule finds one.";
export const dragTheWeightsAndTheBias =
  "Drag the weights and the bias until at least 95 % of the applicants are decided rightly.";
export const followRosenblattsRuleFromMistakeTo =
  "Follow Rosenblatt's rule from mistake to mistake until it makes none.";
export const itsLimit = "Its limit";
export const xorNoLineWillDoTwo = "XOR: no line will do, two hidden neurons will.";
export const exclusiveOrIsTrueWhenExactly =
  "Exclusive or is true when exactly one of two inputs is. Four points, two classes, and no line with one class on either side: whatever the weights, at least one point is on the wrong side.";
export const in1969ThisWasTakenFor =
  "In 1969 this was taken for the end of neural networks. The remedy is one hidden layer: two neurons draw two lines, and a third one combines them.";
export const letTheSingleNeuronLearnFor =
  "Let the single neuron learn for at least 200 epochs: it does not get beyond three of four.";
export const addALayerWithTwoUnits = "Add a layer with two units or more, and reach 100 %.";
export const activationFunctions = "Activation functions";
export const fAndItsSlopeSaturationDead = "f and its slope, saturation, dead ReLUs, and what is left with none.";
export const betweenTwoLayersStandsABend =
  "Between two layers stands a bend: the activation f. Going back, the slope is multiplied by f′. Where f is flat, f′ is near zero and nothing is learned: the neuron is saturated. A ReLU whose sum is negative for every row has slope zero everywhere: it is dead.";
export const withoutAnyBendLayersCollapseA =
  "Without any bend, layers collapse: a matrix times a matrix is a matrix. The network here has three layers and no activation, and all it can draw is one line.";
export const whichIsTheLargestSlopeThat = "Which is the largest slope that sigmoid has anywhere? Read it off the plot.";
export const letTheNetworkWithoutActivations =
  "Let the network without activations learn for 60 epochs: the ring stays unparted.";
export const giveTheLayersAnActivationAnd = "Give the layers an activation, and get 95 % of the test rows right.";
export const forwardPropagation = "Forward propagation";
export const fromInputsToAnAnswerPredict = "From inputs to an answer: predict each number, then reveal it.";
export const fromLeftToRightEveryNeuron =
  "From left to right: every neuron adds up its inputs times their weights and its bias, and bends the sum. The results are the inputs of the next layer. There is nothing more to it.";
export const workOutTheNumbersOfThis =
  "Work out the numbers of this small network yourself, to two decimals, before you look.";
export const findZTheWeightedSumOf = "Find z₁, the weighted sum of the first hidden neuron.";
export const findATanhZ = "Find a₁ = tanh(z₁).";
export const findTheOutputPZOf = "Find the output p = σ(z) of the network.";
export const backpropagation = "Backpropagation";
export const theChainRuleFactorByFactor = "The chain rule, factor by factor.";
export const fromRightToLeftHowDoes =
  "From right to left: how does the loss change when a number changes a little? At the output the answer is short: δ = p − y. Every neuron before gets the δ of those after it, through the same weights, times the slope of its own bend. That is the chain rule.";
export const theSlopeOfAWeightIs =
  "The slope of a weight is then one product: δ of its neuron times what came in through it. A tick shows that moving the weight a little really changes the loss by that much.";
export const findAtTheOutputPY = "Find δ at the output: p − y.";
export const findOfTheFirstHiddenNeuron = "Find δ₁ of the first hidden neuron: w · δ · (1 − a₁²).";
export const findTheSlopeOfTheWeight = "Find the slope of the weight from x₁ to it: δ₁ · x₁.";
export const lossFunctions = "Loss functions";
export const whatItCostsToBeConfidently = "What it costs to be confidently wrong, or to meet an outlier.";
export const theLossSaysHowWrongThe =
  "The loss says how wrong the network is, and its slope says how hard it is corrected. Take a point of class 1 whose sum z is very negative: the network is confidently wrong. Cross-entropy pulls with almost full force. Squared error after a sigmoid hardly pulls at all, because the sigmoid is flat there.";
export const forNumbersItIsAnOutlier =
  "For numbers it is an outlier that tells losses apart. Squared error pulls in proportion to the distance: one bad value outweighs many good ones. Huber's loss stops growing steeper at a distance of 1.";
export const moveZToWhereSquaredError =
  "Move z to where squared error pulls with less than 0.01 while cross-entropy pulls with more than 0.9.";
export const anOutlierIs10AwayWith =
  "An outlier is 10 away. With which slope does Huber's loss pull (squared error: 20)?";
export const chooseBinaryCrossEntropyForThis =
  "Choose binary cross-entropy for this network and get 90 % of the test rows right.";
export const optimizers = "Optimizers";
export const oneUpdateByHandThenA = "One update by hand, then a race.";
export const allOptimizersWalkDownhillThey =
  "All optimizers walk downhill; they differ in the length and the direction of a step. Plain descent takes the slope times the learning rate. Momentum keeps going. Adam divides by the usual size of the slope, so that its first step is just the learning rate, however small the slope is.";
export const workOutOneUpdateByHand = "Work out one update by hand, then let them race.";
export const aWeightIs05Its =
  "A weight is 0.5, its slope 0.2, the learning rate 0.1. Where is it after a step of plain descent?";
export const andAfterAdamsFirstStep = "And after Adam's first step?";
export const letFourOptimizersRaceFromThe =
  "Let four optimizers race from the same weights. Which has the lowest training loss after 500 steps?";
export const trainTheNetworkHereWithAdam =
  "Train the network here with Adam to a training loss below 0.1, in fewer than 100 epochs.";
export const yourOwnData = "Your own data";
export const aTableOfYoursTrainedChecked = "A table of yours, trained, checked and taken along.";
export const nowYourOwnProblemDropA =
  "Now your own problem. Drop a table with a column to be predicted, or paint points of two classes. Nothing leaves this browser.";
export const whenTheNetworkHasLearnedIt =
  "When the network has learned it, take it with you: as weights, as a program, or as a project to go on with. Each is read back and run again before it is given out.";
export const useDataOfYourOwnDrop = "Use data of your own: drop a table, or paint points.";
export const get80OfAtLeastTest = (fewTestRows: Value) =>
  `Get 80 % of at least ${fewTestRows} test rows right, clearly more than by always answering the most frequent class (for numbers: a test R² of 0.8).`;
export const writeAnExportAndSeeIt = "Write an export and see it checked.";

// shared/taskCode.ts
export const isInNoCodeOfThis = (strange: Value) => `“${strange}” is in no code of this page: copy the code again`;
export const aCodeHasCharactersThisOne = (length: Value, text: Value) =>
  `a code has ${length} characters, this one ${text}: copy all of it`;
export const aCharacterOfThisCodeIs = "a character of this code is wrong: copy the code again";
export const thisCodeIsOfEditionOf = (written: Value, edition: Value) =>
  `this code is of edition ${written} of the lessons, this page has edition ${edition}`;
