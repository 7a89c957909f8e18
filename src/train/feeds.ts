// Where the rows of a step come from: data in device memory, windows of a text, or parts that arrive one after the other.
import { BatchSampler, type Dataset, gatherSamples, type SamplerState, TokenSequence } from "../data/index.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import { arange, type Tensor, tensor } from "../tensor/index.ts";

/** The rows of one batch, as tensors: what the model takes, what it should give, and what each row counts for. */
export interface Rows {
  readonly features: Tensor;
  readonly targets: Tensor;
  /** [B], float32. */
  readonly weights: Tensor | undefined;
}

/** Samples 0 … length−1 that a compiled step can gather. */
export interface Samples {
  readonly length: number;
  /** What a compiled function is given for these samples of an epoch. */
  arguments(samples: Int32Array, epoch: number): readonly Tensor[];
  /** Inside the trace: the rows, from those arguments. */
  gather(given: readonly Tensor[]): Rows;
}

/** A data set as tensors, uploaded once. */
export class Resident implements Samples {
  readonly features: Tensor;
  readonly targets: Tensor;
  readonly weights: Tensor | undefined;
  readonly length: number;

  constructor(dataset: Dataset, weights: Float32Array | undefined = dataset.weights) {
    const field = (values: Dataset["features"]): Tensor =>
      tensor(values.data, { shape: [dataset.length, ...values.shape], dtype: values.dtype });
    this.features = field(dataset.features);
    this.targets = field(dataset.targets);
    this.weights = weights === undefined ? undefined : tensor(weights);
    this.length = dataset.length;
  }

  arguments(samples: Int32Array): readonly Tensor[] {
    const index = tensor(samples);
    return this.weights === undefined
      ? [this.features, this.targets, index]
      : [this.features, this.targets, index, this.weights];
  }

  gather([features, targets, index, weights]: readonly Tensor[]): Rows {
    if (features === undefined || targets === undefined || index === undefined)
      throw new HebbError("a step over a data set takes features, targets and the numbers of its rows");
    return {
      features: features.indexSelect(0, index),
      targets: targets.indexSelect(0, index),
      weights: weights?.indexSelect(0, index),
    };
  }
}

export const residentOf = (dataset: Dataset): Resident => new Resident(dataset);

/** Where the samples of a batch come from: an augmentation draws from this alone, so that a resumed run draws the same. */
export interface AugmentContext {
  readonly seed: number;
  readonly epoch: number;
  /** The numbers of the samples, in the order of the batch. */
  readonly samples: Int32Array;
  /** Shape of one sample. */
  readonly shape: readonly number[];
}

/** Gives changed features of a batch, as many as it was given; it may write into them. */
export type Augment = (features: TypedArray, context: AugmentContext) => TypedArray;

/** A data set whose features are changed anew in every epoch, such as pictures that are moved and turned a little. */
export class Augmented implements Samples {
  readonly length: number;
  readonly #dataset: Dataset;
  readonly #weights: Float32Array | undefined;
  readonly #augment: Augment;
  readonly #seed: number;

  constructor(dataset: Dataset, weights: Float32Array | undefined, augment: Augment, seed: number) {
    this.#dataset = dataset;
    this.#weights = weights;
    this.#augment = augment;
    this.#seed = seed;
    this.length = dataset.length;
  }

  arguments(samples: Int32Array, epoch: number): readonly Tensor[] {
    const { features, targets } = this.#dataset;
    const { shape, dtype } = features;
    const changed = this.#augment(gatherSamples(features, samples), { seed: this.#seed, epoch, samples, shape });
    if (changed.length !== samples.length * sizeOf(shape))
      throw new HebbError(
        `augment: gave ${changed.length} values for ${samples.length} samples of ${sizeOf(shape)} each; keep their shape`,
      );
    const weights = this.#weights;
    return [
      tensor(changed, { shape: [samples.length, ...shape], dtype }),
      tensor(gatherSamples(targets, samples), { shape: [samples.length, ...targets.shape], dtype: targets.dtype }),
      ...(weights === undefined ? [] : [tensor(Float32Array.from(samples, (row) => weights[row] ?? 0))]),
    ];
  }

  gather([features, targets, weights]: readonly Tensor[]): Rows {
    if (features === undefined || targets === undefined)
      throw new HebbError("a step over augmented data takes the features and targets of its batch");
    return { features, targets, weights };
  }
}

/** Windows of a text: features [B, context] and targets [B, context], one token later. */
export class TokenWindows implements Samples {
  readonly length: number;
  readonly #sequence: TokenSequence;
  readonly #tokens: Tensor;
  readonly #seed: number | undefined;

  /** Without a seed, windows start at the same places in every epoch. */
  constructor(sequence: TokenSequence, seed?: number) {
    this.#sequence = sequence;
    this.#tokens = tensor(sequence.tokens);
    this.#seed = seed;
    this.length = sequence.length;
  }

  arguments(samples: Int32Array, epoch: number): readonly Tensor[] {
    const offset = this.#seed === undefined ? 0 : this.#sequence.offset(this.#seed, epoch);
    return [this.#tokens, tensor(this.#sequence.starts(samples, offset))];
  }

  gather([tokens, starts]: readonly Tensor[]): Rows {
    if (tokens === undefined || starts === undefined)
      throw new HebbError("a step over a text takes its tokens and the starts of the windows");
    const { context } = this.#sequence;
    const shape = [starts.size, context];
    const places = starts.reshape([starts.size, 1]).add(arange(context).reshape([1, context]));
    const read = (by: number): Tensor =>
      tokens.indexSelect(0, places.add(by).reshape([starts.size * context])).reshape(shape);
    return { features: read(0), targets: read(1), weights: undefined };
  }
}

/** What data may be trained on in memory. */
export type InMemory = Dataset | TokenSequence;

export interface SamplesOptions {
  readonly seed?: number;
  /** Instead of the data's own. */
  readonly weights?: Float32Array | undefined;
  readonly augment?: Augment | undefined;
}

export function samplesOf(data: InMemory, { seed, weights, augment }: SamplesOptions = {}): Samples {
  if (data instanceof TokenSequence) {
    if (augment !== undefined) throw new HebbError("augment: changes rows of features, not texts; leave it out");
    return new TokenWindows(data, seed);
  }
  const own = weights ?? data.weights;
  return augment === undefined ? new Resident(data, own) : new Augmented(data, own, augment, seed ?? 0);
}

/** The batches of one step after the other, in a seeded order that a saved state goes on with exactly. */
export class Feed {
  readonly samples: Samples;
  readonly #sampler: BatchSampler;

  constructor(samples: Samples, options: { readonly batchSize: number; readonly seed: number }) {
    this.samples = samples;
    this.#sampler = new BatchSampler(samples.length, {
      batchSize: Math.min(options.batchSize, samples.length),
      shuffle: true,
      seed: options.seed,
    });
  }

  get epoch(): number {
    return this.#sampler.epoch;
  }

  get batchesPerEpoch(): number {
    return this.#sampler.batchCount;
  }

  /** What is left of the epoch; then the next begins. */
  batches(): Generator<Int32Array, void, void> {
    return this.#sampler.batches();
  }

  /** The next batches of this epoch, at most `count`: how many there are, and their rows together. */
  next(count: number): { readonly batches: number; readonly rows: number } {
    const { batch, batchSize, length } = this.#sampler.state();
    const batches = Math.min(count, this.batchesPerEpoch - batch);
    return { batches, rows: Math.min(length, (batch + batches) * batchSize) - batch * batchSize };
  }

  state(): SamplerState {
    return this.#sampler.state();
  }

  restore(state: SamplerState): void {
    this.#sampler.restore(state);
  }
}
