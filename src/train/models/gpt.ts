// A GPT: token and position embeddings, blocks of causal attention and a feed-forward layer, logits of the next token.
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape } from "../../graph/shape.ts";
import * as nn from "../../nn/index.ts";
import { arange, type Tensor } from "../../tensor/index.ts";

export interface GptOptions {
  /** The number of different tokens. */
  readonly vocabulary: number;
  /** The maximum number of tokens seen at once. */
  readonly context: number;
  readonly layers: number;
  /** The width of each token's embedding, a multiple of `heads`. */
  readonly width: number;
  readonly heads: number;
  readonly dropout: number;
}

const kinds: OptionKinds<GptOptions> = {
  vocabulary: kind.number,
  context: kind.number,
  layers: kind.number,
  width: kind.number,
  heads: kind.number,
  dropout: kind.number,
};

const deviation = 0.02;

/** Attention to the tokens up to and including the current one: softmax(q·kᵀ/√d + mask)·v, in several heads. [B, T, width] → the same. */
class CausalAttention extends nn.Module {
  readonly qkv: nn.Linear;
  readonly proj: nn.Linear;
  /** A separate module, so that a hook sees what each head attends to: [B, heads, T, T]. */
  readonly softmax: nn.Softmax;
  readonly #heads: number;
  readonly #drop: number;

  constructor(width: number, heads: number, dropout: number) {
    super();
    this.softmax = new nn.Softmax(-1);
    this.qkv = new nn.Linear(width, 3 * width);
    this.proj = new nn.Linear(width, width);
    this.#heads = heads;
    this.#drop = dropout;
  }

  override forward(x: Tensor): Tensor {
    const [batch = 1, length = 1, width = 1] = x.shape;
    const size = width / this.#heads;
    const parts = this.qkv.forward(x).reshape([batch, length, 3, this.#heads, size]).permute([2, 0, 3, 1, 4]);
    const [q, k, v] = [parts.select(0, 0), parts.select(0, 1), parts.select(0, 2)];
    const place = arange(length);
    const future = place.reshape([1, length]).gt(place.reshape([length, 1]));
    const scores = q
      .matmul(k.transpose(-1, -2))
      .mul(1 / Math.sqrt(size))
      .maskedFill(future, Number.NEGATIVE_INFINITY);
    const weights = nn.functional.dropout(this.softmax.forward(scores), this.#drop, this.training);
    return this.proj.forward(weights.matmul(v).transpose(1, 2).reshape([batch, length, width]));
  }
}

/** x + attention(norm(x)), then x + wide(norm(x)). */
class Block extends nn.Module {
  readonly ln1: nn.LayerNorm;
  readonly attention: CausalAttention;
  readonly ln2: nn.LayerNorm;
  readonly up: nn.Linear;
  readonly down: nn.Linear;
  readonly drop: nn.Dropout;

  constructor({ width, heads, dropout }: GptOptions) {
    super();
    this.ln1 = new nn.LayerNorm(width);
    this.attention = new CausalAttention(width, heads, dropout);
    this.ln2 = new nn.LayerNorm(width);
    this.up = new nn.Linear(width, 4 * width);
    this.down = new nn.Linear(4 * width, width);
    this.drop = new nn.Dropout(dropout);
  }

  override forward(x: Tensor): Tensor {
    const attended = x.add(this.drop.forward(this.attention.forward(this.ln1.forward(x))));
    const wide = nn.functional.gelu(this.up.forward(this.ln2.forward(attended)), "tanh");
    return attended.add(this.drop.forward(this.down.forward(wide)));
  }
}

/**
 * Tokens [B, T] → logits of the next token [B, T, vocabulary]. Weights are initially normal with standard deviation 0.02; those that feed the
 * residual stream are divided by √(2 × layers). Source: Radford et al. 2019 (GPT-2).
 */
export class Gpt extends nn.Module {
  readonly wte: nn.Embedding;
  readonly wpe: nn.Embedding;
  readonly drop: nn.Dropout;
  readonly blocks: nn.Sequential;
  readonly norm: nn.LayerNorm;
  readonly head: nn.Linear;
  readonly #context: number;

  constructor(options: GptOptions) {
    super();
    const { vocabulary, context, layers, width, heads, dropout } = checkOptions("Gpt", options, kinds);
    if (width % heads !== 0)
      throw new HebbError(
        `model "gpt": a width of ${width} is not divisible by ${heads} heads; use a multiple of ${heads}`,
      );
    this.#context = context;
    this.wte = new nn.Embedding(vocabulary, width);
    this.wpe = new nn.Embedding(context, width);
    this.drop = new nn.Dropout(dropout);
    this.blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block(options)));
    this.norm = new nn.LayerNorm(width);
    this.head = new nn.Linear(width, vocabulary, { bias: false });
    for (const [name, parameter] of this.namedParameters()) {
      if (name.endsWith("bias")) nn.init.zeros(parameter);
      else if (parameter.rank === 2)
        nn.init.normal(parameter, 0, /proj|down/.test(name) ? deviation / Math.sqrt(2 * layers) : deviation);
    }
  }

  override forward(tokens: Tensor): Tensor {
    const length = tokens.shape[1] ?? 0;
    if (tokens.rank !== 2 || length < 1 || length > this.#context)
      throw new ShapeError(
        `Gpt: takes tokens [batch, 1 to ${this.#context}], got ${formatShape(tokens.shape)}; cut the text into windows of its context`,
      );
    const places = length === this.#context ? this.wpe.weight : this.wpe.weight.narrow(0, 0, length);
    const x = this.drop.forward(this.wte.forward(tokens).add(places));
    return this.head.forward(this.norm.forward(this.blocks.forward(x)));
  }
}
