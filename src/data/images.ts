// Preprocessing of labelled images: pixel scaling fitted on the training images, stored as plain JSON with the class names.
import { at } from "../graph/at.ts";
import type { DType, TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { visible } from "../graph/visible.ts";
import { gatherSamples, type SampleReader } from "./dataset.ts";
import { checkImagesAndLabels, type IdxArray } from "./idx.ts";
import type { PictureSteps } from "./pictureSteps.ts";

/** Images [count, …], read a few at a time from a file or an array. */
export interface ImageRows {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The values of these images, one after another. */
  read(rows: ArrayLike<number>): TypedArray;
}

/** The images of an array. */
export function rowsOfArray({ dtype, shape, data }: IdxArray): ImageRows {
  const field = { dtype, shape: shape.slice(1), data };
  return { dtype, shape, read: (rows) => gatherSamples(field, rows) };
}

/** All images, in memory. */
export const arrayOfRows = (images: IdxArray | ImageRows): IdxArray =>
  "data" in images
    ? images
    : {
        dtype: images.dtype,
        shape: images.shape,
        data: images.read(Array.from({ length: at(images.shape, 0) }, (_, row) => row)),
      };

/** Labels [count]; with `classes`, they are indices into that list of names. */
export interface LabelArray extends IdxArray {
  readonly classes?: readonly string[];
}

/** The fitted preprocessing of images: feature = (pixel − mean) / scale of its channel, shaped [channels, rows, columns]. Plain JSON. */
export interface ImagePreprocessing {
  readonly kind: "images";
  readonly version: 1;
  readonly shape: readonly number[];
  /** One value per channel. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
  readonly target: {
    readonly kind: "classes";
    readonly column: string;
    readonly classes: readonly string[];
    readonly counts: readonly number[];
    /** Whether the names are numbers, identical to the labels. */
    readonly numeric: boolean;
  };
  readonly notes: readonly string[];
  /** How pictures are brought to the size of a pretrained model; absent for the default. */
  readonly steps?: PictureSteps;
}

export interface AppliedImages {
  /** [count, …shape], row-major. */
  readonly features: Float32Array;
  /** Class numbers [count]; absent without labels. */
  readonly targets?: Int32Array;
  readonly count: number;
}

/** The shape of one image, channels first: [28, 28] → [1, 28, 28]; three sizes count as [channels, rows, columns]. */
function imageShape(images: Pick<IdxArray, "shape">): number[] {
  const shape = images.shape.slice(1);
  return shape.length === 2 ? [1, ...shape] : shape;
}

export interface FitImageOptions {
  /** The images to compute statistics from (default all): pass the training images. */
  readonly rows?: ArrayLike<number>;
  readonly names?: { readonly images: string; readonly labels: string };
  readonly notes?: readonly string[];
}

const fitKinds: OptionKinds<FitImageOptions> = {
  rows: kind.anything,
  names: kind.of<NonNullable<FitImageOptions["names"]>>(
    "an object { images, labels }",
    (value) => typeof value === "object" && value !== null && "images" in value && "labels" in value,
  ),
  notes: kind.listOf(kind.string),
};

/** Learns mean and spread of the pixels per channel, and the classes. Throws HebbError when images and labels do not match. */
export function fitImagePreprocessing(
  images: IdxArray | ImageRows,
  labels: LabelArray,
  options: FitImageOptions = {},
): ImagePreprocessing {
  checkOptions("fitImagePreprocessing", options, fitKinds);
  const names = options.names ?? { images: "the image array", labels: "the label array" };
  checkImagesAndLabels(images, labels, names);
  const shape = imageShape(images);
  const size = sizeOf(shape);
  const channels = shape.length === 3 ? (shape[0] ?? 1) : 1;
  const plane = size / channels;
  const rows = Array.from(options.rows ?? { length: labels.data.length }, (row, i) => row ?? i);
  const sums = pixelSums(images, rows, channels, plane);
  const mean = sums.map(({ sum }) => sum / (rows.length * plane));
  const scale = sums.map(({ squares }, channel) => {
    if (!Number.isFinite(squares))
      throw new HebbError(
        `${names.images}: some values are not finite, or too large to scale; fix them before training`,
      );
    const middle = mean[channel] ?? 0;
    const spread = Math.sqrt(Math.max(0, squares / (rows.length * plane) - middle * middle));
    return spread > 0 ? spread : 1;
  });
  const values = labels.classes
    ? labels.classes.map((_, place) => place)
    : [...new Set(labels.data)].sort((a, b) => a - b);
  if (values.length < 2)
    throw new HebbError(
      labels.classes
        ? `${names.images} has one class only (${labels.classes[0]}), so there is nothing to learn; add a sub-folder for another`
        : `${names.labels}: every label is ${values[0]}, so there is nothing to learn; use labels of at least two classes`,
    );
  const found = new Map(values.map((value) => [value, 0]));
  for (const row of rows) {
    const label = labels.data[row] ?? -1;
    found.set(label, (found.get(label) ?? 0) + 1);
  }
  return {
    kind: "images",
    version: 1,
    shape,
    mean,
    scale,
    target: {
      kind: "classes",
      column: "label",
      classes: labels.classes ?? values.map(String),
      counts: values.map((value) => found.get(value) ?? 0),
      numeric: labels.classes === undefined,
    },
    notes: options.notes ?? [],
  };
}

/** Images of a file per read. */
const rowsAtOnce = 256;

/** Per channel, the sum of the pixels and of their squares, image by image. */
function pixelSums(
  images: IdxArray | ImageRows,
  rows: readonly number[],
  channels: number,
  plane: number,
): { sum: number; squares: number }[] {
  const sums = Array.from({ length: channels }, () => ({ sum: 0, squares: 0 }));
  const size = channels * plane;
  const add = (pixels: TypedArray, start: number): void => {
    for (const [channel, total] of sums.entries()) {
      let { sum, squares } = total;
      const from = start + channel * plane;
      for (let i = from; i < from + plane; i++) {
        const pixel = pixels[i] ?? 0;
        sum += pixel;
        squares += pixel * pixel;
      }
      [total.sum, total.squares] = [sum, squares];
    }
  };
  if ("data" in images) for (const row of rows) add(images.data, row * size);
  else
    for (let first = 0; first < rows.length; first += rowsAtOnce) {
      const some = rows.slice(first, first + rowsAtOnce);
      const pixels = images.read(some);
      for (const place of some.keys()) add(pixels, place * size);
    }
  return sums;
}

type ImageNames = { readonly images: string; readonly labels: string };

/** Scaled images, and class numbers if there are labels. Throws HebbError for images of another size and unknown labels. */
export function applyImagePreprocessing(
  pre: ImagePreprocessing,
  images: IdxArray,
  labels: LabelArray,
  names?: ImageNames,
): AppliedImages & { readonly targets: Int32Array };
export function applyImagePreprocessing(
  pre: ImagePreprocessing,
  images: IdxArray,
  labels?: LabelArray,
  names?: ImageNames,
): AppliedImages;
export function applyImagePreprocessing(
  pre: ImagePreprocessing,
  images: IdxArray,
  labels?: LabelArray,
  names: ImageNames = { images: "the image array", labels: "the label array" },
): AppliedImages {
  checkImages(pre, images, labels, names);
  const features = scaled(pre, images.data);
  const count = at(images.shape, 0);
  return labels ? { features, targets: classNumbers(pre, labels, names), count } : { features, count };
}

/** As above, for images read on demand. */
export function readImages(
  pre: ImagePreprocessing,
  images: ImageRows,
  labels: LabelArray | undefined,
  names: ImageNames,
): { readonly features: SampleReader; readonly targets?: Int32Array } {
  checkImages(pre, images, labels, names);
  const read = (rows: ArrayLike<number>): TypedArray => scaled(pre, images.read(rows));
  const features: SampleReader = { dtype: "float32", length: at(images.shape, 0), read };
  return labels ? { features, targets: classNumbers(pre, labels, names) } : { features };
}

function checkImages(
  pre: ImagePreprocessing,
  images: Pick<IdxArray, "shape">,
  labels: LabelArray | undefined,
  names: ImageNames,
): void {
  if (labels) checkImagesAndLabels(images, labels, names);
  const shape = images.shape.length < 2 ? [] : imageShape(images);
  if (formatShape(shape) !== formatShape(pre.shape)) {
    throw new HebbError(
      `${names.images}: images of ${formatShape(shape)}, but the model was trained on ${formatShape(pre.shape)}; resize them, or use the model they belong to`,
    );
  }
}

/** Pixels minus the mean of their channel, divided by its spread. */
function scaled(pre: ImagePreprocessing, pixels: TypedArray): Float32Array {
  const features = new Float32Array(pixels.length);
  const plane = sizeOf(pre.shape) / pre.mean.length;
  for (let from = 0; from < features.length; from += plane) {
    const channel = (from / plane) % pre.mean.length;
    const [mean, scale] = [pre.mean[channel] ?? 0, pre.scale[channel] ?? 1];
    // A plain loop: Float32Array.from with a function is many times slower over millions of pixels.
    for (let i = from; i < from + plane; i++) features[i] = ((pixels[i] ?? 0) - mean) / scale;
  }
  return features;
}

function classNumbers(
  pre: ImagePreprocessing,
  labels: LabelArray,
  names: { readonly images: string; readonly labels: string },
): Int32Array {
  const places = new Map(pre.target.classes.map((label, i) => [label, i]));
  return Int32Array.from(labels.data as ArrayLike<number>, (label, i) => {
    const name = labels.classes?.[label] ?? String(label);
    const place = places.get(name);
    if (place === undefined) {
      const where = labels.classes
        ? `${names.images}: the folder "${name}" is`
        : `${names.labels}: label ${i + 1} is ${label},`;
      throw new HebbError(
        `${where} a class the model does not know; the classes are ${pre.target.classes.map(visible).join(", ")}`,
      );
    }
    return place;
  });
}
