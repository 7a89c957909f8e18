// The meaning of a fitted preprocessing for a model: the task, the class names, the units of the target.
import { inverseTarget } from "../data/index.ts";
import type { Preprocessing } from "../formats/index.ts";
import type { Inverse, metrics, NamedScores, Task } from "../train/index.ts";
import type { JobConfig } from "./config.ts";

export function taskFor(preprocessing: Preprocessing, config?: JobConfig): Task {
  if (preprocessing.kind === "text") return { kind: "tokens", count: config?.model.outputs ?? 0 };
  return preprocessing.target.kind === "classes"
    ? { kind: "classes", count: preprocessing.target.classes.length }
    : { kind: "number" };
}

export const classNames = (preprocessing: Preprocessing): readonly string[] | undefined =>
  preprocessing.kind !== "text" && preprocessing.target.kind === "classes" ? preprocessing.target.classes : undefined;

/** The kind of prediction, in words. */
export function predictedIn(preprocessing: Preprocessing): "a text" | "a class" | "a number" {
  if (preprocessing.kind === "text") return "a text";
  return preprocessing.target.kind === "classes" ? "a class" : "a number";
}

/** The scores of each class with its name; null if there are no classes. */
export const namedScores = (
  scores: readonly metrics.ClassScores[] | undefined,
  names: readonly string[] | undefined,
): readonly NamedScores[] | null =>
  scores?.map((score, place) => ({ name: names?.[place] ?? String(place), ...score })) ?? null;

/** Converts the network's numbers to the target's units. */
export function inverseFor(preprocessing: Preprocessing): Inverse | undefined {
  if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return undefined;
  const { target } = preprocessing;
  return (value) => inverseTarget(target, value);
}
