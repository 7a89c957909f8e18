// Input embeddings of a transformer: tokens, positions and types, with or without a norm.
import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import { Embedding, functional, Module } from "../../nn/index.ts";
import { arange, type Tensor } from "../../tensor/index.ts";
import { type NormSpec, norm } from "./norm.ts";

/** The position of the first token: 0, or after the padding token's own id, counting only tokens that are not padding. */
export type Counting = { readonly kind: "all" } | { readonly kind: "afterPadding"; readonly padding: number };

export interface EmbeddingsSpec {
  readonly vocabulary: number;
  readonly width: number;
  /** Rows of the position table; without it, positions enter elsewhere. */
  readonly positions?: number | undefined;
  readonly counting?: Counting;
  readonly types?: number | undefined;
  readonly norm?: NormSpec | undefined;
  readonly dropout: number;
}

export interface TextInputs {
  /** [N, L], 0 or false for padding. */
  readonly attentionMask?: Tensor | undefined;
  /** [N, L] int32: the segment of a token in a pair of texts. Default 0. */
  readonly tokenTypes?: Tensor | undefined;
}

export class TextEmbeddings extends Module<Tensor, [ids: Tensor, positions: Tensor, types?: Tensor | undefined]> {
  readonly tokens: Embedding;
  readonly positions: Embedding | undefined;
  readonly types: Embedding | undefined;
  readonly norm: Module | undefined;
  readonly spec: EmbeddingsSpec;

  constructor(spec: EmbeddingsSpec) {
    super();
    this.spec = spec;
    const { vocabulary, width, positions, types } = spec;
    this.tokens = new Embedding(vocabulary, width);
    if (positions !== undefined) this.positions = new Embedding(positions, width);
    if (types !== undefined) this.types = new Embedding(types, width);
    if (spec.norm !== undefined) this.norm = norm(width, spec.norm);
  }

  /** ids [N, L], positions [L] or [N, L] → [N, L, width] */
  forward(ids: Tensor, positions: Tensor, types?: Tensor): Tensor {
    let x = this.tokens.forward(ids);
    if (this.positions !== undefined) x = x.add(this.positions.forward(positions));
    if (this.types !== undefined)
      x = x.add(types === undefined ? this.types.weight.select(0, 0) : this.types.forward(types));
    if (this.norm !== undefined) x = this.norm.forward(x);
    return functional.dropout(x, this.spec.dropout, this.training);
  }

  /** The positions of these tokens. */
  positionsOf(ids: Tensor): Tensor {
    const [, length = 0] = ids.shape;
    const { counting, positions } = this.spec;
    const skipped = counting?.kind === "afterPadding" ? counting.padding + 1 : 0;
    if (positions !== undefined && length > positions - skipped)
      throw new ShapeError(
        `${length} tokens ${formatShape(ids.shape)} are more than the ${positions - skipped} positions of this model; cut the text`,
      );
    if (counting === undefined || counting.kind === "all") return arange(length);
    const counted = ids.ne(counting.padding).to("int32");
    return counted.cumsum(1).mul(counted).add(counting.padding);
  }
}
