// Second stage: splits a source, and fits the preprocessing on the rows to learn from.
import { basename } from "node:path";
import { listColumns } from "../data/columnNames.ts";
import {
  applyImagePreprocessing,
  checkImagesAndLabels,
  Dataset,
  fitImagePreprocessing,
  type IdxArray,
  type ImagePreprocessing,
  kFold,
  type LabelArray,
  type Split,
  type SplitOptions,
  trainValidationSplit,
} from "../data/index.ts";
import { streamFile } from "../data/tableStream.ts";
import { prepareSplit } from "../data/tabular.ts";
import { HebbError } from "../graph/errors.ts";
import { RowStream } from "../train/index.ts";
import type { Fold, Prepared, PreparedParts, PreparedRows } from "./prepared.ts";
import { withoutLabels } from "./read.ts";
import type { ImageSource, PartsSource, Source, TableSource } from "./source.ts";
import type { ColumnFitting } from "./tableChoices.ts";
import { fitText, type Tokenizing } from "./text.ts";

export interface PrepareOptions {
  /** The share of the data that is held out; undefined: as much as is usual. */
  readonly validation: number | undefined;
  /** Held out instead of a share. */
  readonly fold: Fold | null;
  readonly seed: number;
  /** What is to be done about the columns of a table. */
  readonly columns: ColumnFitting;
  /** How a text becomes tokens; null: a text is not what was asked for. */
  readonly text: Tokenizing | null;
}

/** The share that is held out, where nothing else is asked for. Of many rows few are enough. */
const usualShare: Readonly<Record<Source["kind"], number>> = { table: 0.2, images: 0.2, text: 0.1, parts: 0.01 };

export async function prepare(source: Source, options: PrepareOptions): Promise<Prepared> {
  const share = options.fold === null ? (options.validation ?? usualShare[source.kind]) : 1 / options.fold.of;
  switch (source.kind) {
    case "table":
      return fitTable(source, options, source.whole && options.fold === null ? 0 : share);
    case "parts":
      return fitParts(source, options, share);
    case "images":
      return fitImages(source, options, share);
    case "text":
      if (options.text === null) throw unwantedText(source.name);
      return { kind: "text", ...fitText(source, options.text, share), share };
  }
}

const withoutTarget = (name: string, columns: readonly string[] | undefined): HebbError =>
  new HebbError(
    `${name}: which column should be predicted? Name it with --target COLUMN${columns === undefined ? "" : `; the columns are ${listColumns(columns)}`}`,
  );

const unwantedText = (name: string): HebbError =>
  new HebbError(
    `${name} is a text, not a table; use --model gpt or lstm, or name the column to predict: --target COLUMN`,
  );

/** The rows to learn from and those held out: a share of them, or a fold. */
function splitOf(
  count: number,
  labels: SplitOptions["labels"] | undefined,
  { fold, seed, validation }: { readonly fold: Fold | null; readonly seed: number; readonly validation: number },
): Split {
  const given = labels === undefined ? { seed } : { seed, labels };
  if (fold === null) return trainValidationSplit(count, { ...given, validation });
  const split = kFold(count, fold.of, given)[fold.number - 1];
  if (split === undefined) throw new HebbError(`config.json: there is no fold ${fold.number} of ${fold.of}`);
  return split;
}

function fitTable({ table, target, name }: TableSource, options: PrepareOptions, share: number): PreparedRows {
  if (target === undefined) throw withoutTarget(name, table.columnNames);
  const { preprocessing, train, validation } = prepareSplit(table, { ...options.columns, target }, (count, labels) =>
    splitOf(count, labels, { ...options, validation: share }),
  );
  return { kind: "rows", preprocessing, train, validation, share };
}

/** Reads the file once: how many rows there are, what they mean, and which are held out. */
async function fitParts(
  { file, target, path }: PartsSource,
  options: PrepareOptions,
  share: number,
): Promise<PreparedParts> {
  if (target === undefined) throw withoutTarget(basename(path), undefined);
  const { seed, columns } = options;
  const stream = await streamFile(file, { ...columns, target, validation: share, seed });
  const { preprocessing, length, sample, validation } = stream;
  const train = new RowStream({ length, sample, parts: (epoch) => stream.parts(epoch) });
  return { kind: "parts", preprocessing, train, validation, share };
}

function fitImages(source: ImageSource, options: PrepareOptions, share: number): PreparedRows {
  const { images, labels, names, notes } = source;
  if (labels === undefined) throw withoutLabels(names.images);
  checkImagesAndLabels(images, labels, names);
  const { train, validation } = splitOf(labels.data.length, labels.data, { ...options, validation: share });
  const preprocessing = fitImagePreprocessing(images, labels, {
    rows: train,
    names,
    ...(notes === undefined ? {} : { notes }),
  });
  const all = imageDataset(preprocessing, images, labels, names);
  return {
    kind: "rows",
    preprocessing,
    train: validation.length > 0 ? all.subset(train) : all,
    validation: validation.length > 0 ? all.subset(validation) : undefined,
    share,
  };
}

/** Images through a preprocessing; without labels, every target is 0. */
export function imageDataset(
  preprocessing: ImagePreprocessing,
  images: IdxArray,
  labels: LabelArray | undefined,
  names: ImageSource["names"],
): Dataset {
  const { features, targets, count } = applyImagePreprocessing(preprocessing, images, labels, names);
  return new Dataset({ features, featureShape: preprocessing.shape, targets: targets ?? new Int32Array(count) });
}
