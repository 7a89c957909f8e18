// A trained run for use in a program: its model, and predictions for raw rows.
import { type IdxArray, Table } from "../data/index.ts";
import type { Preprocessing } from "../formats/index.ts";
import { dtypes } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import { featuresOf } from "./apply.ts";
import type { JobConfig } from "./config.ts";
import { type ClassCosts, costsOf } from "./costs.ts";
import { intervalsOf } from "./intervals.ts";
import { noted, type Prediction, predictor } from "./predictions.ts";
import { formFor, read } from "./read.ts";
import type { Notices } from "./readOptions.ts";
import { notOfText, openModel } from "./saved.ts";
import { named, type Source } from "./source.ts";
import { explainer, type RowExplanation } from "./understanding/explain.ts";

export type { JobConfig, Prediction };

/** Raw rows: objects by column, a table, or pixels [count, rows, columns]. */
export type RawRows = Table | IdxArray | readonly Readonly<Record<string, unknown>>[];

/** A trained run. */
export interface LoadedRun {
  /** The model with the weights of the best epoch, in eval mode. It takes features as the preprocessing makes them. */
  readonly model: Module;
  /** The preprocessing fitted on the training data: scales, categories, classes. */
  readonly preprocessing: Preprocessing;
  /** The configuration of the training. */
  readonly config: JobConfig;
  /** Predicts each raw row, after applying the stored preprocessing. Throws HebbError naming the mismatch, or if there is no such interval. */
  predict(rows: RawRows, options?: PredictOptions): Promise<Prediction[]>;
  /** Predicts the rows of a file, or of a folder of images. The path decides what is read, so it must come from a trusted source. */
  predictFile(path: string, options?: PredictOptions): Promise<Prediction[]>;
  /**
   * The contribution of each column to the difference from the mean prediction: sampled Shapley values (Štrumbelj and Kononenko 2014), in the units
   * of the target or as a probability; with the mean they add up to the prediction. Reads the training rows again, once. Throws HebbError for runs
   * that take no table, for an unknown class, and if those rows are gone.
   */
  explain(row: Readonly<Record<string, unknown>>, options?: ExplainOptions): Promise<Omit<RowExplanation, "row">>;
}

export interface ExplainOptions {
  /** The class whose probability is explained. Default: the predicted one. */
  readonly class?: string;
  /** The number of sampled orders of the columns; the standard error falls with its square root. Default 400. */
  readonly samples?: number;
}

const explainKinds: OptionKinds<ExplainOptions> = { class: kind.string, samples: kind.number };

const silent: Notices = { progress: () => {}, note: () => {}, warn: () => {} };

export interface PredictOptions {
  /**
   * The probability that the target of a new row lies between `lower` and `upper` of its prediction, such as 0.9; for runs that predict numbers, by
   * split conformal prediction on the held-out rows. Default: no interval.
   */
  readonly interval?: number;
  /**
   * The cost of misclassifying a row of a class, such as { fraud: 20 }; 1 for classes that are not named. The prediction is then the class with the
   * least expected cost: the largest probability × cost. Default: the most probable class.
   */
  readonly costs?: ClassCosts;
}

const predictKinds: OptionKinds<PredictOptions> = { interval: kind.number, costs: kind.recordOf(kind.number) };

/** Opens a run folder of `hebb train`. Throws HebbError if it is not one, or is damaged. */
export async function loadRun(folder: string): Promise<LoadedRun> {
  const opened = openModel(folder);
  const { config, preprocessing, model } = opened;
  let ask: ReturnType<typeof predictor> | undefined;
  const explainRow = explainer(opened, silent);
  const halfWidth = intervalsOf(opened);
  const predict = async (rows: () => Source | Promise<Source>, options: PredictOptions): Promise<Prediction[]> => {
    notOfText(config, folder, "it generates text instead of predicting rows; use generate(run.model, …) of hebb/train");
    const { interval, costs } = checkOptions("run.predict", options, predictKinds);
    const wanted = {
      halfWidth: interval === undefined ? undefined : halfWidth(interval),
      costs: costs === undefined ? undefined : costsOf(opened, costs),
    };
    const source = await rows();
    if (source.kind === "table" && source.table.rowCount === 0) return [];
    ask ??= predictor(opened);
    const { dataset, unread } = featuresOf(preprocessing, source);
    return noted(await ask(dataset, wanted), unread);
  };
  return {
    model,
    preprocessing,
    config,
    predict: (rows, options = {}) => predict(() => sourceOf(rows), options),
    predictFile: (path, options = {}) =>
      predict(
        () =>
          read(path, {
            target: config.target ?? undefined,
            seed: config.seed,
            needLabels: false,
            form: formFor(preprocessing),
            like: preprocessing,
          }),
        options,
      ),
    explain: async (row, options = {}) => {
      notOfText(config, folder, "it has no columns to explain");
      const { class: wanted, samples = 400 } = checkOptions("run.explain", options, explainKinds);
      if (!(Number.isSafeInteger(samples) && samples >= 1))
        throw new HebbError(`run.explain: samples must be a whole number of at least 1, got ${samples}`);
      if (!isRecord(row))
        throw new HebbError(
          `run.explain takes one row by column, such as { age: 41, city: "Oslo" }, got ${kindOf(row)}; for several rows call it for each`,
        );
      const name = "the row";
      const source = tableOf(Table.fromRows([row], name), name);
      const { row: _first, ...found } = await explainRow(source, { row: 1, samples, class: wanted });
      return found;
    },
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isPixels = (value: Readonly<Record<string, unknown>>): boolean => {
  const { dtype, shape, data } = value;
  return (
    dtypes.some((name) => name === dtype) &&
    Array.isArray(shape) &&
    shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) &&
    ArrayBuffer.isView(data) &&
    "length" in data &&
    data.length === shape.reduce((product: number, extent: number) => product * extent, 1)
  );
};

const imageNames = { images: "the image array", labels: "the label array" };

const tableOf = (table: Table, name: string): Source => ({
  kind: "table",
  ...named(name),
  table,
  target: undefined,
  whole: false,
});

/** Programs pass on data from others, so everything is checked, and no value is used as a file name. */
function sourceOf(rows: RawRows): Source {
  if (rows instanceof Table) return tableOf(rows, rows.name);
  if (isRows(rows)) {
    const odd = rows.findIndex((row) => !isRecord(row));
    if (odd >= 0)
      throw new HebbError(
        `run.predict: row ${odd} is ${kindOf(rows[odd])}, not an object by column, such as { age: 41, city: "Oslo" }`,
      );
    const name = "the list of rows";
    return tableOf(Table.fromRows(rows, name), name);
  }
  const given: unknown = rows;
  if (isRecord(given) && isPixels(given))
    return { kind: "images", ...named(imageNames.images), images: rows, labels: undefined, names: imageNames };
  const remedy =
    typeof given === "string"
      ? "it does not open files; for the rows of a file use run.predictFile(path)"
      : isRecord(given) && !("shape" in given)
        ? "for one row use run.predict([row])"
        : isRecord(given)
          ? "give as many values as the shape needs"
          : "put each row into an object by column, and the objects into a list";
  throw new HebbError(
    `run.predict takes a list of objects, a Table, or pixels { dtype, shape, data }, got ${kindOf(given)}; ${remedy}`,
  );
}

const kindOf = (value: unknown): string =>
  value === null || value === undefined
    ? String(value)
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? `an object with ${Object.keys(value).slice(0, 4).join(", ") || "no entries"}`
        : typeof value === "string"
          ? "a text"
          : `a ${typeof value}`;

const isRows = (rows: RawRows): rows is readonly Readonly<Record<string, unknown>>[] => Array.isArray(rows);
