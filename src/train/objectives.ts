// What a loss requires: the number of outputs, the form of the targets, and how outputs become probabilities.
import { type Dataset, TokenSequence } from "../data/index.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { functional as F } from "../nn/index.ts";
import { cat, oneHot, Tensor, where } from "../tensor/index.ts";
import { resultTensor } from "../tensor/results.ts";
import { type LossName, lossNames } from "./names.ts";

/** What to predict: a class, a number, or the next token at each position. */
export type Task =
  | { readonly kind: "classes"; readonly count: number }
  | { readonly kind: "number" }
  | { readonly kind: "tokens"; readonly count: number };

/**
 * The loss of a batch, which is a mean, and the weight that it is a mean over: Σ weight × loss / Σ weight. With both, batches of different weights
 * can be combined.
 */
export interface BatchLoss {
  readonly loss: Tensor;
  /** Σ weight. If all rows have equal weight, their number. */
  readonly weight: Tensor | number;
}

/**
 * A loss as a function of the network's outputs and the targets: the mean over the rows of the batch. A mean over anything else, such as class
 * weights, must come with the sum of those weights.
 */
export type LossFunction = (output: Tensor, target: Tensor) => Tensor | BatchLoss;

/** The weights of the rows of a batch. */
export interface Counting {
  /** [B]; absent if all rows have equal weight. */
  readonly weights: Tensor | undefined;
  /** Whether no label is ignored, so that none need be counted. */
  readonly complete: boolean;
}

/** A loss adapted to a task. */
export interface Objective {
  /** "own" for a custom function. */
  readonly name: LossName | "own";
  readonly task: Task;
  readonly outputs: number;
  /** The loss of a batch: outputs [B, outputs] against targets as stored in the data set; with weights [B], Σ weight × loss / Σ weight. */
  measure(output: Tensor, target: Tensor, counting: Counting): BatchLoss;
  /** measure without the weight. */
  loss(output: Tensor, target: Tensor, weights?: Tensor): Tensor;
  /** For classes: probabilities [B, count]; for numbers: the prediction [B, 1]; for tokens: the logits, unchanged. */
  predict(output: Tensor): Tensor;
}

const objective = (parts: Omit<Objective, "loss">): Objective => {
  const measure: Objective["measure"] = (output, target, counting) => {
    const times = membersIn(output, target);
    return times === 1
      ? parts.measure(output, target, counting)
      : parts.measure(output, repeated(target, times), {
          ...counting,
          weights: counting.weights === undefined ? undefined : repeated(counting.weights, times),
        });
  };
  return {
    ...parts,
    measure,
    loss: (output, target, weights) => measure(output, target, { weights, complete: false }).loss,
  };
};

/** The number of answers for each row in training: one, or one for each member of an ensemble, row by row. */
function membersIn(output: Tensor, target: Tensor): number {
  const [given = 0, rows = 0] = [output.shape[0], target.shape[0]];
  return output.rank === 2 && rows > 0 && given > rows && given % rows === 0 ? given / rows : 1;
}

/** Repeats each row `times` times: [B, …] → [B · times, …]. */
function repeated(rows: Tensor, times: number): Tensor {
  const [count = 0, ...rest] = rows.shape;
  return rows
    .unsqueeze(1)
    .expand([count, times, ...rest])
    .reshape([count * times, ...rest]);
}

/** The losses of the rows [B]. */
type RowLoss = (output: Tensor, target: Tensor, reduction: "none" | "mean") => Tensor;

function weighted(each: RowLoss): Objective["measure"] {
  return (output, target, { weights }) => {
    const rows = output.shape[0] ?? 1;
    if (weights === undefined) return { loss: each(output, target, "mean"), weight: rows };
    const losses = each(output, target, "none").reshape([rows, -1]).mean(1);
    return meanOf(losses.mul(weights).sum(), weights.sum());
  };
}

/** sum / weight. A batch of weight 0 has no loss and changes nothing. */
const meanOf = (sum: Tensor, weight: Tensor): BatchLoss => ({
  loss: sum.div(where(weight.gt(0), weight, 1)),
  weight,
});

/** The label that cross-entropy ignores. */
export const ignoredLabel = -100;

/** Cross-entropy of classes. Ignored labels count as 0, whatever the weight of their row. */
const classLoss =
  (count: number): Objective["measure"] =>
  (output, target, { weights, complete }) => {
    checkClasses(output, count, false);
    const counts = complete || target.dtype === "uint8" ? undefined : target.ne(ignoredLabel).to(output.dtype);
    if (weights === undefined) {
      if (counts === undefined) return { loss: F.crossEntropy(output, target), weight: target.size };
      return meanOf(F.crossEntropy(output, target, { reduction: "sum" }), counts.sum());
    }
    const perRow = weights.reshape(target.shape.map((extent, axis) => (axis === 0 ? extent : 1)));
    const each = counts === undefined ? perRow.expand(target.shape) : perRow.mul(counts);
    return meanOf(F.crossEntropy(output, target, { reduction: "none" }).mul(perRow).sum(), each.sum());
  };

const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** Numbers are compared element by element, so outputs of another shape are refused, with the remedy. */
function checkNumbers(output: Tensor, target: Tensor): void {
  if (shapeText(output.shape) === shapeText(target.shape)) return;
  const advice =
    output.size === target.size
      ? `make the data set with targetShape: ${shapeText(output.shape.slice(1))}`
      : target.size === target.shape[0] && output.shape[0] === target.shape[0]
        ? `class labels are int32: make the data set with targets: Int32Array.from(labels); for one number per row the last layer has 1 output`
        : `a row has ${target.size / (target.shape[0] || 1)} numbers as its target, so the last layer must have as many outputs`;
  throw new ShapeError(
    `the model returns ${shapeText(output.shape)}, and the targets of the batch are ${shapeText(target.shape)}; ${advice}`,
  );
}

/** Checks for one output for each class: at least as many as classes, or exactly as many. */
function checkClasses(output: Tensor, count: number, exact: boolean): void {
  const width = output.shape.at(-1) ?? 1;
  if (output.shape.length === 2 && (exact ? width === count : width >= count)) return;
  if (output.shape.length > 2 && !exact) return;
  throw new ShapeError(
    `the targets are ${count} classes, but the model returns ${shapeText(output.shape)}; give its last layer ${count} outputs, one for each class`,
  );
}

/** The objective of a loss for a task; throws if they do not match. */
export function makeObjective(name: LossName, task: Task): Objective {
  if (!lossNames.includes(name))
    throw new HebbError(
      `there is no loss ${typeof name === "string" ? `"${name}"` : "of that kind"}; use ${lossNames.join(", ")}, or a function of (output, target)`,
    );
  if (task.kind === "tokens") {
    if (name !== "crossEntropy")
      throw new HebbError(`loss "${name}" does not fit a text, whose next token is a class; use crossEntropy`);
    return objective({ name, task, outputs: task.count, measure: tokenLoss, predict: (output) => output });
  }
  if (task.kind === "number") {
    if (name === "crossEntropy" || name === "bceWithLogits" || name === "bce" || name === "hinge") {
      throw new HebbError(
        `loss "${name}" is for classes, but the target is a number; class labels are int32: make the data set with targets: Int32Array.from(labels). For numbers use mse, l1, huber or smoothL1`,
      );
    }
    const distance = F[name];
    const measure = weighted((output, target, reduction) => {
      checkNumbers(output, target);
      return distance(output, target, { reduction });
    });
    return objective({ name, task, outputs: 1, measure, predict: (output) => output });
  }
  const { count } = task;
  if (name === "crossEntropy") {
    const predict = (output: Tensor): Tensor => classesLast(output.softmax(1));
    return objective({ name, task, outputs: count, measure: classLoss(count), predict });
  }
  if (name === "bceWithLogits" || name === "bce" || name === "hinge") {
    if (count !== 2)
      throw new HebbError(`loss "${name}" decides between two classes, but the target has ${count}; use crossEntropy`);
    return twoClasses(name, task);
  }
  // Distances on classes: the wrong loss, but allowed for comparison with the right one.
  const distance = F[name];
  return objective({
    name,
    task,
    outputs: count,
    measure: weighted((output, target, reduction) => {
      checkClasses(output, count, true);
      return distance(output.softmax(1), oneHot(target, count).to(output.dtype), { reduction });
    }),
    predict: (output) => output.softmax(1),
  });
}

/** [B, C, …] with the classes last, so that those of one label are contiguous. */
const classesLast = (output: Tensor): Tensor =>
  output.rank < 3 ? output : output.permute([0, ...output.shape.map((_, axis) => axis).slice(2), 1]);

/** Cross-entropy of logits [B, T, V] against tokens [B, T], in nats per token. */
function tokenLoss(output: Tensor, target: Tensor): BatchLoss {
  const width = output.shape.at(-1) ?? 1;
  return {
    loss: F.crossEntropy(output.reshape([target.size, width]), target.reshape([target.size])),
    weight: target.size,
  };
}

function twoClasses(name: "bceWithLogits" | "bce" | "hinge", task: Task): Objective {
  const column = (target: Tensor, like: Tensor): Tensor => target.reshape([target.size, 1]).to(like.dtype);
  return objective({
    name,
    task,
    outputs: 1,
    measure: weighted((output, target, reduction) => {
      if (output.size !== target.size)
        throw new ShapeError(
          `loss "${name}" takes one output for each row, but the model returns ${shapeText(output.shape)}; give its last layer 1 output, or use crossEntropy`,
        );
      const y = column(target, output);
      if (name === "hinge") return F.hinge(output, y.mul(2).sub(1), { reduction });
      return name === "bce" ? F.bce(output.sigmoid(), y, { reduction }) : F.bceWithLogits(output, y, { reduction });
    }),
    // Columns [1 − p, p].
    predict: (output) => cat([output.neg().sigmoid(), output.sigmoid()], 1),
  });
}

/** The objective of a custom loss, with predictions as for the task's usual loss. */
export function ownObjective(loss: LossFunction, task: Task): Objective {
  return objective({
    ...makeObjective(defaultLoss(task), task),
    name: "own",
    measure: (output, target, { weights }) => {
      if (weights !== undefined)
        throw new HebbError(
          "a custom loss function does not take row weights; name a loss, such as crossEntropy, or leave the weights out",
        );
      return ownLoss(loss(output, target), output.shape[0] ?? 1);
    },
  });
}

/** The result of a custom loss: the mean over the rows, or a mean with its weight. */
function ownLoss(found: unknown, rows: number): BatchLoss {
  if (typeof found !== "object" || found === null || found instanceof Tensor || !("loss" in found && "weight" in found))
    return { loss: resultTensor("loss", found), weight: rows };
  const { loss, weight } = found;
  if (!(typeof weight === "number" || (weight instanceof Tensor && weight.size === 1)))
    throw new HebbError(
      `loss: the weight must be one number, the total weight that the loss is a mean over, got ${describe(weight)}`,
    );
  return { loss: resultTensor("loss", loss), weight: typeof weight === "number" ? weight : weight.reshape([]) };
}

/** The default loss for a task. */
export const defaultLoss = (task: Task): LossName => (task.kind === "number" ? "mse" : "crossEntropy");

/** The task of a data set, by its targets: whole numbers are classes. */
export function taskOf(data: Dataset | TokenSequence): Task {
  if (data instanceof TokenSequence) return { kind: "tokens", count: data.vocabulary };
  if (data.targets.dtype === "float32" || data.targets.dtype === "float64") return { kind: "number" };
  let count = 2;
  for (const label of data.targets.data) count = Math.max(count, label + 1);
  return { kind: "classes", count };
}
