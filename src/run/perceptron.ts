// Training the classical perceptron from the command line: Rosenblatt's rule instead of gradients.
import { type Dataset, Random, TokenSequence } from "../data/index.ts";
import { type Run, saveModel } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import { Perceptron } from "../nn/index.ts";
import { backendInfo } from "../runtime/index.ts";
import {
  arraysOf,
  type EventListener,
  metrics as figuresOf,
  type Metrics,
  RowStream,
  residentOf,
} from "../train/index.ts";
import { classNames, configToJson, type JobConfig, type JobData, makeModel, namedScores } from "./config.ts";

/** How a perceptron decides on a data set: its figures, of which the loss is the share of mistakes, and the scores of each class. */
export function measurePerceptron(
  model: Perceptron,
  data: Dataset,
): {
  readonly metrics: Metrics;
  readonly classes: readonly figuresOf.ClassScores[];
  readonly decided: ArrayLike<number>;
} {
  const { features, targets } = residentOf(data);
  const decided = model.forward(features.flatten(1)).dataSync();
  const labels = targets.dataSync();
  const figures = figuresOf.classFigures(decided, labels, 2);
  return {
    metrics: { loss: 1 - (figures["accuracy"] ?? Number.NaN), ...figures },
    classes: figuresOf.classScores(decided, labels, 2),
    decided,
  };
}

export async function trainPerceptron(
  run: Run,
  config: JobConfig,
  { preprocessing, train, validation, test }: JobData,
  emit: EventListener,
): Promise<number> {
  const model = makeModel(config);
  if (!(model instanceof Perceptron)) throw new HebbError("the model is not a perceptron");
  if (train instanceof RowStream)
    throw new HebbError('model "perceptron" needs all rows at once, so they cannot be streamed; use --model mlp');
  if (train instanceof TokenSequence || validation instanceof TokenSequence || test instanceof TokenSequence)
    throw new HebbError('model "perceptron" takes rows of a table, not a text; use gpt or lstm');
  // Rows often come class by class, and the rule forgets one class while it sees only the other: mixed once, by the seed.
  const { features, targets } = residentOf(train.subset(new Random(config.seed).permutation(train.length)));
  const inputs = features.flatten(1);
  const names = classNames(preprocessing);
  const { backend, threads, description } = backendInfo();
  const started = performance.now();
  emit({
    type: "start",
    run: null,
    config: {},
    parameters: model.weight.size + 1,
    epochs: config.epochs,
    stepsPerEpoch: train.length,
    backend,
    threads,
    description,
    positiveClass: names?.[figuresOf.positiveClass] ?? null,
    notes: [],
  });
  let epoch = 0;
  let converged = false;
  let waited = 0;
  // The pocket: where no line is without mistakes the rule never settles, so the best weights are kept.
  let pocket = { accuracy: -1, weights: arraysOf(model.stateDict()) };
  for (; epoch < config.epochs && !converged && waited < (config.patience ?? Number.POSITIVE_INFINITY); epoch++) {
    const began = performance.now();
    converged = model.learn(inputs, targets, { epochs: 1 }).converged;
    const seen = measurePerceptron(model, train).metrics;
    const best = (seen.accuracy ?? 0) > pocket.accuracy;
    if (best) pocket = { accuracy: seen.accuracy ?? 0, weights: arraysOf(model.stateDict()) };
    waited = best ? 0 : waited + 1;
    emit({
      type: "epoch",
      epoch,
      step: (epoch + 1) * train.length,
      lr: 1,
      train: seen,
      validation: validation === undefined ? null : measurePerceptron(model, validation).metrics,
      seconds: (performance.now() - began) / 1000,
      best,
    });
  }
  model.loadStateDict(pocket.weights);
  if (!converged)
    emit({
      type: "warning",
      epoch,
      step: epoch * train.length,
      message: `no line without mistakes was found in ${epoch} passes, so the best one is kept; if no line separates the classes, try --model mlp`,
    });
  saveModel(run, { tensors: arraysOf(model.stateDict()), json: { model: configToJson(config).model ?? null } });
  const measure = (data: Dataset | undefined) => {
    if (data === undefined) return { metrics: null, classes: null };
    const { metrics, classes } = measurePerceptron(model, data);
    return { metrics, classes: namedScores(classes, names) };
  };
  const [learned, held, tested] = [measurePerceptron(model, train), measure(validation), measure(test)];
  emit({
    type: "end",
    run: run.path,
    metrics: { train: learned.metrics, validation: held.metrics, test: tested.metrics },
    classes: { train: namedScores(learned.classes, names), validation: held.classes, test: tested.classes },
    epochs: epoch,
    bestEpoch: null,
    seconds: (performance.now() - started) / 1000,
  });
  return 0;
}
