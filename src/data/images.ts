// Preprocessing of images with labels: pixel scaling fitted on the training images, kept as plain JSON beside the class names.
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { checkImagesAndLabels, type IdxArray } from "./idx.ts";

/** The fitted preprocessing of images: feature = (pixel − mean) / scale, shaped [channels, rows, columns]. Plain JSON. */
export interface ImagePreprocessing {
  readonly kind: "images";
  readonly version: 1;
  readonly shape: readonly number[];
  readonly mean: number;
  readonly scale: number;
  readonly target: {
    readonly kind: "classes";
    readonly column: string;
    readonly classes: readonly string[];
    readonly counts: readonly number[];
    readonly numeric: true;
  };
  readonly notes: readonly string[];
}

export interface AppliedImages {
  /** [count, …shape], row-major. */
  readonly features: Float32Array;
  /** Class numbers [count]; absent without labels. */
  readonly targets?: Int32Array;
  readonly count: number;
}

/** The shape of one image with its channels in front: [28, 28] → [1, 28, 28]; three sizes are taken as [channels, rows, columns]. */
function imageShape(images: IdxArray): number[] {
  const shape = images.shape.slice(1);
  return shape.length === 2 ? [1, ...shape] : shape;
}

export interface FitImageOptions {
  /** Images that the statistics are taken from (default all): pass the training ones. */
  readonly rows?: ArrayLike<number>;
  readonly names?: { readonly images: string; readonly labels: string };
}

/** Learns mean and spread of the pixels, and the classes. Throws HebbError when images and labels do not match. */
export function fitImagePreprocessing(
  images: IdxArray,
  labels: IdxArray,
  options: FitImageOptions = {},
): ImagePreprocessing {
  const names = options.names ?? { images: "the images", labels: "the labels" };
  checkImagesAndLabels(images, labels, names);
  const shape = imageShape(images);
  const size = sizeOf(shape);
  const rows = Array.from(options.rows ?? { length: labels.data.length }, (row, i) => row ?? i);
  let sum = 0;
  let squares = 0;
  for (const row of rows) {
    for (let i = row * size; i < (row + 1) * size; i++) {
      const pixel = images.data[i] ?? 0;
      sum += pixel;
      squares += pixel * pixel;
    }
  }
  const mean = sum / (rows.length * size);
  const spread = Math.sqrt(Math.max(0, squares / (rows.length * size) - mean * mean));
  const values = [...new Set(labels.data)].sort((a, b) => a - b);
  if (values.length < 2)
    throw new HebbError(
      `${names.labels}: every label is ${values[0]}, so there is nothing to learn; use labels of at least two classes`,
    );
  const counts = values.map((value) => rows.filter((row) => labels.data[row] === value).length);
  return {
    kind: "images",
    version: 1,
    shape,
    mean,
    scale: spread > 0 ? spread : 1,
    target: { kind: "classes", column: "label", classes: values.map(String), counts, numeric: true },
    notes: [],
  };
}

/** Scaled images, and class numbers when labels are given. Throws HebbError for images of another size and unknown labels. */
export function applyImagePreprocessing(
  pre: ImagePreprocessing,
  images: IdxArray,
  labels?: IdxArray,
  names = { images: "the images", labels: "the labels" },
): AppliedImages {
  if (labels) checkImagesAndLabels(images, labels, names);
  const shape = images.shape.length < 2 ? [] : imageShape(images);
  if (formatShape(shape) !== formatShape(pre.shape)) {
    throw new HebbError(
      `${names.images} has images of ${formatShape(shape)}, the model was trained on ${formatShape(pre.shape)}; resize them, or use the model they belong to`,
    );
  }
  const features = new Float32Array(images.data.length);
  // A plain loop: Float32Array.from with a function takes many times as long over millions of pixels.
  for (let i = 0; i < features.length; i++) features[i] = ((images.data[i] ?? 0) - pre.mean) / pre.scale;
  const count = images.shape[0] ?? 0;
  return labels ? { features, targets: classNumbers(pre, labels.data, names.labels), count } : { features, count };
}

function classNumbers(pre: ImagePreprocessing, labels: TypedArray, name: string): Int32Array {
  const places = new Map(pre.target.classes.map((label, i) => [label, i]));
  return Int32Array.from(labels as ArrayLike<number>, (label, i) => {
    const place = places.get(String(label));
    if (place === undefined) {
      throw new HebbError(
        `${name}: label ${i + 1} is ${label}, a class the model does not know; the classes are ${pre.target.classes.join(", ")}`,
      );
    }
    return place;
  });
}
