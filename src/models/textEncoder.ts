// Text encoders: every token attends to all others.
import { Linear, Module } from "../nn/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { type Block, type BlockSpec, blocks } from "./parts/block.ts";
import { type EmbeddingsSpec, TextEmbeddings, type TextInputs } from "./parts/embeddings.ts";

export interface TextEncoderSpec {
  readonly layers: number;
  readonly embeddings: EmbeddingsSpec;
  readonly block: BlockSpec;
}

/** ids [N, L] → hidden states [N, L, width] */
export class TextEncoder extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  /** Bundlers rename the class, since the platform has a TextEncoder too. */
  static override readonly name = "TextEncoder";
  readonly embeddings: TextEmbeddings;
  readonly blocks: readonly Block[];
  readonly pooler: Module | undefined;
  readonly spec: TextEncoderSpec;

  constructor(spec: TextEncoderSpec, pooler: boolean) {
    super();
    this.spec = spec;
    this.embeddings = new TextEmbeddings(spec.embeddings);
    this.blocks = blocks(spec.layers, spec.block);
    if (pooler) this.pooler = new Linear(this.width, this.width);
  }

  get width(): number {
    return this.spec.embeddings.width;
  }

  forward(ids: Tensor, { attentionMask, tokenTypes }: TextInputs = {}): Tensor {
    const [batch = 0, length = 0] = ids.shape;
    const mask = attentionMask?.ne(0).reshape([batch, 1, 1, length]);
    let x = this.embeddings.forward(ids, this.embeddings.positionsOf(ids), tokenTypes);
    for (const block of this.blocks) x = block.forward(x, { causal: false, mask });
    return x;
  }

  /** The vector of the first token, after the pooler if there is one: [N, width]. */
  pooled(hidden: Tensor): Tensor {
    const first = hidden.select(1, 0);
    return this.pooler === undefined ? first : this.pooler.forward(first).tanh();
  }
}
