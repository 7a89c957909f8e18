// Training the classical perceptron from the command line: Rosenblatt's rule instead of gradients.
import { Random } from "../data/index.ts";
import { type Run, saveModel } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import { Perceptron } from "../nn/index.ts";
import { backendInfo } from "../runtime/index.ts";
import { arraysOfLater, type EventListener, metrics as figuresOf, residentOf } from "../train/index.ts";
import { configToJson, type JobConfig, makeModel } from "./config.ts";
import { measurer } from "./measure.ts";
import type { JobData, PreparedRows } from "./prepared.ts";
import { measureParts, report } from "./report.ts";
import { classNames } from "./task.ts";

/** All rows at once; the rule processes them one by one. */
function rowsToLearn(data: JobData): PreparedRows {
  switch (data.kind) {
    case "rows":
      return data;
    case "parts":
      throw new HebbError('model "perceptron" needs all rows at once, so they cannot be streamed; use --model mlp');
    case "text":
      throw new HebbError('model "perceptron" takes rows of a table, not a text; use gpt or lstm');
  }
}

export async function trainPerceptron(
  run: Run,
  config: JobConfig,
  data: JobData,
  emit: EventListener,
): Promise<number> {
  const model = makeModel(config);
  if (!(model instanceof Perceptron)) throw new HebbError("the model is not a perceptron");
  const { preprocessing, train, validation } = rowsToLearn(data);
  // Rows are often sorted by class, and the rule forgets one class while it sees only the other, so they are shuffled once, by the seed.
  const { features, targets } = residentOf(train.subset(new Random(config.seed).permutation(train.length)));
  const inputs = features.flatten(1);
  const names = classNames(preprocessing);
  const measure = measurer({ config, preprocessing, model });
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
  // The pocket algorithm: without a separating line the rule never settles, so the best weights are kept.
  let pocket = { accuracy: -1, weights: await arraysOfLater(model.stateDict()) };
  for (; epoch < config.epochs && !converged && waited < (config.patience ?? Number.POSITIVE_INFINITY); epoch++) {
    const began = performance.now();
    converged = (await model.learnLater(inputs, targets, { epochs: 1 })).converged;
    const seen = (await measure(train)).metrics;
    const best = (seen.accuracy ?? 0) > pocket.accuracy;
    if (best) pocket = { accuracy: seen.accuracy ?? 0, weights: await arraysOfLater(model.stateDict()) };
    waited = best ? 0 : waited + 1;
    emit({
      type: "epoch",
      epoch,
      step: (epoch + 1) * train.length,
      lr: 1,
      train: seen,
      validation: validation === undefined ? null : (await measure(validation)).metrics,
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
  saveModel(run, {
    tensors: await arraysOfLater(model.stateDict()),
    json: { model: configToJson(config).model ?? null },
  });
  emit(
    report({
      run,
      data,
      parts: await measureParts(data, measure, measure),
      known: {},
      epochs: epoch,
      bestEpoch: null,
      baselines: null,
      improving: false,
      started,
    }),
  );
  return 0;
}
