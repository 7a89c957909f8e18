// Baselines for a result: a constant prediction and a linear model of the same features, measured on the same held-out rows.
import type { Dataset } from "../data/index.ts";
import type { NamedArrays } from "../formats/index.ts";
import { at } from "../graph/at.ts";
import { Linear } from "../nn/index.ts";
import { LBFGS } from "../optim/index.ts";
import { compile, type Tensor } from "../tensor/index.ts";
import { readsAtOnce } from "../tensor/reading.ts";
import { Evaluator, type Metrics, makeObjective, residentOf, samplesOf } from "../train/index.ts";
import type { JobConfig } from "./config.ts";
import type { JobData } from "./prepared.ts";
import { inverseFor, taskFor } from "./task.ts";

export interface Baselines {
  /** The most frequent class or the mean, for every row. */
  readonly constant: Metrics;
  readonly linear: Metrics;
}

/** With more values than this, a subset of rows is enough for a linear model. */
const mostValues = 2e7;
const iterations = 60;
/** The L2 penalty: without it, collinear columns and rare categories have no finite best weights. */
const shrinkage = 1e-4;

/** Null if they cannot be measured: without held-out rows, for images, texts and streams, and on asynchronous devices. */
export function baselinesOf({ loss }: Pick<JobConfig, "loss">, data: JobData): Baselines | null {
  if (!readsAtOnce() || data.kind !== "rows" || data.preprocessing.kind !== "table" || data.validation === undefined)
    return null;
  const { train, validation, preprocessing } = data;
  const task = taskFor(preprocessing);
  const usual = task.kind === "number" ? "mse" : "crossEntropy";
  // Each regression loss has its own linear model; classes are compared by their probabilities.
  const objective = makeObjective(task.kind === "number" ? loss : usual, task);
  const model = new Linear(at(train.features.shape, 0), objective.outputs);
  const evaluate = (): Metrics =>
    new Evaluator(model, objective).evaluate(samplesOf(validation), inverseFor(preprocessing)).metrics;
  model.loadStateDict(constantOf(train, objective.outputs, task.kind === "number"));
  const constant = evaluate();
  const rows = some(train);
  const { features, targets, weights } = residentOf(rows);
  const given = weights === undefined ? [features, targets] : [features, targets, weights];
  const optimizer = new LBFGS(model.parameters(), {
    maxIter: iterations,
    historySize: 10,
    lineSearchFn: "strongWolfe",
  });
  const closure = compile((x: Tensor, y: Tensor, own?: Tensor) => {
    optimizer.zeroGrad();
    const penalty = model.weight.square().sum().mul(shrinkage);
    const total = objective.loss(model.forward(x), y, own).add(penalty);
    total.backward();
    return total;
  });
  optimizer.step(() => closure(...(given as [Tensor, Tensor])));
  return { constant, linear: evaluate() };
}

/** Zero weights, with a bias that gives each class its share of the rows, or the mean of the numbers. */
function constantOf({ features, targets, weights }: Dataset, outputs: number, isNumber: boolean): NamedArrays {
  const inputs = at(features.shape, 0);
  const bias = new Float32Array(outputs);
  let all = 0;
  for (const [row, target] of targets.data.entries()) {
    const own = weights === undefined ? 1 : at(weights, row);
    all += own;
    const place = isNumber ? 0 : target;
    bias[place] = at(bias, place) + own * (isNumber ? target : 1);
  }
  return {
    weight: { dtype: "float32", shape: [outputs, inputs], data: new Float32Array(outputs * inputs) },
    // A class without rows here counts as one in ten thousand times the rows.
    bias: {
      dtype: "float32",
      shape: [outputs],
      data: bias.map((sum) => (isNumber ? sum / all : Math.log(sum / all + 1e-4 / all))),
    },
  };
}

function some(data: Dataset): Dataset {
  const most = Math.max(1000, Math.floor(mostValues / at(data.features.shape, 0)));
  if (data.length <= most) return data;
  return data.subset(Int32Array.from({ length: most }, (_, place) => Math.floor((place * data.length) / most)));
}
