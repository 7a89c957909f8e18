// Time series: windows of past rows and the values that follow, split so that training never sees the validation part.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { quoted } from "../graph/visible.ts";
import { show } from "./cells.ts";
import { Dataset } from "./dataset.ts";
import { checkTarget, type FitPreprocessingOptions, fitPreprocessing, fittingKinds } from "./fitting.ts";
import { applyPreprocessing } from "./preprocess.ts";
import type { TablePreprocessing } from "./preprocessing.ts";
import { readerOf } from "./reading.ts";
import { checkTable, type Table } from "./table.ts";

export interface WindowOptions {
  /** Number of input rows. */
  readonly window: number;
  /** Number of rows after them to predict (default 1). */
  readonly horizon?: number;
  /** Rows between the starts of consecutive windows (default 1). */
  readonly stride?: number;
}

const windowKinds: OptionKinds<WindowOptions> = { window: kind.number, horizon: kind.number, stride: kind.number };

/**
 * Starts of windows in `rows` rows: 0, stride, … as long as window and horizon fit. Throws HebbError unless the sizes are whole numbers of
 * at least 1.
 */
export function windowStarts(rows: number, options: WindowOptions): Int32Array {
  const { window, horizon = 1, stride = 1 } = checkOptions("windowStarts", options, windowKinds);
  for (const [name, value] of Object.entries({ window, horizon, stride }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new HebbError(`${name} must be a whole number of at least 1, got ${value}`);
  const count = Math.max(0, Math.floor((rows - window - horizon) / stride) + 1);
  return Int32Array.from({ length: count }, (_, i) => i * stride);
}

/** A series of numbers, row by row. */
export interface Series {
  /** [rows, width]. */
  readonly values: Float32Array;
  readonly width: number;
  /** The columns to predict (default all), counted from 0. */
  readonly targets?: readonly number[];
}

/**
 * Windows of a series: features [n, window, width] and targets [n, horizon, targets], the rows right after each window. Windows that
 * contain NaN are left out. Throws HebbError if none remain.
 */
export function seriesWindows(series: Series, options: WindowOptions): Dataset {
  checkOptions("seriesWindows", options, windowKinds);
  const { values, width } = series;
  const { window, horizon = 1 } = options;
  if (!(Number.isInteger(width) && width >= 1) || values.length % width !== 0)
    throw new HebbError(`a series of ${values.length} values does not divide into rows of ${width}; check the width`);
  const targets = series.targets ?? Array.from({ length: width }, (_, column) => column);
  for (const column of targets)
    if (!(Number.isInteger(column) && column >= 0 && column < width))
      throw new HebbError(`there is no column ${column} to predict; the series has ${width}, counted from 0`);
  const rows = values.length / width;
  const whole = (start: number): boolean =>
    !values.subarray(start * width, (start + window + horizon) * width).some((value) => Number.isNaN(value));
  const starts = windowStarts(rows, options).filter(whole);
  if (starts.length === 0)
    throw new HebbError(
      `${rows} rows hold no complete window of ${window} rows with ${horizon} rows after it; use shorter windows, or more rows`,
    );
  checkSize(starts.length, window * width);
  const features = new Float32Array(starts.length * window * width);
  const after = new Float32Array(starts.length * horizon * targets.length);
  starts.forEach((start, i) => {
    features.set(values.subarray(start * width, (start + window) * width), i * window * width);
    for (let step = 0; step < horizon; step++) {
      for (let t = 0; t < targets.length; t++)
        after[(i * horizon + step) * targets.length + t] =
          values[(start + window + step) * width + (targets[t] ?? 0)] ?? 0;
    }
  });
  return new Dataset({
    features,
    featureShape: [window, width],
    targets: after,
    targetShape: [horizon, targets.length],
  });
}

function checkSize(count: number, each: number): void {
  if (count * each > 2 ** 29)
    throw new HebbError(
      `${count} windows of ${each} values are more than 2^29; use a larger stride or a shorter window`,
    );
}

export interface PrepareSeriesOptions extends WindowOptions, Omit<FitPreprocessingOptions, "rows" | "weights"> {
  /** The share of rows at the end of each series that is held out (default 0.2). */
  readonly validation?: number;
  /** A column that identifies the series; windows stay within one. It is not an input. */
  readonly group?: string;
  /** A column of dates or numbers that must ascend within each series. It is not an input. */
  readonly time?: string;
  /** Whether past values of the target are an input too (default true). */
  readonly pastTarget?: boolean;
}

const { rows: _rows, weights: _weights, ...usedKinds } = fittingKinds;
const seriesKinds: OptionKinds<PrepareSeriesOptions> = {
  ...usedKinds,
  ...windowKinds,
  validation: kind.number,
  group: kind.string,
  time: kind.string,
  pastTarget: kind.boolean,
};

export interface PreparedSeries {
  readonly preprocessing: TablePreprocessing;
  /** Names of a window's columns: the features, then the target's past. */
  readonly inputNames: readonly string[];
  readonly train: Dataset;
  readonly validation?: Dataset;
  /** The first table row (from 0) of each window. */
  readonly trainStarts: Int32Array;
  readonly validationStarts: Int32Array;
}

function seriesOf(table: Table, group: string | undefined): number[][] {
  if (group === undefined) return [Array.from({ length: table.rowCount }, (_, row) => row)];
  const series = new Map<string | undefined, number[]>();
  const { cells, type, typed } = table.judged(group);
  const reader = readerOf(type.reading, typed);
  cells.forEach((cell, row) => {
    const name = cell === undefined || reader.missing(cell) ? undefined : reader.key(cell);
    const rows = series.get(name);
    if (rows) rows.push(row);
    else series.set(name, [row]);
  });
  return [...series.values()];
}

function checkOrder(table: Table, time: string, series: readonly (readonly number[])[]): void {
  const { cells, type, typed } = table.judged(time);
  const reader = readerOf(type.reading, typed);
  for (const rows of series) {
    let before = Number.NEGATIVE_INFINITY;
    for (const row of rows) {
      const value = reader.number(cells[row]);
      if (Number.isNaN(value))
        throw new HebbError(
          `${table.name}: the time ${quoted(time)} in row ${row + 1} is ${reader.missing(cells[row]) ? "missing" : show(cells[row])}; it must be a date such as 2024-05-01 or a number`,
        );
      if (value < before)
        throw new HebbError(
          `${table.name}: row ${row + 1} is earlier than the row before it, by ${quoted(time)}; sort the rows`,
        );
      before = value;
    }
  }
}

/**
 * Windows of a table whose rows are ordered in time. Each series is cut once. Training windows, including everything they predict, lie
 * before the cut; validation windows begin after it. So no row is in both. Scales come from the rows before the cut.
 * Features [n, window, inputs]; targets [n, horizon] scaled numbers, or the class at the end of the horizon [n].
 * Throws HebbError for rows out of order and for parts too short for a window.
 */
export function prepareSeries(table: Table, options: PrepareSeriesOptions): PreparedSeries {
  checkTable("prepareSeries", table);
  checkTarget("prepareSeries", options, seriesKinds);
  const { window, horizon = 1, stride = 1, validation: share = 0.2, group, time, pastTarget = true, ...rest } = options;
  if (!(share >= 0 && share < 1))
    throw new HebbError(`validation ${share} is not a valid share of the rows; use a number from 0 to below 1`);
  const lengths = { window, horizon, stride };
  const series = seriesOf(table, group);
  if (time !== undefined) checkOrder(table, time, series);
  const cuts = series.map((rows) => Math.round(rows.length * (1 - share)));
  const ignore = [
    ...(options.ignore ?? []),
    ...(group === undefined ? [] : [group]),
    ...(time === undefined ? [] : [time]),
  ];
  const rows = series.flatMap((each, i) => each.slice(0, cuts[i]));
  const preprocessing = fitPreprocessing(table, { ...rest, ignore, rows, allowNoInputs: pastTarget });
  const { features, featureCount } = applyPreprocessing(preprocessing, table, {
    targets: "none",
    unreadable: "missing",
  });
  const known = applyPreprocessing(preprocessing, table, { targets: "required", unreadable: "missing" });
  const targets = new Float64Array(table.rowCount).fill(Number.NaN);
  known.rows.forEach((row, i) => {
    targets[row] = known.targets?.[i] ?? Number.NaN;
  });
  const classes = preprocessing.target.kind === "classes";
  const past = pastTarget ? (preprocessing.target.kind === "classes" ? preprocessing.target.classes.length : 1) : 0;
  const width = featureCount + past;

  const gather = (pick: (place: number) => readonly number[]): { dataset: Dataset; starts: Int32Array } | undefined => {
    const found: { readonly rows: readonly number[]; readonly start: number }[] = [];
    series.forEach((_, i) => {
      const part = pick(i);
      for (const start of windowStarts(part.length, lengths)) {
        const whole = part.slice(start, start + window + horizon).every((row) => !Number.isNaN(targets[row]));
        if (whole) found.push({ rows: part, start });
      }
    });
    if (found.length === 0) return undefined;
    checkSize(found.length, window * width);
    const inputs = new Float32Array(found.length * window * width);
    const answers = classes ? new Int32Array(found.length) : new Float32Array(found.length * horizon);
    found.forEach(({ rows: part, start }, i) => {
      for (let step = 0; step < window; step++) {
        const row = part[start + step] ?? 0;
        const at = (i * window + step) * width;
        inputs.set(features.subarray(row * featureCount, (row + 1) * featureCount), at);
        const value = targets[row] ?? 0;
        if (past > 0 && classes) inputs[at + featureCount + value] = 1;
        else if (past > 0) inputs[at + featureCount] = value;
      }
      for (let step = 0; step < horizon; step++) {
        const value = targets[part[start + window + step] ?? 0] ?? 0;
        if (!classes) answers[i * horizon + step] = value;
        else answers[i] = value;
      }
    });
    const dataset = new Dataset({
      features: inputs,
      featureShape: [window, width],
      targets: answers,
      targetShape: classes ? [] : [horizon],
    });
    return { dataset, starts: Int32Array.from(found, ({ rows: part, start }) => part[start] ?? 0) };
  };
  const train = gather((i) => (series[i] ?? []).slice(0, cuts[i]));
  const held = share === 0 ? undefined : gather((i) => (series[i] ?? []).slice(cuts[i]));
  if (train === undefined || (share > 0 && held === undefined))
    throw new HebbError(
      `${table.name}: the ${train === undefined ? "training" : "validation"} part holds no window of ${window} rows with ${horizon} rows after it; use shorter windows, more rows, or another share`,
    );
  const target = preprocessing.target.column;
  const pastNames = !pastTarget
    ? []
    : preprocessing.target.kind === "classes"
      ? preprocessing.target.classes.map((name) => `${target} = ${name}`)
      : [target];
  return {
    preprocessing,
    inputNames: [...preprocessing.featureNames, ...pastNames],
    train: train.dataset,
    trainStarts: train.starts,
    validationStarts: held?.starts ?? new Int32Array(0),
    ...(held === undefined ? {} : { validation: held.dataset }),
  };
}
