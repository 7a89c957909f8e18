// A data set: features, targets and optional weights, one entry per sample. In host memory, except features that stay in a file.
import { at } from "../graph/at.ts";
import { allocate, type DType, dtypeOf, elementTypeOf, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { flatten } from "../tensor/nested.ts";
import type { NestedArray } from "../tensor/operands.ts";

/** Features stored in a file; those of a few samples are read on demand. */
export interface SampleReader {
  readonly dtype: DType;
  /** The number of samples. */
  readonly length: number;
  /** The values of these samples, one after another, in newly allocated memory. */
  read(samples: ArrayLike<number>): TypedArray;
}

/** The values of all samples; `shape` is that of one sample. */
export interface Field {
  /** If a file holds them, each access reads all of them. */
  readonly data: TypedArray;
  /** Shape of one sample: [] for a class number, [4] for four features, [1, 28, 28] for an image. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Reads the values of some samples; undefined if all are in memory. */
  readonly reader?: SampleReader | undefined;
}

export interface DatasetOptions {
  /**
   * The values of all samples one after another, an array of samples ([[0, 1], [1, 1]] becomes float32), or a reader that loads them from a
   * file, batch by batch, again in each epoch.
   */
  readonly features: TypedArray | NestedArray[] | SampleReader;
  /** Shape of one sample; an array of samples implies its own. */
  readonly featureShape?: readonly number[];
  /** Like the features. In an array, integers, one per sample, are classes (int32); all others are float32. */
  readonly targets: TypedArray | NestedArray[];
  /** Default []: one number per sample. */
  readonly targetShape?: readonly number[];
  /** One non-negative weight per sample. */
  readonly weights?: Float32Array;
}

const arrays = "a typed array (Float32Array, Float64Array, Int32Array, Int16Array, Int8Array or Uint8Array)";
const isTyped = (value: unknown): boolean => {
  const type = ArrayBuffer.isView(value) ? elementTypeOf(value) : undefined;
  return type !== undefined && type !== "uint16";
};
const samples = kind.of<TypedArray | NestedArray[]>(
  `${arrays} or an array of samples`,
  (value) => Array.isArray(value) || isTyped(value),
);
const isReader = (value: unknown): value is SampleReader =>
  typeof value === "object" && value !== null && "read" in value && typeof value.read === "function";
const readable = kind.of<DatasetOptions["features"]>(
  `${samples.takes}, or an object { dtype, length, read }`,
  (value) => samples.accepts(value) || isReader(value),
);
const kinds: OptionKinds<DatasetOptions> = {
  features: readable,
  featureShape: kind.numbers,
  targets: samples,
  targetShape: kind.numbers,
  weights: kind.instanceOf(Float32Array, "a Float32Array"),
};

/** Typed values and the shape of one sample. */
function valuesOf(
  what: string,
  given: TypedArray | NestedArray[],
  shape: readonly number[] | undefined,
): { readonly data: TypedArray; readonly shape: readonly number[] | undefined } {
  if (!Array.isArray(given)) return { data: given, shape };
  const { values, shape: own } = flatten(`Dataset: ${what}`, given);
  const sample = own.slice(1);
  if (shape !== undefined && formatShape(shape) !== formatShape(sample))
    throw new HebbError(
      `${what}: the samples have shape ${formatShape(sample)}, not ${formatShape(shape)}; leave the shape out, the arrays say it`,
    );
  const classes = what === "targets" && sample.length === 0 && values.every(Number.isInteger);
  return { data: classes ? Int32Array.from(values) : Float32Array.from(values), shape: sample };
}

function countOf(what: string, data: TypedArray, shape: readonly number[]): number {
  const size = sizeOf(shape);
  if (size < 1 || !Number.isInteger(size) || data.length % size !== 0) {
    throw new HebbError(
      `${what}: ${data.length} values do not divide into samples of shape ${formatShape(shape)} (${size} values each); check the shape`,
    );
  }
  return data.length / size;
}

/** Features that stay in a file. */
class ReadField implements Field {
  readonly reader: SampleReader;
  readonly shape: readonly number[];

  constructor(reader: SampleReader, shape: readonly number[]) {
    this.reader = reader;
    this.shape = shape;
  }

  get dtype(): DType {
    return this.reader.dtype;
  }

  get data(): TypedArray {
    return this.reader.read(Array.from({ length: this.reader.length }, (_, sample) => sample));
  }
}

function featuresOf(
  given: DatasetOptions["features"],
  shape: readonly number[] | undefined,
): { readonly field: Field; readonly count: number } {
  if (isReader(given)) {
    checkKind("Dataset", "featureShape", shape, kind.numbers);
    return { field: new ReadField(given, [...shape]), count: given.length };
  }
  const { data, shape: found } = valuesOf("features", given, shape);
  checkKind("Dataset", "featureShape", found, kind.numbers);
  return { field: { data, shape: [...found], dtype: dtypeOf(data) }, count: countOf("features", data, found) };
}

/** Samples 0 … length−1. */
export class Dataset {
  readonly features: Field;
  readonly targets: Field;
  readonly weights?: Float32Array;
  readonly length: number;

  constructor(options: DatasetOptions) {
    const { weights, ...given } = checkOptions("Dataset", options, kinds);
    checkKind("Dataset", "features", given.features, readable);
    checkKind("Dataset", "targets", given.targets, samples);
    const { field: features, count } = featuresOf(given.features, given.featureShape);
    const { data: targets, shape: targetShape = [] } = valuesOf("targets", given.targets, given.targetShape);
    this.length = count;
    const targetCount = countOf("targets", targets, targetShape);
    if (targetCount !== this.length) {
      throw new HebbError(
        `${this.length} samples of features but ${targetCount} targets; every sample needs one target of shape ${formatShape(targetShape)}`,
      );
    }
    this.features = features;
    this.targets = { data: targets, shape: [...targetShape], dtype: dtypeOf(targets) };
    if (weights) {
      if (weights.length !== this.length)
        throw new HebbError(`${weights.length} weights for ${this.length} samples; give one weight for each`);
      if (weights.some((weight) => !(weight >= 0 && Number.isFinite(weight)))) {
        throw new HebbError("sample weights must be finite and not negative");
      }
      this.weights = weights;
    }
  }

  /** Copies of the samples at these indices, in this order. Features in a file stay there. */
  subset(indices: ArrayLike<number>): Dataset {
    const { reader } = this.features;
    const base = {
      features: reader === undefined ? gatherSamples(this.features, indices) : readerOf(reader, indices),
      featureShape: this.features.shape,
      targets: gatherSamples(this.targets, indices),
      targetShape: this.targets.shape,
    };
    return new Dataset(
      this.weights ? { ...base, weights: Float32Array.from(indices, (i) => this.weights?.[i] ?? 0) } : base,
    );
  }
}

/** Reads some samples of another reader, renumbered from 0. */
function readerOf(reader: SampleReader, samples: ArrayLike<number>): SampleReader {
  const places = Int32Array.from(samples, (sample) => existing(sample, reader.length));
  const read = (wanted: ArrayLike<number>): TypedArray =>
    reader.read(Int32Array.from(wanted, (sample) => at(places, existing(sample, places.length))));
  return { dtype: reader.dtype, length: places.length, read };
}

function existing(sample: number, count: number): number {
  if (Number.isInteger(sample) && sample >= 0 && sample < count) return sample;
  throw new HebbError(`there is no sample ${sample}; the data set has ${count}, counted from 0`);
}

/** The values of the samples at these indices, one after another. Throws HebbError for an index that does not exist. */
export function gatherSamples(field: Field, indices: ArrayLike<number>): TypedArray {
  const { shape, dtype, reader } = field;
  const size = sizeOf(shape);
  if (reader !== undefined) {
    const values = reader.read(indices);
    if (values.length === indices.length * size) return values;
    throw new HebbError(
      `the features that are read: got ${values.length} values for ${indices.length} samples of shape ${formatShape(shape)}; return ${size} for each`,
    );
  }
  const { data } = field;
  const count = data.length / size;
  const out = allocate(dtype, indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const from = existing(indices[i] ?? -1, count);
    out.set(data.subarray(from * size, (from + 1) * size), i * size);
  }
  return out;
}
