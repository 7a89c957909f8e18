// Graph operations without a tensor method: bits, windows, products along a dim.
import type { Node } from "../../../graph/node.ts";
import * as el from "../../../graph/ops/elementwise.ts";
import { cumprod as cumprodNode } from "../../../graph/ops/reduce.ts";
import { fold as foldNode, window as windowNode } from "../../../graph/ops/window.ts";
import { Tensor } from "../../../tensor/index.ts";

const binary =
  (fn: (x: Node, y: Node) => Node) =>
  (x: Tensor, y: Tensor): Tensor =>
    Tensor.from(fn(x.node, y.node), [x, y]);

/** For int32 tensors. */
export const bitwiseAnd = binary(el.bitwiseAnd);
export const bitwiseOr = binary(el.bitwiseOr);
export const bitwiseXor = binary(el.bitwiseXor);
export const shiftLeft = binary(el.shiftLeft);
export const shiftRight = binary(el.shiftRight);
export const atan2 = binary(el.atan2);

export const cumprod = (x: Tensor, dim: number): Tensor => Tensor.from(cumprodNode(x.node, dim), [x]);

/** Sizes of windows, one per spatial dim. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** All windows over the last dims: [..., ...size] → [..., ...count, ...kernel]. */
export const windows = (x: Tensor, sizes: Windows, count?: readonly number[]): Tensor =>
  Tensor.from(windowNode(x.node, sizes, count), [x]);

/** Sums windows into their positions: the transpose of `windows`. */
export const foldWindows = (x: Tensor, sizes: Windows, size: readonly number[]): Tensor =>
  Tensor.from(foldNode(x.node, sizes, size), [x]);
