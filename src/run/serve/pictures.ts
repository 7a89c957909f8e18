// An image in the body of a request, resized and converted to the form that the run was trained with.
import { pictureIn } from "../../data/imageFolder.ts";
import type { Preprocessing } from "../../formats/index.ts";
import { HebbError } from "../../graph/errors.ts";
import type { RawRows } from "../loadRun.ts";
import { sizeLike } from "../read.ts";

export const pictureTypes: readonly string[] = ["image/png", "image/jpeg"];

/** One black picture of a shape. */
export const blankPicture = (shape: readonly number[]): RawRows => ({
  dtype: "uint8",
  shape: [1, ...shape],
  data: new Uint8Array(shape.reduce((product, extent) => product * extent, 1)),
});

/** The pixels of a body. Throws HebbError if it is not an image, or is damaged. */
export async function pixelsOf(body: unknown, preprocessing: Preprocessing): Promise<RawRows> {
  if (!(body instanceof Uint8Array))
    throw new HebbError(`the body must be the bytes of a picture, with the content-type ${pictureTypes.join(" or ")}`);
  const { images } = await pictureIn(body, "the picture", sizeLike({ like: preprocessing }));
  return images;
}
