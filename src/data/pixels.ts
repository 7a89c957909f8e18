// Images as arrays: PNG and JPEG, decoded after their headers are checked, grey or colour, resized with antialiasing.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { asBytes, type FileBytes } from "./bytes.ts";
import { missingPackage } from "./missingPackage.ts";

/** A picture of bytes, row by row, with the channels of a pixel together: 1 (grey) or 3 (red, green, blue). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export interface DecodeOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Maximum pixels, checked in the header (default 24,000,000). */
  readonly maxPixels?: number;
}

const decodeKinds: OptionKinds<DecodeOptions> = { name: kind.string, maxPixels: kind.number };
export const defaultMaxPixels = 24_000_000;

/** The header of a picture. */
export interface PictureHeader {
  readonly format: "png" | "jpeg";
  readonly width: number;
  readonly height: number;
  readonly grey: boolean;
}

const fault = (name: string, what: string): HebbError => new HebbError(`${name} ${what}`);
const again = "save or copy it again";

interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const pngMagic = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** The chunks of a PNG, all checked to lie within the file. */
function pngChunks(bytes: Uint8Array, name: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.byteLength)
      throw fault(name, `is a truncated PNG: it ends after ${bytes.byteLength} bytes, before its last chunk; ${again}`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.byteLength)
      throw fault(
        name,
        `is a truncated PNG: its chunk ${JSON.stringify(type)} needs ${length} bytes, ${bytes.byteLength - at - 12} are there; ${again}`,
      );
    chunks.push({ type, start: at, end: at + 12 + length });
    if (type === "IEND") return chunks;
    at += 12 + length;
  }
}

const channelsOf: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

interface PngHeader extends PictureHeader {
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
  /** Bytes of the unpacked data. */
  readonly unpacked: number;
}

function pngHeader(bytes: Uint8Array, name: string): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 33 || view.getUint32(12) !== 0x49484452 || view.getUint32(8) !== 13)
    throw fault(name, `is a damaged PNG: it does not begin with a header; ${again}`);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colour, interlaced] = [view.getUint8(24), view.getUint8(25), view.getUint8(28) === 1];
  const channels = channelsOf.get(colour);
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth) || width === 0 || height === 0)
    throw fault(
      name,
      `is a damaged PNG: its header says ${width} × ${height} pixels, depth ${depth}, colour type ${colour}; ${again}`,
    );
  // Interlacing adds a few bytes for each of its seven passes.
  const unpacked = height * (1 + Math.ceil((width * channels * depth) / 8)) + (interlaced ? 16 * height + 64 : 0);
  return { format: "png", width, height, grey: colour === 0 || colour === 4, depth, colour, interlaced, unpacked };
}

interface JpegHeader extends PictureHeader {
  /** The number of scans over the picture. */
  readonly scans: number;
}

/** Size and scans, from the markers. */
function jpegHeader(bytes: Uint8Array, name: string): JpegHeader {
  const broken = (): HebbError =>
    fault(name, `is a damaged or truncated JPEG: its markers end after ${bytes.byteLength} bytes; ${again}`);
  let frame: { width: number; height: number; components: number } | undefined;
  let scans = 0;
  let ended = false;
  for (let at = 2; at + 1 < bytes.byteLength; ) {
    if (bytes[at] !== 0xff) {
      // Within a scan: skip to the next marker.
      if (scans === 0) throw broken();
      const next = bytes.indexOf(0xff, at);
      if (next < 0) break;
      at = next;
      continue;
    }
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0 || marker === 0xff || marker === 1 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xd9) {
      ended = true;
      break;
    }
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    if (length < 2 || at + 2 + length > bytes.byteLength) throw broken();
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (marker > 0xc2)
        throw fault(
          name,
          "is a JPEG of an unsupported kind (lossless or arithmetic); save it as a baseline or progressive JPEG, or as PNG",
        );
      if (frame !== undefined || length < 8) throw broken();
      const pair = (place: number): number => ((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0);
      frame = { height: pair(at + 5), width: pair(at + 7), components: bytes[at + 9] ?? 0 };
    }
    if (marker === 0xda) scans++;
    at += 2 + length;
  }
  if (frame === undefined || scans === 0 || !ended || frame.width === 0 || frame.height === 0) throw broken();
  return { format: "jpeg", width: frame.width, height: frame.height, grey: frame.components === 1, scans };
}

const isPng = (bytes: Uint8Array): boolean => pngMagic.every((byte, i) => bytes[i] === byte);

function headerOf(bytes: Uint8Array, name: string): PngHeader | JpegHeader {
  if (isPng(bytes)) return pngHeader(bytes, name);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegHeader(bytes, name);
  throw fault(name, `is ${bytes.byteLength === 0 ? "empty" : "neither PNG nor JPEG"}; save it as PNG or JPEG`);
}

/** Format and size from the header alone. Throws HebbError for anything but PNG and JPEG, and for more pixels than allowed. */
export function readPictureHeader(source: FileBytes, options: DecodeOptions = {}): PictureHeader {
  const { name = "the picture" } = checkOptions("readPictureHeader", options, decodeKinds);
  const header = headerOf(asBytes(source, "readPictureHeader"), name);
  checkSize(header, name, options.maxPixels ?? defaultMaxPixels);
  return header;
}

function checkSize({ width, height }: PictureHeader, name: string, maxPixels: number): void {
  if (width * height > maxPixels)
    throw fault(name, `has ${width} × ${height} pixels, more than ${maxPixels}; make it smaller`);
}

/** The decoding packages. */
type PngPackage = Pick<typeof import("fast-png"), "decode">;
type JpegPackage = Pick<typeof import("jpeg-js"), "decode">;

async function loadPng(): Promise<PngPackage> {
  try {
    return await import("fast-png");
  } catch (cause) {
    throw missingPackage("fast-png", "reading PNG pictures", cause);
  }
}

async function loadJpeg(): Promise<JpegPackage> {
  try {
    return (await import("jpeg-js")).default;
  } catch (cause) {
    throw missingPackage("jpeg-js", "reading JPEG pictures", cause);
  }
}

/** The compressed pixels if they may unpack to more bytes than a picture of this size has; otherwise empty. */
function suspectPixels(bytes: Uint8Array, chunks: readonly Chunk[], limit: number): Uint8Array<ArrayBuffer>[] {
  const packed = chunks
    .filter(({ type }) => type === "IDAT")
    .map(({ start, end }) => Uint8Array.from(bytes.subarray(start + 8, end - 4)));
  const size = packed.reduce((sum, part) => sum + part.byteLength, 0);
  // Deflate compresses to 1/1032 at best, so small data need no trial.
  return size * 1032 <= limit + 2 ** 24 ? [] : packed;
}

const undecompressed = (name: string): HebbError =>
  fault(name, `is a damaged PNG: its data cannot be decompressed; ${again}`);

const bomb = (name: string, limit: number): HebbError =>
  fault(name, `is a damaged PNG: it unpacks to more than the ${limit} bytes of its size; ${again}`);

/** Throws if zlib data unpack to more bytes than a picture of this size has. */
async function refuseBomb(packed: Uint8Array<ArrayBuffer>[], limit: number, name: string): Promise<void> {
  if (packed.length === 0) return;
  const reader = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      length += value.byteLength;
      if (length > limit) break;
    }
  } catch {
    throw undecompressed(name);
  }
  await reader.cancel();
  throw bomb(name, limit);
}

/** The samples of each pixel as bytes, for any depth. */
function samplesOf(
  data: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  depth: number,
): Uint8Array {
  const out = new Uint8Array(width * height * channels);
  if (depth === 8) out.set(data);
  else if (depth === 16) for (let i = 0; i < out.length; i++) out[i] = (data[i] ?? 0) >> 8;
  else {
    const rowBytes = Math.ceil((width * channels * depth) / 8);
    const perByte = 8 / depth;
    const mask = (1 << depth) - 1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const byte = data[y * rowBytes + Math.floor(x / perByte)] ?? 0;
        out[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & mask;
      }
    }
  }
  return out;
}

/** The chunks of the pixels, without text, profiles and animation, so that faults in those do not matter. */
function pixelChunks(bytes: Uint8Array, name: string): Chunk[] {
  const kept = pngChunks(bytes, name).filter(({ type }) => ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(type));
  if (!kept.some(({ type }) => type === "IDAT")) throw fault(name, `is a damaged PNG: it has no pixels; ${again}`);
  return kept;
}

interface Packed {
  readonly bytes: Uint8Array;
  readonly kept: readonly Chunk[];
  readonly header: PngHeader;
  readonly name: string;
}

function decodePng({ bytes, kept, header, name }: Packed, { decode }: PngPackage): Picture {
  const plain = new Uint8Array(8 + kept.reduce((sum, { start, end }) => sum + end - start, 0));
  plain.set(pngMagic);
  let at = 8;
  for (const { start, end } of kept) {
    plain.set(bytes.subarray(start, end), at);
    at += end - start;
  }
  const { width, height, depth, colour } = header;
  const pixels = width * height;
  try {
    const { data, channels, palette, transparency } = decode(plain, { checkCrc: true });
    const expected = depth < 8 ? Math.ceil((width * channels * depth) / 8) * height : pixels * channels;
    if (data.length !== expected) throw new Error(`${data.length} samples instead of ${expected}`);
    const samples = samplesOf(data, width, height, channels, depth);
    const coloured = colour === 2 || colour === 3 || colour === 6;
    const out = new Uint8Array(pixels * (coloured ? 3 : 1));
    if (colour === 3) {
      if (palette === undefined) throw new Error("there is no palette");
      for (let i = 0; i < pixels; i++) {
        const entry = palette[samples[i] ?? 0];
        if (entry === undefined) throw new Error(`colour ${samples[i]} is not in the palette`);
        for (let c = 0; c < 3; c++) out[3 * i + c] = onWhite(entry[c] ?? 0, entry[3] ?? 255);
      }
    } else {
      const [own, alpha] = coloured ? [3, colour === 6] : [1, colour === 4];
      const stretch = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
      // The colour that means transparent, compared at full depth.
      const key = transparency === undefined ? undefined : Array.from(transparency);
      for (let i = 0; i < pixels; i++) {
        let opacity = alpha ? (samples[i * channels + own] ?? 255) : 255;
        if (key !== undefined) {
          let same = true;
          for (let c = 0; c < own; c++)
            if ((depth === 16 ? data[i * channels + c] : samples[i * channels + c]) !== key[c]) same = false;
          if (same) opacity = 0;
        }
        for (let c = 0; c < own; c++) out[i * own + c] = onWhite((samples[i * channels + c] ?? 0) * stretch, opacity);
      }
    }
    return { width, height, channels: coloured ? 3 : 1, data: out };
  } catch (error) {
    throw fault(name, `is a damaged PNG (${error instanceof Error ? error.message : String(error)}); ${again}`);
  }
}

/** Composites a transparent picture on white. */
const onWhite = (value: number, opacity: number): number =>
  opacity === 255 ? value : Math.round((value * opacity + 255 * (255 - opacity)) / 255);

function decodeJpeg(
  bytes: Uint8Array,
  { width, height, grey, scans }: JpegHeader,
  name: string,
  { decode }: JpegPackage,
): Picture {
  if (scans > 12 && scans * width * height > 1e9)
    throw fault(
      name,
      `is a JPEG of ${scans} scans over ${width} × ${height} pixels, too many; save it again with fewer scans`,
    );
  let decoded: {
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array;
    readonly exifBuffer?: Uint8Array;
  };
  try {
    decoded = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: 100,
      maxMemoryUsageInMB: 1024,
    });
  } catch (error) {
    throw fault(
      name,
      `is a damaged or truncated JPEG (${error instanceof Error ? error.message : String(error)}); ${again}`,
    );
  }
  if (decoded.width !== width || decoded.height !== height || decoded.data.length !== 3 * width * height)
    throw fault(
      name,
      `is a damaged JPEG: its header says ${width} × ${height} pixels, its data ${decoded.width} × ${decoded.height}; ${again}`,
    );
  const picture: Picture = { width, height, channels: 3, data: decoded.data };
  return turned(grey ? toChannels(picture, 1) : picture, orientationOf(decoded.exifBuffer));
}

/** The orientation of the camera, 1 to 8, from the Exif data; by default 1 (upright). */
function orientationOf(exif: Uint8Array | undefined): number {
  // "\0" ends the name Exif; the data proper begin after it.
  const notes = exif?.subarray(exif[0] === 0 ? 1 : 0);
  if (notes === undefined || notes.byteLength < 14) return 1;
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const start = view.getUint32(4, little);
  if (start + 2 > notes.byteLength) return 1;
  const count = view.getUint16(start, little);
  for (let i = 0; i < count; i++) {
    const at = start + 2 + 12 * i;
    if (at + 12 > notes.byteLength) return 1;
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The picture turned upright. */
function turned(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, channels, data } = picture;
  const swapped = orientation >= 5;
  const [newWidth, newHeight] = swapped ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const [u, v] = swapped ? [y, x] : [x, y];
      // 2 mirrored, 3 rotated by 180°, 4 upside down, 5 transposed, 6 a quarter clockwise, 7 transposed the other way, 8 a quarter back.
      const sourceX = [2, 3, 7, 8].includes(orientation) ? width - 1 - u : u;
      const sourceY = [3, 4, 6, 7].includes(orientation) ? height - 1 - v : v;
      const [from, to] = [(sourceY * width + sourceX) * channels, (y * newWidth + x) * channels];
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c] ?? 0;
    }
  }
  return { width: newWidth, height: newHeight, channels, data: out };
}

/**
 * Decodes PNG (every depth and colour type) or JPEG (baseline and progressive, turned upright), with the packages fast-png and jpeg-js.
 * Depth 16 is cut to 8; transparent pixels are composited on white.
 * Throws HebbError that names the picture for more than `maxPixels` (before unpacking anything), and for damaged or truncated data.
 */
export async function decodePicture(source: FileBytes, options: DecodeOptions = {}): Promise<Picture> {
  const bytes = asBytes(source, "decodePicture");
  const { name = "the picture", maxPixels = defaultMaxPixels } = checkOptions("decodePicture", options, decodeKinds);
  const header = headerOf(bytes, name);
  checkSize(header, name, maxPixels);
  if ("scans" in header) return decodeJpeg(bytes, header, name, await loadJpeg());
  const kept = pixelChunks(bytes, name);
  await refuseBomb(suspectPixels(bytes, kept, header.unpacked), header.unpacked, name);
  return decodePng({ bytes, kept, header, name }, await loadPng());
}

/** The unpacked size of zlib data, capped at `limit` + 1; undefined if they are damaged. */
export type UnpackedSize = (packed: readonly Uint8Array[], limit: number) => number | undefined;

/** A synchronous `decodePicture`, if `unpackedSize` is synchronous too. */
export async function pictureDecoder(
  unpackedSize: UnpackedSize,
): Promise<(bytes: Uint8Array, options: Required<DecodeOptions>) => Picture> {
  // A missing package only matters if a picture needs it.
  const [png, jpeg] = await Promise.all([loadPng().catch(asError), loadJpeg().catch(asError)]);
  return (bytes, { name, maxPixels }) => {
    const header = headerOf(bytes, name);
    checkSize(header, name, maxPixels);
    if ("scans" in header) return decodeJpeg(bytes, header, name, loaded(jpeg));
    const kept = pixelChunks(bytes, name);
    const packed = suspectPixels(bytes, kept, header.unpacked);
    if (packed.length > 0) {
      const size = unpackedSize(packed, header.unpacked);
      if (size === undefined) throw undecompressed(name);
      if (size > header.unpacked) throw bomb(name, header.unpacked);
    }
    return decodePng({ bytes, kept, header, name }, loaded(png));
  };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function loaded<T>(found: T | Error): T {
  if (found instanceof Error) throw found;
  return found;
}

/** Grey or colour. Grey is the luminance of Rec. 601: 0.299 red + 0.587 green + 0.114 blue. */
export function toChannels(picture: Picture, channels: 1 | 3): Picture {
  if (picture.channels === channels) return picture;
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    if (channels === 3) out.fill(data[i] ?? 0, 3 * i, 3 * i + 3);
    else
      out[i] = Math.round(0.299 * (data[3 * i] ?? 0) + 0.587 * (data[3 * i + 1] ?? 0) + 0.114 * (data[3 * i + 2] ?? 0));
  }
  return { width, height, channels, data: out };
}

/** For each new position: the first old one that contributes, and the weights from there on. */
function taps(from: number, to: number): { readonly start: number; readonly weights: Float64Array }[] {
  const scale = from / to;
  // When shrinking, each new pixel averages all old ones under it.
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = new Float64Array(end - start);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      const weight = Math.max(0, 1 - Math.abs((start + i + 0.5 - centre) / reach));
      weights[i] = weight;
      sum += weight;
    }
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Resizes the picture, bilinear with antialiasing: a triangle filter as wide as a new pixel, first along one axis, then the other.
 * Figures: torch.nn.functional.interpolate(mode="bilinear", antialias=True), rounded once at the end.
 */
export function resizePicture(picture: Picture, width: number, height: number): Picture {
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 1 || side > 65_536)
      throw new HebbError(`${width} × ${height} is not a valid image size; use whole numbers from 1 to 65536`);
  if (picture.width === width && picture.height === height) return picture;
  const { channels, data } = picture;
  const across = taps(picture.width, width);
  const narrow = new Float64Array(picture.height * width * channels);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const tap = across[x];
      if (tap === undefined) continue;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < tap.weights.length; i++)
          sum += (tap.weights[i] ?? 0) * (data[(y * picture.width + tap.start + i) * channels + c] ?? 0);
        narrow[(y * width + x) * channels + c] = sum;
      }
    }
  }
  const down = taps(picture.height, height);
  const row = width * channels;
  const out = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const tap = down[y];
    if (tap === undefined) continue;
    for (let x = 0; x < row; x++) {
      let sum = 0;
      for (let i = 0; i < tap.weights.length; i++)
        sum += (tap.weights[i] ?? 0) * (narrow[(tap.start + i) * row + x] ?? 0);
      out[y * row + x] = Math.max(0, Math.min(255, Math.round(sum)));
    }
  }
  return { width, height, channels, data: out };
}

/** How to fit a picture of other proportions: the middle part that fills the size, or all of it, stretched. */
export type PictureFit = "cover" | "stretch";
export const fitKind = kind.oneOf("cover", "stretch");

/** Resizes to exactly this size. "cover" keeps the proportions and crops the excess on two sides. */
export function fitPicture(picture: Picture, width: number, height: number, fit: PictureFit = "cover"): Picture {
  checkKind("fitPicture", "fit", fit, fitKind);
  if (fit === "stretch" || picture.width * height === picture.height * width)
    return resizePicture(picture, width, height);
  const { channels, data } = picture;
  const ratio = Math.min(picture.width / width, picture.height / height);
  const [cutWidth, cutHeight] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  const [left, top] = [(picture.width - cutWidth) >> 1, (picture.height - cutHeight) >> 1];
  const cut = new Uint8Array(cutWidth * cutHeight * channels);
  for (let y = 0; y < cutHeight; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    cut.set(data.subarray(from, from + cutWidth * channels), y * cutWidth * channels);
  }
  return resizePicture({ width: cutWidth, height: cutHeight, channels, data: cut }, width, height);
}

/** The pixels as [channels, height, width], the layout that networks take. */
export function planesOf({ width, height, channels, data }: Picture): Uint8Array {
  if (channels === 1) return data;
  const plane = width * height;
  const out = new Uint8Array(channels * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < channels; c++) out[c * plane + i] = data[i * channels + c] ?? 0;
  return out;
}
