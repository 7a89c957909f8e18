// Mismatches between the network's last operation and the loss, or between the loss and the targets, found from values instead of names.
import { isInteger } from "../../graph/dtype.ts";
import { functional as F } from "../../nn/index.ts";
import { oneHot, type Tensor, tensor } from "../../tensor/index.ts";
import { itemOf, type Reading, valuesOf } from "../../tensor/reading.ts";
import type { Objective } from "../objectives.ts";
import type { Finding } from "./finding.ts";
import type { Pass } from "./network.ts";

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a), Math.abs(b));

/** The value of a loss for the outputs of the pass; undefined if it does not match their shapes. */
function* valueOf(make: () => Tensor): Reading<number | undefined> {
  try {
    return yield* itemOf(make());
  } catch {
    return undefined;
  }
}

const isWhole = ({ dtype }: Tensor): boolean => isInteger(dtype);

/** Identifies the loss of the objective, under any name. */
function* kindOf(
  objective: Objective,
  output: Tensor,
  pass: Pass,
): Reading<"crossEntropy" | "bceWithLogits" | "distance" | undefined> {
  const { targets, loss } = pass;
  if (objective.name === "crossEntropy") return "crossEntropy";
  if (objective.name === "bceWithLogits") return "bceWithLogits";
  if (["mse", "l1", "huber", "smoothL1"].includes(objective.name)) return "distance";
  if (objective.name !== "own" || !Number.isFinite(loss)) return undefined;
  const is = function* (make: () => Tensor): Reading<boolean> {
    const value = yield* valueOf(make);
    return value !== undefined && near(value, loss);
  };
  const column = (): Tensor => targets.reshape([...output.shape]).to(output.dtype);
  if (isWhole(targets) && (yield* is(() => F.crossEntropy(output, targets)))) return "crossEntropy";
  if (yield* is(() => F.bceWithLogits(output, column()))) return "bceWithLogits";
  const width = output.shape[1] ?? 1;
  const forms = [output, output.sigmoid(), ...(output.rank === 2 && width > 1 ? [output.softmax(1)] : [])];
  for (const form of forms) {
    if ((yield* is(() => F.mse(form, column()))) || (yield* is(() => F.l1(form, column())))) return "distance";
    if (isWhole(targets) && width > 1) {
      const wanted = (): Tensor => oneHot(targets, width).to(output.dtype);
      if ((yield* is(() => F.mse(form, wanted()))) || (yield* is(() => F.l1(form, wanted())))) return "distance";
    }
  }
  return undefined;
}

/** Whether rows consist of probabilities that sum to 1. */
function sumToOne(values: ArrayLike<number>, width: number): boolean {
  if (width < 2) return false;
  for (let start = 0; start + width <= values.length; start += width) {
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const value = values[start + k] ?? -1;
      if (!(value >= 0)) return false;
      sum += value;
    }
    if (Math.abs(sum - 1) > 1e-4) return false;
  }
  return values.length > 0;
}

const views = new Set(["reshape", "permute", "slice", "cast", "expand"]);

/** The operation that produced the output, ignoring views. */
function lastOperation({ forward }: Pass): { readonly op: string; readonly path: string } | undefined {
  const byName = new Map(forward.map((value) => [value.name, value]));
  let at = forward.at(-1);
  while (at !== undefined && views.has(at.op)) at = byName.get(at.inputs[0] ?? "");
  return at;
}

export function* checkLoss(pass: Pass, objective: Objective): Reading<Finding[]> {
  const output = tensor(pass.output, { shape: pass.outputShape });
  const kind = yield* kindOf(objective, output, pass);
  const last = lastOperation(pass);
  const width = pass.outputShape[1] ?? 1;
  if (kind === "crossEntropy" && pass.outputShape.length === 2 && sumToOne(pass.output, width))
    return [
      {
        code: "softmaxBeforeCrossEntropy",
        what: "the network ends in a softmax, and crossEntropy applies the softmax again",
        evidence: `the ${width} outputs of every inspected row are non-negative and sum to 1`,
        why: "the softmax of probabilities is almost uniform: the loss cannot approach 0, and gradients are small",
        fix: "remove the softmax at the end, and apply it only to show probabilities",
        layer: last?.path ?? null,
      },
    ];
  if (kind === "bceWithLogits" && last?.op === "sigmoid")
    return [
      {
        code: "sigmoidBeforeBceWithLogits",
        what: "the network ends in a sigmoid, and bceWithLogits applies the sigmoid again",
        evidence: `the outputs lie between ${least(pass.output).toPrecision(3)} and ${most(pass.output).toPrecision(3)}; a probability near 0 can only become σ(0) = 0.5`,
        why: "the sigmoid of a probability is between 0.5 and 0.73: the loss cannot approach 0",
        fix: "remove the sigmoid at the end, or use bce, which takes probabilities",
        layer: last.path,
      },
    ];
  const [targets = new Float32Array()] = yield* valuesOf([pass.targets]);
  const classes =
    isWhole(pass.targets) || (targets.length >= 8 && targets.every((value) => value === 0 || value === 1));
  if (kind === "distance" && classes && objective.task.kind !== "tokens")
    return [
      {
        code: "distanceOnClasses",
        what: `a distance (${objective.name === "own" ? "such as mse" : objective.name}) is used as the loss for classes`,
        evidence: `the targets are classes: ${[...new Set(targets)].slice(0, 6).join(", ")}${new Set(targets).size > 6 ? ", …" : ""}`,
        why: "a confident mistake costs at most 1 and has almost no gradient, so learning is slow or gets stuck",
        fix: width > 1 ? "use crossEntropy on the logits" : "use bceWithLogits on the logits",
        layer: null,
      },
    ];
  return [];
}

const least = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const most = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
