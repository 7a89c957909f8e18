// backward: fills the gradients of everything a value depends on. Works on nodes; tensors call it.
import { gradients } from "../graph/autodiff.ts";
import type { DType } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import type { Node, Op } from "../graph/node.ts";
import { cast } from "../graph/ops/cast.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../graph/shape.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { wantLater } from "./lazy.ts";
import { refuseLostHistory } from "./lostHistory.ts";
import { refuseInStep } from "./steps.ts";

/** A value with a gradient. */
export interface Differentiable<Self> {
  readonly node: Node;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly lostHistory: Op | undefined;
  grad: Self | undefined;
}

/** Makes values from nodes, and finds the leaf behind a node. */
export interface Values<T> {
  of(node: Node): T;
  sum(a: T, b: T): T;
  leafOf(node: Node): T | undefined;
}

export function backward<T extends Differentiable<T>>(values: Values<T>, loss: T, gradient: T | undefined): void {
  refuseInStep(
    "backward was called",
    "call it on the results of the loop, or use grad, which is a function, in the step",
  );
  const order = topologicalOrder([loss.node]);
  if (loss.requiresGrad || loss.lostHistory !== undefined) {
    checkSeed("backward", loss, gradient);
    refuseLostHistory(loss.node, order, gradient?.node);
  }
  if (!loss.requiresGrad) {
    throw new HebbError(
      "backward: this value depends on no parameter that requires a gradient; was it made under noGrad or detached, or is every parameter frozen?",
    );
  }
  const leaves = leavesIn(order, values.leafOf);
  wantLater(loss);
  const nodes = leaves.map(({ node }) => node);
  for (const [place, node] of gradients(loss.node, nodes, gradient?.node).entries()) {
    const owner = leaves[place]?.owner;
    if (node === undefined || owner === undefined) continue;
    const before = owner.grad;
    // An owner may have been converted since its node was made.
    const fresh = values.of(cast(node, owner.dtype));
    owner.grad = before === undefined ? fresh : values.sum(values.of(before.node), fresh);
  }
}

/** A parameter, or another value that requires a gradient, and its node in a graph. */
export interface Leaf<T> {
  readonly node: Node;
  readonly owner: T;
}

/** The leaves in a value's graph that require a gradient. */
export const leavesUnder = <T extends Differentiable<T>>(
  value: T,
  leafOf: (node: Node) => T | undefined,
): readonly Leaf<T>[] => leavesIn(topologicalOrder([value.node]), leafOf);

function leavesIn<T extends Differentiable<T>>(
  order: readonly Node[],
  leafOf: (node: Node) => T | undefined,
): readonly Leaf<T>[] {
  return order.flatMap((node): Leaf<T>[] => {
    const owner = leafOf(node);
    // A leaf may have been frozen since its node was made.
    return owner === undefined || !owner.requiresGrad ? [] : [{ node, owner }];
  });
}

interface Shaped {
  readonly shape: Shape;
}

export function checkSeed(where: string, output: Shaped, gradient: Shaped | undefined): void {
  if (gradient === undefined && sizeOf(output.shape) !== 1) {
    throw new ShapeError(
      `${where}: the value has shape ${formatShape(output.shape)}; reduce it to one number (for example with .mean()) or pass the gradient of each element`,
    );
  }
  if (gradient !== undefined && !sameShape(gradient.shape, output.shape)) {
    throw new ShapeError(
      `${where}: the gradient has shape ${formatShape(gradient.shape)}, the value ${formatShape(output.shape)}; they must be equal`,
    );
  }
}
