// Explains a run's prediction for a row of a table: the contribution of each column, in the units of the target or as a probability.
import { findColumn } from "../../data/columnNames.ts";
import { Dataset } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import { HebbError } from "../../graph/errors.ts";
import { quoted } from "../../graph/visible.ts";
import { Perceptron } from "../../nn/index.ts";
import { metrics } from "../../train/index.ts";
import { featuresOf } from "../apply.ts";
import { dataOf } from "../job.ts";
import { answerer, noteOf } from "../predictions.ts";
import { sampleOf } from "../prepared.ts";
import type { Notices } from "../readOptions.ts";
import type { OpenedRun } from "../saved.ts";
import { kindNames, type Source } from "../source.ts";
import { classNames } from "../task.ts";
import { spans } from "./columns.ts";
import { type Contribution, type Contributions, shapleyValues } from "./contributions.ts";

export interface ExplainOptions {
  /** Counted from 1. */
  readonly row: number;
  /** The number of sampled orders of the columns. */
  readonly samples: number;
  /** The class whose probability is explained. Default: the predicted one. */
  readonly class?: string | undefined;
}

export interface RowExplanation extends Contributions {
  readonly row: number;
  /** The target column, and for classes the one whose probability is explained. */
  readonly target: string;
  readonly class?: string;
  /** The largest first, with the row's cell. */
  readonly contributions: readonly (Contribution & { readonly value: string })[];
  /** Sentences about cells of the row that could not be read and counted as missing, and values unseen in training; absent if there are none. */
  readonly notes?: readonly string[];
}

/** Explains a row of a source. */
export type ExplainRow = (source: Source, options: ExplainOptions) => Promise<RowExplanation>;

/**
 * Explains predictions relative to those of the training rows, which are read again, once. The returned function throws HebbError for runs that take
 * no table or do not support contributions, and for unknown rows and classes.
 */
export function explainer(opened: OpenedRun, notices: Notices): ExplainRow {
  let background: Promise<Dataset> | undefined;
  return (source, options) =>
    explained(opened, source, options, () => {
      background ??= backgroundOf(opened, notices);
      return background;
    });
}

/** The training rows of a run. */
async function backgroundOf({ config, preprocessing }: OpenedRun, notices: Notices): Promise<Dataset> {
  const rows = sampleOf(await dataOf(config, preprocessing, { notices }));
  if (rows instanceof Dataset) return rows;
  throw new HebbError("a text has no columns to explain");
}

async function explained(
  opened: OpenedRun,
  source: Source,
  { row, samples, class: wanted }: ExplainOptions,
  background: () => Promise<Dataset>,
): Promise<RowExplanation> {
  const { config, preprocessing, model } = opened;
  if (preprocessing.kind !== "table" || source.kind !== "table")
    throw new HebbError(
      `only columns of a table can be explained, and this run was trained on ${kindNames[preprocessing.kind]}; look at hebb report instead`,
    );
  if (model instanceof Perceptron)
    throw new HebbError(
      "a perceptron says only yes or no, which cannot be divided among the columns; train with --model mlp",
    );
  const names = classNames(preprocessing);
  if (wanted !== undefined && names === undefined)
    throw new HebbError(`--class ${wanted} is for classes, but this run predicts a number; leave it out`);
  const asked = wanted === undefined ? undefined : names?.indexOf(wanted);
  if (asked === -1)
    throw new HebbError(
      `${quoted(wanted ?? "")} is not a class of this run; the classes are ${names?.map((name) => quoted(name)).join(", ")}`,
    );
  const { dataset, unread } = featuresOf(preprocessing, source);
  if (row > dataset.length)
    throw new HebbError(`${source.name} has no row ${row}: it has ${dataset.length} rows, counted from 1`);
  const predict = answerer(opened);
  const own = dataset.subset([row - 1]);
  const outputs = names?.length ?? 1;
  const output = asked ?? (names === undefined ? 0 : at(metrics.predictedClasses(await predict(own), outputs), 0));
  const found = await shapleyValues(own, await background(), spans(preprocessing), {
    predict,
    outputs,
    output,
    samples,
    seed: config.seed,
  });
  const { table, name } = source;
  const notes = unread.filter((each) => each.row === row - 1).map(noteOf);
  const cell = (column: string): string =>
    String(table.column(findColumn(name, table.columnNames, column)).cells[row - 1] ?? "");
  return {
    row,
    target: preprocessing.target.column,
    ...(names === undefined ? {} : { class: names[output] ?? String(output) }),
    base: found.base,
    prediction: found.prediction,
    contributions: found.contributions
      .map((each) => ({ ...each, value: cell(each.column) }))
      .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
    ...(notes.length === 0 ? {} : { notes }),
  };
}
