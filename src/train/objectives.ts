// What a loss asks of a network: how many outputs, targets in which form, and how outputs become probabilities.

import type { Dataset } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import { functional as F } from "../nn/index.ts";
import { cat, oneHot, type Tensor } from "../tensor/index.ts";

export const lossNames = ["crossEntropy", "bceWithLogits", "bce", "hinge", "mse", "l1", "huber", "smoothL1"] as const;
export type LossName = (typeof lossNames)[number];

/** What is to be predicted. */
export type Task = { readonly kind: "classes"; readonly count: number } | { readonly kind: "number" };

/** A loss fitted to a task. */
export interface Objective {
  readonly name: LossName;
  readonly task: Task;
  readonly outputs: number;
  /** Loss of a batch: outputs [B, outputs] against targets as the data set holds them. */
  loss(output: Tensor, target: Tensor): Tensor;
  /** For classes: probabilities [B, count]; for numbers: the prediction [B, 1]. */
  predict(output: Tensor): Tensor;
}

/** The objective of a loss on a task; throws when they do not fit. */
export function makeObjective(name: LossName, task: Task): Objective {
  if (task.kind === "number") {
    if (name === "crossEntropy" || name === "bceWithLogits" || name === "bce" || name === "hinge") {
      throw new HebbError(`loss "${name}" is for classes, but the target is a number; use mse, l1, huber or smoothL1`);
    }
    const loss = F[name];
    return { name, task, outputs: 1, loss: (output, target) => loss(output, target), predict: (output) => output };
  }
  const { count } = task;
  if (name === "crossEntropy") {
    return {
      name,
      task,
      outputs: count,
      loss: (output, target) => F.crossEntropy(output, target),
      predict: (output) => output.softmax(1),
    };
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
    loss: (output, target) => distance(output.softmax(1), oneHot(target, count).to(output.dtype)),
    predict: (output) => output.softmax(1),
  };
}

function twoClasses(name: "bceWithLogits" | "bce" | "hinge", task: Task): Objective {
  const column = (target: Tensor, like: Tensor): Tensor => target.reshape([target.size, 1]).to(like.dtype);
  return {
    name,
    task,
    outputs: 1,
    loss(output, target) {
      const y = column(target, output);
      if (name === "hinge") return F.hinge(output, y.mul(2).sub(1));
      return name === "bce" ? F.bce(output.sigmoid(), y) : F.bceWithLogits(output, y);
    },
    // Columns [1 − p, p].
    predict: (output) => cat([output.neg().sigmoid(), output.sigmoid()], 1),
  };
}

/** The loss that fits a task when none is named. */
export const defaultLoss = (task: Task): LossName => (task.kind === "number" ? "mse" : "crossEntropy");

/** What a data set asks for, by its targets: whole numbers are classes. */
export function taskOf(dataset: Dataset): Task {
  if (dataset.targets.dtype === "float32" || dataset.targets.dtype === "float64") return { kind: "number" };
  let count = 2;
  for (const label of dataset.targets.data) count = Math.max(count, label + 1);
  return { kind: "classes", count };
}
