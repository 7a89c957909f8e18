// Convolutions and their transposes as modules.
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import {
  type ConvOptions,
  type ConvTransposeOptions,
  convKinds,
  convTransposeKinds,
  perDim,
} from "../graph/ops/conv.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { sizeOf } from "../graph/shape.ts";
import * as F from "../tensor/functional.ts";
import type { Parameter, Tensor } from "../tensor/index.ts";
import type { FloatDType } from "./init.ts";
import { fanInUniform } from "./linear.ts";
import { Module } from "./module.ts";
import { fromTo, listed } from "./print.ts";
import { checkSizes } from "./sizes.ts";

type Size = number | readonly number[];

interface LayerOptions {
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

const layerKinds: OptionKinds<LayerOptions> = { bias: kind.boolean, dtype: kind.floatDType };

function checkChannels(kind: string, inChannels: number, outChannels: number, groups: number): void {
  checkSizes(kind, { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new ShapeError(
      `${kind}: ${groups} groups must divide ${inChannels} input and ${outChannels} output channels`,
    );
  }
}

/** `3 → 16, 5×5, stride: 2`. */
function described(layer: Convolution | TransposedConvolution, from: number, to: number): string {
  return fromTo(from, to, layer, [`kernel ${layer.weight.shape.slice(2).join("×")}`, ...listed(layer.options)]);
}

abstract class Convolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly options: ConvOptions;

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvOptions & LayerOptions,
  ) {
    super();
    const { bias, dtype, ...own } = checkOptions(`Conv${rank}d`, options, { ...convKinds, ...layerKinds });
    const groups = options.groups ?? 1;
    checkChannels(`Conv${rank}d`, inChannels, outChannels, groups);
    const kernel = perDim(`Conv${rank}d`, "kernelSize", kernelSize, rank, 1);
    const fanIn = (inChannels / groups) * sizeOf(kernel);
    this.options = own;
    this.weight = fanInUniform([outChannels, inChannels / groups, ...kernel], fanIn, dtype);
    this.bias = bias === false ? undefined : fanInUniform([outChannels], fanIn, dtype);
  }

  override extraRepr(): string {
    const [outputs = 0, inputs = 0] = this.weight.shape;
    return described(this, inputs * (this.options.groups ?? 1), outputs);
  }
}

/** Cross-correlation over one spatial dim: [N, C, L] → [N, out, L′]. Source: torch.nn.Conv1d. */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvOptions & LayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.conv1d(x, this.weight, this.bias, this.options);
  }
}

/** Cross-correlation over two spatial dims: [N, C, H, W] → [N, out, H′, W′]. Source: torch.nn.Conv2d. */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvOptions & LayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.conv2d(x, this.weight, this.bias, this.options);
  }
}

/** Cross-correlation over three spatial dims: [N, C, D, H, W] → [N, out, D′, H′, W′]. Source: torch.nn.Conv3d. */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvOptions & LayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.conv3d(x, this.weight, this.bias, this.options);
  }
}

abstract class TransposedConvolution extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly options: ConvTransposeOptions;

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeOptions & LayerOptions,
  ) {
    super();
    const { bias, dtype, ...own } = checkOptions(`ConvTranspose${rank}d`, options, {
      ...convTransposeKinds,
      ...layerKinds,
    });
    const groups = options.groups ?? 1;
    checkChannels(`ConvTranspose${rank}d`, inChannels, outChannels, groups);
    const kernel = perDim(`ConvTranspose${rank}d`, "kernelSize", kernelSize, rank, 1);
    const fanIn = (outChannels / groups) * sizeOf(kernel);
    this.options = own;
    this.weight = fanInUniform([inChannels, outChannels / groups, ...kernel], fanIn, dtype);
    this.bias = bias === false ? undefined : fanInUniform([outChannels], fanIn, dtype);
  }

  override extraRepr(): string {
    const [inputs = 0, outputs = 0] = this.weight.shape;
    return described(this, inputs, outputs * (this.options.groups ?? 1));
  }
}

/** The transpose of Conv1d, which upsamples: weight [in, out/groups, k]. Source: torch.nn.ConvTranspose1d. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeOptions & LayerOptions = {},
  ) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.convTranspose1d(x, this.weight, this.bias, this.options);
  }
}

/** The transpose of Conv2d, which upsamples: weight [in, out/groups, kh, kw]. Source: torch.nn.ConvTranspose2d. */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeOptions & LayerOptions = {},
  ) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

/** The transpose of Conv3d, which upsamples: weight [in, out/groups, kd, kh, kw]. Source: torch.nn.ConvTranspose3d. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeOptions & LayerOptions = {},
  ) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    return F.convTranspose3d(x, this.weight, this.bias, this.options);
  }
}
