// Residual image networks, with basic or bottleneck layers (He et al. 2016).
import { at } from "../graph/at.ts";
import { BatchNorm2d, Conv2d, functional, type Module as Layer, MaxPool2d, Module } from "../nn/index.ts";
import { type Tensor, traceGuard } from "../tensor/index.ts";
import { type Activation, activationNamed } from "./parts/activation.ts";

export interface ResNetSpec {
  readonly channels: number;
  /** Channels of the first convolution. */
  readonly stem: number;
  readonly widths: readonly number[];
  readonly depths: readonly number[];
  readonly layer: "basic" | "bottleneck";
  readonly activation: string;
  /** Whether the first stage halves the size as well. */
  readonly downsampleFirst: boolean;
  /** Whether a bottleneck halves the size in its first convolution instead of its second. */
  readonly downsampleInBottleneck: boolean;
}

interface ConvolutionSpec {
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride: number;
  readonly activation: string;
}

class Convolution extends Module {
  readonly convolution: Layer;
  readonly norm: BatchNorm2d;
  readonly #activation: Activation;

  constructor({ from, to, kernel, stride, activation }: ConvolutionSpec) {
    super();
    this.convolution = new Conv2d(from, to, kernel, { stride, padding: Math.floor(kernel / 2), bias: false });
    this.norm = new BatchNorm2d(to);
    this.#activation = activationNamed(activation);
  }

  forward(x: Tensor): Tensor {
    return this.#activation(this.#normalised(this.convolution.forward(x)));
  }

  /** A frozen norm keeps its running statistics even in training, since adapter files do not store them. */
  #normalised(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, eps } = this.norm;
    const learned = traceGuard(() => weight?.requiresGrad ?? true);
    return learned ? this.norm.forward(x) : functional.batchNorm(x, runningMean, runningVar, { weight, bias, eps });
  }
}

class ResidualLayer extends Module {
  readonly shortcut: Convolution | undefined;
  readonly layers: readonly Convolution[];
  readonly #activation: Activation;

  constructor(spec: ResNetSpec, from: number, to: number, stride: number) {
    super();
    const { layer, activation, downsampleInBottleneck } = spec;
    if (from !== to || stride !== 1)
      this.shortcut = new Convolution({ from, to, kernel: 1, stride, activation: "linear" });
    const inner = Math.floor(to / 4);
    this.layers =
      layer === "basic"
        ? [
            new Convolution({ from, to, kernel: 3, stride, activation }),
            new Convolution({ from: to, to, kernel: 3, stride: 1, activation: "linear" }),
          ]
        : [
            new Convolution({ from, to: inner, kernel: 1, stride: downsampleInBottleneck ? stride : 1, activation }),
            new Convolution({
              from: inner,
              to: inner,
              kernel: 3,
              stride: downsampleInBottleneck ? 1 : stride,
              activation,
            }),
            new Convolution({ from: inner, to, kernel: 1, stride: 1, activation: "linear" }),
          ];
    this.#activation = activationNamed(activation);
  }

  forward(x: Tensor): Tensor {
    const inner = this.layers.reduce((y, layer) => layer.forward(y), x);
    return this.#activation(inner.add(this.shortcut === undefined ? x : this.shortcut.forward(x)));
  }
}

/** pixels [N, channels, height, width] → features [N, width, h, w] */
export class ResNet extends Module {
  readonly stem: Convolution;
  readonly pool: MaxPool2d;
  readonly stages: readonly (readonly ResidualLayer[])[];
  readonly spec: ResNetSpec;

  constructor(spec: ResNetSpec) {
    super();
    this.spec = spec;
    const { channels, stem, widths, depths, activation, downsampleFirst } = spec;
    this.stem = new Convolution({ from: channels, to: stem, kernel: 7, stride: 2, activation });
    this.pool = new MaxPool2d(3, { stride: 2, padding: 1 });
    this.stages = widths.map((to, stage) => {
      const from = stage === 0 ? stem : (widths[stage - 1] ?? stem);
      const stride = stage > 0 || downsampleFirst ? 2 : 1;
      return Array.from({ length: at(depths, stage) }, (_, place) =>
        place === 0 ? new ResidualLayer(spec, from, to, stride) : new ResidualLayer(spec, to, to, 1),
      );
    });
  }

  get width(): number {
    return this.spec.widths.at(-1) ?? this.spec.stem;
  }

  forward(pixels: Tensor): Tensor {
    const stem = this.pool.forward(this.stem.forward(pixels));
    return this.stages.flat().reduce((x, layer) => layer.forward(x), stem);
  }

  /** The mean over all positions: [N, width]. */
  pooled(features: Tensor): Tensor {
    return features.mean([2, 3]);
  }
}
