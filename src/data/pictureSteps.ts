// How images of any size are fitted to a pretrained model, as plain JSON: resized, then centre-cropped.
import { HebbError } from "../graph/errors.ts";
import type { Picture } from "./pixels.ts";
import { type ResampleName, resample } from "./resample.ts";

/** Height and width. */
export type PictureSize = readonly number[];

/** Resizes to an exact size, or until the shorter side has a length. */
export type PictureResizing =
  | { readonly kind: "exact"; readonly size: PictureSize; readonly by: ResampleName }
  | { readonly kind: "shortest"; readonly length: number; readonly by: ResampleName };

export interface PictureSteps {
  readonly resize: PictureResizing | null;
  /** The size of the centre crop; a smaller picture gets a black frame. */
  readonly crop: PictureSize | null;
}

const sidesOf = (size: PictureSize): readonly [number, number] => {
  const [height, width] = size;
  if (height === undefined || width === undefined || size.length !== 2)
    throw new HebbError(`[${size.join(", ")}] must be a height and a width`);
  return [height, width];
};

function resized(picture: Picture, step: PictureResizing): Picture {
  if (step.kind === "exact") {
    const [height, width] = sidesOf(step.size);
    return resample(picture, width, height, step.by);
  }
  const { width, height } = picture;
  const { length, by } = step;
  return width <= height
    ? resample(picture, length, Math.trunc((length * height) / width), by)
    : resample(picture, Math.trunc((length * width) / height), length, by);
}

function cropped(picture: Picture, size: PictureSize): Picture {
  const [height, width] = sidesOf(size);
  const { channels, data } = picture;
  // The origin of the crop in the picture; negative if the picture is too small. Odd remainders go above and to the left.
  const top = Math.floor((picture.height - height) / 2);
  const left = Math.floor((picture.width - width) / 2);
  const out = new Uint8Array(height * width * channels);
  const [first, last] = [Math.max(0, left), Math.min(picture.width, left + width)];
  for (let y = 0; y < height; y++) {
    const row = top + y;
    if (row < 0 || row >= picture.height) continue;
    const from = row * picture.width;
    out.set(data.subarray((from + first) * channels, (from + last) * channels), (y * width + first - left) * channels);
  }
  return { width, height, channels, data: out };
}

/** The picture after these steps. */
export function stepped(picture: Picture, { resize, crop }: PictureSteps): Picture {
  const sized = resize === null ? picture : resized(picture, resize);
  return crop === null ? sized : cropped(sized, crop);
}

/** The size of every picture after these steps; undefined if it depends on the picture. */
export function sizeAfter({ resize, crop }: PictureSteps): readonly [height: number, width: number] | undefined {
  if (crop !== null) return sidesOf(crop);
  return resize?.kind === "exact" ? sidesOf(resize.size) : undefined;
}
