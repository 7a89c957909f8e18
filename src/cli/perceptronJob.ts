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
import { configToJson, type JobConfig, type JobData, makeModel } from "./job.ts";

/** How a perceptron decides on a data set. Its loss is the share of mistakes. */
export function perceptronMetrics(model: Perceptron, data: Dataset): Metrics {
  const { features, targets } = residentOf(data);
  const decided = model.forward(features.flatten(1)).dataSync();
  const accuracy = figuresOf.accuracy(decided, targets.dataSync());
  return { loss: 1 - accuracy, accuracy };
}

export async function trainPerceptron(
  run: Run,
  config: JobConfig,
  { train, validation, test }: JobData,
  emit: EventListener,
): Promise<number> {
  const model = makeModel(config);
  if (!(model instanceof Perceptron)) throw new HebbError("the model is not a perceptron");
  if (train instanceof RowStream)
    throw new HebbError('model "perceptron" looks at all rows at once, so they cannot stream; use --model mlp');
  if (train instanceof TokenSequence || validation instanceof TokenSequence || test instanceof TokenSequence)
    throw new HebbError('model "perceptron" takes rows of a table, not a text; use gpt or lstm');
  // Rows often come class by class, and the rule forgets one class while it sees only the other: mixed once, by the seed.
  const { features, targets } = residentOf(train.subset(new Random(config.seed).permutation(train.length)));
  const inputs = features.flatten(1);
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
    const seen = perceptronMetrics(model, train);
    const best = (seen.accuracy ?? 0) > pocket.accuracy;
    if (best) pocket = { accuracy: seen.accuracy ?? 0, weights: arraysOf(model.stateDict()) };
    waited = best ? 0 : waited + 1;
    emit({
      type: "epoch",
      epoch,
      step: (epoch + 1) * train.length,
      lr: 1,
      train: seen,
      validation: validation === undefined ? null : perceptronMetrics(model, validation),
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
      message: `no line without mistakes was found in ${epoch} passes, the best one is kept; when no line separates the classes: try --model mlp`,
    });
  saveModel(run, { tensors: arraysOf(model.stateDict()), json: { model: configToJson(config).model ?? null } });
  emit({
    type: "end",
    run: run.path,
    metrics: {
      train: perceptronMetrics(model, train),
      validation: validation === undefined ? null : perceptronMetrics(model, validation),
      test: test === undefined ? null : perceptronMetrics(model, test),
    },
    epochs: epoch,
    seconds: (performance.now() - started) / 1000,
  });
  return 0;
}
