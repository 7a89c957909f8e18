// Misclassification costs: predicts the class with the least expected cost.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted } from "../graph/visible.ts";
import { Perceptron } from "../nn/index.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, predictedIn } from "./task.ts";

/** The cost of misclassifying a row of a class, by class name; 1 for classes that are not named. */
export type ClassCosts = Readonly<Record<string, number>>;

/** The costs in the order of the run's classes. Throws HebbError if there are no classes, for an unknown class and for negative costs. */
export function costsOf(
  { model, preprocessing }: Pick<OpenedRun, "model" | "preprocessing">,
  costs: ClassCosts,
): readonly number[] {
  const names = classNames(preprocessing);
  if (names === undefined)
    throw new HebbError(`costs are for classes, but this run predicts ${predictedIn(preprocessing)}; leave them out`);
  if (model instanceof Perceptron)
    throw new HebbError("costs need probabilities, and a perceptron has none; leave them out or train a network");
  for (const [name, cost] of Object.entries(costs)) {
    if (!names.includes(name)) {
      const hint = nearest(name, names);
      throw new HebbError(
        `this run has no class ${quoted(name)}, it has ${names.map((own) => quoted(own)).join(", ")}${hint === undefined ? "" : `; did you mean ${quoted(hint)}?`}`,
      );
    }
    if (!(cost >= 0 && cost < Number.POSITIVE_INFINITY))
      throw new HebbError(`the cost of missing ${quoted(name)} is ${cost}; give a number of 0 or more`);
  }
  const own = new Map(Object.entries(costs));
  return names.map((name) => own.get(name) ?? 1);
}

/**
 * The class with the largest probability × cost, or the first of equal ones. Choosing class k costs Σ_{j ≠ k} pⱼ cⱼ in expectation, which is least
 * there; the second of two classes is chosen from a probability of c₁ / (c₁ + c₂) on (Elkan 2001).
 */
export function cheapestClass(probabilities: ArrayLike<number>, costs: readonly number[]): number {
  return costs.reduce(
    (best, cost, k) => (at(probabilities, k) * cost > at(probabilities, best) * at(costs, best) ? k : best),
    0,
  );
}

/** The mean cost of a row, from a confusion matrix: rows are true classes, columns predicted ones. */
export function costPerRow(confusion: readonly (readonly number[])[], costs: readonly number[]): number {
  const rows = confusion.flat().reduce((sum, count) => sum + count, 0);
  const whole = confusion.reduce(
    (sum, counts, truth) =>
      sum + counts.reduce((own, count, k) => own + (k === truth ? 0 : count * at(costs, truth)), 0),
    0,
  );
  return whole / rows;
}
