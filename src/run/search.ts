// Before a table is trained: a few short trainings on a part of the rows to learn from, judged by the rest of them, decide what is left open.
// The rows that the run reports on take no part, so its figures are not those that chose.
import { Dataset, trainValidationSplit } from "../data/index.ts";
import { inverseTarget, logTransform, type TablePreprocessing } from "../data/preprocessing.ts";
import { at } from "../graph/at.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { metrics as figuresOf, type TabularDescription, fit as trainModel } from "../train/index.ts";
import type { TrainChoices } from "./choices.ts";
import type { JobConfig } from "./config.ts";
import { decide } from "./decide.ts";
import { firstModel, learningOf } from "./learning.ts";
import type { PreparedRows } from "./prepared.ts";
import type { Notices } from "./readOptions.ts";
import type { Origin } from "./source.ts";
import { fewestEpochs, presetOf, workOf, workPerEpoch } from "./tabular.ts";

/** What a trial may change. */
type Trial = Pick<TrainChoices, "dropout" | "hidden" | "lr" | "weightDecay" | "epochs" | "targetTransform">;

export interface SearchOptions {
  readonly origin: Origin;
  readonly choices: TrainChoices;
  readonly prepared: PreparedRows;
  /** What is trained if nothing better is found. */
  readonly network: TabularDescription;
  readonly notices: Notices;
  /** Aborting it ends the search; the best so far is taken. */
  readonly signal: AbortSignal;
}

/** What was found: choices to train with, and a sentence about them. */
export interface Found {
  readonly choices: TrainChoices;
  readonly chosen: string;
  /** Whether the number of epochs was chosen too, so that the held-out rows choose nothing. */
  readonly nested: boolean;
}

/** A trial that was run. */
interface Tried {
  readonly trial: Trial;
  /** The figure of the rows that judge, in its best epoch. */
  readonly value: number;
  readonly bestEpoch: number;
  readonly epochs: number;
}

/** Of more rows, so many are enough to choose by; how long to train is not told by fewer. */
const mostRows = 8000;
/** Fewer rows than this cannot be divided twice. */
const fewestRows = 200;
/** The share of the rows to learn from that judges. */
const judging = 0.2;
/** A long tail: the standard third moment of the target. */
const longTail = 1;

/** Whether there is something to search for, and time for it. */
export function searches(choices: TrainChoices, config: JobConfig, prepared: PreparedRows): boolean {
  if (config.model.kind !== "tabular" || presetOf(choices) === "fast") return false;
  // Rows that belong together, or follow each other, cannot be divided at random; that they are is known before they are prepared.
  if (choices.group !== undefined || choices.timeColumn !== undefined) return false;
  if (prepared.validation === undefined || prepared.train.length < fewestRows) return false;
  // Less than two trials, beside the training itself, decide nothing.
  const rows = Math.min(prepared.train.length * (1 - judging), mostRows);
  const trials = 2 * workPerEpoch(config.model, rows) * config.epochs;
  return trials + workPerEpoch(config.model, prepared.train.length) * fewestEpochs <= workOf(choices);
}

/** Divides the rows to learn from; the target is scaled anew where its logarithm is tried. */
class Inner {
  readonly #prepared: PreparedRows;
  readonly #plain: PreparedRows;
  #log: PreparedRows | undefined;
  /** Whether more rows are trained on later. */
  readonly isPart: boolean;

  constructor(prepared: PreparedRows, seed: number) {
    const { train, preprocessing } = prepared;
    const labels =
      preprocessing.kind !== "table" || preprocessing.target.kind === "number" ? undefined : train.targets.data;
    const split = trainValidationSplit(train.length, {
      validation: judging,
      seed: seed + 1,
      ...(labels === undefined ? {} : { labels }),
    });
    this.#prepared = prepared;
    // Rows are in the order of the file, and neighbours may be alike.
    const few = (rows: Int32Array, most: number): Int32Array =>
      rows.length <= most
        ? rows
        : Int32Array.from({ length: most }, (_, place) => at(rows, Math.floor((place * rows.length) / most)));
    this.isPart = split.train.length > mostRows;
    this.#plain = {
      ...prepared,
      train: train.subset(few(split.train, mostRows)),
      validation: train.subset(few(split.validation, mostRows / 2)),
    };
  }

  of({ targetTransform }: Trial): PreparedRows {
    if (targetTransform !== "log") return this.#plain;
    this.#log ??= this.#logged();
    return this.#log;
  }

  #logged(): PreparedRows {
    const { preprocessing, train, validation } = this.#plain;
    if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return this.#plain;
    const before = preprocessing.target;
    const levels = (data: Dataset): Float64Array =>
      Float64Array.from(data.targets.data, (value) => logTransform(inverseTarget(before, value)));
    const own = levels(train);
    const { mean, deviation } = spreadOf(own);
    const target = { ...before, transform: "log", mean, scale: deviation } as const;
    const scaled = (data: Dataset): Dataset =>
      new Dataset({
        features: data.features.data,
        featureShape: data.features.shape,
        targets: Float32Array.from(levels(data), (value) => (value - mean) / deviation),
        targetShape: data.targets.shape,
        ...(data.weights === undefined ? {} : { weights: data.weights }),
      });
    return {
      ...this.#prepared,
      preprocessing: { ...preprocessing, target },
      train: scaled(train),
      validation: validation && scaled(validation),
    };
  }
}

function spreadOf(values: ArrayLike<number>): {
  readonly mean: number;
  readonly deviation: number;
  readonly skewness: number;
} {
  let [mean, square, cube] = [0, 0, 0];
  const count = values.length;
  for (let k = 0; k < count; k++) mean += at(values, k) / count;
  for (let k = 0; k < count; k++) {
    const apart = at(values, k) - mean;
    square += apart ** 2 / count;
    cube += apart ** 3 / count;
  }
  const deviation = Math.sqrt(square) || 1;
  return { mean, deviation, skewness: cube / deviation ** 3 };
}

/** Whether the logarithm of the target is worth a trial: no value is negative, and some are far above the rest. */
function hasTail({ train }: PreparedRows, { target }: TablePreprocessing, { targetTransform }: TrainChoices): boolean {
  if (target.kind !== "number" || targetTransform !== undefined) return false;
  const values = Float64Array.from(train.targets.data, (value) => inverseTarget(target, value));
  const { mean, deviation, skewness } = spreadOf(values);
  // A 0 comes back from float32 with the rounding of the mean and the scale.
  const rounding = 1e-6 * Math.max(1, Math.abs(mean), deviation);
  return skewness > longTail && values.every((value) => value >= -rounding);
}

export async function search({
  origin,
  choices,
  prepared,
  network,
  notices,
  signal,
}: SearchOptions): Promise<Found | undefined> {
  const { preprocessing } = prepared;
  if (preprocessing.kind !== "table") return undefined;
  const number = preprocessing.target.kind === "number";
  const monitor = choices.monitor ?? (number ? "rmse" : "loss");
  const way = figuresOf.modeOf(monitor) === "max" ? 1 : -1;
  const inner = new Inner(prepared, choices.seed);
  const started = performance.now();
  // A trial is no user's choice: it, and the training after it, are as thorough as the search.
  const preset = presetOf(choices);
  let left = workOf(choices) - workPerEpoch(network, prepared.train.length) * fewestEpochs;
  const tried: Tried[] = [];
  const known = new Set<string>();
  const affordable = (): boolean =>
    choices.time === undefined || (performance.now() - started) / 1000 < choices.time / 2;

  const run = async (trial: Trial): Promise<Tried | undefined> => {
    const rows = inner.of(trial);
    const decided = decide(origin, { ...choices, ...trial, monitor, preset }, rows, null);
    // A part of the rows leaves time for more members than there will be.
    const config =
      decided.model.kind === "tabular"
        ? { ...decided, model: { ...decided.model, members: network.members } }
        : decided;
    const what = tell(trial, config);
    if (config.model.kind !== "tabular" || signal.aborted || known.has(what)) return undefined;
    const work = workPerEpoch(config.model, rows.train.length) * config.epochs;
    if (work > left || !affordable()) return undefined;
    known.add(what);
    notices.progress(`trial ${tried.length + 1}: ${what}`);
    seedEverything(config.seed);
    const model = await firstModel(config, rows);
    const patience = Math.max(8, Math.ceil(config.epochs / 4));
    const { epochs, bestEpoch, stopped } = await trainModel(model, {
      ...learningOf(config, rows, model),
      earlyStopping: { patience },
      doctor: false,
      signal,
    });
    left -= (work * epochs.length) / config.epochs;
    const value = epochs[bestEpoch]?.validation?.[monitor];
    if (value === undefined || stopped === "interrupted") return undefined;
    const result = { trial: { ...trial, epochs: config.epochs }, value, bestEpoch, epochs: config.epochs };
    tried.push(result);
    notices.progress(`  ${monitor} ${value.toPrecision(4)} in epoch ${bestEpoch + 1}`);
    return result;
  };
  const better = (a: Tried, b: Tried | undefined): Tried => (b !== undefined && way * (b.value - a.value) > 0 ? b : a);

  let best = await run({});
  if (best === undefined) return undefined;
  for (const change of changesFor(prepared, preprocessing, choices))
    best = better(best, await run({ ...best.trial, ...change, epochs: fitting(best) }));
  best = better(best, await run({ ...best.trial, epochs: fitting(best) }));
  const { trial } = best;
  if (inner.isPart) {
    const { epochs: _, ...rest } = trial;
    const found = `chosen by ${tried.length} trials on ${mostRows} of the rows to learn from: ${tellChosen(rest)}`;
    return { choices: { ...choices, ...rest, preset }, nested: false, chosen: found };
  }
  const epochs = fitting(best);
  return {
    nested: true,
    choices: { ...choices, ...trial, epochs, preset },
    chosen: `chosen by ${tried.length} trials on the rows to learn from: ${tellChosen(trial, epochs)} (${monitor} ${best.value.toPrecision(4)}, from ${worst(tried, way).toPrecision(4)} on)`,
  };
}

/** As many epochs as helped, at a rate that falls to nothing over them. */
function fitting({ bestEpoch, epochs }: Tried): number {
  const needed = bestEpoch + 1;
  return needed < 0.75 * epochs ? Math.max(8, Math.ceil(1.25 * needed)) : epochs;
}

const worst = (tried: readonly Tried[], way: number): number =>
  tried.reduce((far, { value }) => (way * (value - far) < 0 ? value : far), at(tried, 0).value);

/** One at a time, what may be better than what is usual. */
function changesFor(prepared: PreparedRows, preprocessing: TablePreprocessing, choices: TrainChoices): Trial[] {
  const changes: Trial[] = [];
  if (hasTail(prepared, preprocessing, choices)) changes.push({ targetTransform: "log" });
  if (choices.dropout === undefined) changes.push({ dropout: preprocessing.target.kind === "number" ? 0 : 0.3 });
  if (choices.lr === undefined) changes.push({ lr: 5e-3 });
  if (presetOf(choices) === "best")
    changes.push({ dropout: 0.2 }, { hidden: [384, 384] }, { lr: 5e-4 }, { weightDecay: 0.3 });
  return changes;
}

const tell = ({ targetTransform }: Trial, { model, lr, weightDecay, epochs }: JobConfig): string =>
  [
    ...("dropout" in model ? [`dropout ${model.dropout}`] : []),
    ...("hidden" in model ? [`hidden layers ${model.hidden.join(", ")}`] : []),
    `learning rate ${lr}`,
    `weight decay ${weightDecay}`,
    `up to ${epochs} epochs`,
    ...(targetTransform === "log" ? ["logarithm of the target"] : []),
  ].join(", ");

const tellChosen = ({ dropout, lr, hidden, weightDecay, targetTransform }: Trial, epochs?: number): string =>
  [
    ...(targetTransform === "log" ? ["logarithm of the target"] : []),
    ...(dropout === undefined ? [] : [`dropout ${dropout}`]),
    ...(lr === undefined ? [] : [`learning rate ${lr}`]),
    ...(hidden === undefined ? [] : [`hidden layers ${hidden.join(", ")}`]),
    ...(weightDecay === undefined ? [] : [`weight decay ${weightDecay}`]),
    ...(epochs === undefined ? [] : [`${epochs} epochs`]),
  ].join(", ") || "what is usual";
