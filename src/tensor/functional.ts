// Functions of several tensors that are not methods of one: where, cat, stack, einsum, oneHot, convolutions, pools.

import type { DType } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import * as conv from "../graph/ops/conv.ts";
import { einsum as einsumNode } from "../graph/ops/einsum.ts";
import * as el from "../graph/ops/elementwise.ts";
import { oneHot as oneHotNode, oneHotSite } from "../graph/ops/indexing.ts";
import { type InterpolateOptions, interpolate as interpolateNode } from "../graph/ops/interpolate.ts";
import { cat as catNode } from "../graph/ops/movement.ts";
import * as pool from "../graph/ops/pool.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { checked } from "./checks.ts";
import { type Operand, Tensor } from "./tensor.ts";

const tensorsOf = (values: readonly (Operand | undefined)[]): Tensor[] =>
  values.filter((value): value is Tensor => value instanceof Tensor);

/** x where the condition holds, else y; all three broadcast. Source: torch.where. */
export function where(condition: Tensor, x: Operand, y: Operand): Tensor {
  const like = x instanceof Tensor ? x : y instanceof Tensor ? y : ({ shape: [], dtype: "float32" } as const);
  const node = (value: Operand): Node => (value instanceof Tensor ? value.node : el.scalarLike(value, like));
  return Tensor.from(el.where(condition.node, node(x), node(y)), tensorsOf([x, y]));
}

/** Tensors one after another along a dim (torch.cat). */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return Tensor.from(
    catNode(
      tensors.map((tensor) => tensor.node),
      dim,
    ),
    tensors,
  );
}

/** Tensors of one shape side by side in a new dim (torch.stack). */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const first = tensors[0];
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
  Tensor.from(einsumNode(equation, ...operands.map((operand) => operand.node)), operands);

/** 1 at the class of each position, 0 elsewhere, in a new last dim (torch.nn.functional.one_hot). */
export const oneHot = (index: Tensor, classes: number, options: { readonly dtype?: DType } = {}): Tensor =>
  Tensor.from(oneHotNode(checked(index, classes, oneHotSite).node, classes, options.dtype ?? "int32"), []);

type Convolution<O> = (input: Node, weight: Node, bias?: Node, options?: O) => Node;
const convolution =
  <O>(fn: Convolution<O>) =>
  (input: Tensor, weight: Tensor, bias?: Tensor, options?: O): Tensor =>
    Tensor.from(fn(input.node, weight.node, bias?.node, options), tensorsOf([input, weight, bias]));

/** Cross-correlation of [N, C, L] with [out, C/groups, k] (torch.nn.functional.conv1d). */
export const conv1d = convolution(conv.conv1d);
/** Cross-correlation of [N, C, H, W] with [out, C/groups, kh, kw] (torch.nn.functional.conv2d). */
export const conv2d = convolution(conv.conv2d);
export const convTranspose1d = convolution(conv.convTranspose1d);
/** The transpose of conv2d: [N, C, H, W] with [C, out/groups, kh, kw] (torch.nn.functional.conv_transpose2d). */
export const convTranspose2d = convolution(conv.convTranspose2d);

type Pool<O> = (x: Node, size: number | readonly number[], options?: O) => Node;
const pooling =
  <O>(fn: Pool<O>) =>
  (x: Tensor, size: number | readonly number[], options?: O): Tensor =>
    Tensor.from(options === undefined ? fn(x.node, size) : fn(x.node, size, options), [x]);

export const maxPool1d = pooling(pool.maxPool1d);
/** The largest of each window of [N, C, H, W] (torch.nn.functional.max_pool2d). */
export const maxPool2d = pooling(pool.maxPool2d);
export const avgPool1d = pooling(pool.avgPool1d);
/** The mean of each window of [N, C, H, W] (torch.nn.functional.avg_pool2d). */
export const avgPool2d = pooling(pool.avgPool2d);
export const adaptiveAvgPool1d = pooling(pool.adaptiveAvgPool1d);
export const adaptiveAvgPool2d = pooling(pool.adaptiveAvgPool2d);

/** Resizes the spatial dims by the nearest element, linearly, by cubics or by areas (torch.nn.functional.interpolate). */
export const interpolate = (x: Tensor, options: InterpolateOptions): Tensor =>
  Tensor.from(interpolateNode(x.node, options), [x]);
