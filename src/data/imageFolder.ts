// Image folders (Node only): one sub-folder per class, PNG and JPEG, all resized to one size.
import { readFileSync } from "node:fs";
import { lstat, readdir, realpath } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { inflateSync } from "node:zlib";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { codeOf, fileError } from "./fileErrors.ts";
import { readBytes } from "./files.ts";
import type { IdxArray } from "./idx.ts";
import type { ImageRows, LabelArray } from "./images.ts";
import { InputFile } from "./inputFile.ts";
import { type PictureSteps, sizeAfter, stepped } from "./pictureSteps.ts";
import {
  decodePicture,
  defaultMaxPixels,
  fitKind,
  fitPicture,
  type Picture,
  type PictureFit,
  pictureDecoder,
  planesOf,
  readPictureHeader,
  toChannels,
} from "./pixels.ts";

export interface ImageFolderOptions {
  /** Height and width of every picture. Default: their own, if all share one size of at most 64 × 64; else 64 × 64. */
  readonly size?: readonly [height: number, width: number];
  /** 1 (grey) or 3 (colour). Default: 1 when all pictures are grey. */
  readonly channels?: 1 | 3;
  /** How other aspect ratios fit: "cover" (default) crops, "stretch" does not. */
  readonly fit?: PictureFit;
  /** Maximum pixels of one picture (default 24,000,000), checked in its header. */
  readonly maxPixels?: number;
  /** The input steps of a pretrained model; they determine size, channels and fit. */
  readonly steps?: PictureSteps;
}

const kinds: OptionKinds<ImageFolderOptions> = {
  size: kind.pair,
  channels: kind.among(1, 3),
  fit: fitKind,
  maxPixels: kind.number,
  steps: kind.of<PictureSteps>(
    "an object { resize, crop }",
    (value) => typeof value === "object" && value !== null && "resize" in value && "crop" in value,
  ),
};

/** The pictures of a folder. */
export interface ImageFolder {
  /** Bytes [count, channels, height, width]. */
  readonly images: IdxArray;
  /** The index of each picture's class among the sub-folders; absent if the pictures are in the folder itself. */
  readonly labels: LabelArray | undefined;
  /** The file of each picture, within the folder. */
  readonly files: readonly string[];
  /** Notes about skipped files. */
  readonly notes: readonly string[];
}

const extensions: ReadonlySet<string> = new Set([".png", ".jpg", ".jpeg"]);
const partNames: readonly string[] = ["train", "training", "test", "testing", "val", "valid", "validation"];
const usualSize = 64;
const maxFileBytes = 2 ** 26;
const maxFiles = 1_000_000;
const maxTotalBytes = 2 ** 31 - 1;

interface Entry {
  readonly name: string;
  readonly folder: boolean;
}

/** The entries of a folder, sorted by name, without hidden files. Refuses links that lead out of `root`. */
async function entriesOf(folder: string, root: string): Promise<Entry[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(folder, error);
  });
  const entries: Entry[] = [];
  for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    try {
      let info = await lstat(path);
      if (info.isSymbolicLink()) {
        const target = await realpath(path);
        if (target !== root && !target.startsWith(root + sep))
          throw new HebbError(`${path} is a symbolic link that leads out of the folder; put the picture itself there`);
        info = await lstat(target);
      }
      if (info.isDirectory()) entries.push({ name, folder: true });
      else if (info.isFile()) entries.push({ name, folder: false });
    } catch (error) {
      throw fileError(path, error);
    }
  }
  return entries;
}

const isPicture = ({ name, folder }: Entry): boolean => !folder && extensions.has(extname(name).toLowerCase());

interface Listing {
  readonly files: readonly string[];
  /** The class of each file. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly others: number;
}

async function listFolder(path: string): Promise<Listing> {
  const root = await realpath(path).catch((error: unknown) => {
    throw fileError(path, error);
  });
  const top = await entriesOf(path, root);
  const own = top.filter(isPicture).map(({ name }) => name);
  const classes: string[] = [];
  const files: string[] = [];
  const labels: number[] = [];
  let others = top.filter((entry) => !entry.folder && !isPicture(entry)).length;
  for (const { name } of top.filter(({ folder }) => folder)) {
    const inside = await entriesOf(join(path, name), root);
    const pictures = inside.filter(isPicture);
    others += inside.length - pictures.length;
    if (pictures.length === 0) {
      if (partNames.includes(name.toLowerCase()) && inside.some(({ folder }) => folder))
        throw new HebbError(
          `${path} holds parts (${name}), not classes; train on ${join(path, name)}, and give the other part with --test-data`,
        );
      continue;
    }
    for (const picture of pictures) {
      files.push(join(name, picture.name));
      labels.push(classes.length);
    }
    classes.push(name);
    if (files.length > maxFiles) throw new HebbError(`${path} holds more than ${maxFiles} pictures; take fewer`);
  }
  if (own.length > 0 && classes.length > 0)
    throw new HebbError(
      `${path} holds pictures (${own[0]}) beside sub-folders of pictures (${classes[0]}); put each into the folder of its class`,
    );
  if (own.length === 0 && classes.length === 0) {
    const inside = top.filter(({ folder }) => !folder).map(({ name }) => name);
    const some = inside.length > 6 ? [...inside.slice(0, 6), "…"] : inside;
    throw new HebbError(
      `${path} is a folder without PNG or JPEG pictures; make one sub-folder for each class and put its pictures there${some.length === 0 ? "" : `, or name a file of the folder (${some.join(", ")})`}`,
    );
  }
  return own.length > 0 ? { files: own, labels: [], classes: [], others } : { files, labels, classes, others };
}

/** Refuses files that are too large for a picture. */
function checkedPicture(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes.byteLength > maxFileBytes)
    throw new HebbError(`${path} has ${bytes.byteLength} bytes, more than ${maxFileBytes}; make the picture smaller`);
  return bytes;
}

/** The source of an array's pictures. */
interface PictureFiles {
  readonly folder: string;
  readonly files: readonly string[];
  /** Reads the bytes of one picture, by its path. */
  read(path: string): Promise<Uint8Array>;
}

function sizeOf(steps: PictureSteps): readonly [height: number, width: number] {
  const size = sizeAfter(steps);
  if (size !== undefined) return size;
  throw new HebbError(
    "the model's preprocessor_config.json leaves pictures of different sizes; give it a size with height and width, or a crop_size",
  );
}

/** The common form of all pictures in an array. */
interface Plan extends Pick<ImageFolderOptions, "fit" | "steps"> {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Maximum pixels of one picture. */
  readonly limit: { readonly maxPixels?: number };
}

/** The requested size, or the one that suits the pictures' headers. */
async function planFor({ folder, files, read }: PictureFiles, given: ImageFolderOptions): Promise<Plan> {
  const { steps, fit } = given;
  const options: ImageFolderOptions = steps === undefined ? given : { ...given, channels: 3, size: sizeOf(steps) };
  const limit = options.maxPixels === undefined ? {} : { maxPixels: options.maxPixels };
  let [grey, same] = [true, true];
  let first: { readonly width: number; readonly height: number } | undefined;
  if (options.size === undefined || options.channels === undefined) {
    for (const file of files) {
      const name = join(folder, file);
      const header = readPictureHeader(checkedPicture(await read(name), name), { name, ...limit });
      first ??= header;
      grey &&= header.grey;
      same &&= header.width === first.width && header.height === first.height;
    }
  }
  const small = first !== undefined && Math.max(first.width, first.height) <= usualSize;
  const [height, width] =
    options.size ?? (same && small && first ? [first.height, first.width] : [usualSize, usualSize]);
  const channels = options.channels ?? (grey ? 1 : 3);
  const size = channels * height * width;
  const plan = { channels, height, width, limit, ...(fit && { fit }), ...(steps && { steps }) };
  if (!(Number.isSafeInteger(size) && size > 0))
    throw new HebbError(`${width} × ${height} is not a valid image size; use whole numbers of at least 1`);
  return plan;
}

/** The bytes of a picture in the planned form. */
function planned(picture: Picture, { channels, height, width, fit, steps }: Plan): Uint8Array {
  const seen = toChannels(picture, channels);
  return planesOf(steps === undefined ? fitPicture(seen, width, height, fit) : stepped(seen, steps));
}

/** Decodes files into one array, one at a time. */
async function readAll(pictures: PictureFiles, given: ImageFolderOptions): Promise<{ readonly images: IdxArray }> {
  const { folder, files, read } = pictures;
  const plan = await planFor(pictures, given);
  const { channels, height, width, limit } = plan;
  const size = channels * height * width;
  if (files.length * size > maxTotalBytes)
    throw new HebbError(
      `${folder}: ${files.length} pictures of ${channels} × ${height} × ${width} are more than ${maxTotalBytes} bytes; use a smaller size`,
    );
  const data = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    const name = join(folder, file);
    const picture = await decodePicture(checkedPicture(await read(name), name), { name, ...limit });
    data.set(planned(picture, plan), i * size);
  }
  return { images: { dtype: "uint8", shape: [files.length, channels, height, width], data } };
}

/** Limit of damaged files named in one sentence. */
const mostNamed = 10;

/** Runs `work`. If it fails at a picture, the error names all unreadable pictures at once. */
async function namingDamaged<T>(
  pictures: PictureFiles,
  maxPixels: number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const { folder, files, read } = pictures;
  try {
    return await work();
  } catch (error) {
    const isOf = (fault: unknown, name: string): fault is HebbError =>
      fault instanceof HebbError && fault.message.startsWith(name);
    if (!files.some((file) => isOf(error, join(folder, file)))) throw error;
    const damaged: string[] = [];
    for (const file of files) {
      const name = join(folder, file);
      try {
        await decodePicture(checkedPicture(await read(name), name), {
          name,
          ...(maxPixels === undefined ? {} : { maxPixels }),
        });
      } catch (fault) {
        if (isOf(fault, name)) damaged.push(file);
      }
    }
    if (damaged.length < 2) throw error;
    const more = damaged.length > mostNamed ? ` and ${damaged.length - mostNamed} more` : "";
    throw new HebbError(
      `${folder}: ${damaged.length} of ${files.length} pictures cannot be read: ${damaged.slice(0, mostNamed).join(", ")}${more}; save or copy them again, or take them out (for instance: ${error instanceof Error ? error.message : String(error)})`,
      { cause: error },
    );
  }
}

/** Limit of bytes of decoded pictures to keep; beyond it, they are decoded again. */
const mostKept = 2 ** 28;

/** Decodes each picture on first use. */
async function rowsOfFiles(pictures: PictureFiles, given: ImageFolderOptions): Promise<ImageRows> {
  const { folder, files } = pictures;
  const plan = await planFor(pictures, given);
  const { channels, height, width, limit } = plan;
  const size = channels * height * width;
  const decode = await pictureDecoder(unpackedSize);
  const kept = new Map<number, Uint8Array>();
  const bytesOf = (row: number): Uint8Array => {
    const known = kept.get(row);
    if (known !== undefined) return known;
    const file = files[row];
    if (file === undefined)
      throw new HebbError(`${folder}: there is no picture ${row}; it has ${files.length}, counted from 0`);
    const name = join(folder, file);
    const picture = decode(checkedPicture(pictureFile(name), name), { maxPixels: defaultMaxPixels, ...limit, name });
    const bytes = planned(picture, plan);
    if ((kept.size + 1) * size <= mostKept) kept.set(row, bytes);
    return bytes;
  };
  const read = (rows: ArrayLike<number>): Uint8Array => {
    const out = new Uint8Array(rows.length * size);
    for (let place = 0; place < rows.length; place++) out.set(bytesOf(rows[place] ?? -1), place * size);
    return out;
  };
  return { dtype: "uint8", shape: [files.length, channels, height, width], read };
}

function pictureFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, error);
  }
}

/** The unpacked size of zlib data, capped at `limit` + 1. */
function unpackedSize(packed: readonly Uint8Array[], limit: number): number | undefined {
  try {
    return inflateSync(Buffer.concat(packed), { maxOutputLength: limit + 1 }).byteLength;
  } catch (error) {
    return codeOf(error) === "ERR_BUFFER_TOO_LARGE" ? limit + 1 : undefined;
  }
}

/**
 * The pictures of a folder, by class: the sub-folders are the classes, sorted by name. Hidden files and files without an image extension
 * are left out and counted in `notes`.
 * Throws HebbError that names the file for damaged, truncated and huge pictures, and for symbolic links that leave the folder.
 */
export async function readImageFolder(path: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  checkOptions("readImageFolder", options, kinds);
  const listing = await listFolder(path);
  const pictures = { folder: path, files: listing.files, read: readBytes };
  const { images } = await namingDamaged(pictures, options.maxPixels, () => readAll(pictures, options));
  return { images, ...listed(listing) };
}

const listed = ({ files, labels, classes, others }: Listing): Omit<ImageFolder, "images"> => ({
  labels:
    classes.length === 0
      ? undefined
      : { dtype: "int32", shape: [labels.length], data: Int32Array.from(labels), classes },
  files,
  notes: others === 0 ? [] : [`${others} files whose names do not end in .png, .jpg or .jpeg were left out`],
});

/** The pictures of a folder, read on demand: each of several ranks decodes those of its share. */
export interface OpenImageFolder extends Omit<ImageFolder, "images"> {
  readonly images: ImageRows;
}

/** As above, without decoding anything yet. If no size is given, reads the headers of all pictures. */
export async function openImageFolder(path: string, options: ImageFolderOptions = {}): Promise<OpenImageFolder> {
  const listing = await listFolder(path);
  const pictures = { folder: path, files: listing.files, read: readBytes };
  const images = await namingDamaged(pictures, options.maxPixels, () => rowsOfFiles(pictures, options));
  return { images, ...listed(listing) };
}

/** One picture as an array of one. */
export async function readImageFile(path: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  checkOptions("readImageFile", options, kinds);
  return InputFile.use(path, (file) => pictureOf(file, options));
}

/** As above, for an open file. */
export async function pictureOf(file: InputFile, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  return pictureIn(await file.bytes(), file.path, options);
}

/** As above, for bytes; messages call them `name`. */
export async function pictureIn(bytes: Uint8Array, name: string, options: ImageFolderOptions): Promise<ImageFolder> {
  const { images } = await readAll({ folder: "", files: [name], read: async () => bytes }, options);
  return { images, labels: undefined, files: [name], notes: [] };
}
