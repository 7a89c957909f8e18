// A set of pictures by class, stored as the two IDX files that the library reads; and one more picture for a set.
import type { OwnData } from "./protocol.ts";

export type ImageData = Extract<OwnData, { kind: "images" }>;

/** Labels are bytes. */
export const mostClasses = 256;

function idx(shape: readonly number[], values: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + 4 * shape.length + values.length);
  const view = new DataView(out.buffer);
  view.setUint8(2, 0x08);
  view.setUint8(3, shape.length);
  shape.forEach((extent, k) => {
    view.setUint32(4 + 4 * k, extent);
  });
  out.set(values, 4 + 4 * shape.length);
  return out;
}

export interface PictureSet {
  readonly name: string;
  /** [channels, height, width] of each picture. */
  readonly shape: readonly number[];
  /** [count, …shape]. */
  readonly pixels: Uint8Array;
  /** The index of each picture's class in `classes`. */
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
}

export const ownPictures = ({ name, shape, pixels, labels, classes }: PictureSet): ImageData => ({
  kind: "images",
  name,
  images: idx([labels.length, ...shape], pixels),
  labels: idx([labels.length], labels),
  classes,
});

/** The data set made by `ownPictures`; undefined for files from elsewhere, which may be compressed. */
export function pictureSetOf(own: OwnData | undefined): PictureSet | undefined {
  if (own?.kind !== "images" || own.classes === undefined) return undefined;
  const view = new DataView(own.images.buffer, own.images.byteOffset, own.images.byteLength);
  const rank = view.getUint8(3);
  const shape = Array.from({ length: rank - 1 }, (_, k) => view.getUint32(8 + 4 * k));
  return {
    name: own.name,
    shape,
    pixels: own.images.subarray(4 + 4 * rank),
    labels: own.labels.subarray(8),
    classes: own.classes,
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** The set with more pictures of one class, which may be new. */
export function withPictures(set: PictureSet, pixels: Uint8Array, name: string): PictureSet {
  const size = set.shape.reduce((product, extent) => product * extent, 1);
  const classes = set.classes.includes(name) ? set.classes : [...set.classes, name];
  const labels = new Uint8Array(pixels.length / size).fill(classes.indexOf(name));
  return { ...set, pixels: joined(set.pixels, pixels), labels: joined(set.labels, labels), classes };
}
