// Self-attention of pretrained transformers: fused or separate projections, grouped heads, rotary embeddings, a key–value cache.
import { functional, type Module as Layer, Linear, Module, RMSNorm } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { LayerCache } from "./cache.ts";
import { type Rotation, rotate } from "./rope.ts";

export interface AttentionSpec {
  readonly width: number;
  readonly heads: number;
  /** Fewer than `heads` if several queries share keys and values. */
  readonly keyValueHeads: number;
  readonly headWidth: number;
  /** One joint projection for queries, keys and values, or one for each. */
  readonly projections: "fused" | "separate";
  readonly bias: { readonly query: boolean; readonly key: boolean; readonly value: boolean; readonly output: boolean };
  /** The eps of the norm of queries and keys in each head, if there is one. */
  readonly queryKeyNorm?: number | undefined;
  /** Dropout of the attention weights, in training. */
  readonly dropout: number;
}

/** Inputs shared by all layers of one forward pass. */
export interface Pass {
  /** True: included. Broadcast to [N, heads, L, S]. Without it, every position sees all, or those before it if causal. */
  readonly mask?: Tensor | undefined;
  readonly causal: boolean;
  readonly rotation?: Rotation | undefined;
}

export class Attention extends Module<Tensor, [x: Tensor, pass: Pass, cache?: LayerCache | undefined]> {
  readonly qkv: Layer | undefined;
  readonly query: Layer | undefined;
  readonly key: Layer | undefined;
  readonly value: Layer | undefined;
  readonly output: Layer;
  readonly queryNorm: RMSNorm | undefined;
  readonly keyNorm: RMSNorm | undefined;
  readonly spec: AttentionSpec;

  constructor(spec: AttentionSpec) {
    super();
    this.spec = spec;
    const { width, heads, keyValueHeads, headWidth, bias, queryKeyNorm } = spec;
    const [queries, keys] = [heads * headWidth, keyValueHeads * headWidth];
    if (spec.projections === "fused") this.qkv = new Linear(width, queries + 2 * keys, { bias: bias.query });
    else {
      this.query = new Linear(width, queries, { bias: bias.query });
      this.key = new Linear(width, keys, { bias: bias.key });
      this.value = new Linear(width, keys, { bias: bias.value });
    }
    this.output = new Linear(queries, width, { bias: bias.output });
    if (queryKeyNorm === undefined) return;
    this.queryNorm = new RMSNorm(headWidth, { eps: queryKeyNorm });
    this.keyNorm = new RMSNorm(headWidth, { eps: queryKeyNorm });
  }

  /** [N, L, width] → [N, L, width] */
  forward(x: Tensor, pass: Pass, cache?: LayerCache): Tensor {
    const { heads, keyValueHeads, headWidth, dropout } = this.spec;
    const [batch = 0, length = 0] = x.shape;
    const [q, k, v] = this.#projected(x);
    const split = (part: Tensor, count: number): Tensor =>
      part.reshape([batch, length, count, headWidth]).transpose(1, 2);
    let query = split(q, heads);
    let key = split(k, keyValueHeads);
    let value = split(v, keyValueHeads);
    if (this.queryNorm !== undefined && this.keyNorm !== undefined) {
      query = this.queryNorm.forward(query);
      key = this.keyNorm.forward(key);
    }
    if (pass.rotation !== undefined) [query, key] = [rotate(query, pass.rotation), rotate(key, pass.rotation)];
    if (cache !== undefined) [key, value] = cache.extend(key, value);
    const seen = functional.scaledDotProductAttention(query, key, value, {
      attnMask: pass.mask,
      isCausal: pass.causal && pass.mask === undefined,
      dropoutP: this.training ? dropout : 0,
      enableGqa: keyValueHeads !== heads,
    });
    return this.output.forward(seen.transpose(1, 2).reshape([batch, length, heads * headWidth]));
  }

  #projected(x: Tensor): readonly [query: Tensor, key: Tensor, value: Tensor] {
    const { qkv, query, key, value } = this;
    if (query !== undefined && key !== undefined && value !== undefined)
      return [query.forward(x), key.forward(x), value.forward(x)];
    const { heads, keyValueHeads, headWidth } = this.spec;
    const [queries, keys] = [heads * headWidth, keyValueHeads * headWidth];
    const all = qkv?.forward(x) ?? x;
    return [
      all.slice(-1, 0, queries),
      all.slice(-1, queries, queries + keys),
      all.slice(-1, queries + keys, queries + 2 * keys),
    ];
  }
}
