// The trials of a search: short trainings on parts of the training rows, each scored on the rest, within the work limit.

import { listColumns } from "../data/columnNames.ts";
import { Dataset, kFold, type Split } from "../data/index.ts";
import { featureNamesOf, inverseTarget, logTransform } from "../data/preprocessing.ts";
import { at } from "../graph/at.ts";
import { seed as seedEverything } from "../tensor/index.ts";
import { metrics as figuresOf, type TabularDescription, fit as trainModel } from "../train/index.ts";
import type { TrainChoices } from "./choices.ts";
import type { JobConfig } from "./config.ts";
import { decide } from "./decide.ts";
import { firstModel, learningOf } from "./learning.ts";
import type { PreparedRows } from "./prepared.ts";
import type { PresetName } from "./presets.ts";
import type { Notices } from "./readOptions.ts";
import type { Origin } from "./source.ts";
import { batchOf, fewestEpochs, fewestMembers, presetOf, workOf, workPerEpoch } from "./tabular.ts";

/** The settings that a trial may change. */
export type Trial = Pick<
  TrainChoices,
  "dropout" | "hidden" | "lr" | "weightDecay" | "epochs" | "targetTransform" | "ignore"
>;

export interface SearchOptions {
  readonly origin: Origin;
  readonly choices: TrainChoices;
  readonly prepared: PreparedRows;
  /** The network that is trained if nothing better is found. */
  readonly network: TabularDescription;
  readonly notices: Notices;
  /** Aborting it ends the search; the best so far is used. */
  readonly signal: AbortSignal;
}

/** A completed trial. */
export interface Tried {
  readonly trial: Trial;
  /** The metric on the scoring rows in its best epoch, as the mean over the parts of the table. */
  readonly value: number;
  /** The last epoch that is as good as the best: metrics are noisy while the rate is high, and a single one may be low by chance. */
  readonly bestEpoch: number;
  readonly epochs: number;
  /** The same metric on the first part, on the first two, and so on. */
  readonly soFar: readonly number[];
}

/** The number of rows that is enough to choose settings; the length of training cannot be determined from fewer than all. */
export const mostRows = 8000;
/** The share of the training rows used for scoring. */
export const judging = 0.2;
/** The maximum number of parts: for a small table, most rows then score, because a fifth of it is too noisy. */
const mostParts = 4;
/** A trial that is worse than the best by this much, on the same parts, is not run on the others. */
const hopeless = 0.02;
/** An epoch that is worse than the best by at most this much counts as equally good. */
const asGood = 0.005;

/** Whether the trials see only a part of these rows. */
export const seesPart = ({ train }: PreparedRows): boolean => train.length * (1 - judging) > mostRows;

/** One split of the training rows. The target is rescaled if a trial uses its logarithm, and columns are dropped if a trial drops them. */
class Inner {
  readonly #plain: PreparedRows;
  readonly #changed = new Map<string, PreparedRows>();

  constructor(prepared: PreparedRows, split: Split) {
    const { train } = prepared;
    // Rows are in file order, and neighbours may be similar.
    const few = (rows: Int32Array, most: number): Int32Array =>
      rows.length <= most
        ? rows
        : Int32Array.from({ length: most }, (_, place) => at(rows, Math.floor((place * rows.length) / most)));
    this.#plain = {
      ...prepared,
      train: train.subset(few(split.train, mostRows)),
      validation: train.subset(few(split.validation, mostRows / 2)),
    };
  }

  of({ targetTransform, ignore }: Trial): PreparedRows {
    if (targetTransform !== "log" && ignore === undefined) return this.#plain;
    const key = JSON.stringify({ targetTransform, ignore });
    const known = this.#changed.get(key);
    if (known !== undefined) return known;
    const left = ignore === undefined ? this.#plain : withoutColumns(this.#plain, new Set(ignore));
    const made = targetTransform === "log" ? withLogarithm(left) : left;
    this.#changed.set(key, made);
    return made;
  }
}

/** The rows without the features of some columns. */
function withoutColumns(prepared: PreparedRows, columns: ReadonlySet<string>): PreparedRows {
  const { preprocessing, train, validation } = prepared;
  if (preprocessing.kind !== "table") return prepared;
  const { inputs, featureNames } = preprocessing;
  const stays = inputs.flatMap((input) => featureNamesOf(input).map(() => !columns.has(input.column)));
  const places = stays.flatMap((stay, place) => (stay ? [place] : []));
  const narrowed = (data: Dataset): Dataset => {
    const features = new Float32Array(data.length * places.length);
    for (let row = 0; row < data.length; row++)
      for (let k = 0; k < places.length; k++)
        features[row * places.length + k] = at(data.features.data, row * stays.length + at(places, k));
    return remade(data, { features, featureShape: [places.length] });
  };
  return {
    ...prepared,
    preprocessing: {
      ...preprocessing,
      inputs: inputs.filter(({ column }) => !columns.has(column)),
      featureNames: featureNames.filter((_, place) => at(stays, place)),
    },
    train: narrowed(train),
    validation: validation && narrowed(validation),
  };
}

/** The rows with the logarithm of their target, scaled by the training rows. */
function withLogarithm(prepared: PreparedRows): PreparedRows {
  const { preprocessing, train, validation } = prepared;
  if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return prepared;
  const before = preprocessing.target;
  const levels = (data: Dataset): Float64Array =>
    Float64Array.from(data.targets.data, (value) => logTransform(inverseTarget(before, value)));
  const { mean, deviation } = spreadOf(levels(train));
  const target = { ...before, transform: "log", mean, scale: deviation } as const;
  const scaled = (data: Dataset): Dataset =>
    remade(data, { targets: Float32Array.from(levels(data), (value) => (value - mean) / deviation) });
  return {
    ...prepared,
    preprocessing: { ...preprocessing, target },
    train: scaled(train),
    validation: validation && scaled(validation),
  };
}

/** The rows with other features or targets. */
const remade = (data: Dataset, changed: Partial<ConstructorParameters<typeof Dataset>[0]>): Dataset =>
  new Dataset({
    features: data.features.data,
    featureShape: data.features.shape,
    targets: data.targets.data,
    targetShape: data.targets.shape,
    ...(data.weights === undefined ? {} : { weights: data.weights }),
    ...changed,
  });

/** Splits of the training rows, at most `most`; in each, every class occurs among the scoring rows. */
function divisions(prepared: PreparedRows, seed: number, most: number): Inner[] {
  const { train, preprocessing } = prepared;
  const numbers = preprocessing.kind !== "table" || preprocessing.target.kind === "number";
  const labels = numbers ? {} : { labels: train.targets.data };
  const folds = kFold(train.length, Math.round(1 / judging), { seed: seed + 1, ...labels });
  const classesOf = (rows: Int32Array): number => new Set(rows.map((row) => at(train.targets.data, row))).size;
  const whole = numbers
    ? folds
    : folds.filter((one) => classesOf(one.validation) === classesOf(at(folds, 0).validation));
  return whole.slice(0, most).map((split) => new Inner(prepared, split));
}

/** Mean, standard deviation and skewness. */
export function spreadOf(values: ArrayLike<number>): {
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

const workOfTraining = ({ model, epochs }: JobConfig, rows: number): number =>
  model.kind === "tabular" ? workPerEpoch(model, rows) * epochs : Number.POSITIVE_INFINITY;

export class Trials {
  /** The metric that scores the trials. */
  readonly monitor: string;
  /** A trial is not a user's choice: it, and the training after it, use the thoroughness of the search. */
  readonly preset: PresetName;
  /** Whether the trials see only a part of the rows. */
  readonly isPart: boolean;
  /** The number of trials begun. */
  count = 0;
  readonly #options: SearchOptions;
  readonly #parts: readonly Inner[];
  /** The number of networks in a trial's ensemble: fewer than in the final one if time is short. */
  #members: number;
  readonly #known = new Set<string>();
  readonly #started = performance.now();
  /** 1 if higher is better, −1 if lower is. */
  readonly #way: 1 | -1;
  #left: number;
  #best: Tried | undefined;
  #worst = Number.NaN;

  /** For a search whose trials take as long as `planned` default ones. */
  constructor(options: SearchOptions, planned: number) {
    const { choices, prepared, network } = options;
    const { preprocessing, train } = prepared;
    this.#options = options;
    const number = preprocessing.kind === "table" && preprocessing.target.kind === "number";
    this.monitor = choices.monitor ?? (number ? "rmse" : "loss");
    this.#way = figuresOf.modeOf(this.monitor) === "max" ? 1 : -1;
    this.preset = presetOf(choices);
    this.#left = workOf(choices) - workPerEpoch(network, train.length) * fewestEpochs;
    this.isPart = seesPart(prepared);
    const parts = divisions(prepared, choices.seed, this.isPart ? 1 : mostParts);
    const rows = at(parts, 0).of({});
    const affordable = (): number =>
      Math.floor(this.#left / (planned * workOfTraining(this.#configOf({}, rows), rows.train.length)));
    // Fewer members are enough to compare choices; the number of parts follows from the time for all planned trials.
    this.#members = network.members;
    while (this.#members > fewestMembers && affordable() < 1) this.#members /= 2;
    this.#parts = parts.slice(0, Math.max(1, affordable()));
  }

  /** The best so far. */
  get best(): Tried | undefined {
    return this.#best;
  }

  /** The metric of the worst trial that ran on all parts. */
  get worst(): number {
    return this.#worst;
  }

  /** Runs a trial, if it is new and there is time for it. */
  async run(trial: Trial): Promise<void> {
    const { notices, signal, choices } = this.#options;
    const rows = at(this.#parts, 0).of(trial);
    const config = this.#configOf(trial, rows);
    const what = tell(trial, config);
    const work = workOfTraining(config, rows.train.length) * this.#parts.length;
    const late = choices.time !== undefined && (performance.now() - this.#started) / 1000 >= choices.time / 2;
    if (signal.aborted || late || work > this.#left || this.#known.has(what)) return;
    this.#known.add(what);
    this.count++;
    notices.progress(`trial ${this.count}: ${what}`);
    const tried = await this.#judged(trial, config);
    if (tried === undefined) return;
    const { value, bestEpoch } = tried;
    notices.progress(`  ${this.monitor} ${value.toPrecision(4)} in epoch ${bestEpoch + 1}`);
    if (this.#best === undefined || this.#isBetter(value, this.#best.value)) this.#best = tried;
    if (Number.isNaN(this.#worst) || this.#isBetter(this.#worst, value)) this.#worst = value;
  }

  #isBetter(value: number, than: number): boolean {
    return this.#way * (value - than) > 0 || (Number.isNaN(than) && !Number.isNaN(value));
  }

  /** Whether a metric is worse than the best by more than this share, or is NaN. */
  #isFarFrom(best: number, value: number, share: number): boolean {
    return this.#isBetter(best - this.#way * share * Math.abs(best), value);
  }

  #configOf(trial: Trial, rows: PreparedRows): JobConfig {
    const { origin, choices, prepared } = this.#options;
    const { monitor, preset } = this;
    // Equal numbers of epochs are equal numbers of updates only with the batch size of the final training.
    const batchSize = this.isPart ? choices.batchSize : batchOf(prepared.train.length, choices);
    const decided = decide(origin, { ...choices, batchSize, ...trial, model: "tabular", monitor, preset }, rows, null);
    // The number of members that is affordable on a part of the rows is not that of the final training.
    return decided.model.kind === "tabular"
      ? { ...decided, model: { ...decided.model, members: this.#members } }
      : decided;
  }

  /** Runs part after part, as long as it may still become the best (a race: Maron and Moore 1994). */
  async #judged(trial: Trial, config: JobConfig): Promise<Tried | undefined> {
    const { epochs } = config;
    const soFar: number[] = [];
    let sums: readonly number[] | undefined;
    let bestEpoch = 0;
    for (const [place, part] of this.#parts.entries()) {
      // The first part determines when improvement stops; the others train for as long.
      const own = await this.#figures(config, part.of(trial), sums?.length);
      if (own === undefined) return undefined;
      const all: readonly number[] = sums?.map((sum, epoch) => sum + at(own, epoch)) ?? own;
      const least = all.reduce((best, sum) => (this.#isBetter(sum, best) ? sum : best), Number.NaN);
      // A metric that is undefined for these rows cannot score anything.
      if (Number.isNaN(least)) return undefined;
      bestEpoch = all.findLastIndex((sum) => !this.#isFarFrom(least, sum, asGood));
      const value = least / (place + 1);
      sums = all;
      soFar.push(value);
      const best = this.#best?.soFar[place] ?? value;
      if (this.#isFarFrom(best, value, hopeless)) {
        const count = this.#parts.length;
        const after = count === 1 ? "" : `stopped after ${place + 1} of ${count} splits: `;
        this.#options.notices.progress(
          `  ${after}${this.monitor} ${value.toPrecision(4)}, where the best had ${best.toPrecision(4)}`,
        );
        return undefined;
      }
    }
    return { trial: { ...trial, epochs }, value: at(soFar, this.#parts.length - 1), bestEpoch, epochs, soFar };
  }

  /** The metrics of the scoring rows, by epoch; undefined if the training did not finish. */
  async #figures(config: JobConfig, rows: PreparedRows, epochs?: number): Promise<readonly number[] | undefined> {
    seedEverything(config.seed);
    const model = await firstModel(config, rows);
    const figures: number[] = [];
    const history = await trainModel(model, {
      ...learningOf(config, rows, model),
      epochs: epochs ?? config.epochs,
      earlyStopping: undefined,
      callbacks: [
        {
          epochEnd: ({ validation }) => {
            figures.push(validation?.[this.monitor] ?? Number.NaN);
            return undefined;
          },
          enough: () => (epochs === undefined && this.#overfits(figures, config.epochs) ? "overfits" : undefined),
        },
      ],
      doctor: false,
      signal: this.#options.signal,
    });
    this.#left -= (workOfTraining(config, rows.train.length) * history.epochs.length) / config.epochs;
    if (history.stopped === "interrupted" || history.stopped === "diverged") return undefined;
    return figures;
  }

  /** Whether all metrics of a quarter of the epochs are far from the best. A trial that merely stagnates may improve when the rate falls. */
  #overfits(figures: readonly number[], epochs: number): boolean {
    const patience = Math.max(8, Math.ceil(epochs / 4));
    const best = figures.reduce((least, value) => (this.#isBetter(value, least) ? value : least), Number.NaN);
    return (
      figures.length > patience && figures.slice(-patience).every((value) => this.#isFarFrom(best, value, hopeless))
    );
  }
}

export const hiddenText = (hidden: readonly number[]): string =>
  hidden.length === 0 ? "no hidden layers" : `hidden layers ${hidden.join(", ")}`;

const tell = ({ targetTransform, ignore }: Trial, { model, lr, weightDecay, epochs }: JobConfig): string =>
  [
    ...("dropout" in model ? [`dropout ${model.dropout}`] : []),
    ...("hidden" in model ? [hiddenText(model.hidden)] : []),
    `learning rate ${lr}`,
    `weight decay ${weightDecay}`,
    `up to ${epochs} epochs`,
    ...(targetTransform === "log" ? ["logarithm of the target"] : []),
    ...(ignore === undefined ? [] : [`without ${listColumns(ignore)}`]),
  ].join(", ");
