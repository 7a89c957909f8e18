// Embedding: a learned row for each of a fixed number of symbols.
import { HebbError, ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { arange, Parameter, type Tensor, where } from "../tensor/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/**
 * Rows of the table [num, dim]: int32 [*] → [*, dim]. No gradient reaches the row of `paddingIdx`. An index outside the table is
 * an error when run. Source: torch.nn.functional.embedding.
 */
export function embedding(index: Tensor, weight: Tensor, paddingIdx?: number): Tensor {
  const [count, width] = weight.shape;
  if (count === undefined || width === undefined || weight.rank !== 2)
    throw new ShapeError(`embedding: the table must be [num, dim], got ${formatShape(weight.shape)}`);
  const flat = index.reshape([index.size]);
  const rows = weight.indexSelect(0, flat);
  if (paddingIdx === undefined) return rows.reshape([...index.shape, width]);
  const padding = flat.eq(paddingIdx < 0 ? paddingIdx + count : paddingIdx).unsqueeze(1);
  return where(padding, rows.detach(), rows).reshape([...index.shape, width]);
}

/** A table [numEmbeddings, embeddingDim], normal at first, zero at `paddingIdx`. Source: torch.nn.Embedding. */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | undefined;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    options: { readonly paddingIdx?: number; readonly dtype?: init.FloatDType } = {},
  ) {
    super();
    const { paddingIdx } = options;
    if (paddingIdx !== undefined && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      throw new HebbError(`Embedding: paddingIdx ${paddingIdx} is outside a table of ${numEmbeddings} rows`);
    }
    this.paddingIdx = paddingIdx;
    this.weight = new Parameter(init.blank([numEmbeddings, embeddingDim], options.dtype));
    init.normal(this.weight);
    if (paddingIdx === undefined) return;
    const rows = arange(numEmbeddings).reshape([numEmbeddings, 1]);
    this.weight.assign(where(rows.eq(paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx), 0, this.weight));
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, this.paddingIdx);
  }
}
