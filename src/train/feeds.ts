// The source of a step's rows: data in device memory, windows of a text, or parts that arrive one after another.
import {
  BatchSampler,
  batchesIn,
  type Dataset,
  gatherSamples,
  type SamplerState,
  TokenSequence,
} from "../data/index.ts";
import type { PartRows } from "../data/partRows.ts";
import { isInteger, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import { type BatchShare, type Communicator, shareOf } from "../runtime/index.ts";
import { arange, State, type Tensor, tensor } from "../tensor/index.ts";
import { type Counting, ignoredLabel } from "./objectives.ts";

/** The rows of one batch as tensors: inputs, targets and weights. */
export interface Rows extends Counting {
  readonly features: Tensor;
  readonly targets: Tensor;
}

/** Whether no label is ignored. */
const isComplete = ({ targets }: Dataset): boolean => !isInteger(targets.dtype) || !targets.data.includes(ignoredLabel);

/** Samples 0 … length−1 that a compiled step can gather. */
export interface Samples {
  readonly length: number;
  /** Whether none of their labels is ignored. */
  readonly complete: boolean;
  /** The arguments of a compiled function for these samples of an epoch. */
  arguments(samples: Int32Array, epoch: number): readonly Tensor[];
  /** The targets of all samples; undefined if they are read with the inputs. */
  readonly targets?: Tensor | undefined;
  /** Inside the trace: gathers the rows from those arguments. */
  gather(given: readonly Tensor[]): Rows;
}

/** A data set as tensors, uploaded once. */
export class Resident implements Samples {
  readonly features: Tensor;
  readonly targets: Tensor;
  readonly weights: Tensor | undefined;
  readonly length: number;
  readonly complete: boolean;
  /** The row indices of a batch, by batch size, so that a step makes no new tensor. */
  readonly #rows = new Map<number, State>();

  /** `complete` is false if the samples stand for others, whose labels are unknown. */
  constructor(dataset: Dataset, weights: Float32Array | undefined = dataset.weights, complete = isComplete(dataset)) {
    const field = (values: Dataset["features"]): Tensor =>
      tensor(values.data, { shape: [dataset.length, ...values.shape], dtype: values.dtype });
    this.features = field(dataset.features);
    this.targets = field(dataset.targets);
    this.weights = weights === undefined ? undefined : tensor(weights);
    this.length = dataset.length;
    this.complete = complete;
  }

  arguments(samples: Int32Array): readonly Tensor[] {
    const known = this.#rows.get(samples.length);
    const index = known ?? new State(samples, { dtype: "int32", name: "rows of the batch" });
    if (known === undefined) this.#rows.set(samples.length, index);
    else known.assign(samples);
    return this.weights === undefined
      ? [this.features, this.targets, index]
      : [this.features, this.targets, index, this.weights];
  }

  gather([features, targets, index, weights]: readonly Tensor[]): Rows {
    if (features === undefined || targets === undefined || index === undefined)
      throw new HebbError("a step over a data set takes features, targets and row indices");
    return {
      features: features.indexSelect(0, index),
      targets: targets.indexSelect(0, index),
      weights: weights?.indexSelect(0, index),
      complete: this.complete,
    };
  }
}

export const residentOf = (dataset: Dataset): Resident => new Resident(dataset);

/** The position of the samples of a batch. An augmentation may draw random numbers only from this, so that a resumed run draws the same. */
export interface AugmentContext {
  readonly seed: number;
  readonly epoch: number;
  /** The indices of the samples, in batch order. */
  readonly samples: Int32Array;
  /** The shape of one sample. */
  readonly shape: readonly number[];
}

/** Returns changed features of a batch, in equal number; it may write in place. */
export type Augment = (features: TypedArray, context: AugmentContext) => TypedArray;

/** How features change in every epoch, such as slightly shifted and rotated images. */
interface Augmentation {
  readonly augment: Augment;
  readonly seed: number;
}

/** A data set uploaded one batch at a time, because its features are in a file, or augmented in every epoch. */
export class Gathered implements Samples {
  readonly length: number;
  readonly complete: boolean;
  readonly #dataset: Dataset;
  readonly #weights: Float32Array | undefined;
  readonly #augmentation: Augmentation | undefined;
  #targets: Tensor | undefined;

  constructor(dataset: Dataset, weights: Float32Array | undefined, augmentation?: Augmentation) {
    this.#dataset = dataset;
    this.#weights = weights;
    this.#augmentation = augmentation;
    this.length = dataset.length;
    this.complete = isComplete(dataset);
  }

  get targets(): Tensor {
    const { data, shape, dtype } = this.#dataset.targets;
    this.#targets ??= tensor(data, { shape: [this.length, ...shape], dtype });
    return this.#targets;
  }

  #features(samples: Int32Array, epoch: number): TypedArray {
    const { features } = this.#dataset;
    const values = gatherSamples(features, samples);
    if (this.#augmentation === undefined) return values;
    const { augment, seed } = this.#augmentation;
    const { shape } = features;
    const changed = augment(values, { seed, epoch, samples, shape });
    if (changed.length === values.length) return changed;
    throw new HebbError(
      `augment: returned ${changed.length} values for ${samples.length} samples of ${sizeOf(shape)} each; keep the shape`,
    );
  }

  arguments(samples: Int32Array, epoch: number): readonly Tensor[] {
    const { features, targets } = this.#dataset;
    const { shape, dtype } = features;
    const weights = this.#weights;
    return [
      tensor(this.#features(samples, epoch), { shape: [samples.length, ...shape], dtype }),
      tensor(gatherSamples(targets, samples), { shape: [samples.length, ...targets.shape], dtype: targets.dtype }),
      ...(weights === undefined ? [] : [tensor(Float32Array.from(samples, (row) => weights[row] ?? 0))]),
    ];
  }

  gather([features, targets, weights]: readonly Tensor[]): Rows {
    if (features === undefined || targets === undefined)
      throw new HebbError("a step over data that are gathered takes the features and targets of its batch");
    return { features, targets, weights, complete: this.complete };
  }
}

/** Windows of a text: features [B, context] and targets [B, context], one token later. */
export class TokenWindows implements Samples {
  readonly length: number;
  readonly complete = true;
  readonly #sequence: TokenSequence;
  /** All tokens; undefined if they are in a file. */
  readonly #tokens: Tensor | undefined;
  readonly #seed: number | undefined;

  /** Without a seed, windows start at the same positions in every epoch. */
  constructor(sequence: TokenSequence, seed?: number) {
    this.#sequence = sequence;
    this.#tokens = sequence.reader === undefined ? tensor(sequence.tokens) : undefined;
    this.#seed = seed;
    this.length = sequence.length;
  }

  arguments(samples: Int32Array, epoch: number): readonly Tensor[] {
    const offset = this.#seed === undefined ? 0 : this.#sequence.offset(this.#seed, epoch);
    const starts = this.#sequence.starts(samples, offset);
    if (this.#tokens !== undefined) return [this.#tokens, tensor(starts)];
    const width = this.#sequence.context + 1;
    return [tensor(this.#sequence.windows(starts), { shape: [samples.length, width] })];
  }

  gather([tokens, starts]: readonly Tensor[]): Rows {
    const { context } = this.#sequence;
    if (tokens !== undefined && this.#tokens === undefined)
      return { features: tokens.narrow(1, 0, context), targets: tokens.narrow(1, 1, context), ...windowsCount };
    if (tokens === undefined || starts === undefined)
      throw new HebbError("a step over a text takes its tokens and the starts of the windows");
    const shape = [starts.size, context];
    const places = starts.reshape([starts.size, 1]).add(arange(context).reshape([1, context]));
    const read = (by: number): Tensor =>
      tokens.indexSelect(0, places.add(by).reshape([starts.size * context])).reshape(shape);
    return { features: read(0), targets: read(1), ...windowsCount };
  }
}

/** Every token of a window has weight one. */
const windowsCount = { weights: undefined, complete: true } as const;

/** Training data in memory. */
export type InMemory = Dataset | TokenSequence;

export interface SamplesOptions {
  readonly seed?: number;
  /** Replaces the data's own weights. */
  readonly weights?: Float32Array | undefined;
  readonly augment?: Augment | undefined;
}

export function samplesOf(data: InMemory, { seed, weights, augment }: SamplesOptions = {}): Samples {
  if (data instanceof TokenSequence) {
    if (augment !== undefined) throw new HebbError("augment: applies to features, not to text; leave it out");
    return new TokenWindows(data, seed);
  }
  const own = weights ?? data.weights;
  if (augment !== undefined) return new Gathered(data, own, { augment, seed: seed ?? 0 });
  return data.features.reader === undefined ? new Resident(data, own) : new Gathered(data, own);
}

/** The position of a feed: the part of a stream, and the number of its batches handed out. */
export type FeedState = SamplerState & { readonly part: number };

/** The position of a batch within its update. */
export interface Place {
  readonly first: boolean;
  readonly last: boolean;
}

export const alone: Place = { first: true, last: true };
const places = {
  first: { first: true, last: false },
  between: { first: false, last: false },
  last: { first: false, last: true },
} as const;

/** The rows of a step: their indices among the samples, and their position in the update. */
export interface Batch {
  readonly samples: Samples;
  readonly rows: Int32Array;
  readonly place: Place;
  /** The position of these rows in a batch shared by ranks. Undefined if they are the whole batch. */
  readonly share?: BatchShare | undefined;
}

/** What comes next: rows that are available, rows that must be read first, or the end of the epoch. */
export type Coming = "rows" | "read" | "end";

/** Counts the batches of an update. A state saved between two updates starts a new one. */
export class Grouping {
  readonly #accumulate: number;
  #at = 0;
  #size = 1;

  constructor(accumulate: number) {
    this.#accumulate = accumulate;
  }

  /** The position of the next batch, with `left` batches remaining, including it. */
  next(left: number): Place {
    if (this.#at === 0) this.#size = Math.min(this.#accumulate, left);
    this.#at = (this.#at + 1) % this.#size;
    if (this.#size === 1) return alone;
    return this.#at === 1 ? places.first : this.#at === 0 ? places.last : places.between;
  }

  /** Makes the last batch come again. */
  back(): void {
    this.#at = (this.#at + this.#size - 1) % this.#size;
  }

  /** Batches of the current update that have been handed out; 0 between two updates. */
  get taken(): number {
    return this.#at;
  }

  /** The next batch starts an update, or continues one of the same size after `taken` batches. */
  reset(taken = 0): void {
    this.#at = taken;
  }
}

/** The batches of a training, in a seeded order that a saved state continues exactly. */
export interface Feed {
  /** Some samples like those of all parts: for the shape of a step, and for inspection. */
  readonly samples: Samples;
  /** The epoch of the next batch; at the end of an epoch, the one that ends. */
  readonly epoch: number;
  readonly coming: Coming;
  /** The next batch, from available rows. */
  next(): Batch;
  /** Takes back the last batch, whose step failed: it is the next one again. */
  takeBack(): void;
  /** Batches of an incomplete update; 0 between two updates. */
  readonly taken: number;
  /** Reads the next rows; afterwards either rows are available, or the epoch ends. */
  read(): Promise<void>;
  /** At the end of an epoch, starts the next one. */
  startEpoch(): void;
  state(): FeedState;
  restore(state: FeedState): void;
  /** Called after its own state was restored within an update, of which `taken` batches had been handed out. */
  goOnWithin(taken: number): void;
  /** Stops reading, at the current position. */
  close(): void;
}

/** The number of updates in an epoch of `rows` rows, for schedules that step by update. */
export const updatesIn = (
  rows: number,
  { batchSize = 32, accumulate = 1 }: { readonly batchSize?: number; readonly accumulate?: number },
): number => Math.ceil(batchesIn(rows, { batchSize, joinSingle: true }) / accumulate);

export interface FeedOptions {
  readonly batchSize: number;
  readonly seed: number;
  /** Batches of one update. */
  readonly accumulate: number;
  /** The ranks that share every batch. Undefined if this process takes whole batches. */
  readonly world?: Pick<Communicator, "rank" | "size"> | undefined;
}

/**
 * A rank's part of a batch of `rows` rows: [r·n/N, (r+1)·n/N). All ranks take a batch whole if it is too small to give every rank two rows, which
 * layers such as BatchNorm need: the mean over ranks is then that of the batch.
 */
export const shareOfBatch = (rows: number, world: FeedOptions["world"]): readonly [number, number] =>
  world === undefined || rows < 2 * world.size ? [0, rows] : shareOf(rows, world);

/** A rank's share of a batch of `whole` rows, given its first row and count: undefined if it has all rows. */
export const batchShare = (whole: number, first: number, count: number): BatchShare | undefined =>
  count === whole ? undefined : { first, count, whole };

/** No row is dropped: a single remaining row joins the batch before it, so that batch norm can train on it. */
export const samplerOf = (
  length: number,
  { batchSize, seed }: Pick<FeedOptions, "batchSize" | "seed">,
  shuffle = true,
): BatchSampler =>
  new BatchSampler(length, { batchSize: Math.min(batchSize, length), shuffle, joinSingle: true, seed });

/** A feed of data in memory: fully shuffled, and always available. */
export class MemoryFeed implements Feed {
  readonly samples: Samples;
  readonly #sampler: BatchSampler;
  readonly #grouping: Grouping;

  constructor(samples: Samples, sampler: BatchSampler, accumulate = 1) {
    this.samples = samples;
    this.#sampler = sampler;
    this.#grouping = new Grouping(accumulate);
  }

  get epoch(): number {
    return this.#sampler.epoch;
  }

  get coming(): Coming {
    return this.#sampler.batchesLeft > 0 ? "rows" : "end";
  }

  next(): Batch {
    const place = this.#grouping.next(this.#sampler.batchesLeft);
    const rows = this.#sampler.take();
    if (rows === undefined) throw new HebbError("the epoch is over; start the next one");
    return { samples: this.samples, rows, place };
  }

  takeBack(): void {
    const state = this.#sampler.state();
    this.#sampler.restore({ ...state, batch: state.batch - 1 });
    this.#grouping.back();
  }

  get taken(): number {
    return this.#grouping.taken;
  }

  async read(): Promise<void> {}

  startEpoch(): void {
    this.#sampler.startEpoch(this.#sampler.epoch + 1);
  }

  state(): FeedState {
    return { ...this.#sampler.state(), part: 0 };
  }

  restore(state: FeedState): void {
    if (state.part !== 0)
      throw new HebbError(
        "the saved state belongs to streamed rows, and these are in memory; resume with the same data",
      );
    this.#sampler.restore(state);
    this.#grouping.reset();
  }

  goOnWithin(taken: number): void {
    this.#grouping.reset(taken);
  }

  close(): void {}
}

export interface RowStreamOptions {
  /** The number of rows in an epoch. */
  readonly length: number;
  /** Some rows, kept in memory: for the shape of a step, and for the doctor. */
  readonly sample: Dataset;
  /** The rows of an epoch, part by part. The same epoch always has the same parts in the same order. */
  parts(epoch: number): AsyncIterable<Dataset>;
  /**
   * The same rows in the same parts, not yet converted to numbers: each rank converts only its own rows. Default: `parts`, of which every rank takes
   * its share.
   */
  records?: ((epoch: number) => AsyncIterable<PartRows>) | undefined;
}

/** Rows that do not fit in memory: read again in every epoch, shuffled within each part. */
export class RowStream {
  readonly length: number;
  readonly sample: Dataset;
  readonly parts: RowStreamOptions["parts"];
  readonly records: RowStreamOptions["records"];

  constructor(options: RowStreamOptions) {
    const { length, sample, records } = options;
    if (!(Number.isSafeInteger(length) && length >= 1))
      throw new HebbError(`a stream of rows needs at least one, got ${length}`);
    this.length = length;
    this.sample = sample;
    // Called as methods of the options object, which they may need as `this`.
    this.parts = (epoch) => options.parts(epoch);
    this.records = records && ((epoch) => records.call(options, epoch));
  }
}
