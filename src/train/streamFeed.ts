// A feed of rows that arrive in parts, one of which is held at a time. Rows that do not fill an update wait for the next part.
import { type BatchSampler, Dataset } from "../data/index.ts";
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import {
  type Feed,
  type FeedOptions,
  type FeedState,
  grouped,
  type Part,
  Resident,
  type RowStream,
  samplerOf,
} from "./feeds.ts";

const join = (a: TypedArray, b: TypedArray, make: (length: number) => TypedArray): TypedArray => {
  const all = make(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
};

/** The rows of both, in this order. */
function joined(first: Dataset | undefined, second: Dataset | undefined): Dataset | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const { features, targets } = first;
  const ones = (data: Dataset): Float32Array => data.weights ?? new Float32Array(data.length).fill(1);
  const weights = new Float32Array(first.length + second.length);
  weights.set(ones(first));
  weights.set(ones(second), first.length);
  return new Dataset({
    features: join(features.data, second.features.data, (length) => allocate(features.dtype, length)),
    featureShape: features.shape,
    targets: join(targets.data, second.targets.data, (length) => allocate(targets.dtype, length)),
    targetShape: targets.shape,
    ...(first.weights === undefined && second.weights === undefined ? {} : { weights }),
  });
}

/** The rows of a part that are trained on now, in their order; the others wait for the next part. */
interface Portion {
  readonly rows: Dataset;
  readonly order: Int32Array;
}

export class StreamFeed implements Feed {
  readonly samples: Resident;
  readonly #stream: RowStream;
  readonly #options: FeedOptions;
  #epoch = 0;
  #part = 0;
  /** Batches of the present part handed out before it was read. */
  #skip = 0;
  #current: BatchSampler | undefined;

  constructor(stream: RowStream, options: FeedOptions) {
    this.#stream = stream;
    this.#options = options;
    this.samples = new Resident(stream.sample, stream.sample.weights, false);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The parts of the epoch, each cut where an update ends; the last holds what remained. */
  async *#portions(accumulate: number): AsyncGenerator<Portion> {
    const { batchSize, seed } = this.#options;
    const group = batchSize * accumulate;
    let [part, count] = [0, 0];
    let waiting: Dataset | undefined;
    const shuffled = (rows: Dataset): Int32Array =>
      samplerOf(rows.length, { batchSize, seed: seed + part }).permutation(this.#epoch);
    for await (const own of this.#stream.parts(this.#epoch)) {
      count += own.length;
      const rows = joined(waiting, own) ?? own;
      // At least two rows wait, so that none is left alone at the end.
      const taken = group * Math.max(0, Math.floor((rows.length - 2) / group));
      const order = shuffled(rows);
      waiting = rows.subset(order.subarray(taken));
      part++;
      yield { rows, order: order.subarray(0, taken) };
    }
    if (count !== this.#stream.length)
      throw new HebbError(
        `the stream yielded ${count} rows in epoch ${this.#epoch + 1}, but its length is ${this.#stream.length}; give the number of rows that all parts have together`,
      );
    if (waiting !== undefined) yield { rows: waiting, order: shuffled(waiting) };
  }

  async *parts(accumulate: number): AsyncGenerator<Part> {
    let number = 0;
    for await (const { rows, order } of this.#portions(accumulate)) {
      if (number++ < this.#part) continue;
      if (order.length > 0) {
        const sampler = samplerOf(order.length, this.#options, false);
        sampler.restore({ ...sampler.state(), batch: Math.min(this.#skip, sampler.batchCount) });
        this.#current = sampler;
        yield { samples: new Resident(rows), batches: () => grouped(sampler, accumulate, order) };
      }
      [this.#part, this.#skip, this.#current] = [number, 0, undefined];
    }
    this.#epoch++;
    this.#part = 0;
  }

  state(): FeedState {
    const { batchSize, seed } = this.#options;
    const batch = this.#current?.state().batch ?? this.#skip;
    const { length } = this.#stream;
    const fixed = { shuffle: true, dropLast: false, joinSingle: true };
    return { epoch: this.#epoch, part: this.#part, batch, seed, length, batchSize, ...fixed };
  }

  restore(state: FeedState): void {
    for (const key of ["length", "batchSize", "seed"] as const)
      if (state[key] !== this.state()[key])
        throw new HebbError(
          `the saved state of the stream has ${key} ${state[key]}, this one ${this.state()[key]}; resume with the same data and settings`,
        );
    [this.#epoch, this.#part, this.#skip, this.#current] = [state.epoch, state.part, state.batch, undefined];
  }
}
