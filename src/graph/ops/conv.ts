// Convolutions over any number of spatial dims: one contraction op without padding, and PyTorch's functions on top of it.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { conversionToWeight } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import * as kind from "../kinds.ts";
import { gradient, type Node, type Op, type TensorType } from "../node.ts";
import { checkOptions, type OptionKinds } from "../options.ts";
import { add as addIndex, int, mul as mulIndex } from "../scalar.ts";
import { formatShape, sizeOf } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { full } from "./creation.ts";
import { add } from "./elementwise.ts";
import { cat, flip, type Pad, pad, permute, reshape, slice } from "./movement.ts";

export type ConvolutionAttributes = { readonly stride: readonly number[]; readonly dilation: readonly number[] };

/**
 * out[n, g, o, y] = Σ_{c, u} input[n, g, c, y·stride + u·dilation] · weight[g, o, c, u], with y and u over any
 * number of spatial dims and g over the groups. The weight is the first operand: its outputs are the rows of the contraction.
 * Shapes: [G, O, C, ...kernel] and [N, G, C, ...size] → [N, G, O, ...out].
 */
export const convolutionOp: Op<ConvolutionAttributes> = {
  name: "convolution",
  infer(inputs, attributes) {
    const { images, groups, outputs, out, input } = convolutionSizes(inputs, attributes);
    return { shape: [images, groups, outputs, ...out], dtype: input.dtype };
  },
  gradient: gradient(({ node, grad, needs }) => {
    const [weight, input] = operands(node.inputs);
    return [
      needs(0) ? weightGradient(grad, input, node.attributes, weight.shape.slice(3)) : undefined,
      needs(1) ? inputGradient(grad, weight, node.attributes, input.shape.slice(3)) : undefined,
    ];
  }),
  rule: {
    kind: "contract",
    contract(attributes, inputTypes) {
      const { images, groups, channels, outputs, kernel, out } = convolutionSizes(inputTypes, attributes);
      const { stride, dilation } = attributes;
      return {
        batch: [groups],
        m: [outputs],
        // Images are columns too, so that the weight gradient, whose images are the channels, is one wide product.
        n: [images, ...out],
        k: [channels, ...kernel],
        a: (batch, m, k) => [...batch, ...m, ...k],
        b: (batch, [c = int(0), ...u], [image = int(0), ...y]) => [
          image,
          ...batch,
          c,
          ...y.map((place, dim) =>
            addIndex(mulIndex(place, int(at(stride, dim))), mulIndex(at(u, dim), int(at(dilation, dim)))),
          ),
        ],
        output: (batch, m, [image = int(0), ...y]) => [image, ...batch, ...m, ...y],
      };
    },
  },
};

function operands<T extends TensorType>(inputs: readonly T[]): [T, T] {
  const [weight, input] = inputs;
  if (input === undefined || weight === undefined)
    throw new ShapeError(`convolution: takes weight and input, got ${inputs.length} tensors`);
  return [weight, input];
}

function convolutionSizes(inputs: readonly TensorType[], { stride, dilation }: ConvolutionAttributes) {
  const [weight, input] = operands(inputs);
  const [images = 1, groups = 1, channels = 1, ...size] = input.shape;
  const [weightGroups, outputs = 1, weightChannels, ...kernel] = weight.shape;
  if (groups !== weightGroups || channels !== weightChannels || size.length !== kernel.length) {
    throw new ShapeError(
      `convolution: input ${formatShape(input.shape)} and weight ${formatShape(weight.shape)} do not fit; groups, channels and number of dims must agree`,
    );
  }
  if (input.dtype !== weight.dtype) {
    throw new ShapeError(
      `convolution: dtypes differ, input ${input.dtype} and weight ${weight.dtype}; ${conversionToWeight(input.dtype, weight.dtype)}`,
    );
  }
  if (input.dtype === "bool")
    throw new ShapeError(`convolution: bool has no products to sum; convert both with .to("int32")`);
  const out = size.map((extent, dim) => windowCount(extent, at(kernel, dim), at(stride, dim), at(dilation, dim)));
  if (out.some((extent) => extent < 1)) {
    throw new ShapeError(
      `convolution: the kernel ${formatShape(kernel)} with dilation ${formatShape(dilation)} is larger than the padded input ${formatShape(size)}; use a smaller kernel or more padding`,
    );
  }
  return { input, images, groups, channels, outputs, kernel, out };
}

/** The number of windows that fit: floor((extent - dilation · (kernel - 1) - 1) / stride) + 1. */
export function windowCount(extent: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((extent - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * The transpose of the convolution with respect to its input: `grad` is padded and convolved with the flipped kernel, whose
 * input and output channels are swapped. A stride is split into phases, or inserts zeros between elements.
 */
function inputGradient(grad: Node, weight: Node, attributes: ConvolutionAttributes, size: readonly number[]): Node {
  const { stride, dilation } = attributes;
  const strided = stride.findIndex((step, dim) => step > 1 && at(dilation, dim) === 1);
  if (strided >= 0) return inPhases(grad, weight, attributes, size, strided);
  const kernel = weight.shape.slice(3);
  const pads = kernel.map((extent, dim): Pad => {
    const step = at(stride, dim);
    const reach = (extent - 1) * at(dilation, dim);
    const spaced = (at(grad.shape, dim + 3) - 1) * step + 1;
    return [reach, at(size, dim) - spaced, step - 1];
  });
  const spaced = pad(grad, [[0, 0], [0, 0], [0, 0], ...pads], 0);
  const spatial = kernel.map((_, dim) => dim + 3);
  const turned = permute(flip(weight, spatial), [0, 2, 1, ...spatial]);
  return apply(convolutionOp, [turned, spaced], { stride: kernel.map(() => 1), dilation });
}

/**
 * Along a dim of stride s, the inputs at s·q + r meet only the kernel elements r, r + s, …: s gradients without a stride,
 * interleaved. Inserting zeros between the elements instead would mean s times as many products.
 */
function inPhases(
  grad: Node,
  weight: Node,
  { stride, dilation }: ConvolutionAttributes,
  size: readonly number[],
  dim: number,
): Node {
  const axis = dim + 3;
  const step = at(stride, dim);
  const [extent, length] = [at(weight.shape, axis), at(size, dim)];
  const whole = Math.ceil(length / step);
  const shape = [at(grad.shape, 0), at(grad.shape, 1), at(weight.shape, 2), ...size];
  shape[axis] = whole;
  const apart = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const phases = Array.from({ length: step }, (_, phase) => {
    const own = Math.ceil((length - phase) / step);
    if (phase >= extent || own < 1) return full(apart, 0, grad.dtype);
    const part = inputGradient(
      grad,
      slice(weight, axis, phase, extent, step),
      { stride: stride.map((one, place) => (place === dim ? 1 : one)), dilation },
      size.map((one, place) => (place === dim ? own : one)),
    );
    const pads = shape.map((_, place): Pad => [0, place === axis ? whole - own : 0]);
    return reshape(own < whole ? pad(part, pads, 0) : part, apart);
  });
  const joined = [...shape];
  joined[axis] = whole * step;
  return slice(reshape(cat(phases, axis + 1), joined), axis, 0, length, 1);
}

/** A convolution of the input with the gradient, with images and channels swapped, and stride and dilation swapped. */
function weightGradient(
  grad: Node,
  input: Node,
  { stride, dilation }: ConvolutionAttributes,
  kernel: readonly number[],
): Node {
  const spatial = kernel.map((_, dim) => dim + 3);
  let seen = input;
  kernel.forEach((extent, dim) => {
    // Rows that no window reaches do not contribute.
    const reached = (at(grad.shape, dim + 3) - 1) * at(stride, dim) + (extent - 1) * at(dilation, dim) + 1;
    seen = slice(seen, dim + 3, 0, reached, 1);
  });
  const images = permute(seen, [2, 1, 0, ...spatial]);
  const filters = permute(grad, [1, 2, 0, ...spatial]);
  const product = apply(convolutionOp, [filters, images], { stride: dilation, dilation: stride });
  return permute(product, [1, 2, 0, ...spatial]);
}

const paddingModes = ["zeros", "reflect", "replicate", "circular"] as const;
export type PaddingMode = (typeof paddingModes)[number];

export interface ConvOptions {
  /** Default 1. A number stands for all spatial dims, here and below. */
  readonly stride?: number | readonly number[];
  /** Elements added on both sides of each spatial dim, "valid" for none, "same" to keep the size (stride 1 only). Default 0. */
  readonly padding?: number | readonly number[] | "same" | "valid";
  /** Default 1. */
  readonly dilation?: number | readonly number[];
  /** Input and output channels are split into this many independent groups. Default 1. */
  readonly groups?: number;
  /** The content of the padding. Default "zeros". */
  readonly paddingMode?: PaddingMode;
}

export const convKinds: OptionKinds<ConvOptions> = {
  stride: kind.size,
  padding: kind.either(kind.size, kind.oneOf("same", "valid")),
  dilation: kind.size,
  groups: kind.number,
  paddingMode: kind.oneOf(...paddingModes),
};

export interface ConvTransposeOptions {
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  /** Added at the end of each spatial dim of the result, to tell apart sizes that a strided convolution maps to one. Default 0. */
  readonly outputPadding?: number | readonly number[];
  readonly groups?: number;
  readonly dilation?: number | readonly number[];
}

export const convTransposeKinds: OptionKinds<ConvTransposeOptions> = {
  stride: kind.size,
  padding: kind.size,
  outputPadding: kind.size,
  groups: kind.number,
  dilation: kind.size,
};

/**
 * 1-d cross-correlation (torch.nn.functional.conv1d). Shapes: input [N, C, L] or [C, L], weight [O, C / groups, K],
 * bias [O] → [N, O, Lout] or [O, Lout], Lout = ⌊(L + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1.
 * Throws ShapeError when channels, groups or sizes do not fit.
 */
export function conv1d(input: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node {
  return conv({ name: "conv1d", rank: 1 }, input, weight, bias, options);
}

/**
 * 2-d cross-correlation (torch.nn.functional.conv2d). Shapes: input [N, C, H, W] or [C, H, W],
 * weight [O, C / groups, KH, KW], bias [O] → [N, O, Hout, Wout] or [O, Hout, Wout], sizes as for conv1d.
 * Throws ShapeError when channels, groups or sizes do not fit.
 */
export function conv2d(input: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node {
  return conv({ name: "conv2d", rank: 2 }, input, weight, bias, options);
}

/**
 * 3-d cross-correlation (torch.nn.functional.conv3d). Shapes: input [N, C, D, H, W] or [C, D, H, W], weight
 * [O, C / groups, KD, KH, KW]; sizes as for conv1d.
 */
export function conv3d(input: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node {
  return conv({ name: "conv3d", rank: 3 }, input, weight, bias, options);
}

interface ConvFunction<Name> {
  readonly name: Name;
  /** Spatial dims. */
  readonly rank: number;
}

function conv(
  { name, rank }: ConvFunction<"conv1d" | "conv2d" | "conv3d">,
  input: Node,
  weight: Node,
  bias: Node | undefined,
  options: ConvOptions,
): Node {
  checkOptions(name, options, convKinds);
  const groups = options.groups ?? 1;
  const x = checkedImages(name, rank, input, weight, groups);
  const [outputs = 0, channels = 0, ...kernel] = weight.shape;
  if (channels * groups !== x.shape[1]) {
    throw new ShapeError(
      `${name}: input ${formatShape(input.shape)} has ${x.shape[1]} channels, weight ${formatShape(weight.shape)} with groups ${groups} takes ${channels * groups}; make them equal`,
    );
  }
  checkGroups(name, "output channels", outputs, groups);
  const stride = perDim(name, "stride", options.stride ?? 1, rank, 1);
  const dilation = perDim(name, "dilation", options.dilation ?? 1, rank, 1);
  const pads = convPadding(name, options, kernel);
  const { paddingMode = "zeros" } = options;
  const padded = padWith(x, [[0, 0], [0, 0], ...pads], paddingMode);
  kernel.forEach((extent, dim) => {
    const reach = at(dilation, dim) * (extent - 1) + 1;
    const size = at(padded.shape, dim + 2);
    if (reach > size) {
      throw new ShapeError(
        `${name}: the kernel ${formatShape(kernel)} spans ${reach} (dilation ${dilation[dim]}), more than the padded input of ${size} in ${formatShape(padded.shape)}; use a smaller kernel or more padding`,
      );
    }
  });
  const product = apply(convolutionOp, [splitDim(weight, 0, groups), splitDim(padded, 1, groups)], {
    stride,
    dilation,
  });
  const result = finish(name, mergeDims(product, 1), bias, input.shape.length === rank + 1);
  if (name === "conv3d") return result;
  return composed(name, [input, weight, bias], { stride, padding: pads, paddingMode, dilation, groups }, result);
}

/**
 * The transpose of conv1d with respect to its input (torch.nn.functional.conv_transpose1d).
 * Shapes as for convTranspose2d with one spatial dim.
 */
export function convTranspose1d(input: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node {
  return convTranspose({ name: "convTranspose1d", rank: 1 }, input, weight, bias, options);
}

/**
 * The transpose of conv2d with respect to its input (torch.nn.functional.conv_transpose2d). Shapes: input [N, C, H, W]
 * or [C, H, W], weight [C, O / groups, KH, KW], bias [O] → [N, O, Hout, Wout] or [O, Hout, Wout],
 * Hout = (H - 1)·stride - 2·padding + dilation·(KH - 1) + outputPadding + 1.
 * Throws ShapeError when channels, groups or sizes do not fit.
 */
export function convTranspose2d(input: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node {
  return convTranspose({ name: "convTranspose2d", rank: 2 }, input, weight, bias, options);
}

/** The transpose of conv3d with respect to its input (torch.nn.functional.conv_transpose3d). Shapes as for convTranspose2d with three spatial dims. */
export function convTranspose3d(input: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node {
  return convTranspose({ name: "convTranspose3d", rank: 3 }, input, weight, bias, options);
}

function convTranspose(
  { name, rank }: ConvFunction<"convTranspose1d" | "convTranspose2d" | "convTranspose3d">,
  input: Node,
  weight: Node,
  bias: Node | undefined,
  options: ConvTransposeOptions,
): Node {
  checkOptions(name, options, convTransposeKinds);
  const groups = options.groups ?? 1;
  const x = checkedImages(name, rank, input, weight, groups);
  const [channels = 0, , ...kernel] = weight.shape;
  if (channels !== x.shape[1]) {
    throw new ShapeError(
      `${name}: input ${formatShape(input.shape)} has ${x.shape[1]} channels, weight ${formatShape(weight.shape)} takes ${channels} (its first size); make them equal`,
    );
  }
  checkGroups(name, "input channels", channels, groups);
  const stride = perDim(name, "stride", options.stride ?? 1, rank, 1);
  const dilation = perDim(name, "dilation", options.dilation ?? 1, rank, 1);
  const padding = perDim(name, "padding", options.padding ?? 0, rank, 0);
  const outputPadding = perDim(name, "outputPadding", options.outputPadding ?? 0, rank, 0);
  const size = kernel.map((extent, dim) => {
    const [s = 1, d = 1, p = 0, extra = 0] = [stride[dim], dilation[dim], padding[dim], outputPadding[dim]];
    if (extra >= Math.max(s, d)) {
      throw new ShapeError(`${name}: outputPadding ${extra} must be smaller than stride ${s} or dilation ${d}`);
    }
    const out = (at(x.shape, dim + 2) - 1) * s - 2 * p + d * (extent - 1) + extra + 1;
    if (out < 1)
      throw new ShapeError(
        `${name}: input ${formatShape(input.shape)} with padding ${p} leaves an output of ${out}; use less padding`,
      );
    return { out, p, extra };
  });
  // The full transpose; padding crops its edges, and outputPadding adds zeros.
  const full = inputGradient(
    splitDim(x, 1, groups),
    splitDim(weight, 0, groups),
    { stride, dilation },
    size.map(({ out, p, extra }) => out - extra + 2 * p),
  );
  const cut = pad(mergeDims(full, 1), [[0, 0], [0, 0], ...size.map(({ p, extra }): Pad => [-p, extra - p])], 0);
  const result = finish(name, cut, bias, input.shape.length === rank + 1);
  if (name === "convTranspose3d") return result;
  return composed(name, [input, weight, bias], { stride, padding, outputPadding, dilation, groups }, result);
}

/** The names of the spatial dims in messages. */
export const spatialNames = (rank: number): string => (rank === 1 ? "L" : rank === 2 ? "H, W" : "D, H, W");

/** The input with an image dim, after checking that the numbers of dims fit. */
function checkedImages(name: string, rank: number, input: Node, weight: Node, groups: number): Node {
  if (weight.shape.length !== rank + 2 || (input.shape.length !== rank + 2 && input.shape.length !== rank + 1)) {
    const sizes = spatialNames(rank);
    throw new ShapeError(
      `${name}: takes an input [N, C, ${sizes}] or [C, ${sizes}] and a weight of ${rank + 2} dims, got ${formatShape(input.shape)} and ${formatShape(weight.shape)}`,
    );
  }
  if (!Number.isInteger(groups) || groups < 1)
    throw new ShapeError(`${name}: groups is ${groups}; use a whole number of at least 1`);
  if (sizeOf(weight.shape.slice(2)) === 0)
    throw new ShapeError(`${name}: the kernel of weight ${formatShape(weight.shape)} is empty; use sizes from 1`);
  return input.shape.length === rank + 1 ? reshape(input, [1, ...input.shape]) : input;
}

function checkGroups(name: string, what: string, count: number, groups: number): void {
  if (count % groups !== 0)
    throw new ShapeError(
      `${name}: ${count} ${what} do not divide into ${groups} groups; choose groups that divides them`,
    );
}

/** One integer per spatial dim, from a number or a list. */
export function perDim(
  name: string,
  what: string,
  value: number | readonly number[],
  rank: number,
  least: number,
): number[] {
  const list = typeof value === "number" ? new Array<number>(rank).fill(value) : Array.isArray(value) ? value : [];
  if (list.length !== rank || list.some((entry) => !Number.isInteger(entry) || entry < least)) {
    throw new ShapeError(
      `${name}: ${what} is ${kind.describe(value)}; use a whole number of at least ${least}, or ${rank} of them`,
    );
  }
  return list;
}

/** The elements that a convolution adds before and after each spatial dim. */
export function convPadding(
  name: string,
  { padding = 0, stride = 1, dilation = 1 }: ConvOptions,
  kernel: readonly number[],
): [number, number][] {
  const rank = kernel.length;
  return paddings(
    name,
    padding,
    kernel,
    perDim(name, "stride", stride, rank, 1),
    perDim(name, "dilation", dilation, rank, 1),
  );
}

function paddings(
  name: string,
  padding: number | readonly number[] | "same" | "valid",
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): [number, number][] {
  if (padding === "valid") return kernel.map(() => [0, 0]);
  if (padding === "same") {
    if (stride.some((step) => step !== 1))
      throw new ShapeError(
        `${name}: padding "same" needs stride 1, got ${formatShape(stride)}; give padding as numbers`,
      );
    return kernel.map((extent, dim) => {
      const total = at(dilation, dim) * (extent - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
  }
  return perDim(name, "padding", padding, kernel.length, 0).map((count) => [count, count]);
}

/**
 * Pads by a rule (torch.nn.functional.pad): "zeros"; "reflect" mirrors without repeating the edge; "replicate" repeats the
 * edge; "circular" wraps around. `pads` has [before, after] for each dim.
 */
export function padWith(x: Node, pads: readonly (readonly [number, number])[], mode: PaddingMode): Node {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return x;
  if (mode === "zeros") return pad(x, pads, 0);
  return pads.reduce((padded, [before, after], dim) => padDim(padded, dim, before, after, mode), x);
}

function padDim(x: Node, dim: number, before: number, after: number, mode: Exclude<PaddingMode, "zeros">): Node {
  const extent = at(x.shape, dim);
  const most =
    mode === "reflect" ? extent - 1 : mode === "circular" ? extent : extent > 0 ? Number.POSITIVE_INFINITY : 0;
  if (Math.max(before, after) > most) {
    throw new ShapeError(
      `pad: "${mode}" padding ${Math.max(before, after)} is too large for a dim of ${extent} in ${formatShape(x.shape)}; use at most ${most}`,
    );
  }
  const edge = (start: number, count: number): Node => {
    const end = slice(x, dim, start, start + 1, 1);
    return expand(
      end,
      end.shape.map((size, place) => (place === dim ? count : size)),
    );
  };
  const part = (start: number, end: number): Node => slice(x, dim, start, end, 1);
  const parts: Node[] = [];
  if (before > 0) {
    if (mode === "reflect") parts.push(flip(part(1, before + 1), [dim]));
    else parts.push(mode === "circular" ? part(extent - before, extent) : edge(0, before));
  }
  parts.push(x);
  if (after > 0) {
    if (mode === "reflect") parts.push(flip(part(extent - 1 - after, extent - 1), [dim]));
    else parts.push(mode === "circular" ? part(0, after) : edge(extent - 1, after));
  }
  return cat(parts, dim);
}

/** Splits a dim into [count, rest]. */
function splitDim(x: Node, dim: number, count: number): Node {
  return reshape(x, [...x.shape.slice(0, dim), count, at(x.shape, dim) / count, ...x.shape.slice(dim + 1)]);
}

/** Merges a dim with the next. */
function mergeDims(x: Node, dim: number): Node {
  return reshape(x, [...x.shape.slice(0, dim), at(x.shape, dim) * at(x.shape, dim + 1), ...x.shape.slice(dim + 2)]);
}

function finish(name: string, product: Node, bias: Node | undefined, single: boolean): Node {
  let out = product;
  if (bias !== undefined) {
    const channels = at(product.shape, 1);
    if (bias.shape.length !== 1 || bias.shape[0] !== channels) {
      throw new ShapeError(
        `${name}: bias ${formatShape(bias.shape)} must hold one number for each of the ${channels} output channels`,
      );
    }
    out = add(out, reshape(bias, [1, channels, ...product.shape.slice(2).map(() => 1)]));
  }
  return single ? reshape(out, out.shape.slice(1)) : out;
}
