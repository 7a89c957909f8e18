// Embedding: a learned row for each of a fixed number of symbols.
import { HebbError } from "../graph/errors.ts";
import { Parameter, type Tensor, tensor, where } from "../tensor/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/** Rows of the table: int32 [*] → [*, dim]. No gradient reaches the row of `paddingIdx`. Source: torch.nn.functional.embedding. */
export function embedding(index: Tensor, weight: Tensor, paddingIdx?: number): Tensor {
  const [count, width] = weight.shape as [number, number];
  const flat = index.reshape([index.size]);
  if (paddingIdx === undefined) return weight.indexSelect(0, flat).reshape([...index.shape, width]);
  const place = paddingIdx < 0 ? paddingIdx + count : paddingIdx;
  const padding = flat.eq(place).reshape([index.size, 1]);
  const rows = where(padding, weight.detach().indexSelect(0, flat), weight.indexSelect(0, flat));
  return rows.reshape([...index.shape, width]);
}

/** A table [numEmbeddings, embeddingDim], normal at first, zero at `paddingIdx`. Source: torch.nn.Embedding. */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | undefined;

  constructor(numEmbeddings: number, embeddingDim: number, options: { readonly paddingIdx?: number } = {}) {
    super();
    const { paddingIdx } = options;
    if (paddingIdx !== undefined && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      throw new HebbError(`Embedding: paddingIdx ${paddingIdx} is outside a table of ${numEmbeddings} rows`);
    }
    this.paddingIdx = paddingIdx;
    this.weight = new Parameter(init.blank([numEmbeddings, embeddingDim]));
    init.normal(this.weight);
    if (paddingIdx === undefined) return;
    const rows = tensor(Int32Array.from({ length: numEmbeddings }, (_, row) => row)).reshape([numEmbeddings, 1]);
    this.weight.assign(where(rows.eq(paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx), 0, this.weight));
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, this.paddingIdx);
  }
}
