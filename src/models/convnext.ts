// ConvNeXt: convolutional image networks built like transformers (Liu et al. 2022).
import { at } from "../graph/at.ts";
import { Conv2d, type Module as Layer, LayerNorm, Linear, Module } from "../nn/index.ts";
import { full, Parameter, type Tensor } from "../tensor/index.ts";
import { type Activation, activationNamed } from "./parts/activation.ts";

export interface ConvNextSpec {
  readonly channels: number;
  readonly patch: number;
  readonly widths: readonly number[];
  readonly depths: readonly number[];
  readonly activation: string;
  /** The initial scale of each channel; 0: no scaling. */
  readonly layerScale: number;
  /** For the final norm. */
  readonly eps: number;
}

/** Norms within the stages use the authors' eps. */
const innerEps = 1e-6;

/** Normalises the channels of [N, C, H, W]. */
class ChannelNorm extends Module {
  readonly norm: LayerNorm;

  constructor(channels: number) {
    super();
    this.norm = new LayerNorm(channels, { eps: innerEps });
  }

  forward(x: Tensor): Tensor {
    return this.norm.forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
  }
}

class ConvNextLayer extends Module {
  readonly depthwise: Conv2d;
  readonly norm: LayerNorm;
  readonly up: Layer;
  readonly down: Layer;
  readonly scale: Parameter | undefined;
  readonly #activation: Activation;

  constructor(width: number, { activation, layerScale }: ConvNextSpec) {
    super();
    this.depthwise = new Conv2d(width, width, 7, { padding: 3, groups: width });
    this.norm = new LayerNorm(width, { eps: innerEps });
    this.up = new Linear(width, 4 * width);
    this.down = new Linear(4 * width, width);
    if (layerScale > 0) this.scale = new Parameter(full([width], layerScale));
    this.#activation = activationNamed(activation);
  }

  forward(x: Tensor): Tensor {
    const rows = this.norm.forward(this.depthwise.forward(x).permute(0, 2, 3, 1));
    const inner = this.down.forward(this.#activation(this.up.forward(rows)));
    const scaled = this.scale === undefined ? inner : inner.mul(this.scale);
    return x.add(scaled.permute(0, 3, 1, 2));
  }
}

class Stage extends Module {
  readonly downsampling: { readonly norm: ChannelNorm; readonly convolution: Conv2d } | undefined;
  readonly layers: readonly ConvNextLayer[];

  constructor(spec: ConvNextSpec, from: number, to: number, depth: number) {
    super();
    if (from !== to)
      this.downsampling = { norm: new ChannelNorm(from), convolution: new Conv2d(from, to, 2, { stride: 2 }) };
    this.layers = Array.from({ length: depth }, () => new ConvNextLayer(to, spec));
  }

  forward(x: Tensor): Tensor {
    const smaller =
      this.downsampling === undefined ? x : this.downsampling.convolution.forward(this.downsampling.norm.forward(x));
    return this.layers.reduce((y, layer) => layer.forward(y), smaller);
  }
}

/** pixels [N, channels, height, width] → features [N, width, h, w] */
export class ConvNext extends Module {
  readonly patches: Conv2d;
  readonly patchNorm: ChannelNorm;
  readonly stages: readonly Stage[];
  readonly norm: LayerNorm;
  readonly spec: ConvNextSpec;

  constructor(spec: ConvNextSpec) {
    super();
    this.spec = spec;
    const { channels, patch, widths, depths, eps } = spec;
    const [first = 0] = widths;
    this.patches = new Conv2d(channels, first, patch, { stride: patch });
    this.patchNorm = new ChannelNorm(first);
    this.stages = widths.map((to, place) => new Stage(spec, widths[place - 1] ?? to, to, at(depths, place)));
    this.norm = new LayerNorm(this.width, { eps });
  }

  get width(): number {
    return this.spec.widths.at(-1) ?? 0;
  }

  forward(pixels: Tensor): Tensor {
    const patches = this.patchNorm.forward(this.patches.forward(pixels));
    return this.stages.reduce((x, stage) => stage.forward(x), patches);
  }

  /** The normalised mean over all positions: [N, width]. */
  pooled(features: Tensor): Tensor {
    return this.norm.forward(features.mean([2, 3]));
  }
}
