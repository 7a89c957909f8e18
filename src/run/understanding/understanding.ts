// Everything that a report shows of a trained run: its curves, its metrics on held-out rows, the effect of columns, and its errors.

import { type ColumnExplanation, Dataset, Random, type TablePreprocessing } from "../../data/index.ts";
import type { JsonObject } from "../../formats/index.ts";
import { readEvents } from "../../formats/node.ts";
import { at } from "../../graph/at.ts";
import { HebbError } from "../../graph/errors.ts";
import { Perceptron } from "../../nn/index.ts";
import { metrics as figuresOf, type Metrics, type NamedScores } from "../../train/index.ts";
import { readColumns } from "../columns.ts";
import type { JobConfig } from "../config.ts";
import { conformalDistance, hasIntervals, readScores } from "../intervals.ts";
import { dataOf } from "../job.ts";
import { measurer } from "../measure.ts";
import { answerer } from "../predictions.ts";
import type { JobData } from "../prepared.ts";
import type { Notices } from "../readOptions.ts";
import { type OpenedRun, openModel, openValidated } from "../saved.ts";
import { classNames, inverseFor } from "../task.ts";
import { type Dependence, type Importance, partialDependence, permutationImportance } from "./columns.ts";
import { quantile } from "./quantile.ts";
import {
  fitTemperature,
  logLoss,
  type Point,
  precisionRecallCurve,
  type Reliability,
  reliabilityOf,
  rocCurve,
  tempered,
} from "./ranking.ts";

/** The metrics of one epoch. */
export interface EpochFigures {
  readonly epoch: number;
  readonly train: Metrics;
  readonly validation: Metrics | undefined;
}

export interface ClassCurves {
  readonly name: string;
  readonly roc: readonly Point[];
  readonly auc: number;
  readonly precisionRecall: readonly Point[];
  readonly averagePrecision: number;
}

/** The calibration of probabilities, on the second half of the rows; the temperature is fitted on the first half. */
export interface Calibration {
  readonly before: Reliability & { readonly logLoss: number };
  readonly after: Reliability & { readonly logLoss: number };
  readonly temperature: number;
}

export interface ClassesSeen {
  readonly kind: "classes";
  readonly names: readonly string[];
  readonly report: readonly NamedScores[];
  /** The number of rows by true class (first index) and predicted class (second index). */
  readonly confusion: readonly (readonly number[])[];
  /** Empty if the model gives no probabilities. */
  readonly curves: readonly ClassCurves[];
  readonly calibration: Calibration | undefined;
}

export interface IntervalSeen {
  /** The nominal probability of containing the target. */
  readonly level: number;
  /** The mean width, in the target's own units. */
  readonly width: number;
  /** The fraction of these rows whose target it contains. */
  readonly coverage: number;
}

export interface NumbersSeen {
  readonly kind: "numbers";
  /** For up to a thousand rows. */
  readonly pairs: readonly { readonly predicted: number; readonly actual: number }[];
  /** The 5, 25, 50, 75 and 95 % quantiles of actual − predicted. */
  readonly residuals: readonly number[];
  /** Prediction intervals from the held-out rows; empty if the run has none. */
  readonly intervals: readonly IntervalSeen[];
}

export interface WorstRow {
  /** Counted from 0, in the data that were read. */
  readonly row: number;
  readonly actual: string;
  readonly predicted: string;
  /** The probability of the true class, or the residual. */
  readonly figure: number;
  readonly cells: Readonly<Record<string, string>>;
}

export interface ColumnsSeen {
  /** The cost that rises: log-loss or RMSE. */
  readonly cost: string;
  readonly importance: readonly Importance[];
  readonly dependence: readonly Dependence[];
  /** Names of the outputs of `dependence`. */
  readonly shown: readonly string[];
}

export interface Understanding {
  readonly folder: string;
  readonly config: JobConfig;
  readonly epochs: readonly EpochFigures[];
  readonly bestEpoch: number | undefined;
  readonly findings: readonly JsonObject[];
  readonly baselines: { readonly constant: Metrics; readonly linear: Metrics } | undefined;
  readonly columns: readonly ColumnExplanation[];
  readonly notes: readonly string[];
  /** The rows that everything below was measured on; undefined if the data could not be read again. */
  readonly rows: { readonly part: "test" | "validation" | "training"; readonly count: number } | undefined;
  readonly metrics: Metrics | undefined;
  readonly seen: ClassesSeen | NumbersSeen | undefined;
  readonly inColumns: ColumnsSeen | undefined;
  readonly worst: readonly WorstRow[];
}

/** The number of rows for importance and dependence: enough for two digits, and fast. */
const sampledRows = 2000;
const dependenceRows = 500;
const repeats = 5;
const mostClasses = 6;
const mostPairs = 1000;
const mostWorst = 12;

/**
 * Examines a run on rows that it did not learn from: its test data, or else those held out. Throws HebbError if it is not a run. If data cannot be
 * read again, the parts that need them are omitted, and a note says why.
 */
export async function understand(folder: string, notices: Notices): Promise<Understanding> {
  const opened = openModel(folder);
  const { run, config, preprocessing } = opened;
  const { events, warnings } = readEvents(run);
  const notes = [...warnings];
  const end = events.findLast(({ type }) => type === "end");
  const data = await dataOf(config, preprocessing, { notices }).catch((error: unknown) => {
    if (!(error instanceof HebbError)) throw error;
    notes.push(`the data could not be read again, so only what the run recorded is shown: ${error.message}`);
    return undefined;
  });
  const part = data === undefined ? undefined : partOf(data);
  const known = {
    folder,
    config,
    epochs: events.flatMap(epochOf),
    bestEpoch: typeof end?.["bestEpoch"] === "number" ? end["bestEpoch"] : undefined,
    findings: events.flatMap(({ type, finding }) => (type === "finding" && isObject(finding) ? [finding] : [])),
    baselines: baselinesIn(end),
    columns: readColumns(run) ?? [],
    notes: [...notes, ...(preprocessing.kind === "table" ? preprocessing.notes : [])],
  };
  if (part === undefined)
    return { ...known, rows: undefined, metrics: undefined, seen: undefined, inColumns: undefined, worst: [] };
  const { rows, name } = part;
  // If the final model has also learned from these rows, the one before it is used.
  const judged = name === "validation" ? openValidated(folder) : opened;
  const measured = await measurer(judged)(rows);
  const seen = await look(judged, rows, measured);
  return {
    ...known,
    rows: { part: name, count: rows.length },
    metrics: measured.metrics,
    seen: seen?.seen,
    inColumns:
      seen === undefined || preprocessing.kind !== "table"
        ? undefined
        : await lookAtColumns(rows, preprocessing, seen, config.seed),
    worst: seen === undefined ? [] : worstOf(rows, seen, name === "validation" ? data : undefined),
  };
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const metricsIn = (value: unknown): Metrics | undefined =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (typeof one === "number" ? [[name, one]] : [])))
    : undefined;

function epochOf({ type, epoch, train, validation }: JsonObject): EpochFigures[] {
  const figures = metricsIn(train);
  if (type !== "epoch" || typeof epoch !== "number" || figures === undefined) return [];
  return [{ epoch, train: figures, validation: metricsIn(validation) }];
}

function baselinesIn(end: JsonObject | undefined): Understanding["baselines"] {
  const found = end?.["baselines"];
  if (!isObject(found)) return undefined;
  const [constant, linear] = [metricsIn(found["constant"]), metricsIn(found["linear"])];
  return constant === undefined || linear === undefined ? undefined : { constant, linear };
}

/** The rows to examine; a text has none. */
function partOf({
  test,
  validation,
  ...data
}: JobData): { rows: Dataset; name: "test" | "validation" | "training" } | undefined {
  if (test instanceof Dataset) return { rows: test, name: "test" };
  if (validation instanceof Dataset) return { rows: validation, name: "validation" };
  return data.kind === "rows" ? { rows: data.train, name: "training" } : undefined;
}

/** Predictions, and the values to compare them with. */
interface Seen {
  readonly seen: ClassesSeen | NumbersSeen;
  /** Probabilities [N, outputs], or numbers [N] in the target's units. */
  readonly predictions: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
  readonly predict: (rows: Dataset) => Promise<ArrayLike<number>>;
}

type Measured = Awaited<ReturnType<ReturnType<typeof measurer>>>;

async function look(opened: OpenedRun, rows: Dataset, measured: Measured): Promise<Seen | undefined> {
  const { config, preprocessing, model } = opened;
  if (model instanceof Perceptron) return undefined;
  const inverse = inverseFor(preprocessing);
  const predict = answerer(opened);
  const predictions = await predict(rows);
  const names = classNames(preprocessing);
  if (names === undefined) {
    const targets = Float64Array.from(rows.targets.data, (value) => inverse?.(Number(value)) ?? Number(value));
    return {
      seen: { ...numbersSeen(predictions, targets), intervals: intervalsSeen(opened, rows, measured) },
      predictions,
      targets,
      predict,
    };
  }
  const targets = Float64Array.from(rows.targets.data, Number);
  const seen: ClassesSeen = {
    kind: "classes",
    names,
    report: measured.classes ?? [],
    confusion: measured.confusion() ?? [],
    curves: config.loss === "hinge" ? [] : curvesOf(predictions, targets, names),
    calibration: config.loss === "hinge" ? undefined : calibrationOf(predictions, targets, names.length),
  };
  return { seen, predictions, targets, predict };
}

function curvesOf(predictions: ArrayLike<number>, targets: ArrayLike<number>, names: readonly string[]): ClassCurves[] {
  const shown = names.length === 2 ? [figuresOf.positiveClass] : names.map((_, place) => place).slice(0, mostClasses);
  return shown.flatMap((place) => {
    const scores = Float64Array.from(targets, (_, row) => at(predictions, row * names.length + place));
    const truth = Float64Array.from(targets, (target) => (target === place ? 1 : 0));
    const rows = truth.reduce((sum, one) => sum + one, 0);
    // Without rows of both kinds there is no curve.
    if (rows === 0 || rows === truth.length) return [];
    return {
      name: names[place] ?? String(place),
      roc: rocCurve(scores, (row) => truth[row] === 1),
      auc: figuresOf.rocAuc(scores, truth),
      precisionRecall: precisionRecallCurve(scores, (row) => truth[row] === 1),
      averagePrecision: figuresOf.averagePrecision(scores, truth),
    };
  });
}

const fewestCalibrated = 40;

function calibrationOf(
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): Calibration | undefined {
  const count = targets.length;
  if (count < fewestCalibrated) return undefined;
  const order = new Random(0, 0x43000000).permutation(count);
  const half = (from: number, to: number) => {
    const rows = order.slice(from, to);
    const own = new Float64Array(rows.length * classes);
    rows.forEach((row, place) => {
      for (let k = 0; k < classes; k++) own[place * classes + k] = at(predictions, row * classes + k);
    });
    return { own, truth: Float64Array.from(rows, (row) => at(targets, row)) };
  };
  const [fitted, measured] = [half(0, count >> 1), half(count >> 1, count)];
  const temperature = fitTemperature(fitted.own, fitted.truth, classes);
  const figures = (own: Float64Array): Calibration["before"] => ({
    ...reliabilityOf(own, measured.truth, classes),
    logLoss: logLoss(own, measured.truth, classes),
  });
  return { temperature, before: figures(measured.own), after: figures(tempered(measured.own, classes, temperature)) };
}

const intervalLevels = [0.5, 0.8, 0.9, 0.95];

/** The widths of a run's intervals, and how often they contain the target; omits levels that cannot be promised. */
function intervalsSeen(opened: OpenedRun, { targets, length }: Dataset, { numbers }: Measured): IntervalSeen[] {
  if (numbers === null || !hasIntervals(opened.run)) return [];
  const inverse = inverseFor(opened.preprocessing) ?? ((value: number): number => value);
  const scores = readScores(opened.run);
  return intervalLevels.flatMap((level) => {
    const half = conformalDistance(scores, level);
    if (half === undefined) return [];
    let [width, held] = [0, 0];
    for (let row = 0; row < length; row++) {
      const predicted = at(numbers, row);
      width += (inverse(predicted + half) - inverse(predicted - half)) / length;
      if (Math.abs(Number(at(targets.data, row)) - predicted) <= half) held++;
    }
    return { level, width, coverage: held / length };
  });
}

function numbersSeen(predictions: ArrayLike<number>, targets: ArrayLike<number>): Omit<NumbersSeen, "intervals"> {
  const residuals = Float64Array.from(targets, (actual, row) => actual - (predictions[row] ?? Number.NaN)).sort();
  const step = Math.max(1, Math.ceil(targets.length / mostPairs));
  const pairs = Array.from({ length: Math.ceil(targets.length / step) }, (_, i) => ({
    predicted: predictions[i * step] ?? Number.NaN,
    actual: targets[i * step] ?? Number.NaN,
  }));
  return {
    kind: "numbers",
    pairs,
    residuals: [0.05, 0.25, 0.5, 0.75, 0.95].map((share) => quantile(residuals, share)),
  };
}

async function lookAtColumns(
  rows: Dataset,
  preprocessing: TablePreprocessing,
  { seen, predict }: Seen,
  seed: number,
): Promise<ColumnsSeen> {
  const order = new Random(seed, 0x44000000).permutation(rows.length);
  const sample = rows.subset(order.slice(0, sampledRows));
  const inverse = inverseFor(preprocessing) ?? ((value: number): number => value);
  const classes = seen.kind === "classes" ? seen.names.length : 1;
  const cost = (predictions: ArrayLike<number>, { targets }: Dataset): number => {
    if (seen.kind === "classes") return logLoss(predictions, Float64Array.from(targets.data, Number), classes);
    const wanted = Float64Array.from(targets.data, (value) => inverse(Number(value)));
    return figuresOf.rmse(predictions, wanted);
  };
  const importance = await permutationImportance(sample, preprocessing, { predict, cost, repeats, seed });
  const most = importance
    .filter(({ mean }) => mean > 0)
    .slice(0, 6)
    .map(({ column }) => column);
  const shown =
    seen.kind === "numbers" ? [0] : classes === 2 ? [figuresOf.positiveClass] : seen.names.map((_, k) => k).slice(0, 4);
  const some = sample.subset(Int32Array.from({ length: Math.min(dependenceRows, sample.length) }, (_, row) => row));
  return {
    cost: seen.kind === "classes" ? "log-loss" : "RMSE",
    importance,
    dependence: await partialDependence(some, preprocessing, most, { predict, outputs: classes, shown }),
    shown: seen.kind === "numbers" ? [preprocessing.target.column] : shown.map((place) => seen.names[place] ?? ""),
  };
}

/** The rows with the largest errors, with their cells if known. */
function worstOf(rows: Dataset, { seen, predictions, targets }: Seen, data: JobData | undefined): WorstRow[] {
  const names = seen.kind === "classes" ? seen.names : undefined;
  const classes = names?.length ?? 1;
  const figure = (row: number): number =>
    names === undefined ? at(targets, row) - at(predictions, row) : at(predictions, row * classes + at(targets, row));
  const badness = (row: number): number => (names === undefined ? Math.abs(figure(row)) : -figure(row));
  const held = data?.kind === "rows" ? data.held : undefined;
  return Array.from({ length: rows.length }, (_, row) => row)
    .sort((a, b) => badness(b) - badness(a))
    .slice(0, mostWorst)
    .map((place) => {
      const row = held?.rows[place];
      const own = Float64Array.from({ length: classes }, (_, k) => at(predictions, place * classes + k));
      return {
        row: row ?? place,
        actual: names?.[at(targets, place)] ?? String(targets[place] ?? ""),
        predicted: names?.[at(figuresOf.predictedClasses(own, classes), 0)] ?? String(predictions[place] ?? ""),
        figure: figure(place),
        cells:
          held === undefined || row === undefined
            ? {}
            : Object.fromEntries(held.table.columns.map(({ name, cells }) => [name, cells[row] ?? ""])),
      };
    });
}
