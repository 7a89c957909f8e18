// A feed of rows that arrive in parts, one in memory at a time. Rows that do not fill an update wait for the next part.
import { type BatchSampler, Dataset } from "../data/index.ts";
import type { PartRows } from "../data/partRows.ts";
import { at } from "../graph/at.ts";
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import {
  type Batch,
  batchShare,
  type Coming,
  type Feed,
  type FeedOptions,
  type FeedState,
  Grouping,
  Resident,
  type RowStream,
  samplerOf,
  shareOfBatch,
} from "./feeds.ts";

const join = (a: TypedArray, b: TypedArray, make: (length: number) => TypedArray): TypedArray => {
  const all = make(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
};

/** The rows of both, in this order. */
function joined(first: Dataset, second: Dataset): Dataset {
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

/** Rows already converted to numbers. */
class MadeRows implements PartRows {
  readonly #data: Dataset;

  constructor(data: Dataset) {
    this.#data = data;
  }

  get length(): number {
    return this.#data.length;
  }

  pick(places: ArrayLike<number>): MadeRows {
    return new MadeRows(this.#data.subset(places));
  }

  followedBy(others: PartRows): MadeRows {
    return new MadeRows(joined(this.#data, others.dataset()));
  }

  dataset(places?: ArrayLike<number>): Dataset {
    return places === undefined ? this.#data : this.#data.subset(places);
  }
}

/** The rows of a part to train on now, in order; the others wait for the next part. */
interface Portion {
  readonly rows: PartRows;
  readonly order: Int32Array;
}

/** This process's share of a portion: its rows, and the rows of each batch. */
interface Taken {
  readonly rows: Resident;
  readonly batches: readonly Pick<Batch, "rows" | "share">[];
}

export class StreamFeed implements Feed {
  readonly samples: Resident;
  readonly #stream: RowStream;
  readonly #options: FeedOptions;
  readonly #grouping: Grouping;
  #epoch = 0;
  #part = 0;
  /** Batches of the current part that were handed out before it was read. */
  #skip = 0;
  /** The current part, and those after it; undefined until it is read. */
  #current: (Taken & { readonly sampler: BatchSampler }) | undefined;
  #portions: AsyncGenerator<Portion> | undefined;
  #ended = false;

  constructor(stream: RowStream, options: FeedOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#grouping = new Grouping(options.accumulate);
    this.samples = new Resident(stream.sample, stream.sample.weights, false);
  }

  get epoch(): number {
    return this.#epoch;
  }

  get coming(): Coming {
    if (this.#ended) return "end";
    return this.#current !== undefined && this.#current.sampler.batchesLeft > 0 ? "rows" : "read";
  }

  next(): Batch {
    if (this.#current === undefined) throw new HebbError("the rows of the next batch have not been read");
    const { sampler, rows, batches } = this.#current;
    const place = this.#grouping.next(sampler.batchesLeft);
    const { batch } = sampler.state();
    sampler.take();
    return { samples: rows, ...at(batches, batch), place };
  }

  takeBack(): void {
    const sampler = this.#current?.sampler;
    if (sampler === undefined) return;
    const state = sampler.state();
    sampler.restore({ ...state, batch: state.batch - 1 });
    this.#grouping.back();
  }

  get taken(): number {
    return this.#grouping.taken;
  }

  async read(): Promise<void> {
    while (this.coming === "read") {
      if (this.#current !== undefined) [this.#part, this.#skip, this.#current] = [this.#part + 1, 0, undefined];
      this.#portions ??= this.#from(this.#part);
      const next = await this.#portions.next();
      if (next.done === true) {
        this.#ended = true;
        return;
      }
      const { rows, order } = next.value;
      if (order.length === 0) {
        this.#part++;
        continue;
      }
      const sampler = samplerOf(order.length, this.#options, false);
      sampler.restore({ ...sampler.state(), batch: Math.min(this.#skip, sampler.batchCount) });
      this.#current = { sampler, ...this.#taken(rows, order, sampler.batchCount) };
    }
  }

  /** This rank's share of every batch. Rows of other ranks are never converted. */
  #taken(rows: PartRows, order: Int32Array, count: number): Taken {
    const { batchSize, world } = this.#options;
    const shares = Array.from({ length: count }, (_, batch) => {
      const start = batch * batchSize;
      const end = batch + 1 === count ? order.length : start + batchSize;
      const [from, to] = shareOfBatch(end - start, world);
      return { rows: order.slice(start + from, start + to), share: batchShare(end - start, from, to - from) };
    });
    if (world === undefined) return { rows: new Resident(rows.dataset()), batches: shares };
    const own = new Int32Array(shares.reduce((sum, { rows: { length } }) => sum + length, 0));
    let made = 0;
    const batches = shares.map(({ rows: places, share }) => {
      own.set(places, made);
      return { rows: places.map(() => made++), share };
    });
    return { rows: new Resident(rows.dataset(own)), batches };
  }

  startEpoch(): void {
    this.#epoch++;
    [this.#part, this.#skip] = [0, 0];
    this.#drop();
  }

  /** Drops the rows that were read. */
  #drop(): void {
    // Ending a reader closes its file.
    this.#portions?.return(undefined).catch(() => {});
    [this.#current, this.#portions, this.#ended] = [undefined, undefined, false];
    this.#grouping.reset();
  }

  async *#from(part: number): AsyncGenerator<Portion> {
    let number = 0;
    for await (const portion of this.#all()) if (number++ >= part) yield portion;
  }

  async *#rows(epoch: number): AsyncGenerator<PartRows> {
    const { records } = this.#stream;
    if (this.#options.world !== undefined && records !== undefined) yield* records(epoch);
    else for await (const part of this.#stream.parts(epoch)) yield new MadeRows(part);
  }

  /** The parts of the epoch, each cut at the end of an update; the last one holds the remainder. */
  async *#all(): AsyncGenerator<Portion> {
    const { batchSize, seed, accumulate } = this.#options;
    const epoch = this.#epoch;
    const group = batchSize * accumulate;
    let [part, count] = [0, 0];
    let waiting: PartRows | undefined;
    const shuffled = (rows: PartRows): Int32Array =>
      samplerOf(rows.length, { batchSize, seed: seed + part }).permutation(epoch);
    for await (const own of this.#rows(epoch)) {
      count += own.length;
      const rows = waiting === undefined ? own : waiting.followedBy(own);
      // At least two rows wait, so that no single row is left at the end.
      const taken = group * Math.max(0, Math.floor((rows.length - 2) / group));
      const order = shuffled(rows);
      waiting = rows.pick(order.subarray(taken));
      part++;
      yield { rows, order: order.subarray(0, taken) };
    }
    if (count !== this.#stream.length)
      throw new HebbError(
        `the stream yielded ${count} rows in epoch ${epoch + 1}, but its length is ${this.#stream.length}; give the number of rows that all parts have together`,
      );
    if (waiting !== undefined) yield { rows: waiting, order: shuffled(waiting) };
  }

  state(): FeedState {
    const { batchSize, seed } = this.#options;
    const batch = this.#current?.sampler.state().batch ?? this.#skip;
    const { length } = this.#stream;
    const fixed = { shuffle: true, dropLast: false, joinSingle: true };
    return { epoch: this.#epoch, part: this.#part, batch, seed, length, batchSize, ...fixed };
  }

  restore(state: FeedState): void {
    for (const key of ["length", "batchSize", "seed", "shuffle", "dropLast", "joinSingle"] as const)
      if (state[key] !== this.state()[key])
        throw new HebbError(
          `the saved state of the stream has ${key} ${state[key]}, this one ${this.state()[key]}; resume with the same data and settings`,
        );
    [this.#epoch, this.#part, this.#skip] = [state.epoch, state.part, state.batch];
    this.#drop();
  }

  goOnWithin(taken: number): void {
    this.#grouping.reset(taken);
  }

  close(): void {
    this.restore(this.state());
  }
}
