// Image preprocessing of pretrained models: preprocessor_config.json, read key by key, and its effect on pixels.
import type { Picture } from "../data/index.ts";
import { type PictureSize, type PictureSteps, sizeAfter, stepped } from "../data/pictureSteps.ts";
import { toChannels } from "../data/pixels.ts";
import { type ResampleName, resampleNames } from "../data/resample.ts";
import type { Json, JsonObject } from "../formats/index.ts";
import { aBoolean, aNumber, anObject, aPositiveNumber, type Check, listOf } from "../formats/json.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import { jsonIn, type PretrainedFiles } from "./files.ts";

/** The defaults of a kind of processor. */
interface Defaults {
  readonly resample: ResampleName;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** As in the file: { height, width } or { shortest_edge }. */
  readonly size: JsonObject;
  /** The centre crop; null: none. */
  readonly crop: JsonObject | null;
  /** Whether a single number is the size of both sides. */
  readonly square: boolean;
  /** Sizes below 384 are cropped from a picture that is larger by this ratio. */
  readonly share?: number;
}

const openai = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const sides = (length: number): JsonObject => ({ height: length, width: length });
const clip: Defaults = {
  ...openai,
  resample: "bicubic",
  size: { shortest_edge: 224 },
  crop: sides(224),
  square: false,
};

/** By the processor's name, without the suffixes "ImageProcessor", "FeatureExtractor" and "Fast". */
const processors: ReadonlyMap<string, Defaults> = new Map<string, Defaults>([
  ["ViT", { ...half, resample: "bilinear", size: sides(224), crop: null, square: true }],
  ["DeiT", { ...half, resample: "bicubic", size: sides(256), crop: sides(224), square: true }],
  [
    "ConvNext",
    { ...half, resample: "bicubic", size: { shortest_edge: 384 }, crop: null, square: false, share: 224 / 256 },
  ],
  ["Bit", clip],
  ["CLIP", clip],
]);

/** Keys that do not affect the pixels of one picture in memory. */
const idle: ReadonlySet<string> = new Set([
  "image_processor_type",
  "feature_extractor_type",
  "processor_class",
  "_processor_class",
  "_valid_processor_keys",
  "auto_map",
  "do_convert_rgb",
  "default_to_square",
  "use_square_size",
  "data_format",
  "input_data_format",
  "return_tensors",
  "device",
  "disable_grouping",
  "image_seq_length",
]);

const sizeKeys: ReadonlySet<string> = new Set(["height", "width", "shortest_edge"]);

/** The keys of one file, all of which must be read. */
class Reading {
  readonly place: string;
  readonly #json: JsonObject;
  readonly #read = new Set<string>();

  constructor(json: JsonObject, place: string) {
    this.place = place;
    this.#json = json;
  }

  value<T>(key: string, check: Check<T>, fallback: T): T {
    this.#read.add(key);
    const value = Object.hasOwn(this.#json, key) ? this.#json[key] : undefined;
    return value === undefined || value === null ? fallback : check(value, `${this.place}: ${key}`);
  }

  refuse(key: string, value: Json, known: string): never {
    throw new HebbError(
      `${this.place}: ${key} is ${JSON.stringify(value)?.slice(0, 80)}, which is not supported; ${known}`,
    );
  }

  /** { height, width }, { shortest_edge }, or one number. */
  size(key: string, fallback: JsonObject, square: boolean): JsonObject {
    const size = this.value<Json>(key, (value) => value as Json, fallback);
    if (typeof size === "number") return square ? sides(size) : { shortest_edge: size };
    const read = anObject(size, `${this.place}: ${key}`);
    const named = Object.entries(read).filter(([, value]) => value !== null);
    const fine =
      named.every(([name, value]) => sizeKeys.has(name) && typeof value === "number" && Number.isInteger(value)) &&
      named.length === ("shortest_edge" in Object.fromEntries(named) ? 1 : 2);
    return fine
      ? Object.fromEntries(named)
      : this.refuse(key, read, '{ "height", "width" } and { "shortest_edge" }, whole numbers, are');
  }

  /** Refuses unread keys. */
  finish(): void {
    const unknown = Object.entries(this.#json).filter(
      ([key, value]) => !this.#read.has(key) && !idle.has(key) && value !== null && value !== false,
    );
    if (unknown.length === 0) return;
    const list = unknown.map(([key, value]) => `${key} = ${JSON.stringify(value)?.slice(0, 60)}`).join(", ");
    throw new HebbError(
      `${this.place}: ${list} ${unknown.length === 1 ? "is" : "are"} not known and may change pixels; prepare the pictures as that says, and take the key out`,
    );
  }
}

/** The processing of pictures, and the resulting numbers: (pixel × factor − mean) / std per channel. */
export interface ImageProcessing {
  readonly steps: PictureSteps;
  readonly factor: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

function kindOf(json: JsonObject, place: string, family: Json | undefined): Defaults {
  const name = json["image_processor_type"] ?? json["feature_extractor_type"];
  const own = typeof name === "string" ? name.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, "") : undefined;
  // Files without a name use the processor of the family.
  const familiar = family === "vit" ? "ViT" : family === "clip" ? "CLIP" : "ConvNext";
  const found = processors.get(own ?? familiar);
  if (found !== undefined) return found;
  throw new HebbError(
    `${place}: image_processor_type is ${JSON.stringify(name)}, which is not supported; one of ${[...processors.keys()].map((one) => `${one}ImageProcessor`).join(", ")} is`,
  );
}

const perChannel: Check<readonly number[]> = (value, place) =>
  typeof value === "number" ? [value, value, value] : listOf(aNumber)(value, place);

const resampleOf =
  (reading: Reading): Check<ResampleName> =>
  (value) => {
    const name = typeof value === "number" ? resampleNames[value] : undefined;
    return name ?? reading.refuse("resample", value as Json, `Pillow's numbers, 0 to ${resampleNames.length - 1}, are`);
  };

/** The sides of an exact size. */
const exactly = (size: JsonObject): PictureSize => {
  const { shortest_edge: edge, height = edge, width = edge } = size;
  return [Number(height), Number(width)];
};

/** Below this, ConvNext's processor crops the middle of a larger picture. */
const largeSide = 384;

/** Reads preprocessor_config.json; `family` is the type of its model. */
export function readImageProcessing(json: JsonObject, place: string, family?: Json): ImageProcessing {
  const reading = new Reading(json, place);
  const defaults = kindOf(json, place, family);
  const by = reading.value("resample", resampleOf(reading), defaults.resample);
  const size = reading.size("size", defaults.size, defaults.square);
  const share = reading.value("crop_pct", aPositiveNumber, defaults.share ?? 1);
  const cropSize = reading.size("crop_size", defaults.crop ?? sides(224), true);
  const resizes = reading.value("do_resize", aBoolean, true);
  const crops = reading.value("do_center_crop", aBoolean, defaults.crop !== null);
  const rescales = reading.value("do_rescale", aBoolean, true);
  const factor = reading.value("rescale_factor", aPositiveNumber, 1 / 255);
  const normalises = reading.value("do_normalize", aBoolean, true);
  const [mean, std] = [
    reading.value("image_mean", perChannel, defaults.mean),
    reading.value("image_std", perChannel, defaults.std),
  ];
  reading.finish();
  if (mean.length !== 3 || std.length !== 3 || std.some((one) => one <= 0))
    throw new HebbError(`${place}: image_mean and image_std must be three numbers each, those of image_std above 0`);
  const resized = (): PictureSteps => {
    const edge = size["shortest_edge"];
    if (typeof edge !== "number") {
      if (defaults.share !== undefined) return reading.refuse("size", size, 'a { "shortest_edge" } is');
      return { resize: { kind: "exact", size: exactly(size), by }, crop: null };
    }
    if (defaults.share === undefined) return { resize: { kind: "shortest", length: edge, by }, crop: null };
    return edge < largeSide
      ? { resize: { kind: "shortest", length: Math.trunc(edge / share), by }, crop: [edge, edge] }
      : { resize: { kind: "exact", size: [edge, edge], by }, crop: null };
  };
  const steps = resizes ? resized() : { resize: null, crop: null };
  const cut = crops ? exactly(cropSize) : null;
  if (cut !== null && steps.crop !== null && String(cut) !== String(steps.crop))
    reading.refuse("do_center_crop", true, "the size is cut out already");
  return {
    steps: { resize: steps.resize, crop: cut ?? steps.crop },
    factor: rescales ? factor : 1,
    mean: normalises ? mean : [0, 0, 0],
    std: normalises ? std : [1, 1, 1],
  };
}

/** Turns pictures into the input of an image model. */
export class ImageProcessor {
  readonly processing: ImageProcessing;

  constructor(processing: ImageProcessing) {
    this.processing = processing;
  }

  /** From a model's preprocessor_config.json. */
  static async from(files: PretrainedFiles): Promise<ImageProcessor> {
    const json = await jsonIn(files, "preprocessor_config.json");
    if (json === undefined)
      throw new HebbError(
        `${files.name} has no preprocessor_config.json, which says how pictures become pixels; save it with AutoImageProcessor.from_pretrained(…).save_pretrained(…) of transformers`,
      );
    const family = (await jsonIn(files, "config.json"))?.["model_type"];
    return new ImageProcessor(readImageProcessing(json, `${files.name}/preprocessor_config.json`, family));
  }

  /** Height and width of all processed pictures; undefined if they depend on the picture. */
  get size(): readonly [height: number, width: number] | undefined {
    return sizeAfter(this.processing.steps);
  }

  /** The picture in the model's size, still as bytes. */
  resize(picture: Picture): Picture {
    return stepped(toChannels(picture, 3), this.processing.steps);
  }

  /** The pixels of one picture: [3, height, width], rounded to float32 at the same points as in transformers. */
  pixels(picture: Picture): Tensor {
    const { width, height, data } = this.resize(picture);
    const { factor, mean, std } = this.processing;
    const plane = width * height;
    const out = new Float32Array(3 * plane);
    for (let channel = 0; channel < 3; channel++) {
      const [middle, spread] = [Math.fround(at(mean, channel)), Math.fround(at(std, channel))];
      for (let i = 0; i < plane; i++)
        out[channel * plane + i] = Math.fround(Math.fround(at(data, 3 * i + channel) * factor) - middle) / spread;
    }
    return tensor(out).reshape([3, height, width]);
  }
}
