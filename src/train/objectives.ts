// What a loss asks of a network: how many outputs, targets in which form, and how outputs become probabilities.

import { type Dataset, TokenSequence } from "../data/index.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { functional as F } from "../nn/index.ts";
import { cat, oneHot, type Tensor } from "../tensor/index.ts";
import { resultTensor } from "../tensor/results.ts";
import { type LossName, lossNames } from "./names.ts";

/** What is to be predicted: one of some classes, a number, or the token after each. */
export type Task =
  | { readonly kind: "classes"; readonly count: number }
  | { readonly kind: "number" }
  | { readonly kind: "tokens"; readonly count: number };

/** A loss as a function of the network's outputs and the targets: their mean over the batch. */
export type LossFunction = (output: Tensor, target: Tensor) => Tensor;

/** A loss fitted to a task. */
export interface Objective {
  /** "own" for a function that the user gave. */
  readonly name: LossName | "own";
  readonly task: Task;
  readonly outputs: number;
  /** Loss of a batch: outputs [B, outputs] against targets as the data set holds them; with weights [B], Σ weight × loss / Σ weight. */
  loss(output: Tensor, target: Tensor, weights?: Tensor): Tensor;
  /** For classes: probabilities [B, count]; for numbers: the prediction [B, 1]; for tokens: the logits, as they are. */
  predict(output: Tensor): Tensor;
}

/** Losses of the rows [B]. */
type RowLoss = (output: Tensor, target: Tensor, reduction: "none" | "mean") => Tensor;

function weighted(each: RowLoss): Objective["loss"] {
  return (output, target, weights) => {
    if (weights === undefined) return each(output, target, "mean");
    const rows = output.shape[0] ?? 1;
    const losses = each(output, target, "none").reshape([rows, -1]).mean(1);
    return losses.mul(weights).sum().div(weights.sum());
  };
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** Numbers are compared one by one, so a model that gives others than asked for is told what to change. */
function checkNumbers(output: Tensor, target: Tensor): void {
  if (shapeText(output.shape) === shapeText(target.shape)) return;
  const advice =
    output.size === target.size
      ? `make the data set with targetShape: ${shapeText(output.shape.slice(1))}`
      : "give the last layer as many outputs as there are targets";
  throw new ShapeError(
    `the model gives ${shapeText(output.shape)}, the targets of the batch are ${shapeText(target.shape)}; ${advice}`,
  );
}

/** One output for each class: at least as many as there are, or exactly so many. */
function checkClasses(output: Tensor, count: number, exact: boolean): void {
  const width = output.shape.at(-1) ?? 1;
  if (output.shape.length === 2 && (exact ? width === count : width >= count)) return;
  if (output.shape.length > 2 && !exact) return;
  throw new ShapeError(
    `the targets are ${count} classes, but the model gives ${shapeText(output.shape)}; let its last layer have ${count} outputs, one for each class, counted from 0`,
  );
}

/** The objective of a loss on a task; throws when they do not fit. */
export function makeObjective(name: LossName, task: Task): Objective {
  if (!lossNames.includes(name))
    throw new HebbError(
      `there is no loss ${typeof name === "string" ? `"${name}"` : "of that kind"}; use ${lossNames.join(", ")}, or a function of (output, target)`,
    );
  if (task.kind === "tokens") {
    if (name !== "crossEntropy")
      throw new HebbError(`loss "${name}" does not fit a text, whose next token is one of many; use crossEntropy`);
    return { name, task, outputs: task.count, loss: tokenLoss, predict: (output) => output };
  }
  if (task.kind === "number") {
    if (name === "crossEntropy" || name === "bceWithLogits" || name === "bce" || name === "hinge") {
      throw new HebbError(`loss "${name}" is for classes, but the target is a number; use mse, l1, huber or smoothL1`);
    }
    const distance = F[name];
    const loss = weighted((output, target, reduction) => {
      checkNumbers(output, target);
      return distance(output, target, { reduction });
    });
    return { name, task, outputs: 1, loss, predict: (output) => output };
  }
  const { count } = task;
  if (name === "crossEntropy") {
    const loss = weighted((output, target, reduction) => {
      checkClasses(output, count, false);
      return F.crossEntropy(output, target, { reduction });
    });
    return { name, task, outputs: count, loss, predict: (output) => output.softmax(1) };
  }
  if (name === "bceWithLogits" || name === "bce" || name === "hinge") {
    if (count !== 2)
      throw new HebbError(`loss "${name}" decides between two classes, but the target has ${count}; use crossEntropy`);
    return twoClasses(name, task);
  }
  // Distances on classes: the wrong loss, allowed so that it can be compared with the right one.
  const distance = F[name];
  return {
    name,
    task,
    outputs: count,
    loss: weighted((output, target, reduction) => {
      checkClasses(output, count, true);
      return distance(output.softmax(1), oneHot(target, count).to(output.dtype), { reduction });
    }),
    predict: (output) => output.softmax(1),
  };
}

/** Cross-entropy of logits [B, T, V] against tokens [B, T], in nats for each token. */
function tokenLoss(output: Tensor, target: Tensor): Tensor {
  const width = output.shape.at(-1) ?? 1;
  return F.crossEntropy(output.reshape([target.size, width]), target.reshape([target.size]));
}

function twoClasses(name: "bceWithLogits" | "bce" | "hinge", task: Task): Objective {
  const column = (target: Tensor, like: Tensor): Tensor => target.reshape([target.size, 1]).to(like.dtype);
  return {
    name,
    task,
    outputs: 1,
    loss: weighted((output, target, reduction) => {
      if (output.size !== target.size)
        throw new ShapeError(
          `loss "${name}" takes one output for each row, but the model gives ${shapeText(output.shape)}; let its last layer have 1 output, or use crossEntropy`,
        );
      const y = column(target, output);
      if (name === "hinge") return F.hinge(output, y.mul(2).sub(1), { reduction });
      return name === "bce" ? F.bce(output.sigmoid(), y, { reduction }) : F.bceWithLogits(output, y, { reduction });
    }),
    // Columns [1 − p, p].
    predict: (output) => cat([output.neg().sigmoid(), output.sigmoid()], 1),
  };
}

/** The objective of a loss of the user's own, with predictions as for the task's usual loss. */
export function ownObjective(loss: LossFunction, task: Task): Objective {
  return {
    ...makeObjective(defaultLoss(task), task),
    name: "own",
    loss: (output, target, weights) => {
      if (weights !== undefined)
        throw new HebbError(
          "a loss function of your own takes no weights of rows; name a loss, such as crossEntropy, or leave the weights out",
        );
      return resultTensor("loss", loss(output, target));
    },
  };
}

/** The loss that fits a task when none is named. */
export const defaultLoss = (task: Task): LossName => (task.kind === "number" ? "mse" : "crossEntropy");

/** What a data set asks for, by its targets: whole numbers are classes. */
export function taskOf(data: Dataset | TokenSequence): Task {
  if (data instanceof TokenSequence) return { kind: "tokens", count: data.vocabulary };
  if (data.targets.dtype === "float32" || data.targets.dtype === "float64") return { kind: "number" };
  let count = 2;
  for (const label of data.targets.data) count = Math.max(count, label + 1);
  return { kind: "classes", count };
}
