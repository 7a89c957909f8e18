// Before a table is trained, a few short trials on part of the training rows, scored on the rest, determine the open settings. The rows that the run
// reports on are not used here, so its metrics stay unbiased.
import { listColumns } from "../data/columnNames.ts";
import { inverseTarget, type TablePreprocessing } from "../data/preprocessing.ts";
import type { TrainChoices } from "./choices.ts";
import type { JobConfig } from "./config.ts";
import type { PreparedRows } from "./prepared.ts";
import { fewestEpochs, longestOf, presetOf, workOf, workPerEpoch } from "./tabular.ts";
import {
  hiddenText,
  judging,
  mostRows,
  type SearchOptions,
  seesPart,
  spreadOf,
  type Trial,
  Trials,
  type Tried,
} from "./trials.ts";

/** The result: choices to train with, and a sentence about them. */
export interface Found {
  readonly choices: TrainChoices;
  readonly chosen: string;
  /** Whether the number of epochs was chosen too, so that the held-out rows decide nothing. */
  readonly nested: boolean;
}

/** Fewer rows than this cannot be split twice. */
const fewestRows = 200;
/** The default dropout of the network for tables. */
const usualDropout = 0.1;
/** The skewness of a target from which it has a long tail. */
const longTail = 1;

/** Whether there are settings to search for, and time for it. */
export function searches(choices: TrainChoices, config: JobConfig, prepared: PreparedRows): boolean {
  if (config.model.kind !== "tabular" || presetOf(choices) === "fast") return false;
  // Rows in groups or in time order cannot be split at random; this is known before they are prepared.
  if (choices.group !== undefined || choices.timeColumn !== undefined) return false;
  if (prepared.validation === undefined || prepared.train.length < fewestRows) return false;
  // Fewer than two trials, besides the training itself, decide nothing.
  const rows = Math.min(prepared.train.length * (1 - judging), mostRows);
  const trials = 2 * workPerEpoch(config.model, rows) * config.epochs;
  return trials + workPerEpoch(config.model, prepared.train.length) * fewestEpochs <= workOf(choices);
}

/** Whether the logarithm of the target is worth a trial: no value is negative, and some are far above the rest. */
function hasTail({ train }: PreparedRows, { target }: TablePreprocessing, { targetTransform }: TrainChoices): boolean {
  if (target.kind !== "number" || targetTransform !== undefined) return false;
  const values = Float64Array.from(train.targets.data, (value) => inverseTarget(target, value));
  const { mean, deviation, skewness } = spreadOf(values);
  // In float32, a 0 returns with the rounding errors of the mean and the scale.
  const rounding = 1e-6 * Math.max(1, Math.abs(mean), deviation);
  return skewness > longTail && values.every((value) => value >= -rounding);
}

/** The best settings for these rows, among the defaults and a few changes of them. */
export async function search(options: SearchOptions): Promise<Found | undefined> {
  const { choices, prepared } = options;
  const { preprocessing } = prepared;
  if (preprocessing.kind !== "table") return undefined;
  const changes = changesFor(prepared, preprocessing, choices);
  const isOpen = choices.epochs === undefined && !seesPart(prepared);
  // The defaults, their changes, and, if the length is open, the best of them for twice as long.
  const trials = new Trials(options, changes.length + (isOpen ? 3 : 1));
  await trials.run({});
  const usual = trials.best;
  if (usual === undefined) return undefined;
  let best = usual;
  const tryOut = async (trial: Trial): Promise<void> => {
    await trials.run(trial);
    best = trials.best ?? best;
  };
  for (const change of changes) {
    // Without hidden layers there is no dropout.
    if (change.dropout !== undefined && best.trial.hidden?.length === 0) continue;
    // With more dropout, or without words to memorise, a network learns for longer.
    const longer = (change.dropout ?? 0) > usualDropout || change.ignore !== undefined || change.hidden?.length === 0;
    const epochs = longer ? usual.epochs : fitting(best);
    await tryOut({ ...best.trial, ...change, epochs });
  }
  // A trial that is best in its last epochs may need to learn for longer; with fewer members there is time for that.
  const longest = isOpen ? longestOf(options.network, prepared.train.length, choices) : 0;
  const longer = longerThan(best, longest);
  if (longer !== undefined) await tryOut({ ...best.trial, epochs: longer });
  await tryOut({ ...best.trial, epochs: fitting(best) });
  return foundBy(trials, best, choices);
}

function foundBy({ monitor, preset, isPart, count, worst }: Trials, best: Tried, choices: TrainChoices): Found {
  const { epochs: _, ...changed } = best.trial;
  if (isPart) {
    const chosen = `chosen by ${count} trials on ${mostRows} of the training rows: ${tellChosen(changed)}`;
    return { choices: { ...choices, ...changed, model: "tabular", preset }, nested: false, chosen };
  }
  const epochs = fitting(best);
  return {
    nested: true,
    choices: { ...choices, ...changed, epochs, model: "tabular", preset },
    chosen: `chosen by ${count} trials on the training rows: ${tellChosen(changed, epochs)} (${monitor} ${best.value.toPrecision(4)}, from ${worst.toPrecision(4)} on)`,
  };
}

/** The useful number of epochs, with a rate that falls to 0 over them. */
function fitting({ bestEpoch, epochs }: Pick<Tried, "bestEpoch" | "epochs">): number {
  const needed = bestEpoch + 1;
  return needed < 0.75 * epochs ? Math.max(2, Math.ceil(1.25 * needed)) : epochs;
}

/** Twice as many epochs, or as many as there is time for, if the last ones still helped; otherwise undefined. */
export function longerThan(tried: Pick<Tried, "bestEpoch" | "epochs">, longest: number): number | undefined {
  const longer = Math.min(longest, 2 * tried.epochs);
  return fitting(tried) < tried.epochs || longer < 1.25 * tried.epochs ? undefined : longer;
}

/** Single changes that may be better than the defaults. */
function changesFor(prepared: PreparedRows, preprocessing: TablePreprocessing, choices: TrainChoices): Trial[] {
  const changes: Trial[] = [];
  // Names are texts too, and may carry no information: a model of cars has an error of 2.4 miles per gallon without their names, and 2.6 with them.
  const texts = preprocessing.inputs.flatMap(({ kind, column }) =>
    kind === "text" && !choices.text?.includes(column) ? [column] : [],
  );
  if (texts.length > 0 && texts.length < preprocessing.inputs.length)
    changes.push({ ignore: [...(choices.ignore ?? []), ...texts] });
  // There are many words for the number of rows: a weight for each alone may be all that they support.
  if (texts.length > 0) changes.push({ hidden: [] });
  if (hasTail(prepared, preprocessing, choices)) changes.push({ targetTransform: "log" });
  if (preprocessing.target.kind === "number") changes.push({ dropout: 0 });
  changes.push({ dropout: 0.3 }, { lr: 5e-3 });
  if (presetOf(choices) === "best")
    changes.push({ dropout: 0.2 }, { hidden: [384, 384] }, { lr: 5e-4 }, { weightDecay: 0.3 });
  // Explicit choices stay unchanged.
  return changes.filter(
    ({ dropout, hidden, lr, weightDecay }) =>
      (dropout === undefined || choices.dropout === undefined) &&
      (hidden === undefined || choices.hidden === undefined) &&
      (lr === undefined || choices.lr === undefined) &&
      (weightDecay === undefined || choices.weightDecay === undefined),
  );
}

const tellChosen = ({ dropout, lr, hidden, weightDecay, targetTransform, ignore }: Trial, epochs?: number): string =>
  [
    ...(targetTransform === "log" ? ["logarithm of the target"] : []),
    ...(ignore === undefined ? [] : [`without ${listColumns(ignore)}`]),
    ...(dropout === undefined ? [] : [`dropout ${dropout}`]),
    ...(lr === undefined ? [] : [`learning rate ${lr}`]),
    ...(hidden === undefined ? [] : [hiddenText(hidden)]),
    ...(weightDecay === undefined ? [] : [`weight decay ${weightDecay}`]),
    ...(epochs === undefined ? [] : [`${epochs} epochs`]),
  ].join(", ") || "the defaults";
