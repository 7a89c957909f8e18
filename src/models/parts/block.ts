// A transformer block, with the norm before or after each of its two parts, and a stack of blocks.
import { functional, Module } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { Attention, type AttentionSpec, type Pass } from "./attention.ts";
import type { LayerCache } from "./cache.ts";
import { FeedForward, type FeedForwardSpec } from "./feedForward.ts";
import { type NormSpec, norm } from "./norm.ts";

export interface BlockSpec {
  readonly attention: AttentionSpec;
  readonly feedForward: FeedForwardSpec;
  readonly norm: NormSpec;
  /** Normalises the input of each part instead of the resulting sum. */
  readonly normFirst: boolean;
}

export class Block extends Module<Tensor, [x: Tensor, pass: Pass, cache?: LayerCache | undefined]> {
  readonly attentionNorm: Module;
  readonly attention: Attention;
  readonly feedForwardNorm: Module;
  readonly feedForward: FeedForward;
  readonly normFirst: boolean;
  readonly dropout: number;

  constructor(spec: BlockSpec) {
    super();
    const { width, dropout } = spec.feedForward;
    this.attentionNorm = norm(width, spec.norm);
    this.attention = new Attention(spec.attention);
    this.feedForwardNorm = norm(width, spec.norm);
    this.feedForward = new FeedForward(spec.feedForward);
    this.normFirst = spec.normFirst;
    this.dropout = dropout;
  }

  forward(x: Tensor, pass: Pass, cache?: LayerCache): Tensor {
    const attend = (y: Tensor): Tensor =>
      functional.dropout(this.attention.forward(y, pass, cache), this.dropout, this.training);
    if (this.normFirst) {
      const seen = x.add(attend(this.attentionNorm.forward(x)));
      return seen.add(this.feedForward.forward(this.feedForwardNorm.forward(seen)));
    }
    const seen = this.attentionNorm.forward(x.add(attend(x)));
    return this.feedForwardNorm.forward(seen.add(this.feedForward.forward(seen)));
  }
}

export const blocks = (count: number, spec: BlockSpec): Block[] => Array.from({ length: count }, () => new Block(spec));
