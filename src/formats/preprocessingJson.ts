// Checks the stored preprocessing entry by entry when reading it back.
import type { Merge } from "../data/bpe.ts";
import { dateForms, dateOrders } from "../data/dates.ts";
import type { ImagePreprocessing } from "../data/images.ts";
import { numberFormats } from "../data/numbers.ts";
import type { PictureResizing, PictureSize, PictureSteps } from "../data/pictureSteps.ts";
import {
  type CategoryInput,
  cycleNames,
  featureNamesOf,
  type InputEncoding,
  type NumberInput,
  type TablePreprocessing,
  type TargetEncoding,
  type TextInput,
} from "../data/preprocessing.ts";
import type {
  BooleanReading,
  DateReading,
  DurationReading,
  NumberReading,
  Reading,
  TextReading,
} from "../data/reading.ts";
import { resampleNames } from "../data/resample.ts";
import { HebbError } from "../graph/errors.ts";
import {
  aBoolean,
  aCount,
  aNumber,
  anObject,
  aPositiveNumber,
  aString,
  byKind,
  type Check,
  type JsonObject,
  listOf,
  objectOf,
  oneOf,
} from "./json.ts";
import { upgraded } from "./preprocessingUpgrade.ts";

/** The tokenizer of a pretrained model: tokenizer.json and tokenizer_config.json, and the model's vocabulary size. */
export interface PretrainedTokenizer {
  readonly kind: "pretrained";
  readonly tokenizer: JsonObject;
  readonly tokenizerConfig: JsonObject;
  readonly size: number;
}

/** Preprocessing of text: the vocabulary, and the length of the context. */
export interface TextPreprocessing {
  readonly kind: "text";
  readonly version: 1;
  readonly tokenizer:
    | { readonly kind: "characters"; readonly characters: readonly string[] }
    | { readonly kind: "bpe"; readonly merges: readonly Merge[] }
    | PretrainedTokenizer;
  readonly context: number;
  /** Checksum of the training text. */
  readonly digest: string;
  readonly notes: readonly string[];
}

/** Preprocessing for text classification: the tokenizer of a pretrained model, and the maximum number of tokens per text. */
export interface TextsPreprocessing {
  readonly kind: "texts";
  readonly version: 1;
  /** The name of the text column. */
  readonly column: string;
  /** tokenizer.json and tokenizer_config.json. */
  readonly tokenizer: JsonObject;
  readonly tokenizerConfig: JsonObject;
  readonly length: number;
  readonly target: {
    readonly kind: "classes";
    readonly column: string;
    readonly classes: readonly string[];
    readonly counts: readonly number[];
  };
  readonly notes: readonly string[];
}

export type Preprocessing = TablePreprocessing | ImagePreprocessing | TextPreprocessing | TextsPreprocessing;

const textOrNull: Check<string | null> = (value, place) => (value === null ? null : aString(value, place));

const numberReading = objectOf<NumberReading>({
  kind: oneOf("number"),
  format: oneOf(...numberFormats),
  booleans: aBoolean,
  missing: listOf(aString),
  unit: textOrNull,
});
const dateReading = objectOf<DateReading>({
  kind: oneOf("date"),
  order: oneOf(...dateOrders),
  form: oneOf(...dateForms),
});
const durationReading = objectOf<DurationReading>({ kind: oneOf("duration") });
const booleanReading = objectOf<BooleanReading>({ kind: oneOf("boolean") });
const textReading = objectOf<TextReading>({ kind: oneOf("text"), values: listOf(aString) });

const reading = byKind<Reading>(
  new Map<string, Check<Reading>>([
    ["number", numberReading],
    ["date", dateReading],
    ["duration", durationReading],
    ["boolean", booleanReading],
    ["text", textReading],
  ]),
);

const numberInput = objectOf<NumberInput>({
  kind: oneOf("number", "date", "duration"),
  column: aString,
  reading: byKind<NumberInput["reading"]>(
    new Map<string, Check<NumberInput["reading"]>>([
      ["number", numberReading],
      ["date", dateReading],
      ["duration", durationReading],
    ]),
  ),
  transform: oneOf("none", "log"),
  median: aNumber,
  mean: aNumber,
  scale: aPositiveNumber,
  missingIndicator: aBoolean,
  cycles: listOf(oneOf(...cycleNames)),
  dropMissing: aBoolean,
});

const categoryInput = objectOf<CategoryInput>({
  kind: oneOf("category"),
  column: aString,
  reading: byKind<CategoryInput["reading"]>(
    new Map<string, Check<CategoryInput["reading"]>>([
      ["text", textReading],
      ["boolean", booleanReading],
      ["number", numberReading],
    ]),
  ),
  categories: listOf(aString),
  rare: (value, place) => (value === null ? null : listOf(aString)(value, place)),
  other: aBoolean,
  missing: aBoolean,
  fill: textOrNull,
  dropMissing: aBoolean,
});

const textFields = objectOf<TextInput>({
  kind: oneOf("text"),
  column: aString,
  reading: textReading,
  terms: listOf(aString),
  weights: listOf(aPositiveNumber),
  norm: aPositiveNumber,
  mean: aNumber,
  scale: aPositiveNumber,
  fill: textOrNull,
  dropMissing: aBoolean,
});

const mostWeight = 1000;

const textInput: Check<TextInput> = (value, place) => {
  const read = textFields(value, place);
  const { terms, weights, norm } = read;
  if (terms.length !== weights.length || new Set(terms).size !== terms.length)
    throw new HebbError(
      `${place} has ${new Set(terms).size} different terms of ${terms.length} and ${weights.length} weights; restore the file from a copy`,
    );
  // A weight is a logarithm: more than e^1000 texts do not exist.
  if (norm > mostWeight || weights.some((weight) => weight > mostWeight))
    throw new HebbError(`${place} has a weight or a norm above ${mostWeight}; restore the file from a copy`);
  return read;
};

const input = byKind<InputEncoding>(
  new Map<string, Check<InputEncoding>>([
    ["number", numberInput],
    ["date", numberInput],
    ["duration", numberInput],
    ["category", categoryInput],
    ["text", textInput],
  ]),
);

const classTarget = objectOf<Extract<TargetEncoding, { kind: "classes" }>>({
  kind: oneOf("classes"),
  column: aString,
  reading,
  classes: listOf(aString),
  counts: listOf(aCount),
});

const numberTarget = objectOf<Extract<TargetEncoding, { kind: "number" }>>({
  kind: oneOf("number"),
  column: aString,
  reading: byKind<NumberReading | DurationReading>(
    new Map<string, Check<NumberReading | DurationReading>>([
      ["number", numberReading],
      ["duration", durationReading],
    ]),
  ),
  transform: oneOf("none", "log"),
  mean: aNumber,
  scale: aPositiveNumber,
});

const target = byKind<TargetEncoding>(
  new Map<string, Check<TargetEncoding>>([
    ["classes", classTarget],
    ["number", numberTarget],
  ]),
);

const weights = objectOf<NonNullable<TablePreprocessing["weights"]>>({ column: aString, reading: numberReading });

const tableFields = objectOf<TablePreprocessing>({
  kind: oneOf("table"),
  version: oneOf(2),
  inputs: listOf(input),
  featureNames: listOf(aString),
  target,
  weights: (value, place) => (value === null ? null : weights(value, place)),
  dropped: listOf(objectOf<{ column: string; reason: string }>({ column: aString, reason: aString })),
  notes: listOf(aString),
});

const table: Check<TablePreprocessing> = (value, place) => {
  const read = tableFields(upgraded(value), place);
  let width = 0;
  for (const each of read.inputs) width += featureNamesOf(each).length;
  if (width !== read.featureNames.length) {
    throw new HebbError(
      `${place} names ${read.featureNames.length} features, but its inputs make ${width}; restore the file from a copy`,
    );
  }
  return read;
};

const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);
/** The sides of a picture, bounded because the file is untrusted. */
const aSize: Check<PictureSize> = (value, place) => {
  const size = listOf(aCount)(value, place);
  if (size.length === 2 && size.every((side) => side >= 1 && side <= 65_536)) return size;
  throw new HebbError(
    `${place} must be a height and a width from 1 to 65536, got ${JSON.stringify(size).slice(0, 60)}`,
  );
};
const resampling = oneOf(...resampleNames);
const checkSteps = objectOf<PictureSteps>({
  resize: nullable(
    byKind<PictureResizing>(
      new Map<string, Check<PictureResizing>>([
        [
          "exact",
          objectOf<Extract<PictureResizing, { kind: "exact" }>>({
            kind: oneOf("exact"),
            size: aSize,
            by: resampling,
          }),
        ],
        [
          "shortest",
          objectOf<Extract<PictureResizing, { kind: "shortest" }>>({
            kind: oneOf("shortest"),
            length: aCount,
            by: resampling,
          }),
        ],
      ]),
    ),
  ),
  crop: nullable(aSize),
});

const imageFields = objectOf<Omit<ImagePreprocessing, "steps">>({
  kind: oneOf("images"),
  version: oneOf(1),
  shape: listOf(aCount),
  mean: listOf(aNumber),
  scale: listOf(aPositiveNumber),
  target: objectOf<ImagePreprocessing["target"]>({
    kind: oneOf("classes"),
    column: aString,
    classes: listOf(aString),
    counts: listOf(aCount),
    numeric: aBoolean,
  }),
  notes: listOf(aString),
});

const images: Check<ImagePreprocessing> = (value, place) => {
  const read = imageFields(value, place);
  const channels = read.shape.length === 3 ? read.shape[0] : 1;
  if (read.mean.length !== channels || read.scale.length !== channels)
    throw new HebbError(
      `${place} has ${read.mean.length} means and ${read.scale.length} scales for ${channels} channels; restore the file from a copy`,
    );
  const { steps } = anObject(value, place);
  return steps === undefined ? read : { ...read, steps: checkSteps(steps, `${place}.steps`) };
};

const merge: Check<Merge> = (value, place) => {
  const parts = listOf(aCount)(value, place);
  const [left, right] = parts;
  if (left === undefined || right === undefined || parts.length !== 2)
    throw new HebbError(`${place} must be two tokens, got ${parts.length}; restore the file from a copy`);
  return [left, right];
};

const text = objectOf<TextPreprocessing>({
  kind: oneOf("text"),
  version: oneOf(1),
  tokenizer: byKind<TextPreprocessing["tokenizer"]>(
    new Map<string, Check<TextPreprocessing["tokenizer"]>>([
      [
        "characters",
        objectOf<Extract<TextPreprocessing["tokenizer"], { kind: "characters" }>>({
          kind: oneOf("characters"),
          characters: listOf(aString),
        }),
      ],
      [
        "bpe",
        objectOf<Extract<TextPreprocessing["tokenizer"], { kind: "bpe" }>>({
          kind: oneOf("bpe"),
          merges: listOf(merge),
        }),
      ],
      [
        "pretrained",
        objectOf<PretrainedTokenizer>({
          kind: oneOf("pretrained"),
          tokenizer: anObject,
          tokenizerConfig: anObject,
          size: aCount,
        }),
      ],
    ]),
  ),
  context: aCount,
  digest: aString,
  notes: listOf(aString),
});

const texts = objectOf<TextsPreprocessing>({
  kind: oneOf("texts"),
  version: oneOf(1),
  column: aString,
  tokenizer: anObject,
  tokenizerConfig: anObject,
  length: aCount,
  target: objectOf<TextsPreprocessing["target"]>({
    kind: oneOf("classes"),
    column: aString,
    classes: listOf(aString),
    counts: listOf(aCount),
  }),
  notes: listOf(aString),
});

/** Checks a parsed preprocessing.json. */
export const checkPreprocessing: Check<Preprocessing> = byKind<Preprocessing>(
  new Map<string, Check<Preprocessing>>([
    ["table", table],
    ["images", images],
    ["text", text],
    ["texts", texts],
  ]),
);
