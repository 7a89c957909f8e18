// Decoders: causal text transformers with a key–value cache for generation, and language models on top of them.
import { HebbError } from "../graph/errors.ts";
import { functional, Linear, Module } from "../nn/index.ts";
import { arange, type Tensor } from "../tensor/index.ts";
import type { Pass } from "./parts/attention.ts";
import { type Block, type BlockSpec, blocks } from "./parts/block.ts";
import { KeyValueCache } from "./parts/cache.ts";
import { type EmbeddingsSpec, TextEmbeddings, type TextInputs } from "./parts/embeddings.ts";
import { type NormSpec, norm } from "./parts/norm.ts";
import { type RopeSpec, rotation } from "./parts/rope.ts";

export interface DecoderSpec {
  readonly layers: number;
  readonly embeddings: EmbeddingsSpec;
  readonly block: BlockSpec;
  readonly rope?: RopeSpec | undefined;
  /** The number of visible positions: the current one and those before it. */
  readonly window?: number | undefined;
  /** The longest supported sequence. */
  readonly context: number;
  readonly norm: NormSpec;
}

/** ids [N, L] → hidden states [N, L, width] */
export class Decoder extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  readonly embeddings: TextEmbeddings;
  readonly blocks: readonly Block[];
  readonly norm: Module;
  readonly spec: DecoderSpec;

  constructor(spec: DecoderSpec) {
    super();
    this.spec = spec;
    this.embeddings = new TextEmbeddings(spec.embeddings);
    this.blocks = blocks(spec.layers, spec.block);
    this.norm = norm(spec.embeddings.width, spec.norm);
  }

  get width(): number {
    return this.spec.embeddings.width;
  }

  forward(ids: Tensor, { attentionMask }: TextInputs = {}): Tensor {
    const positions = this.embeddings.positionsOf(ids);
    return this.#through(ids, positions, { causal: true, mask: this.#mask(ids, attentionMask) });
  }

  /** The hidden states of `ids` [N, C] at positions from `start` [1] on; earlier positions are in the cache. */
  step(ids: Tensor, start: Tensor, cache: KeyValueCache, parents?: Tensor): Tensor {
    const [, count = 0] = ids.shape;
    // Positions past the end are padding, whose results are not used.
    const positions = start.add(arange(count)).clamp(0, cache.shape.length - 1);
    const mask = this.#visible(positions, arange(cache.shape.length));
    return this.#through(ids, positions, { causal: true, mask }, (place) => cache.layer(place, start, count, parents));
  }

  /** An empty cache for this many positions. */
  makeCache(length: number, batch = 1): KeyValueCache {
    const { attention } = this.spec.block;
    const { positions } = this.spec.embeddings;
    if (positions !== undefined && length > positions)
      throw new HebbError(`a cache of ${length} positions is longer than the ${positions} that this model knows`);
    const { keyValueHeads: heads, headWidth } = attention;
    return new KeyValueCache({ batch, layers: this.blocks.length, heads, headWidth, length });
  }

  #through(
    ids: Tensor,
    positions: Tensor,
    pass: Pass,
    cache?: (place: number) => ReturnType<KeyValueCache["layer"]>,
  ): Tensor {
    const { rope, block } = this.spec;
    const turned = rope === undefined ? undefined : rotation(positions, block.attention.headWidth, rope);
    let x = this.embeddings.forward(ids, positions);
    for (const [place, layer] of this.blocks.entries())
      x = layer.forward(x, { ...pass, rotation: turned }, cache?.(place));
    return this.norm.forward(x);
  }

  /** [L, S]: the keys visible to each query. */
  #visible(queries: Tensor, keys: Tensor): Tensor {
    const { window } = this.spec;
    const [rows, columns] = [queries.unsqueeze(1), keys.unsqueeze(0)];
    const before = columns.le(rows);
    return window === undefined ? before : before.logicalAnd(columns.gt(rows.sub(window)));
  }

  #mask(ids: Tensor, attentionMask: Tensor | undefined): Tensor | undefined {
    const [batch = 0, length = 0] = ids.shape;
    const { window } = this.spec;
    if (attentionMask === undefined && (window === undefined || window >= length)) return undefined;
    const places = arange(length);
    const visible = this.#visible(places, places);
    return attentionMask === undefined
      ? visible
      : visible.logicalAnd(attentionMask.ne(0).reshape([batch, 1, 1, length]));
  }
}

/** The logits of each next token: ids [N, L] → [N, L, vocabulary]. */
export class CausalLanguageModel extends Module<Tensor, [ids: Tensor, inputs?: TextInputs]> {
  readonly body: Decoder;
  /** Absent if tied: the token embedding is used instead. */
  readonly head: Module | undefined;

  constructor(body: Decoder, tied: boolean) {
    super();
    this.body = body;
    if (!tied) this.head = new Linear(body.width, body.spec.embeddings.vocabulary, { bias: false });
  }

  forward(ids: Tensor, inputs: TextInputs = {}): Tensor {
    return this.logits(this.body.forward(ids, inputs));
  }

  logits(hidden: Tensor): Tensor {
    return this.head === undefined
      ? functional.linear(hidden, this.body.embeddings.tokens.weight)
      : this.head.forward(hidden);
  }
}
