// Transformer layers: attention and a feed-forward network per position, with residual connections and normalisation.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import { ones, type Tensor, where, zeros } from "../tensor/index.ts";
import { gelu, relu } from "./activations.ts";
import { MultiheadAttention, type MultiheadInputs } from "./attention.ts";
import { ModuleList } from "./containers.ts";
import { Dropout } from "./dropout.ts";
import type { FloatDType } from "./init.ts";
import { Linear } from "./linear.ts";
import { unseenKeys, withoutJunk } from "./masks.ts";
import { type AnyModule, Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";
import { listedUnless } from "./print.ts";

export interface TransformerLayerOptions {
  /** Width of the feed-forward network. Default 2048. */
  readonly dimFeedforward?: number;
  /** Dropout in training. Default 0.1. */
  readonly dropout?: number;
  /** Default "relu". */
  readonly activation?: "relu" | "gelu" | ((x: Tensor) => Tensor);
  /** Default 1e-5. */
  readonly layerNormEps?: number;
  /** Sequences are [N, T, E] instead of [T, N, E]. Default false. */
  readonly batchFirst?: boolean;
  /** Normalise before attention and feed-forward network instead of after. Default false. */
  readonly normFirst?: boolean;
  /** Biases in all projections and normalisations. Default true. */
  readonly bias?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

export const layerKinds: OptionKinds<TransformerLayerOptions> = {
  dimFeedforward: kind.number,
  dropout: kind.number,
  activation: kind.either(kind.oneOf("relu", "gelu"), kind.func<(x: Tensor) => Tensor>()),
  layerNormEps: kind.number,
  batchFirst: kind.boolean,
  normFirst: kind.boolean,
  bias: kind.boolean,
  dtype: kind.floatDType,
};

export interface EncoderInputs {
  /** [T, T] or [N · heads, T, T]: booleans mask out where true; floats are added. */
  readonly srcMask?: Tensor | undefined;
  /** [N, T]: booleans mask out where true; floats are added. */
  readonly srcKeyPaddingMask?: Tensor | undefined;
  /** Position i attends to positions up to i. Default false. */
  readonly isCausal?: boolean;
}

const encoderKinds: OptionKinds<EncoderInputs> = {
  srcMask: tensorKind,
  srcKeyPaddingMask: tensorKind,
  isCausal: kind.boolean,
};

export interface DecoderInputs {
  readonly tgtMask?: Tensor | undefined;
  readonly memoryMask?: Tensor | undefined;
  readonly tgtKeyPaddingMask?: Tensor | undefined;
  readonly memoryKeyPaddingMask?: Tensor | undefined;
  readonly tgtIsCausal?: boolean;
  readonly memoryIsCausal?: boolean;
}

const decoderKinds: OptionKinds<DecoderInputs> = {
  tgtMask: tensorKind,
  memoryMask: tensorKind,
  tgtKeyPaddingMask: tensorKind,
  memoryKeyPaddingMask: tensorKind,
  tgtIsCausal: kind.boolean,
  memoryIsCausal: kind.boolean,
};

/** 0 on and below the diagonal, −∞ above: added to scores, it hides the future. Source: torch.nn.Transformer.generate_square_subsequent_mask. */
export function causalMask(size: number, options: { readonly dtype?: FloatDType } = {}): Tensor {
  const { dtype = "float32" } = checkOptions("causalMask", options, { dtype: kind.floatDType });
  return where(ones([size, size], { dtype: "bool" }).tril(), zeros([], { dtype }), Number.NEGATIVE_INFINITY);
}

function activationOf(activation: TransformerLayerOptions["activation"]): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  switch (activation) {
    case undefined:
    case "relu":
      return relu;
    case "gelu":
      return (x) => gelu(x);
  }
}

/** The options that parts of a layer share. */
interface Parts {
  readonly bias: boolean;
  readonly dtype?: FloatDType;
}

const partsOf = ({ bias = true, dtype }: TransformerLayerOptions): Parts => ({
  bias,
  ...(dtype === undefined ? {} : { dtype }),
});

/**
 * Self-attention, then a two-layer feed-forward network, each with a residual connection and normalisation: [T, N, E] → [T, N, E].
 * Source: torch.nn.TransformerEncoderLayer (Vaswani et al. 2017).
 */
export class TransformerEncoderLayer extends Module<Tensor, [src: Tensor, options?: EncoderInputs]> {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly normFirst: boolean;
  readonly #activation: (x: Tensor) => Tensor;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    checkOptions("TransformerEncoderLayer", options, layerKinds);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5 } = options;
    const parts = partsOf(options);
    this.selfAttn = new MultiheadAttention(dModel, nhead, {
      ...parts,
      dropout,
      batchFirst: options.batchFirst ?? false,
    });
    this.linear1 = new Linear(dModel, dimFeedforward, parts);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, parts);
    this.norm1 = new LayerNorm(dModel, { ...parts, eps });
    this.norm2 = new LayerNorm(dModel, { ...parts, eps });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.normFirst = options.normFirst ?? false;
    this.#activation = activationOf(options.activation);
  }

  forward(src: Tensor, inputs: EncoderInputs = {}): Tensor {
    given("TransformerEncoderLayer", src);
    checkOptions("TransformerEncoderLayer", inputs, encoderKinds);
    const { srcMask, srcKeyPaddingMask, isCausal = false } = inputs;
    const attention = (x: Tensor): Tensor => {
      const options = { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, isCausal, needWeights: false };
      return this.dropout1.forward(this.selfAttn.forward(x, x, x, options)[0]);
    };
    const network = (x: Tensor): Tensor =>
      this.dropout2.forward(this.linear2.forward(this.dropout.forward(this.#activation(this.linear1.forward(x)))));
    const x = withoutPadding("TransformerEncoderLayer", src, srcKeyPaddingMask, this.selfAttn);
    if (this.normFirst) {
      const middle = x.add(attention(this.norm1.forward(x)));
      return middle.add(network(this.norm2.forward(middle)));
    }
    const middle = this.norm1.forward(x.add(attention(x)));
    return this.norm2.forward(middle.add(network(middle)));
  }

  override extraRepr(): string {
    return listedUnless({ normFirst: this.normFirst }, { normFirst: false }).join();
  }
}

/**
 * Self-attention over the target, attention to the encoder's memory, then a two-layer feed-forward network: target [T, N, E] and memory [S, N, E] →
 * [T, N, E]. Source: torch.nn.TransformerDecoderLayer (Vaswani et al. 2017).
 */
export class TransformerDecoderLayer extends Module<Tensor, [tgt: Tensor, memory: Tensor, options?: DecoderInputs]> {
  readonly selfAttn: MultiheadAttention;
  readonly multiheadAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;
  readonly normFirst: boolean;
  readonly #activation: (x: Tensor) => Tensor;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    checkOptions("TransformerDecoderLayer", options, layerKinds);
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5 } = options;
    const parts = partsOf(options);
    const attention = { ...parts, dropout, batchFirst: options.batchFirst ?? false };
    this.selfAttn = new MultiheadAttention(dModel, nhead, attention);
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, attention);
    this.linear1 = new Linear(dModel, dimFeedforward, parts);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, parts);
    this.norm1 = new LayerNorm(dModel, { ...parts, eps });
    this.norm2 = new LayerNorm(dModel, { ...parts, eps });
    this.norm3 = new LayerNorm(dModel, { ...parts, eps });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.normFirst = options.normFirst ?? false;
    this.#activation = activationOf(options.activation);
  }

  forward(tgt: Tensor, memory: Tensor, options: DecoderInputs = {}): Tensor {
    given("TransformerDecoderLayer", tgt, "the target");
    given("TransformerDecoderLayer", memory, "the memory");
    checkOptions("TransformerDecoderLayer", options, decoderKinds);
    const { tgtIsCausal = false, memoryIsCausal = false } = options;
    const own: MultiheadInputs = {
      attnMask: options.tgtMask,
      keyPaddingMask: options.tgtKeyPaddingMask,
      isCausal: tgtIsCausal,
      needWeights: false,
    };
    const across: MultiheadInputs = {
      attnMask: options.memoryMask,
      keyPaddingMask: options.memoryKeyPaddingMask,
      isCausal: memoryIsCausal,
      needWeights: false,
    };
    const self = (x: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(x, x, x, own)[0]);
    const cross = (x: Tensor): Tensor =>
      this.dropout2.forward(this.multiheadAttn.forward(x, memory, memory, across)[0]);
    const x = withoutPadding("TransformerDecoderLayer", tgt, options.tgtKeyPaddingMask, this.selfAttn);
    const network = (x: Tensor): Tensor =>
      this.dropout3.forward(this.linear2.forward(this.dropout.forward(this.#activation(this.linear1.forward(x)))));
    if (this.normFirst) {
      const first = x.add(self(this.norm1.forward(x)));
      const second = first.add(cross(this.norm2.forward(first)));
      return second.add(network(this.norm3.forward(second)));
    }
    const first = this.norm1.forward(x.add(self(x)));
    const second = this.norm2.forward(first.add(cross(first)));
    return this.norm3.forward(second.add(network(second)));
  }

  override extraRepr(): string {
    return listedUnless({ normFirst: this.normFirst }, { normFirst: false }).join();
  }
}

/** Replaces NaN in the padding of a sequence before it enters a layer, including its residual paths. */
function withoutPadding(
  name: string,
  x: Tensor,
  keyPaddingMask: Tensor | undefined,
  { numHeads: heads, batchFirst }: MultiheadAttention,
): Tensor {
  return withoutJunk(x, unseenKeys({ name, keyPaddingMask, attnMask: undefined, query: x, key: x, heads, batchFirst }));
}

/** `count` new modules. */
function layersOf<M extends AnyModule>(make: () => M, count: number, kind: string): M[] {
  if (!(Number.isInteger(count) && count >= 0))
    throw new HebbError(`${kind}: the number of layers must be a whole number of 0 or more, got ${count}`);
  return Array.from({ length: count }, make);
}

/**
 * Encoder layers in sequence, and an optional final normalisation. `make` builds one layer; each is initialised separately. Source:
 * torch.nn.TransformerEncoder.
 */
export class TransformerEncoder extends Module<Tensor, [src: Tensor, options?: EncoderInputs]> {
  readonly layers: ModuleList<TransformerEncoderLayer>;
  readonly norm: LayerNorm | undefined;

  constructor(make: () => TransformerEncoderLayer, numLayers: number, options: { readonly norm?: LayerNorm } = {}) {
    super();
    checkKind("TransformerEncoder", "the function that makes layers", make, kind.func());
    checkOptions("TransformerEncoder", options, { norm: kind.instanceOf(LayerNorm, "a LayerNorm") });
    this.layers = new ModuleList(layersOf(make, numLayers, "TransformerEncoder"));
    this.norm = options.norm;
  }

  forward(src: Tensor, options: EncoderInputs = {}): Tensor {
    checkOptions("TransformerEncoder", options, encoderKinds);
    let value = src;
    for (const layer of this.layers) value = layer.forward(value, options);
    return this.norm === undefined ? value : this.norm.forward(value);
  }
}

/** Decoder layers in sequence, and an optional final normalisation. Source: torch.nn.TransformerDecoder. */
export class TransformerDecoder extends Module<Tensor, [tgt: Tensor, memory: Tensor, options?: DecoderInputs]> {
  readonly layers: ModuleList<TransformerDecoderLayer>;
  readonly norm: LayerNorm | undefined;

  constructor(make: () => TransformerDecoderLayer, numLayers: number, options: { readonly norm?: LayerNorm } = {}) {
    super();
    checkKind("TransformerDecoder", "the function that makes layers", make, kind.func());
    checkOptions("TransformerDecoder", options, { norm: kind.instanceOf(LayerNorm, "a LayerNorm") });
    this.layers = new ModuleList(layersOf(make, numLayers, "TransformerDecoder"));
    this.norm = options.norm;
  }

  forward(tgt: Tensor, memory: Tensor, options: DecoderInputs = {}): Tensor {
    checkOptions("TransformerDecoder", options, decoderKinds);
    let value = tgt;
    for (const layer of this.layers) value = layer.forward(value, memory, options);
    return this.norm === undefined ? value : this.norm.forward(value);
  }
}
