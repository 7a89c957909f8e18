// A run as a function of raw columns, pixels or tokens: its preprocessing, its network and the interpretation of its outputs, in tensors.
import type { ImagePreprocessing } from "../data/images.ts";
import type {
  CategoryInput,
  InputEncoding,
  NumberInput,
  TablePreprocessing,
  TextInput,
} from "../data/preprocessing.ts";
import type { DType } from "../graph/dtype.ts";
import { unreachable } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import { Perceptron } from "../nn/index.ts";
import { arange, cat, type Tensor, tensor, where } from "../tensor/index.ts";
import { makeObjective } from "../train/index.ts";
import { describeRun } from "./describe.ts";
import type { OpenedRun } from "./saved.ts";
import { classNames, taskFor } from "./task.ts";

/** An input of a run, in the form of its data. */
export interface RunInput {
  readonly name: string;
  readonly dtype: DType;
  /** The first size is the number of rows. */
  readonly shape: readonly number[];
  /** The meaning of a value, if it is not the number itself. */
  readonly meaning?: string;
  /** For a category: the value at each index. */
  readonly categories?: readonly string[];
  /** For a text: the words and word pairs that are counted, by index. */
  readonly terms?: readonly string[];
}

export interface RunGraph {
  readonly inputs: readonly RunInput[];
  readonly outputs: readonly string[];
  readonly fn: (...inputs: Tensor[]) => Tensor[];
  /** Facts that the graph cannot express. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

type Predict = (features: Tensor) => Tensor[];

export function runGraph(opened: OpenedRun): RunGraph {
  const { preprocessing, config } = opened;
  const metadata = { "hebb.run": describeRun(opened) };
  switch (preprocessing.kind) {
    case "table":
      return tableGraph(opened, preprocessing, metadata);
    case "images":
      return imageGraph(opened, preprocessing, metadata);
    case "text":
      return {
        inputs: [{ name: "tokens", dtype: "int32", shape: [1, ...config.model.inputShape] }],
        outputs: ["logits"],
        fn: (tokens) => [opened.model.forward(tokens)],
        metadata: { ...metadata, "hebb.tokenizer": JSON.stringify(preprocessing.tokenizer) },
        notes: ["The graph takes tokens: the tokenizer is in its metadata, as hebb.tokenizer."],
      };
    case "texts": {
      const { outputs, predict } = predicting(opened);
      const facts = classFacts(preprocessing);
      const { tokenizer, tokenizerConfig } = preprocessing;
      return {
        inputs: [{ name: preprocessing.column, dtype: "int32", shape: [1, preprocessing.length], meaning: "tokens" }],
        outputs,
        fn: predict,
        metadata: { ...metadata, ...facts.metadata, "hebb.tokenizer": JSON.stringify({ tokenizer, tokenizerConfig }) },
        notes: ["The graph takes tokens: the tokenizer is in its metadata, as hebb.tokenizer.", ...facts.notes],
      };
    }
    default:
      return unreachable(preprocessing);
  }
}

/** The network, with outputs in the names and units of the data. */
function predicting({ model, config, preprocessing }: OpenedRun): {
  readonly outputs: readonly string[];
  readonly predict: Predict;
} {
  const target = preprocessing.kind === "text" ? "target" : preprocessing.target.column;
  if (model instanceof Perceptron)
    return { outputs: [target], predict: (x) => [model.forward(x.flatten(1)).to("int32")] };
  const objective = makeObjective(config.loss, taskFor(preprocessing));
  if (classNames(preprocessing) !== undefined)
    return {
      outputs: [target, "probabilities"],
      predict: (x) => {
        const probabilities = objective.predict(model.forward(x));
        return [probabilities.argmax(1), probabilities];
      },
    };
  return { outputs: [target], predict: (x) => [unscaled(objective.predict(model.forward(x)), preprocessing)] };
}

/** The largest ratio of mean to standard deviation for which float32 is enough: 14 of its 24 bits remain to distinguish numbers. */
const farFromZero = 1024;

/** Numbers such as seconds since 1970 lose too much in float32: all of a day become equal. */
const dtypeFor = ({ mean, scale }: { readonly mean: number; readonly scale: number }): "float32" | "float64" =>
  Math.abs(mean) > farFromZero * scale ? "float64" : "float32";

/** Converts a predicted number to the units of the table. */
function unscaled(value: Tensor, preprocessing: OpenedRun["preprocessing"]): Tensor {
  if (preprocessing.kind !== "table" || preprocessing.target.kind !== "number") return value;
  const { mean, scale, transform } = preprocessing.target;
  const level = value.to(dtypeFor(preprocessing.target)).mul(scale).add(mean);
  return transform === "log" ? level.sign().mul(level.abs().expm1()) : level;
}

function classFacts(preprocessing: OpenedRun["preprocessing"]): { metadata: Record<string, string>; notes: string[] } {
  const names = classNames(preprocessing);
  return names === undefined
    ? { metadata: {}, notes: [] }
    : {
        metadata: { "hebb.classes": JSON.stringify(names) },
        notes: ["A class is given by its index: the names are in the metadata, as hebb.classes."],
      };
}

function tableGraph(opened: OpenedRun, preprocessing: TablePreprocessing, metadata: Record<string, string>): RunGraph {
  const inputs = preprocessing.inputs.map((input): RunInput => {
    const shape = [1, 1];
    if (input.kind === "category")
      return {
        name: input.column,
        dtype: "int32",
        shape,
        categories: input.categories,
        meaning: "the index of the value among the categories; their count for another value, -1 for a missing one",
      };
    if (input.kind === "text")
      return {
        name: input.column,
        dtype: "float32",
        shape: [1, input.terms.length + 1],
        terms: input.terms,
        meaning:
          "how often each term occurs in the lowercase text, and last the number of words; all 0 if it is missing",
      };
    if (input.kind === "date")
      return {
        name: input.column,
        dtype: "float64",
        shape,
        meaning: `${input.reading.kind === "date" && input.reading.form === "time" ? "the share of the day" : "days since 1970-01-01"}; NaN where it is missing`,
      };
    return {
      name: input.column,
      dtype: dtypeFor(input),
      shape,
      meaning: `${input.kind === "duration" ? "seconds; " : ""}NaN where it is missing`,
    };
  });
  const { outputs, predict } = predicting(opened);
  const facts = classFacts(preprocessing);
  const categories = inputs.some((input) => input.categories !== undefined);
  const texts = inputs.some((input) => input.terms !== undefined);
  return {
    inputs,
    outputs,
    fn: (...columns) => {
      const features = preprocessing.inputs.map((input, place) => featuresOf(input, columns[place] as Tensor));
      return predict(cat(features, 1));
    },
    metadata: { ...metadata, ...facts.metadata, "hebb.inputs": JSON.stringify(inputs) },
    notes: [
      ...(categories
        ? [
            "A category is given by its index: the values are in the metadata, as hebb.inputs, as the graph has no text.",
          ]
        : []),
      ...(texts
        ? ["A text is given by how often each term occurs: the terms are in the metadata, as hebb.inputs."]
        : []),
      ...wideNumbers(preprocessing, inputs),
      ...facts.notes,
    ],
  };
}

/** Names the float64 numbers of the graph, for callers that pass float32 for all others. */
function wideNumbers({ target, inputs: encodings }: TablePreprocessing, inputs: readonly RunInput[]): string[] {
  const dates = new Set(encodings.flatMap(({ kind, column }) => (kind === "date" ? [column] : [])));
  const wide = inputs.flatMap(({ dtype, name }) => (dtype === "float64" && !dates.has(name) ? [name] : []));
  if (target.kind === "number" && dtypeFor(target) === "float64") wide.push(target.column);
  return wide.length === 0
    ? []
    : [
        `${wide.map((name) => quoted(name)).join(", ")}: float64, as these numbers lie closer together than float32 can tell apart.`,
      ];
}

const daysOf = { year: 365.2425, week: 7, day: 1 } as const;
/** As in training, values far outside the fitted range stay finite. */
const farthest = 1e6;

function featuresOf(input: InputEncoding, column: Tensor): Tensor {
  switch (input.kind) {
    case "number":
    case "date":
    case "duration":
      return numberFeatures(input, column);
    case "category":
      return categoryFeatures(input, column);
    case "text":
      return textFeatures(input, column);
    default:
      return unreachable(input);
  }
}

function textFeatures({ terms, weights, norm, mean, scale }: TextInput, counts: Tensor): Tensor {
  const count = terms.length;
  const times = counts.slice(1, 0, count);
  const values = where(times.gt(0), times.clamp(1).log().add(1), 0).mul(tensor(Float32Array.from(weights)));
  const length = values.square().sum(1, true).sqrt();
  const words = counts.slice(1, count, count + 1);
  const size = words.log1p().sub(mean).div(scale).clamp(-farthest, farthest);
  return cat([where(length.gt(0), values.div(length).mul(norm), 0), size], 1);
}

function numberFeatures(input: NumberInput, column: Tensor): Tensor {
  const missing = column.isnan();
  const value = input.transform === "log" ? column.sign().mul(column.abs().log1p()) : column;
  const level = where(missing, input.median, value);
  const features = [level.sub(input.mean).div(input.scale).clamp(-farthest, farthest)];
  for (const cycle of input.cycles) {
    const turn = column.remainder(daysOf[cycle]).mul((2 * Math.PI) / daysOf[cycle]);
    features.push(where(missing, 0, turn.sin()), where(missing, 0, turn.cos()));
  }
  if (input.missingIndicator) features.push(missing.to("float32"));
  return cat(
    features.map((feature) => feature.to("float32")),
    1,
  );
}

function categoryFeatures({ categories, other, missing, fill }: CategoryInput, place: Tensor): Tensor {
  const count = categories.length;
  const none = -2;
  const otherPlace = other ? count : none;
  const known = fill === null ? -1 : categories.indexOf(fill);
  const missingPlace = fill === null ? (missing ? count + (other ? 1 : 0) : none) : known < 0 ? otherPlace : known;
  const chosen = where(place.lt(0), missingPlace, where(place.ge(count), otherPlace, place)).to("int32");
  const width = count + (other ? 1 : 0) + (missing ? 1 : 0);
  return chosen.eq(arange(width)).to("float32");
}

function imageGraph(opened: OpenedRun, preprocessing: ImagePreprocessing, metadata: Record<string, string>): RunGraph {
  const { shape, mean, scale } = preprocessing;
  const channels = mean.length;
  // One for each channel; images without a channel dim have one.
  const wide = shape.length === 3 ? [channels, 1, 1] : [1];
  const perChannel = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), { shape: wide });
  const [means, scales] = [perChannel(mean), perChannel(scale)];
  const { outputs, predict } = predicting(opened);
  const facts = classFacts(preprocessing);
  return {
    inputs: [{ name: "image", dtype: "float32", shape: [1, ...shape], meaning: "pixels from 0 to 255" }],
    outputs,
    fn: (image) => predict(image.sub(means).div(scales)),
    metadata: { ...metadata, ...facts.metadata },
    notes: facts.notes,
  };
}
