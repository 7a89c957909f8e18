// Baselines to compare a network with: a constant prediction and a linear model, on the same held-out rows.
import type { Metrics } from "../train/index.ts";
import { figures } from "../train/metricText.ts";

export interface Compared {
  readonly own: Metrics;
  readonly linear: Metrics;
  readonly constant: Metrics;
}

/** Smaller differences of errors are within the variation between seeds. */
const leastGain = 0.01;

const namesOf = ({ linear }: Compared): readonly string[] => ("accuracy" in linear ? ["accuracy", "loss"] : ["rmse"]);

const told = (metrics: Metrics, names: readonly string[]): string =>
  figures(Object.fromEntries(names.map((name) => [name, figure(metrics, name)])));

const figure = (metrics: Metrics, name: string): number => metrics[name] ?? Number.NaN;

/** Classes: better by accuracy and by loss. Numbers: by rmse. */
const isBetter = (metrics: Metrics, { own }: Compared): boolean =>
  "accuracy" in metrics
    ? figure(metrics, "accuracy") > figure(own, "accuracy") && figure(metrics, "loss") < figure(own, "loss")
    : figure(metrics, "rmse") < (1 - leastGain) * figure(own, "rmse");

export const comparisonLine = (compared: Compared): string => {
  const names = namesOf(compared);
  return `compare     linear model: ${told(compared.linear, names)}; constant prediction: ${told(compared.constant, names)}`;
};

/** The baseline that beats the network, if there is one. */
export function betterThanNetwork(compared: Compared): { readonly what: string; readonly fix: string } | undefined {
  const [{ own, linear, constant }, names] = [compared, namesOf(compared)];
  const better = (name: string, metrics: Metrics): string =>
    `${name} does better on the held-out rows: ${told(metrics, names)}, this network ${told(own, names)}`;
  if (isBetter(constant, compared))
    return {
      what: better("a constant prediction", constant),
      fix: "the columns say nothing about the target that generalises: look for other columns, more rows, or a wrong target",
    };
  if (isBetter(linear, compared))
    return {
      what: better("a linear model", linear),
      fix: "train one with --hidden none, or try --preset best; a network needs more rows, or nonlinear relations",
    };
  return undefined;
}
