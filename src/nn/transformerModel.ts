// Transformer: an encoder and a decoder made of Transformer layers.
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/index.ts";
import { xavierUniform } from "./init.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";
import {
  layerKinds,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from "./transformer.ts";

export interface TransformerOptions extends TransformerLayerOptions {
  /** The width of each position. Default 512. */
  readonly dModel?: number;
  /** The number of heads of each attention. Default 8. */
  readonly nhead?: number;
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
}

const transformerKinds: OptionKinds<TransformerOptions> = {
  ...layerKinds,
  dModel: kind.number,
  nhead: kind.number,
  numEncoderLayers: kind.number,
  numDecoderLayers: kind.number,
};

export interface TransformerInputs {
  readonly srcMask?: Tensor | undefined;
  readonly tgtMask?: Tensor | undefined;
  readonly memoryMask?: Tensor | undefined;
  readonly srcKeyPaddingMask?: Tensor | undefined;
  readonly tgtKeyPaddingMask?: Tensor | undefined;
  readonly memoryKeyPaddingMask?: Tensor | undefined;
  /** Position i of the source attends to positions up to i. Default false. */
  readonly srcIsCausal?: boolean;
  /** Default false. */
  readonly tgtIsCausal?: boolean;
  /** Default false. */
  readonly memoryIsCausal?: boolean;
}

const inputKinds: OptionKinds<TransformerInputs> = {
  srcMask: tensorKind,
  tgtMask: tensorKind,
  memoryMask: tensorKind,
  srcKeyPaddingMask: tensorKind,
  tgtKeyPaddingMask: tensorKind,
  memoryKeyPaddingMask: tensorKind,
  srcIsCausal: kind.boolean,
  tgtIsCausal: kind.boolean,
  memoryIsCausal: kind.boolean,
};

/**
 * Encodes a source [S, N, E] and decodes a target [T, N, E] with it: → [T, N, E]. Matrices are initialised by Xavier's uniform rule. Source:
 * torch.nn.Transformer (Vaswani et al. 2017).
 */
export class Transformer extends Module<Tensor, [src: Tensor, tgt: Tensor, options?: TransformerInputs]> {
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;

  constructor(options: TransformerOptions = {}) {
    super();
    const {
      dModel = 512,
      nhead = 8,
      numEncoderLayers = 6,
      numDecoderLayers = 6,
      ...layer
    } = checkOptions("Transformer", options, transformerKinds);
    const { layerNormEps: eps = 1e-5, bias = true, dtype } = layer;
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps, bias, ...(dtype === undefined ? {} : { dtype }) });
    this.encoder = new TransformerEncoder(() => new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, {
      norm: norm(),
    });
    this.decoder = new TransformerDecoder(() => new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, {
      norm: norm(),
    });
    for (const parameter of this.parameters()) if (parameter.rank > 1) xavierUniform(parameter);
  }

  forward(src: Tensor, tgt: Tensor, options: TransformerInputs = {}): Tensor {
    given("Transformer", src, "the source");
    given("Transformer", tgt, "the target");
    const {
      srcMask,
      srcKeyPaddingMask,
      srcIsCausal = false,
      ...decoded
    } = checkOptions("Transformer", options, inputKinds);
    const memory = this.encoder.forward(src, { srcMask, srcKeyPaddingMask, isCausal: srcIsCausal });
    return this.decoder.forward(tgt, memory, decoded);
  }
}
