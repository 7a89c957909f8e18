// Picture files, decoded by the browser in this worker, cropped to the required proportions and scaled down.

import { data, HebbError } from "../../src/index.ts";
import type { PicturesAsk, PicturesRead } from "../shared/protocol.ts";
import * as say from "../texts/en/engine.ts";

/** The browser first scales larger pictures to about this height and width, which is faster than the library's resize. */
const nearly = 512;

async function decode(path: string, file: Blob): Promise<data.Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new HebbError(say.couldNotBeDecodedItIs(path));
  }
  const scale = Math.min(1, nearly / Math.min(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  if (width === undefined || height === undefined || width > 65536 || height > 65536)
    throw new HebbError(say.hasPixelsTooLongAStrip(path, bitmap.width, bitmap.height));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new HebbError(say.couldNotBeReadThisBrowser(path));
  // Transparent pixels become white, like paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const four = context.getImageData(0, 0, width, height).data;
  const three = new Uint8Array(3 * width * height);
  for (let k = 0; k < width * height; k++) three.set(four.subarray(4 * k, 4 * k + 3), 3 * k);
  return { width, height, channels: 3, data: three };
}

function isGrey({ data: values }: data.Picture): boolean {
  for (let k = 0; k < values.length; k += 3)
    if (values[k] !== values[k + 1] || values[k] !== values[k + 2]) return false;
  return true;
}

/** The pictures one after the other, each [channels, height, width]. Throws HebbError naming the file that is not a picture. */
export async function readPictures({ files, size: [height, width], channels }: PicturesAsk): Promise<PicturesRead> {
  const pictures: data.Picture[] = [];
  let grey = true;
  for (const { path, file } of files) {
    const picture = await decode(path, file);
    grey &&= isGrey(picture);
    pictures.push(data.fitPicture(picture, width, height));
  }
  const taken = channels ?? (grey ? 1 : 3);
  const pixels = new Uint8Array(pictures.length * taken * height * width);
  pictures.forEach((picture, place) => {
    pixels.set(data.planesOf(data.toChannels(picture, taken)), place * taken * height * width);
  });
  return { channels: taken, pixels };
}
