// Mini-batches as tensors: a data set, a sampler, and the state that resumes both.
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import { Dataset, type Field, gatherSamples } from "./dataset.ts";
import { BatchSampler, type SamplerOptions, type SamplerState } from "./sampler.ts";

const toTensor = (field: Field, indices: ArrayLike<number>): Tensor =>
  tensor(gatherSamples(field, indices), { dtype: field.dtype }).reshape([indices.length, ...field.shape]);

/**
 * Iterates over `[x, y]`: features [batch, …] and targets [batch, …] of the samples of each batch. One pass is the rest of the current
 * epoch. Options and defaults as in BatchSampler (PyTorch's DataLoader: batchSize 1, no shuffling).
 */
export class DataLoader {
  readonly dataset: Dataset;
  readonly sampler: BatchSampler;

  constructor(dataset: Dataset, options: SamplerOptions = {}) {
    checkKind("DataLoader", "the data set", dataset, kind.instanceOf(Dataset, "a Dataset"));
    this.dataset = dataset;
    this.sampler = new BatchSampler(dataset.length, options);
  }

  /** Batches in an epoch. */
  get length(): number {
    return this.sampler.batchCount;
  }

  get epoch(): number {
    return this.sampler.epoch;
  }

  *[Symbol.iterator](): Generator<[Tensor, Tensor], void, void> {
    for (const indices of this.sampler.batches()) yield this.batch(indices);
  }

  /** The same batches as sample indices, for a step that gathers its own rows. Both iterations advance the same state. */
  indexBatches(): Generator<Int32Array, void, void> {
    return this.sampler.batches();
  }

  /** Features and targets of these samples. */
  batch(indices: ArrayLike<number>): [Tensor, Tensor] {
    return [toTensor(this.dataset.features, indices), toTensor(this.dataset.targets, indices)];
  }

  state(): SamplerState {
    return this.sampler.state();
  }

  restore(state: SamplerState): void {
    this.sampler.restore(state);
  }
}
