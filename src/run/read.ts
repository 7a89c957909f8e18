// From the DATA argument to data sets: a table, images with labels, a text, or a built-in problem by name.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { type CanonicalName, canonicalNames, loadCanonical } from "../data/canonical.ts";
import { listColumns } from "../data/columnNames.ts";
import { addressError, readCsvFile, readIdxFile, readTextFile, sniffFile } from "../data/files.ts";
import { readImageFile, readImageFolder } from "../data/imageFolder.ts";
import * as data from "../data/index.ts";
import { readParquetFile } from "../data/parquet.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted } from "../graph/visible.ts";
import { builtInNames } from "./problemNames.ts";
import { builtIn, isProblem } from "./problems.ts";
import type { Fitting } from "./tableChoices.ts";

/** "mnist" is the part to train on, "mnist-test" the other. */
const canonicalPart = (path: string): { name: CanonicalName; part: "train" | "test" } | undefined => {
  const part = path.endsWith("-test") ? "test" : "train";
  const name = canonicalNames.find((each) => each === path.replace(/-test$/, ""));
  return name === undefined ? undefined : { name, part };
};

/** Whether a name is a built-in or downloaded data set, and so not a path. */
export const isBuiltIn = (name: string): boolean => isProblem(name) || canonicalPart(name) !== undefined;

/** Data as it was given, before any preprocessing. */
export type RawData =
  | { readonly kind: "table"; readonly table: data.Table; readonly target: string | undefined; readonly name: string }
  | {
      readonly kind: "images";
      readonly images: data.IdxArray;
      readonly labels: data.LabelArray | undefined;
      readonly names: { images: string; labels: string };
      /** The file of each picture, where they lie in files of their own. */
      readonly files?: readonly string[];
      readonly notes?: readonly string[];
    }
  | { readonly kind: "text"; readonly text: string; readonly name: string };

export interface SourceOptions {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  /** Seed of built-in problems. */
  readonly seed?: number;
  /** Whether labels must be there. */
  readonly needLabels: boolean;
  /** The preprocessing of a run: pictures in files are brought to its size. */
  readonly like?: Preprocessing;
  readonly notices?: Notices;
}

/** Who hears what there is to say while data are read. */
export interface Notices {
  /** How a download goes. */
  progress(line: string): void;
  /** What could not be read and does not stop the work. */
  warn(notes: readonly string[]): void;
}

/** The labels file that goes with an images file, by the names that MNIST uses. */
function guessLabels(images: string): string | undefined {
  const guess = images.replace("images", "labels").replace("idx3", "idx1");
  return guess !== images && existsSync(guess) ? guess : undefined;
}

/** A file that is not there: with the nearest name beside it, and for a bare word what else it might be. */
export function absent(path: string): HebbError {
  const address = addressError(path);
  if (address !== undefined) return address;
  const folder = dirname(path);
  const beside = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
  const file = nearest(basename(path), beside);
  const word = folder === "." && extname(path) === "";
  const problem = word ? nearest(path, [...builtInNames, ...canonicalNames]) : undefined;
  const hint = problem ?? (file === undefined || folder === "." ? file : join(folder, file));
  const what = word
    ? `give a CSV, Parquet or IDX file, a folder of pictures, one of the built-in problems (${builtInNames.join(", ")}), or a set that is fetched (${canonicalNames.join(", ")})`
    : existsSync(folder)
      ? "check the name"
      : `there is no folder ${folder}`;
  return new HebbError(`${path} does not exist; ${what}${hint === undefined ? "" : ` — did you mean "${hint}"?`}`);
}

/** Reads DATA. Throws HebbError naming the file and what to do. */
export async function readSource(path: string, options: SourceOptions): Promise<RawData> {
  const canonical = existsSync(path) ? undefined : canonicalPart(path);
  if (canonical !== undefined) return readCanonical(path, canonical, options);
  if (isProblem(path) && !existsSync(path)) {
    if (options.labels !== undefined)
      throw new HebbError(`${path} is a built-in problem with a target of its own; leave out the label file`);
    return { kind: "table", ...builtIn(path, options.seed ?? 0), name: path };
  }
  if (!existsSync(path)) throw absent(path);
  if (statSync(path).isDirectory()) return readPictures(path, "folder", options);
  const kind = await sniffFile(path);
  if (kind === "idx") return readImages(path, options);
  if (kind === "png" || kind === "jpeg") return readPictures(path, "file", options);
  if (options.labels !== undefined)
    throw new HebbError(
      `${path} is a ${kind === "text" ? "text" : "table"}, which holds its own target; name that column and leave out the label file`,
    );
  // A column to be predicted makes a table of any text.
  if (kind === "text" && options.target === undefined)
    return { kind: "text", text: await readTextFile(path), name: basename(path) };
  const table = kind === "parquet" ? await readParquetFile(path) : await readCsvFile(path);
  return { kind: "table", table, target: options.target, name: basename(path) };
}

/** MNIST and its like, fetched once. */
async function readCanonical(
  path: string,
  { name, part }: { name: CanonicalName; part: "train" | "test" },
  options: SourceOptions,
): Promise<RawData> {
  if (options.labels !== undefined || (options.target !== undefined && options.needLabels))
    throw new HebbError(`${path} comes with its labels; leave out --labels and --target`);
  const mirror = process.env["HEBB_MIRROR"];
  let told = -1;
  const { images, labels } = await loadCanonical(name, part, {
    ...(mirror === undefined ? {} : { mirror }),
    onProgress: (file, received, bytes) => {
      const tenth = Math.floor((10 * received) / bytes);
      if (tenth === told) return;
      told = tenth;
      options.notices?.progress(`fetching ${file}: ${10 * tenth} % of ${(bytes / 1e6).toFixed(1)} MB`);
    },
  });
  return { kind: "images", images, labels, names: { images: path, labels: `the labels of ${path}` } };
}

/** Pictures in files: a folder of them by class, or one to be recognised. */
async function readPictures(path: string, what: "folder" | "file", options: SourceOptions): Promise<RawData> {
  if (options.needLabels && options.target !== undefined)
    throw new HebbError(
      what === "file"
        ? `${path} is a picture, which has no column ${quoted(options.target)}; leave --target out`
        : `${path} is a folder, which has no column ${quoted(options.target)}; name a table in it, or leave --target out for a folder of pictures`,
    );
  if (options.labels !== undefined)
    throw new HebbError(`${path} holds pictures, whose classes are its sub-folders; leave out the label file`);
  const [channels, height, width] = options.like?.kind === "images" ? options.like.shape : [];
  const wanted =
    height === undefined || width === undefined
      ? {}
      : { size: [height, width] as const, channels: channels === 1 ? (1 as const) : (3 as const) };
  const found = what === "folder" ? await readImageFolder(path, wanted) : await readImageFile(path, wanted);
  if (found.labels === undefined && options.needLabels)
    throw new HebbError(
      what === "file"
        ? `${path} is one picture; give a folder with one sub-folder of pictures for each class`
        : `${path} holds pictures without classes; put those of each class into a sub-folder of its own`,
    );
  return { kind: "images", ...found, names: { images: path, labels: `the sub-folders of ${path}` } };
}

async function readImages(path: string, options: SourceOptions): Promise<RawData> {
  const labels = options.labels ?? guessLabels(path);
  if (options.target !== undefined && options.needLabels) {
    throw new HebbError(
      `${path} holds images, which have no column "${options.target}"; name the label file with --labels FILE`,
    );
  }
  if (labels === undefined && options.needLabels) {
    throw new HebbError(`${path} holds images without labels; name the label file with --labels FILE`);
  }
  return {
    kind: "images",
    images: await readIdxFile(path),
    labels: labels === undefined ? undefined : await readIdxFile(labels),
    names: { images: path, labels: labels ?? "the label array" },
  };
}

/** Training and validation data with the preprocessing fitted on the former. */
export interface Prepared {
  readonly preprocessing: Preprocessing;
  readonly train: data.Dataset;
  readonly validation: data.Dataset | undefined;
  readonly notes: readonly string[];
}

/** All the data of a run. */
export interface RunData extends Prepared {
  readonly test: data.Dataset | undefined;
}

export function prepare(
  raw: RawData,
  options: { target?: string | undefined; validation: number; seed: number; fitting?: Fitting },
): Prepared {
  if (raw.kind === "table") {
    const target = options.target ?? raw.target;
    if (target === undefined) {
      throw new HebbError(
        `${raw.name}: which column should be predicted? Name it with --target COLUMN; the columns are ${listColumns(raw.table.columnNames)}`,
      );
    }
    const { preprocessing, train, validation } = data.prepareTable(raw.table, {
      ...options.fitting,
      target,
      validation: options.validation,
      seed: options.seed,
    });
    return { preprocessing, train, validation, notes: preprocessing.notes };
  }
  if (raw.kind === "text") throw ofText(raw.name);
  const { images, labels, names } = raw;
  if (labels === undefined)
    throw new HebbError(`${names.images} holds images without labels; name the label file with --labels FILE`);
  data.checkImagesAndLabels(images, labels, names);
  const { train, validation } = data.trainValidationSplit(labels.data.length, {
    validation: options.validation,
    seed: options.seed,
    labels: labels.data,
  });
  const preprocessing = data.fitImagePreprocessing(images, labels, {
    rows: train,
    names,
    ...(raw.notes === undefined ? {} : { notes: raw.notes }),
  });
  const all = imageDataset(preprocessing, raw);
  return {
    preprocessing,
    train: validation.length > 0 ? all.subset(train) : all,
    validation: validation.length > 0 ? all.subset(validation) : undefined,
    notes: preprocessing.notes,
  };
}

const ofText = (name: string): HebbError =>
  new HebbError(
    `${name} is a text, not a table; use --model gpt or lstm, or name the column to predict: --target COLUMN`,
  );

const kinds = { table: "a table", images: "images", text: "a text" } as const;

const otherKind = (preprocessing: Preprocessing, raw: RawData): HebbError =>
  new HebbError(
    `this run was trained on ${kinds[preprocessing.kind]}, and was given ${kinds[raw.kind]}; give data of the same kind`,
  );

function imageDataset(preprocessing: data.ImagePreprocessing, raw: Extract<RawData, { kind: "images" }>): data.Dataset {
  const { features, targets, count } = data.applyImagePreprocessing(preprocessing, raw.images, raw.labels, raw.names);
  return new data.Dataset({ features, featureShape: preprocessing.shape, targets: targets ?? new Int32Array(count) });
}

/** Data as a model takes them, and what in them could not be read. */
export interface Applied {
  readonly dataset: data.Dataset;
  /** In sentences for the user. */
  readonly notes: readonly string[];
  /** Cell by cell. */
  readonly unread: readonly data.Unread[];
}

const applied = (dataset: data.Dataset, { notes = [], unread = [] }: Partial<Applied> = {}): Applied => ({
  dataset,
  notes,
  unread,
});

/** Other data through a stored preprocessing, with targets. */
export function applyTo(preprocessing: Preprocessing, raw: RawData): Applied {
  if (preprocessing.kind === "table" && raw.kind === "table") {
    const { column } = preprocessing.target;
    if (!raw.table.has(column))
      throw new HebbError(
        `${raw.name} has no column ${quoted(column)} to compare with; add it, or use hebb predict, which does not need it`,
      );
    const rows = data.applyPreprocessing(preprocessing, raw.table, { targets: "required" });
    if (rows.rows.length === 0)
      throw new HebbError(`${raw.name} has no row with a ${quoted(column)} to compare with; fill that column in`);
    return applied(data.tableDataset(rows), rows);
  }
  if (preprocessing.kind === "images" && raw.kind === "images") {
    if (raw.labels === undefined)
      throw new HebbError(`${raw.names.images} holds images without labels; name the label file with --labels FILE`);
    return applied(imageDataset(preprocessing, raw));
  }
  throw otherKind(preprocessing, raw);
}

/** The test data that a run was given, if any. */
export async function testSet(
  preprocessing: Preprocessing,
  from: {
    readonly testData: string | null;
    readonly testLabels: string | null;
    readonly target: string | null;
    readonly seed: number;
  },
  notices: Notices,
): Promise<data.Dataset | undefined> {
  if (from.testData === null) return undefined;
  const [target, labels] = [from.target ?? undefined, from.testLabels ?? undefined];
  const options = { target, labels, seed: from.seed, needLabels: true, like: preprocessing, notices };
  const { dataset, notes } = applyTo(preprocessing, await readSource(from.testData, options));
  notices.warn(notes);
  return dataset;
}

/** The same without targets: for prediction. `rows` are those of the data, from 0. */
export function featuresOf(preprocessing: Preprocessing, raw: RawData): Applied {
  if (preprocessing.kind === "table" && raw.kind === "table") {
    const made = data.applyPreprocessing(preprocessing, raw.table, { targets: "none" });
    const { features, featureCount, rows } = made;
    const dataset = new data.Dataset({ features, featureShape: [featureCount], targets: new Int32Array(rows.length) });
    return applied(dataset, made);
  }
  if (preprocessing.kind === "images" && raw.kind === "images")
    return applied(imageDataset(preprocessing, { ...raw, labels: undefined }));
  throw otherKind(preprocessing, raw);
}
