// How metrics are printed: fractions in per cent, everything else with four digits; and the line of an epoch.
import type { Metrics, TrainEvent } from "./events.ts";

const percent: ReadonlySet<string> = new Set([
  "accuracy",
  "balancedAccuracy",
  "precision",
  "recall",
  "f1",
  "macroPrecision",
  "macroRecall",
  "macroF1",
  "top5",
]);

export const figure = (name: string, value: number): string =>
  `${name} ${percent.has(name) ? `${(100 * value).toFixed(1)} %` : value.toPrecision(4)}`;

/** Metrics in a line, without those that are undefined for these rows, such as r2 of one row. */
export const figures = (metrics: Metrics): string =>
  Object.entries(metrics)
    .filter(([name, value]) => name === "loss" || !Number.isNaN(value))
    .map(([name, value]) => figure(name, value))
    .join(", ");

export const epochsText = (count: number): string => `${count} ${count === 1 ? "epoch" : "epochs"}`;

/** The metrics short enough for a line. */
const short: ReadonlySet<string> = new Set(["loss", "accuracy", "r2", "mae"]);

/** An epoch as a line, counted from 1; a star marks the best so far. */
export function epochLine({ epoch, train, validation, best }: Extract<TrainEvent, { type: "epoch" }>): string {
  const held = Object.fromEntries(Object.entries(validation ?? {}).filter(([name]) => short.has(name)));
  const main = validation === null ? "" : `  validation ${figures(held)}`;
  return `epoch ${String(epoch + 1).padStart(3)}  train loss ${(train["loss"] ?? Number.NaN).toPrecision(4)}${main}${best ? "  *" : ""}`;
}

export const refitLine = ({ rows, epochs }: Extract<TrainEvent, { type: "refit" }>): string =>
  `measured; training again with the held-out rows, ${rows} in all, for ${epochsText(epochs)}`;

/** How a training stopped before its end: paused as planned, or interrupted. */
export const stopText = ({ paused }: Extract<TrainEvent, { type: "interrupted" }>): string =>
  paused ? "paused" : "interrupted";
