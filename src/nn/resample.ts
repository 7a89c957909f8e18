// Modules that change the size of images and sequences: Upsample, PixelShuffle and its inverse, ChannelShuffle, Fold and Unfold.
import { at } from "../graph/at.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { perDim } from "../graph/ops/conv.ts";
import { type InterpolateOptions, interpolateKinds } from "../graph/ops/interpolate.ts";
import { fold as foldNode, window } from "../graph/ops/window.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { interpolate, Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

/**
 * Enlarges (or shrinks) the spatial dims of [N, C, L] or [N, C, H, W] in one of the modes of interpolate, to `size` or by
 * `scaleFactor`. Source: torch.nn.Upsample.
 */
export class Upsample extends Module {
  readonly options: InterpolateOptions;
  constructor(options: InterpolateOptions) {
    super();
    checkOptions("Upsample", options, interpolateKinds);
    if ((options.size === undefined) === (options.scaleFactor === undefined))
      throw new HebbError("Upsample: give either size or scaleFactor");
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}

function factorOf(name: string, factor: number): number {
  if (!(Number.isInteger(factor) && factor >= 1))
    throw new HebbError(`${name}: the factor must be a whole number of at least 1, got ${factor}`);
  return factor;
}

/** [..., C·r², H, W] → [..., C, H·r, W·r]: channels become pixels. Source: torch.nn.functional.pixel_shuffle (Shi et al. 2016). */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  given("pixelShuffle", x);
  const r = factorOf("pixelShuffle", upscaleFactor);
  const [channels = 0, height = 0, width = 0] = x.shape.slice(-3);
  if (x.rank < 3 || channels % (r * r) !== 0)
    throw new ShapeError(
      `pixelShuffle: takes [..., C, H, W] with C a multiple of ${r * r}, got ${formatShape(x.shape)}`,
    );
  const lead = x.shape.slice(0, -3);
  const n = lead.length;
  return composed("pixelShuffle", [x], { upscaleFactor: r }, () =>
    x
      .reshape([...lead, channels / (r * r), r, r, height, width])
      .permute([...lead.keys(), n, n + 3, n + 1, n + 4, n + 2])
      .reshape([...lead, channels / (r * r), height * r, width * r]),
  );
}

/** [..., C, H·r, W·r] → [..., C·r², H, W]: pixels become channels. Source: torch.nn.functional.pixel_unshuffle. */
export function pixelUnshuffle(x: Tensor, downscaleFactor: number): Tensor {
  given("pixelUnshuffle", x);
  const r = factorOf("pixelUnshuffle", downscaleFactor);
  const [channels = 0, height = 0, width = 0] = x.shape.slice(-3);
  if (x.rank < 3 || height % r !== 0 || width % r !== 0)
    throw new ShapeError(
      `pixelUnshuffle: takes [..., C, H, W] with H and W multiples of ${r}, got ${formatShape(x.shape)}`,
    );
  const lead = x.shape.slice(0, -3);
  const n = lead.length;
  return composed("pixelUnshuffle", [x], { downscaleFactor: r }, () =>
    x
      .reshape([...lead, channels, height / r, r, width / r, r])
      .permute([...lead.keys(), n, n + 2, n + 4, n + 1, n + 3])
      .reshape([...lead, channels * r * r, height / r, width / r]),
  );
}

/** [N, C, ...]: interleaves the channels of different groups. Source: torch.nn.functional.channel_shuffle (Zhang et al. 2018). */
export function channelShuffle(x: Tensor, groups: number): Tensor {
  given("channelShuffle", x);
  factorOf("channelShuffle", groups);
  const [batch = 0, channels = 0, ...rest] = x.shape;
  if (x.rank < 3 || channels % groups !== 0)
    throw new ShapeError(`channelShuffle: ${groups} groups must divide the channels of ${formatShape(x.shape)}`);
  return x
    .reshape([batch, groups, channels / groups, ...rest])
    .transpose(1, 2)
    .reshape(x.shape);
}

/** Source: torch.nn.PixelShuffle. */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;
  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = factorOf("PixelShuffle", upscaleFactor);
  }
  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }
}

/** Source: torch.nn.PixelUnshuffle. */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;
  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = factorOf("PixelUnshuffle", downscaleFactor);
  }
  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }
}

/** Source: torch.nn.ChannelShuffle. */
export class ChannelShuffle extends Module {
  readonly groups: number;
  constructor(groups: number) {
    super();
    this.groups = factorOf("ChannelShuffle", groups);
  }
  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }
}

type Size = number | readonly number[];

export interface WindowOptions {
  /** Default 1. */
  readonly dilation?: Size;
  /** Zeros on both sides. Default 0. */
  readonly padding?: Size;
  /** Default 1. */
  readonly stride?: Size;
}

const windowKinds: OptionKinds<WindowOptions> = { dilation: kind.size, padding: kind.size, stride: kind.size };

function windowsOf(name: string, kernelSize: Size, options: WindowOptions) {
  checkOptions(name, options, windowKinds);
  return {
    kernel: perDim(name, "kernelSize", kernelSize, 2, 1),
    dilation: perDim(name, "dilation", options.dilation ?? 1, 2, 1),
    padding: perDim(name, "padding", options.padding ?? 0, 2, 0),
    stride: perDim(name, "stride", options.stride ?? 1, 2, 1),
  };
}

/** The windows of images as columns: [N, C, H, W] → [N, C·kh·kw, windows]. Source: torch.nn.functional.unfold. */
export function unfold(x: Tensor, kernelSize: Size, options: WindowOptions = {}): Tensor {
  given("unfold", x);
  const { padding, ...windows } = windowsOf("unfold", kernelSize, options);
  const single = x.rank === 3;
  if (x.rank !== 4 && !single)
    throw new ShapeError(`unfold: takes [N, C, H, W] or [C, H, W], got ${formatShape(x.shape)}`);
  const images = single ? x.unsqueeze(0) : x;
  const pads = [0, 0, ...padding].map((amount): [number, number] => [amount, amount]);
  const { kernel: kernelExtents, dilation, stride } = windows;
  return composed("unfold", [x], { kernelSize: kernelExtents, dilation, padding, stride }, () => {
    const padded = padding.every((amount) => amount === 0) ? images : images.pad(pads);
    const found = Tensor.from(window(padded.node, windows), [padded]);
    const [batch = 0, channels = 0, rows = 0, columns = 0] = found.shape;
    const columnsOf = [batch, channels * sizeOf(kernelExtents), rows * columns];
    const result = found.permute([0, 1, 4, 5, 2, 3]).reshape(columnsOf);
    return single ? result.squeeze(0) : result;
  });
}

/** Adds columns back into images: the transpose of unfold. [N, C·kh·kw, windows] → [N, C, ...outputSize]. Source: torch.nn.functional.fold. */
export function fold(x: Tensor, outputSize: Size, kernelSize: Size, options: WindowOptions = {}): Tensor {
  given("fold", x);
  const { padding, ...windows } = windowsOf("fold", kernelSize, options);
  const size = perDim("fold", "outputSize", outputSize, 2, 1);
  const single = x.rank === 2;
  const columns = single ? x.unsqueeze(0) : x;
  const padded = size.map((extent, dim) => extent + 2 * at(padding, dim));
  const counts = padded.map(
    (extent, dim) =>
      Math.floor((extent - at(windows.dilation, dim) * (at(windows.kernel, dim) - 1) - 1) / at(windows.stride, dim)) +
      1,
  );
  const [batch = 0, rows = 0, count = 0] = columns.shape;
  const area = sizeOf(windows.kernel);
  if (columns.rank !== 3 || rows % area !== 0 || count !== sizeOf(counts))
    throw new ShapeError(
      `fold: takes [N, C · ${area}, ${sizeOf(counts)}] for images of ${formatShape(size)}, got ${formatShape(x.shape)}`,
    );
  const { kernel, dilation, stride } = windows;
  return composed("fold", [x], { outputSize: size, kernelSize: kernel, dilation, padding, stride }, () => {
    const pieces = columns.reshape([batch, rows / area, ...kernel, ...counts]).permute([0, 1, 4, 5, 2, 3]);
    const image = Tensor.from(foldNode(pieces.node, windows, padded), [pieces]);
    const cut = [0, 0, ...padding].map((amount): [number, number] => [-amount, -amount]);
    const result = padding.every((amount) => amount === 0) ? image : image.pad(cut);
    return single ? result.squeeze(0) : result;
  });
}

/** Source: torch.nn.Unfold. */
export class Unfold extends Module {
  readonly kernelSize: Size;
  readonly options: WindowOptions;
  constructor(kernelSize: Size, options: WindowOptions = {}) {
    super();
    windowsOf("Unfold", kernelSize, options);
    this.kernelSize = kernelSize;
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options);
  }
}

/** Source: torch.nn.Fold. */
export class Fold extends Module {
  readonly outputSize: Size;
  readonly kernelSize: Size;
  readonly options: WindowOptions;
  constructor(outputSize: Size, kernelSize: Size, options: WindowOptions = {}) {
    super();
    windowsOf("Fold", kernelSize, options);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options);
  }
}
