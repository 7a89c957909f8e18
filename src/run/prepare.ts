// Second stage: splits a source, and fits the preprocessing on the training rows.
import { basename } from "node:path";
import { listColumns } from "../data/columnNames.ts";
import { readImages } from "../data/images.ts";
import {
  applyImagePreprocessing,
  checkImagesAndLabels,
  Dataset,
  fitImagePreprocessing,
  guessTarget,
  type ImagePreprocessing,
  type LabelArray,
  type Table,
  tableFindings,
} from "../data/index.ts";
import { sizeAfter } from "../data/pictureSteps.ts";
import { type HeldOut, splitRows } from "../data/rowSplit.ts";
import { streamFile } from "../data/tableStream.ts";
import { prepareSplit } from "../data/tabular.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { RowStream } from "../train/index.ts";
import type { Base } from "./base.ts";
import type { Fold, Prepared, PreparedParts, PreparedRows } from "./prepared.ts";
import { withoutLabels } from "./read.ts";
import type { ImageSource, PartsSource, Source, TableSource } from "./source.ts";
import type { ColumnFitting } from "./tableChoices.ts";
import { fitPretrainedText, fitText, type Tokenizing } from "./text.ts";
import { fitTexts, labelsOf, textDataset } from "./texts.ts";

export interface PrepareOptions {
  /** The share of data to hold out; undefined: the default share. */
  readonly validation: number | undefined;
  /** Held out instead of a share. */
  readonly fold: Fold | null;
  readonly seed: number;
  /** How to treat the columns of a table. */
  readonly columns: ColumnFitting;
  /** How a text becomes tokens; null if no text was requested. */
  readonly text: Tokenizing | null;
  /** A pretrained model to start from: the rows of a table are texts for it, and texts and images use its tokenizer and image size. */
  readonly base?: Base | null;
  /** The number of tokens of a text that it sees at once; undefined: the default. */
  readonly context?: number | undefined;
  /** The preprocessing that rank 0 fitted on these images, so that this rank reads none for it. */
  readonly known?: Preprocessing | undefined;
}

/** The default share to hold out. For many rows a small share is enough. */
function usualShare(source: Source): number {
  switch (source.kind) {
    case "table":
      return Math.max(0.1, Math.min(0.2, fewestHeld / source.table.rowCount));
    case "images":
      return 0.2;
    case "text":
      return 0.1;
    case "parts":
      return 0.01;
  }
}

/** The minimum number of held-out rows of a table, up to a fifth of it. */
const fewestHeld = 200;

export async function prepare(source: Source, options: PrepareOptions): Promise<Prepared> {
  const share = options.fold === null ? (options.validation ?? usualShare(source)) : 1 / options.fold.of;
  switch (source.kind) {
    case "table":
      if (options.base) return fitTextRows(source, options, share, options.base);
      return fitTable(source, options, source.whole && options.fold === null ? 0 : share);
    case "parts":
      return fitParts(source, options, share);
    case "images":
      return fitImages(source, options, share);
    case "text":
      if (options.base) {
        const text = fitPretrainedText(source, options.base, options.context, share);
        return { kind: "text", ...text, share };
      }
      if (options.text === null) throw unwantedText(source.name);
      return { kind: "text", ...fitText(source, options.text, share), share };
  }
}

/** The error for a missing target, with the most likely one if the table was read whole. */
function withoutTarget(name: string, columns: readonly string[] | undefined, table?: Table): HebbError {
  const guess = table && guessTarget(table);
  const likely = guess && `; --target ${JSON.stringify(guess.target)} is likely, ${guess.why}`;
  const known = columns && `; the columns are ${listColumns(columns)}`;
  return new HebbError(
    `${name}: which column should be predicted? Name it with --target COLUMN${likely ?? ""}${known ?? ""}`,
  );
}

const unwantedText = (name: string): HebbError =>
  new HebbError(
    `${name} is a text, not a table; use --model gpt or lstm, or name the column to predict: --target COLUMN`,
  );

/** What is held out: a share of the rows, or a fold. */
const heldOut = ({
  fold,
  seed,
  validation,
}: {
  readonly fold: Fold | null;
  readonly seed: number;
  readonly validation: number;
}): HeldOut =>
  fold === null ? { kind: "share", share: validation, seed } : { kind: "fold", number: fold.number, of: fold.of, seed };

/** With fewer held-out rows, a metric is mostly chance: with ten, one row is 10 % of the accuracy. */
const fewestMeasured = 10;

const fewHeldOut = (rows: number): string[] =>
  rows === 0 || rows >= fewestMeasured
    ? []
    : [
        `Only ${rows === 1 ? "one row is" : `${rows} rows are`} held out, so the validation figures say little; add rows, or measure on each row in turn with --folds.`,
      ];

function fitTable({ table, target, name }: TableSource, options: PrepareOptions, share: number): PreparedRows {
  if (target === undefined) throw withoutTarget(name, table.columnNames, table);
  const { preprocessing, columns, train, validation, validationRows } = prepareSplit(
    table,
    { ...options.columns, target },
    heldOut({ ...options, validation: share }),
  );
  // Single cells are covered by the notes of the preprocessing.
  const findings = (): string[] => [
    ...tableFindings(table, { ...options.columns, target }).flatMap(({ code, text }) =>
      code === "cells" ? [] : [text],
    ),
    ...fewHeldOut(validationRows.length),
  ];
  const held = { table, rows: validationRows };
  return { kind: "rows", preprocessing, columns, train, validation, share, findings, held };
}

/** Fits the rows of a text table; rows without a class are dropped. */
function fitTextRows(
  { table, target, name }: TableSource,
  options: PrepareOptions,
  share: number,
  base: Base,
): PreparedRows {
  if (target === undefined) throw withoutTarget(name, table.columnNames, table);
  const labels = labelsOf(table, target);
  const known = table.select(Int32Array.from(labels.flatMap((label, row) => (label === undefined ? [] : [row]))));
  const all = fitTexts(known, target, [], base);
  const dataset = textDataset(all, known, "required");
  const { train, validation } = splitRows(
    { count: dataset.length, labels: dataset.targets.data },
    heldOut({ ...options, validation: share }),
  );
  const preprocessing = fitTexts(known, target, train, base);
  return {
    kind: "rows",
    preprocessing,
    train: validation.length > 0 ? dataset.subset(train) : dataset,
    validation: validation.length > 0 ? dataset.subset(validation) : undefined,
    share,
    findings: () => [],
  };
}

/** Reads the file once: the number of rows, their meaning, and which are held out. */
async function fitParts(
  { file, target, path }: PartsSource,
  options: PrepareOptions,
  share: number,
): Promise<PreparedParts> {
  if (target === undefined) throw withoutTarget(basename(path), undefined);
  const { seed, columns } = options;
  const stream = await streamFile(file, { ...columns, target, validation: share, seed });
  const { preprocessing, validation } = stream;
  const train = new RowStream(stream);
  return { kind: "parts", preprocessing, columns: stream.columns, train, validation, share };
}

function fitImages(source: ImageSource, options: PrepareOptions, share: number): PreparedRows {
  const { images, labels, names, notes } = source;
  if (labels === undefined) throw withoutLabels(names.images);
  checkImagesAndLabels(images, labels, names);
  const { train, validation } = splitRows(
    { count: labels.data.length, labels: labels.data },
    heldOut({ ...options, validation: share }),
  );
  const fitted = (): ImagePreprocessing => {
    const own = fitImagePreprocessing(images, labels, { rows: train, names, ...(notes && { notes }) });
    return options.base ? asInBase(own, options.base) : own;
  };
  const preprocessing = options.known?.kind === "images" ? options.known : fitted();
  const all = imageDataset(preprocessing, images, labels, names);
  return {
    kind: "rows",
    preprocessing,
    train: validation.length > 0 ? all.subset(train) : all,
    validation: validation.length > 0 ? all.subset(validation) : undefined,
    share,
    findings: () => [],
  };
}

/** Scales pixels as in the base's training. */
function asInBase(own: ImagePreprocessing, { folder, processing }: Base): ImagePreprocessing {
  if (processing === undefined)
    throw new HebbError(
      `${folder} is not a model of images; with pictures give a base that is, such as a vit or a resnet`,
    );
  const { steps, factor, mean, std } = processing;
  const wanted = [3, ...(sizeAfter(steps) ?? [])];
  // Images in files are resized as they are read; arrays must have the right size.
  if (String(own.shape) !== String(wanted))
    throw new HebbError(
      `${folder} takes images of [${wanted.join(", ")}], and these arrays hold [${own.shape.join(", ")}]; give a folder of PNG or JPEG pictures, which are resized, or arrays of that shape`,
    );
  return {
    ...own,
    mean: mean.map((one) => one / factor),
    scale: std.map((one) => one / factor),
    notes: [...own.notes, `pictures of ${own.shape.slice(1).join(" × ")} pixels, as the base model requires`],
    steps,
  };
}

/** Images through a preprocessing; without labels, every target is 0. */
export function imageDataset(
  preprocessing: ImagePreprocessing,
  images: ImageSource["images"],
  labels: LabelArray | undefined,
  names: ImageSource["names"],
): Dataset {
  if ("read" in images) {
    const { features, targets } = readImages(preprocessing, images, labels, names);
    const all = targets ?? new Int32Array(features.length);
    return new Dataset({ features, featureShape: preprocessing.shape, targets: all });
  }
  const { features, targets, count } = applyImagePreprocessing(preprocessing, images, labels, names);
  return new Dataset({ features, featureShape: preprocessing.shape, targets: targets ?? new Int32Array(count) });
}
