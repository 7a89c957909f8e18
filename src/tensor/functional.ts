// Functions of several tensors that are not methods: where, cat, stack, einsum, oneHot, convolutions, pools.

import type { DType } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import * as conv from "../graph/ops/conv.ts";
import { einsum as einsumNode } from "../graph/ops/einsum.ts";
import * as el from "../graph/ops/elementwise.ts";
import { oneHot as oneHotNode, oneHotSite } from "../graph/ops/indexing.ts";
import { type InterpolateOptions, interpolate as interpolateNode } from "../graph/ops/interpolate.ts";
import { cat as catNode } from "../graph/ops/movement.ts";
import * as pool from "../graph/ops/pool.ts";
import { tensordot as tensordotNode } from "../graph/ops/products.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { given, givenList, givenOrNot } from "./arguments.ts";
import { lowered } from "./autocast.ts";
import { checked } from "./checks.ts";
import { composed } from "./composed.ts";
import { numberOf } from "./operands.ts";
import { type Operand, Tensor } from "./tensor.ts";

const tensorsOf = (values: readonly (Operand | undefined)[]): Tensor[] =>
  values.filter((value): value is Tensor => value instanceof Tensor);

/** x where the condition holds, else y; all three broadcast. Source: torch.where. */
export function where(condition: Tensor, x: Operand, y: Operand): Tensor {
  const like = x instanceof Tensor ? x : y instanceof Tensor ? y : ({ shape: [], dtype: "float32" } as const);
  const node = (value: Operand): Node =>
    value instanceof Tensor ? value.node : el.scalarLike(numberOf("where", value), like);
  return Tensor.from(el.where(given("where", condition, "the condition").node, node(x), node(y)), tensorsOf([x, y]));
}

/** Concatenates tensors along a dim; the wider dtype wins (torch.cat). */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return Tensor.from(
    catNode(
      givenList("cat", tensors).map((tensor) => tensor.node),
      dim,
    ),
    tensors,
  );
}

/** Stacks tensors of one shape along a new dim (torch.stack). */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first] = givenList("stack", tensors);
  const odd = tensors.find((tensor) => !sameShape(tensor.shape, first?.shape ?? []));
  if (first === undefined || odd !== undefined) {
    throw new ShapeError(
      odd === undefined
        ? "stack: takes at least one tensor"
        : `stack: all shapes must be equal, got ${formatShape(first?.shape ?? [])} and ${formatShape(odd.shape)}`,
    );
  }
  return cat(
    tensors.map((tensor) => tensor.unsqueeze(dim)),
    dim,
  );
}

/** Sums of products in Einstein's notation: einsum("bij,bjk->bik", a, b) (torch.einsum). */
export const einsum = (equation: string, ...operands: readonly Tensor[]): Tensor =>
  Tensor.from(einsumNode(equation, ...givenList("einsum", operands).map((operand) => operand.node)), operands);

const dimsKind = kind.either(
  kind.number,
  kind.of<readonly [readonly number[], readonly number[]]>(
    "two lists of dims",
    (value) => Array.isArray(value) && value.length === 2 && value.every((list) => kind.numbers.accepts(list)),
  ),
);

/** Sums of products over the last `dims` dims of x and the first of y, or over the dims listed of each (torch.tensordot). */
export function tensordot(
  x: Tensor,
  y: Tensor,
  dims: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  checkKind("tensordot", "dims", dims, dimsKind);
  return Tensor.from(tensordotNode(given("tensordot", x).node, given("tensordot", y, "the other").node, dims), [x, y]);
}

/** 1 at the class of each position, 0 elsewhere, in a new last dim (torch.nn.functional.one_hot). */
export function oneHot(index: Tensor, classes: number, options: { readonly dtype?: DType } = {}): Tensor {
  const { dtype = "int32" } = checkOptions("oneHot", options, { dtype: kind.dtype });
  const known = checked(given("oneHot", index, "the index"), classes, oneHotSite);
  return composed("oneHot", [index], { classes, dtype }, () => Tensor.from(oneHotNode(known.node, classes, dtype), []));
}

type Convolution<O> = (input: Node, weight: Node, bias?: Node, options?: O) => Node;
const convolution =
  <O>(name: string, fn: Convolution<O>) =>
  (input: Tensor, weight: Tensor, bias?: Tensor, options?: O): Tensor => {
    const x = lowered(given(name, input));
    const kernel = lowered(given(name, weight, "the weight"));
    givenOrNot(name, bias, "the bias");
    const shift = bias && lowered(bias);
    return Tensor.from(fn(x.node, kernel.node, shift?.node, options), tensorsOf([x, kernel, shift]));
  };

/** Cross-correlation of [N, C, L] with [out, C/groups, k] (torch.nn.functional.conv1d). */
export const conv1d = convolution("conv1d", conv.conv1d);
/** Cross-correlation of [N, C, H, W] with [out, C/groups, kh, kw] (torch.nn.functional.conv2d). */
export const conv2d = convolution("conv2d", conv.conv2d);
/** Cross-correlation of [N, C, D, H, W] with [out, C/groups, kd, kh, kw] (torch.nn.functional.conv3d). */
export const conv3d = convolution("conv3d", conv.conv3d);
export const convTranspose1d = convolution("convTranspose1d", conv.convTranspose1d);
/** The transpose of conv2d: [N, C, H, W] with [C, out/groups, kh, kw] (torch.nn.functional.conv_transpose2d). */
export const convTranspose2d = convolution("convTranspose2d", conv.convTranspose2d);

/** The transpose of conv3d: [N, C, D, H, W] with [C, out/groups, kd, kh, kw] (torch.nn.functional.conv_transpose3d). */
export const convTranspose3d = convolution("convTranspose3d", conv.convTranspose3d);

type Pool<O> = (x: Node, size: number | readonly number[], options?: O) => Node;
const pooling =
  <O>(name: string, fn: Pool<O>) =>
  (x: Tensor, size: number | readonly number[], options?: O): Tensor =>
    Tensor.from(fn(given(name, x).node, size, options), [x]);

export const maxPool1d = pooling("maxPool1d", pool.maxPool1d);
/** The maximum of each window of [N, C, H, W] (torch.nn.functional.max_pool2d). */
export const maxPool2d = pooling("maxPool2d", pool.maxPool2d);
/** The maximum of each window of [N, C, D, H, W] (torch.nn.functional.max_pool3d). */
export const maxPool3d = pooling("maxPool3d", pool.maxPool3d);
export const avgPool1d = pooling("avgPool1d", pool.avgPool1d);
/** The mean of each window of [N, C, H, W] (torch.nn.functional.avg_pool2d). */
export const avgPool2d = pooling("avgPool2d", pool.avgPool2d);

/** The mean of each window of [N, C, D, H, W] (torch.nn.functional.avg_pool3d). */
export const avgPool3d = pooling("avgPool3d", pool.avgPool3d);

type Adaptive = (x: Tensor, size: number | readonly number[]) => Tensor;
export const adaptiveAvgPool1d: Adaptive = (x, size) =>
  Tensor.from(pool.adaptiveAvgPool1d(given("adaptiveAvgPool1d", x).node, size), [x]);
export const adaptiveAvgPool2d: Adaptive = (x, size) =>
  Tensor.from(pool.adaptiveAvgPool2d(given("adaptiveAvgPool2d", x).node, size), [x]);

/** Resizes the spatial dims: nearest, linear, cubic or area (torch.nn.functional.interpolate). */
export const interpolate = (x: Tensor, options: InterpolateOptions): Tensor =>
  Tensor.from(interpolateNode(given("interpolate", x).node, options), [x]);
