// First stage: from a path or a name to a source. The path is examined once and opened once; the contents decide the rest.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { type CanonicalName, canonicalNames, loadCanonical } from "../data/canonical.ts";
import { encodingRemarks } from "../data/csv.ts";
import { addressError } from "../data/fileErrors.ts";
import { readIdxFile } from "../data/files.ts";
import { filesOf, isPattern } from "../data/globs.ts";
import { idxRows } from "../data/idxRows.ts";
import {
  type ImageFolder,
  type ImageFolderOptions,
  type OpenImageFolder,
  openImageFolder,
  pictureOf,
  readImageFolder,
} from "../data/imageFolder.ts";
import { rowsOfArray } from "../data/images.ts";
import { entryAt, InputFile } from "../data/inputFile.ts";
import { fetchFile, isWebAddress } from "../data/remoteFile.ts";
import { Table } from "../data/table.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted } from "../graph/visible.ts";
import { builtInNames } from "./problemNames.ts";
import { type BuiltInName, builtIn, canonicalPart, isProblem } from "./problems.ts";
import type { ReadOptions } from "./readOptions.ts";
import { type ImageSource, named, type Origin, type Source, type TableSource, type TextSource } from "./source.ts";
import { fromStandardInput, standardInput } from "./standardInput.ts";
import { joinedTables, refuseTablePart, tableFrom } from "./tablesFrom.ts";

/** The form in which data are read for a trained run. */
export const formFor = ({ kind }: Preprocessing): "text" | "whole" => (kind === "text" ? "text" : "whole");

/** Reads DATA. Throws HebbError naming the file and what to do. */
export async function read(path: string, options: ReadOptions): Promise<Source> {
  if (path === standardInput) {
    const origin: Origin = { name: "standard input", path, place: path };
    return fromStandardInput(async (file) => {
      const found = await InputFile.use(file, (open) => fromFile(open, origin, { ...options, form: piped(options) }));
      if (found.kind !== "table") return found;
      const { columns, delimiter, remarks } = found.table;
      return { ...found, table: new Table(columns, origin.name, delimiter, remarks) };
    });
  }
  if (isWebAddress(path)) return readAddress(path, options);
  const entry = await entryAt(path);
  const origin: Origin = { name: basename(path), path, place: resolve(path) };
  if (entry.kind === "nothing" && isPattern(path)) return joinedTables(filesOf(path), origin, options);
  if (entry.kind === "nothing") return readNamed(path, options);
  if (entry.kind === "folder" && options.form !== "text") return readFolder(origin, options);
  return InputFile.use(path, (file) => fromFile(file, origin, options), entry);
}

/** Piped data can only be read once, so they are not read in parts. */
function piped({ form }: ReadOptions): ReadOptions["form"] {
  if (form === "parts")
    throw new HebbError(
      "standard input cannot be streamed, because the data are read again in every epoch; name a file, or leave --stream out",
    );
  return form === "auto" ? "whole" : form;
}

/** Reads an address, through a copy in the cache. */
async function readAddress(path: string, options: ReadOptions): Promise<Source> {
  const { notices } = options;
  let told = 0;
  const file = await fetchFile(path, {
    onProgress: (received, bytes) => {
      // Small files arrive at once; for large ones every 16 MB is reported.
      const tenth = Math.floor(received / 2 ** 24);
      if (tenth === told) return;
      told = tenth;
      const all = bytes === undefined ? "" : ` of ${(bytes / 1e6).toFixed(1)}`;
      notices?.progress(`fetching ${path}: ${(received / 1e6).toFixed(1)}${all} MB`);
    },
    onStale: (why) => notices?.warn([why]),
  });
  return InputFile.use(file, (open) => fromFile(open, { name: basename(file), path, place: path }, options));
}

/** Reads a name instead of a path: a built-in problem, or a downloaded set. */
async function readNamed(path: string, options: ReadOptions): Promise<Source> {
  const canonical = canonicalPart(path);
  if (canonical !== undefined) return readCanonical(path, canonical, options);
  if (isProblem(path)) return problem(path, options);
  throw absent(path);
}

function problem(name: BuiltInName, { target, labels, seed = 0 }: ReadOptions): TableSource {
  if (labels !== undefined)
    throw new HebbError(`${name} is a built-in problem with its own target; leave out the label file`);
  const found = builtIn(name, seed);
  return { kind: "table", ...named(name), ...found, target: target ?? found.target };
}

/** MNIST and similar sets, downloaded once. */
async function readCanonical(
  path: string,
  { name, part }: { readonly name: CanonicalName; readonly part: "train" | "test" },
  options: ReadOptions,
): Promise<ImageSource> {
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
  const names = { images: path, labels: `the labels of ${path}` };
  return {
    kind: "images",
    ...named(path),
    images: options.asNeeded === true ? rowsOfArray(images) : images,
    labels,
    names,
  };
}

async function fromFile(file: InputFile, origin: Origin, options: ReadOptions): Promise<Source> {
  const { target, form } = options;
  const text = async (): Promise<TextSource> => {
    const { text, encoding } = await file.decoded();
    const remarks = encodingRemarks(encoding).map((remark) => `${origin.path}: ${remark.text}`);
    if (remarks.length > 0) options.notices?.warn(remarks);
    const plain = options.asNeeded === true && encoding === "utf-8" && (await file.packing()) === undefined;
    return { kind: "text", ...origin, text, file: plain ? file : undefined };
  };
  if (form === "text") return text();
  const kind = await file.kind();
  switch (kind) {
    case "idx":
    case "png":
    case "jpeg":
      if (form === "parts") throw notInParts(origin);
      refuseTablePart(origin, options);
      if (kind === "idx") return readImages(file, origin, options);
      checkPictures("file", origin, options);
      return pictures("file", await pictureOf(file, sizeLike(options)), { ...options, ...origin });
    case "text":
      // A target column makes any text a table.
      if (target === undefined && form !== "parts" && options.sql === undefined) {
        refuseLabels("text", origin, options);
        refuseTablePart(origin, options);
        return text();
      }
      refuseLabels("table", origin, options);
      return tableFrom(file, "table", origin, options);
    default:
      refuseLabels("table", origin, options);
      return tableFrom(file, kind, origin, options);
  }
}

const notInParts = ({ path }: Origin): HebbError =>
  new HebbError(`${path} is not a table, and only tables can be streamed; leave --stream out`);

function refuseLabels(what: "text" | "table", { path }: Origin, { labels }: ReadOptions): void {
  if (labels !== undefined)
    throw new HebbError(
      `${path} is a ${what}, which holds its own target; name that column and leave out the label file`,
    );
}

/** The labels file of an images file, by MNIST's naming scheme. */
function guessLabels(images: string): string | undefined {
  const guess = images.replace("images", "labels").replace("idx3", "idx1");
  return guess !== images && existsSync(guess) ? guess : undefined;
}

async function readImages(file: InputFile, origin: Origin, options: ReadOptions): Promise<ImageSource> {
  const { path } = origin;
  const labels = options.labels ?? guessLabels(path);
  if (options.target !== undefined && options.needLabels)
    throw new HebbError(
      `${path} holds images, which have no column "${options.target}"; name the label file with --labels FILE`,
    );
  if (labels === undefined && options.needLabels) throw withoutLabels(path);
  return {
    kind: "images",
    ...origin,
    images: options.asNeeded === true ? await idxRows(file) : await file.idx(),
    labels: labels === undefined ? undefined : await readIdxFile(labels),
    names: { images: path, labels: labels ?? "the label array" },
  };
}

export const withoutLabels = (path: string): HebbError =>
  new HebbError(`${path} holds images without labels; name the label file with --labels FILE`);

async function readFolder(origin: Origin, options: ReadOptions): Promise<ImageSource> {
  checkPictures("folder", origin, options);
  const size = sizeLike(options);
  const found = await (options.asNeeded === true ? openImageFolder : readImageFolder)(origin.path, size);
  return pictures("folder", found, { ...options, ...origin });
}

/** Refuses options that images do not have, before images are decoded. */
function checkPictures(what: "folder" | "file", { path }: Origin, options: ReadOptions): void {
  if (options.needLabels && options.target !== undefined)
    throw new HebbError(
      what === "file"
        ? `${path} is a picture, which has no column ${quoted(options.target)}; leave --target out`
        : `${path} is a folder, which has no column ${quoted(options.target)}; name a table in it, or leave --target out for a folder of pictures`,
    );
  if (options.labels !== undefined)
    throw new HebbError(`${path} holds pictures, whose classes are its sub-folders; leave out the label file`);
}

/** The size of the images of a run, or of a pretrained model. */
export function sizeLike({ like, steps: wanted }: Pick<ReadOptions, "like" | "steps">): ImageFolderOptions {
  const steps = wanted ?? (like?.kind === "images" ? like.steps : undefined);
  if (steps !== undefined) return { steps };
  const [channels, height, width] = like?.kind === "images" ? like.shape : [];
  if (height === undefined || width === undefined) return {};
  return { size: [height, width], channels: channels === 1 ? 1 : 3 };
}

/** Images in files: a folder with a subfolder for each class, or a single image to classify. */
function pictures(
  what: "folder" | "file",
  found: ImageFolder | OpenImageFolder,
  { needLabels, name, path, place }: Origin & ReadOptions,
): ImageSource {
  if (found.labels === undefined && needLabels)
    throw new HebbError(
      what === "file"
        ? `${path} is one picture; give a folder with one sub-folder of pictures for each class`
        : `${path} holds pictures without classes; put the pictures of each class into a separate sub-folder`,
    );
  return { kind: "images", name, path, place, ...found, names: { images: path, labels: `the sub-folders of ${path}` } };
}

/** The error for a missing file, with the nearest existing name, and other meanings of a bare word. */
function absent(path: string): HebbError {
  const address = addressError(path);
  if (address !== undefined) return address;
  const folder = dirname(path);
  const beside = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
  const file = nearest(basename(path), beside);
  const word = folder === "." && extname(path) === "";
  const problem = word ? nearest(path, [...builtInNames, ...canonicalNames]) : undefined;
  const hint = problem ?? (file === undefined || folder === "." ? file : join(folder, file));
  const what = word
    ? `give a CSV, Parquet, Excel, Arrow, JSON, SQLite or IDX file, an address, a folder of pictures, one of the built-in problems (${builtInNames.join(", ")}), or a set that is fetched (${canonicalNames.join(", ")})`
    : existsSync(folder)
      ? "check the name"
      : `there is no folder ${folder}`;
  return new HebbError(`${path} does not exist; ${what}${hint === undefined ? "" : ` — did you mean "${hint}"?`}`);
}
