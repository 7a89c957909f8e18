// The samples of each batch: a seeded order, fully determined by epoch and position, so that a resumed run continues exactly.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { Random } from "./random.ts";

export interface SamplerOptions {
  /** Samples in a batch (default 1, as in PyTorch). */
  readonly batchSize?: number;
  /** Reshuffle in every epoch (default false). */
  readonly shuffle?: boolean;
  /** Drop a smaller last batch (default false). */
  readonly dropLast?: boolean;
  /** Append a single last sample to the batch before it, as layers such as BatchNorm cannot train on one sample (default false). */
  readonly joinSingle?: boolean;
  /** The seed of the order (default 0). */
  readonly seed?: number;
}

const batchKinds: OptionKinds<Omit<SamplerOptions, "seed" | "shuffle">> = {
  batchSize: kind.number,
  dropLast: kind.boolean,
  joinSingle: kind.boolean,
};
const samplerKinds: OptionKinds<SamplerOptions> = {
  ...batchKinds,
  shuffle: kind.boolean,
  seed: kind.number,
};

/** The position of a sampler. Plain JSON; `batch` counts the batches of this epoch already handed out. */
export interface SamplerState {
  readonly epoch: number;
  readonly batch: number;
  readonly seed: number;
  readonly length: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly joinSingle: boolean;
}

/** The number of batches for `length` samples. */
export function batchesIn(length: number, options: Omit<SamplerOptions, "seed" | "shuffle">): number {
  return batchCount(length, checkOptions("batchesIn", options, batchKinds));
}

function batchCount(length: number, { batchSize = 1, dropLast = false, joinSingle = false }: SamplerOptions): number {
  const whole = Math.floor(length / batchSize);
  const rest = length - whole * batchSize;
  return rest === 0 || dropLast || (joinSingle && rest === 1 && whole > 0) ? whole : whole + 1;
}

/** The first shuffle stream, one per epoch, separate from the streams of splits. */
const shuffleStream = 0x10000000;

/**
 * Yields batches of sample indices. One iteration yields the rest of the current epoch and then moves to the next. The order of epoch e is
 * `new Random(seed, 0x10000000 + e).permutation(length)`, independent of earlier draws.
 */
export class BatchSampler {
  readonly length: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly joinSingle: boolean;
  readonly seed: number;
  /** Batches in an epoch. */
  readonly batchCount: number;
  private currentEpoch = 0;
  private nextBatch = 0;
  private order: { readonly epoch: number; readonly indices: Int32Array } | undefined;

  constructor(length: number, options: SamplerOptions = {}) {
    checkOptions("BatchSampler", options, samplerKinds);
    const { batchSize = 1, shuffle = false, dropLast = false, joinSingle = false, seed = 0 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new HebbError(`batchSize ${batchSize} is not a whole number ≥ 1`);
    }
    if (!Number.isInteger(length) || length < 1)
      throw new HebbError(
        `BatchSampler: cannot make batches of ${kind.describe(length)} samples; give at least one sample`,
      );
    if (dropLast && length < batchSize) {
      throw new HebbError(
        `dropLast with batchSize ${batchSize} leaves no batch of ${length} samples; use a smaller batchSize or dropLast: false`,
      );
    }
    this.length = length;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.joinSingle = joinSingle;
    this.seed = new Random(seed).seed;
    this.batchCount = batchCount(length, this);
  }

  /** The epoch that the next batch belongs to, from 0. */
  get epoch(): number {
    return this.currentEpoch;
  }

  /** The order of all samples in an epoch. */
  permutation(epoch: number): Int32Array {
    if (this.order?.epoch !== epoch) {
      const indices = this.shuffle
        ? new Random(this.seed, shuffleStream + epoch).permutation(this.length)
        : Int32Array.from({ length: this.length }, (_, i) => i);
      this.order = { epoch, indices };
    }
    return this.order.indices;
  }

  /** Batches of the current epoch that have not been handed out. */
  get batchesLeft(): number {
    return this.batchCount - this.nextBatch;
  }

  /** The next batch of sample indices; undefined from the end of the epoch until the next one starts. */
  take(): Int32Array | undefined {
    if (this.batchesLeft === 0) return undefined;
    const start = this.nextBatch * this.batchSize;
    // Counted before the batch is returned, so that a state saved while it is in use points to the next one.
    this.nextBatch++;
    const last = this.batchesLeft === 0 && !this.dropLast;
    return this.permutation(this.currentEpoch).slice(start, last ? this.length : start + this.batchSize);
  }

  /** The rest of the current epoch, one batch of sample indices after another; then the next epoch begins. */
  *batches(): Generator<Int32Array, void, void> {
    const epoch = this.currentEpoch;
    while (this.currentEpoch === epoch) {
      const batch = this.take();
      if (batch === undefined) this.startEpoch(epoch + 1);
      else yield batch;
    }
  }

  /** Moves to the start of an epoch. */
  startEpoch(epoch: number): void {
    if (!Number.isInteger(epoch) || epoch < 0 || epoch > 0xe0000000)
      throw new HebbError(`epoch ${epoch} is not a whole number ≥ 0`);
    this.currentEpoch = epoch;
    this.nextBatch = 0;
  }

  state(): SamplerState {
    const { length, batchSize, shuffle, dropLast, joinSingle, seed } = this;
    return { epoch: this.currentEpoch, batch: this.nextBatch, seed, length, batchSize, shuffle, dropLast, joinSingle };
  }

  /** Moves to a saved position. Throws HebbError if the state is of other data or settings, since the order would differ. */
  restore(state: SamplerState): void {
    const mine = this.state();
    for (const key of ["length", "batchSize", "shuffle", "dropLast", "joinSingle", "seed"] as const) {
      if (state[key] !== mine[key]) {
        throw new HebbError(
          `the saved loader state has ${key} ${String(state[key])}, and this loader has ${String(mine[key])}; resume with the same data and settings`,
        );
      }
    }
    if (!Number.isInteger(state.batch) || state.batch < 0 || state.batch > this.batchCount) {
      throw new HebbError(
        `the saved loader state is at batch ${state.batch}, but an epoch has ${this.batchCount}; the state is damaged`,
      );
    }
    this.startEpoch(state.epoch);
    this.nextBatch = state.batch;
  }
}
