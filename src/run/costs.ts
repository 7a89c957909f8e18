// Misclassification costs: predicts the class with the least expected cost.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted } from "../graph/visible.ts";
import { Perceptron } from "../nn/index.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, predictedIn } from "./task.ts";

/** What it costs to take a row of a class for another, by the names of the classes; 1 where a class is not named. */
export type ClassCosts = Readonly<Record<string, number>>;

/** The costs in the order of the run's classes. Throws HebbError where there are no classes, for another class and for costs below 0. */
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
 * The class whose probability × cost is the largest, the first of equal ones. Taking a row for class k costs Σ_{j ≠ k} pⱼ cⱼ in expectation,
 * which is least there; of two classes the second is taken from a probability of c₁ / (c₁ + c₂) (Elkan 2001).
 */
export function cheapestClass(probabilities: ArrayLike<number>, costs: readonly number[]): number {
  return costs.reduce(
    (best, cost, k) => (at(probabilities, k) * cost > at(probabilities, best) * at(costs, best) ? k : best),
    0,
  );
}

/** The mean cost of a row, of a confusion matrix: rows are what is true, columns what was predicted. */
export function costPerRow(confusion: readonly (readonly number[])[], costs: readonly number[]): number {
  const rows = confusion.flat().reduce((sum, count) => sum + count, 0);
  const whole = confusion.reduce(
    (sum, counts, truth) =>
      sum + counts.reduce((own, count, k) => own + (k === truth ? 0 : count * at(costs, truth)), 0),
    0,
  );
  return whole / rows;
}
