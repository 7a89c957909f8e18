// The stored preprocessing, checked entry by entry when it is read back.
import type { Merge } from "../data/bpe.ts";
import { numberFormats } from "../data/cells.ts";
import { dateOrders } from "../data/dates.ts";
import type { ImagePreprocessing } from "../data/images.ts";
import {
  cycleNames,
  featureNamesOf,
  type InputEncoding,
  type TablePreprocessing,
  type TargetEncoding,
} from "../data/preprocessing.ts";
import type { BooleanReading, DateReading, NumberReading, Reading, TextReading } from "../data/reading.ts";
import { HebbError } from "../graph/errors.ts";
import {
  aBoolean,
  aCount,
  aNumber,
  aPositiveNumber,
  aString,
  byKind,
  type Check,
  listOf,
  objectOf,
  oneOf,
} from "./json.ts";
import { upgraded } from "./preprocessingUpgrade.ts";

/** Preprocessing of text: the vocabulary, and how many tokens are seen at once. */
export interface TextPreprocessing {
  readonly kind: "text";
  readonly version: 1;
  readonly tokenizer:
    | { readonly kind: "characters"; readonly characters: readonly string[] }
    | { readonly kind: "bpe"; readonly merges: readonly Merge[] };
  readonly context: number;
  /** Checksum of the text that was trained on. */
  readonly digest: string;
  readonly notes: readonly string[];
}

export type Preprocessing = TablePreprocessing | ImagePreprocessing | TextPreprocessing;

const textOrNull: Check<string | null> = (value, place) => (value === null ? null : aString(value, place));

const numberReading = objectOf<NumberReading>({
  kind: oneOf("number"),
  format: oneOf(...numberFormats),
  booleans: aBoolean,
  missing: listOf(aString),
});
const dateReading = objectOf<DateReading>({ kind: oneOf("date"), order: oneOf(...dateOrders) });
const booleanReading = objectOf<BooleanReading>({ kind: oneOf("boolean") });
const textReading = objectOf<TextReading>({ kind: oneOf("text"), values: listOf(aString) });

const reading = byKind<Reading>(
  new Map<string, Check<Reading>>([
    ["number", numberReading],
    ["date", dateReading],
    ["boolean", booleanReading],
    ["text", textReading],
  ]),
);

const numberInput = objectOf<Extract<InputEncoding, { kind: "number" | "date" }>>({
  kind: oneOf("number", "date"),
  column: aString,
  reading: byKind<NumberReading | DateReading>(
    new Map<string, Check<NumberReading | DateReading>>([
      ["number", numberReading],
      ["date", dateReading],
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

const categoryInput = objectOf<Extract<InputEncoding, { kind: "category" }>>({
  kind: oneOf("category"),
  column: aString,
  reading: byKind<TextReading | BooleanReading>(
    new Map<string, Check<TextReading | BooleanReading>>([
      ["text", textReading],
      ["boolean", booleanReading],
    ]),
  ),
  categories: listOf(aString),
  other: aBoolean,
  missing: aBoolean,
  fill: textOrNull,
  dropMissing: aBoolean,
});

const input = byKind<InputEncoding>(
  new Map<string, Check<InputEncoding>>([
    ["number", numberInput],
    ["date", numberInput],
    ["category", categoryInput],
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
  reading: numberReading,
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

const imageFields = objectOf<ImagePreprocessing>({
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
  return read;
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
    ]),
  ),
  context: aCount,
  digest: aString,
  notes: listOf(aString),
});

/** Checks a parsed preprocessing.json. */
export const checkPreprocessing: Check<Preprocessing> = byKind<Preprocessing>(
  new Map<string, Check<Preprocessing>>([
    ["table", table],
    ["images", images],
    ["text", text],
  ]),
);
