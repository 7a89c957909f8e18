// Training among ranks: each rank's share of a batch, broadcasts, and which rank prints. In a single process it changes nothing.
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { Sharding, type ZeroStage } from "../optim/sharding.ts";
import {
  broadcastNumbers,
  type Communicator,
  currentWorld,
  gatherTexts,
  setCurrentWorld,
  shareOf,
} from "../runtime/index.ts";
import type { Generator } from "../tensor/index.ts";
import type { Metrics } from "./events.ts";
import {
  type Batch,
  batchShare,
  type Coming,
  type Feed,
  type FeedState,
  type InMemory,
  RowStream,
  shareOfBatch,
} from "./feeds.ts";
import { fingerprintOfData, fingerprintOfWeights, shapesOf } from "./fingerprint.ts";
import { Holdings } from "./holdings.ts";
import { StreamFeed } from "./streamFeed.ts";

/** The training options that all ranks must agree on. */
interface Common {
  readonly train: InMemory | RowStream;
  readonly validation?: InMemory | undefined;
  readonly batchSize?: number;
  readonly accumulate?: number;
  readonly seed?: number;
}

export class Company {
  /** Undefined if this process trains alone. */
  readonly world: Communicator | undefined;

  /** `distributed`: train with the other ranks of the current world, if there are any. */
  constructor(distributed = true) {
    const world = currentWorld();
    this.world = distributed && world !== undefined && world.size > 1 ? world : undefined;
  }

  get size(): number {
    return this.world?.size ?? 1;
  }

  /** Whether this process writes and reports. */
  get speaks(): boolean {
    return this.world === undefined || this.world.rank === 0;
  }

  /** Splits the optimizer's updates over the ranks, if requested. */
  shard(optimizer: Optimizer, stage: ZeroStage | undefined): Sharding | undefined {
    if (this.world === undefined || stage === undefined) return undefined;
    const sharding = new Sharding(this.world, stage);
    optimizer.shard(sharding);
    return sharding;
  }

  /** How to hold arrays for going back: in parts, if ranks split the optimizer's state. */
  holdings(stage: ZeroStage | undefined): Holdings {
    return new Holdings(stage === undefined ? undefined : this.world);
  }

  /** A feed of this rank's share of each batch. A stream already reads only that. */
  share(feed: Feed): Feed {
    return this.world === undefined || feed instanceof StreamFeed ? feed : new SharedFeed(feed, this.world);
  }

  /** This rank's part of `count` rows: [first, end). */
  shareOf(count: number): readonly [number, number] {
    return this.world === undefined ? [0, count] : shareOf(count, this.world);
  }

  /** The sums of all ranks' numbers, in float64. */
  sums(own: readonly [number, number]): readonly [number, number] {
    if (this.world === undefined) return own;
    const [first = 0, second = 0] = this.world.allReduce(Float64Array.from(own));
    return [first, second];
  }

  /** The values of all `count` rows, in order. `pieces` holds those of this rank's share. */
  joined(pieces: readonly TypedArray[], count: number): Float32Array {
    const { world } = this;
    const [first, end] = this.shareOf(count);
    const own = pieces.reduce((sum, { length }) => sum + length, 0);
    // A rank without rows does not know the number of values per row.
    const width =
      world === undefined
        ? own / count
        : Number(world.allReduce(Float64Array.of(end > first ? own / (end - first) : 0), { combine: "max" })[0]);
    const share = world === undefined ? count : Math.ceil(count / world.size);
    const values = new Float32Array(share * width);
    let place = 0;
    for (const piece of pieces) {
      values.set(piece, place);
      place += piece.length;
    }
    if (world === undefined) return values;
    const gathered = world.allGather(values);
    const all = new Float32Array(count * width);
    for (let rank = 0; rank < world.size; rank++) {
      const [from, to] = shareOf(count, { rank, size: world.size });
      const start = rank * values.length;
      all.set(gathered.subarray(start, start + (to - from) * width), from * width);
    }
    return all;
  }

  /** Runs `body` on this rank alone: its layers do not communicate with other ranks. */
  apart<T>(body: () => T): T {
    const world = currentWorld();
    if (this.world === undefined || world === undefined) return body();
    setCurrentWorld(undefined);
    try {
      return body();
    } finally {
      setCurrentWorld(world);
    }
  }

  /** Rank 0's metrics. All ranks decide by the same bits, even if their processors round differently. */
  told<M extends Metrics | null>(figures: M): M {
    if (this.world === undefined || figures === null) return figures;
    const names = Object.keys(figures);
    const values = broadcastNumbers(this.world, Object.values(figures));
    return Object.fromEntries(names.map((name, place) => [name, values[place]])) as M;
  }

  /** Rank 0's answer. */
  decides(answer: boolean): boolean {
    return this.world === undefined ? answer : broadcastNumbers(this.world, [answer ? 1 : 0])[0] === 1;
  }

  /** Whether the answer of any rank is true. */
  any(answer: boolean): boolean {
    if (this.world === undefined) return answer;
    return this.world.allReduce(Float64Array.of(answer ? 1 : 0), { combine: "max" })[0] === 1;
  }

  /** The result of the first rank that found something. */
  firstFound<T>(found: T | undefined): T | undefined {
    if (this.world === undefined) return found;
    const texts = gatherTexts(this.world, found === undefined ? "" : JSON.stringify(found));
    const first = texts.find((text) => text !== "");
    return first === undefined ? undefined : (JSON.parse(first) as T);
  }

  /** Finds a rank whose training differs from rank 0's: other data, weights, seeds or batch sizes. */
  checkTraining(model: Module, options: Common, generator: Generator): void {
    const { world } = this;
    if (world === undefined) return;
    const { train, validation, batchSize = 32, accumulate = 1, seed = 0 } = options;
    const { key, calls } = generator.getState();
    const facts: Readonly<Record<string, string | number>> = {
      rows: train.length,
      data: train instanceof RowStream ? fingerprintOfData(train.sample) : fingerprintOfData(train),
      "validation data": fingerprintOfData(validation),
      seed,
      "random state": `${key.join(" ")} ${calls}`,
      batchSize,
      accumulate,
      "shapes of weights": shapesOf(model),
      weights: fingerprintOfWeights(model),
    };
    const [first = "{}", ...others] = gatherTexts(world, JSON.stringify(facts));
    const wanted: Readonly<Record<string, unknown>> = JSON.parse(first);
    for (const [place, text] of others.entries()) {
      const theirs: Readonly<Record<string, unknown>> = JSON.parse(text);
      const name = Object.keys(wanted).find((each) => theirs[each] !== wanted[each]);
      if (name !== undefined)
        throw new HebbError(
          `rank ${place + 1} differs from rank 0 in its ${name}: ${String(theirs[name])}, not ${String(wanted[name])}; start all ranks with the same program, data, seed and options`,
        );
    }
  }
}

/** Hands out this rank's part of each batch. */
class SharedFeed implements Feed {
  readonly #feed: Feed;
  readonly #world: Communicator;

  constructor(feed: Feed, world: Communicator) {
    this.#feed = feed;
    this.#world = world;
  }

  get samples(): Feed["samples"] {
    return this.#feed.samples;
  }

  get epoch(): number {
    return this.#feed.epoch;
  }

  get coming(): Coming {
    return this.#feed.coming;
  }

  next(): Batch {
    const batch = this.#feed.next();
    const { length } = batch.rows;
    const [first, end] = shareOfBatch(length, this.#world);
    return { ...batch, rows: batch.rows.slice(first, end), share: batchShare(length, first, end - first) };
  }

  takeBack(): void {
    this.#feed.takeBack();
  }

  get taken(): number {
    return this.#feed.taken;
  }

  read(): Promise<void> {
    return this.#feed.read();
  }

  startEpoch(): void {
    this.#feed.startEpoch();
  }

  state(): FeedState {
    return this.#feed.state();
  }

  restore(state: FeedState): void {
    this.#feed.restore(state);
  }

  goOnWithin(taken: number): void {
    this.#feed.goOnWithin(taken);
  }

  close(): void {
    this.#feed.close();
  }
}
