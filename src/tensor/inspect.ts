// inspect(fn): one run with every intermediate kept, so that any number can be seen: its formula, value and gradient.
import { topologicalOrder } from "../compiler/schedule.ts";
import { gradients } from "../graph/autodiff.ts";
import { isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import { printType } from "../graph/print.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { engine } from "../runtime/index.ts";
import { evaluate } from "./lazy.ts";
import { State } from "./state.ts";
import { gradientLeaves, Tensor } from "./tensor.ts";

/** One node of an inspected computation. */
export interface Inspected {
  /** `%3` in the listing. */
  readonly name: string;
  readonly op: string;
  /** The module path that made it, or the parameter's name. */
  readonly path: string;
  /** `%3 = matmul(%1, %2) : f32[32, 10]` */
  readonly formula: string;
  readonly shape: Shape;
  readonly inputs: readonly string[];
  readonly value: TypedArray;
  /** ∂loss/∂this, where the loss depends on it smoothly. */
  readonly gradient: TypedArray | undefined;
}

/**
 * Runs `fn`, which returns a loss (or any tensor), keeping every intermediate value; when the result is one number that
 * depends on parameters, their gradients and those of all intermediates too. Nothing is changed by it.
 */
export function inspect(fn: () => Tensor): Inspected[] {
  const result = fn();
  if (!(result instanceof Tensor)) throw new HebbError("inspect: the function must return a tensor, such as the loss");
  const order = topologicalOrder([result.node]);
  const differentiable = sizeOf(result.shape) === 1 && isFloat(result.dtype);
  const wanted = order.filter((node) => isFloat(node.dtype));
  const slopes = differentiable ? gradients(result.node, wanted) : [];
  const slopeOf = new Map<Node, Node>();
  slopes.forEach((slope, place) => {
    if (slope !== undefined) slopeOf.set(wanted[place] as Node, slope);
  });
  const asked = [...order, ...slopeOf.values()];
  const values = evaluate(asked);
  const read = (node: Node): TypedArray => engine().memory.read(values[asked.indexOf(node)] as (typeof values)[number]);
  const names = new Map(order.map((node, place) => [node, `%${place}`]));
  return order.map((node): Inspected => {
    const owner = gradientLeaves.get(node);
    const slope = slopeOf.get(node);
    const inputs = node.inputs.map((input) => names.get(input) as string);
    const name = names.get(node) as string;
    const call =
      node.source === undefined
        ? `${node.op.name}(${inputs.join(", ")})`
        : owner instanceof State && owner.name !== ""
          ? owner.name
          : "value";
    return {
      name,
      op: node.source === undefined ? node.op.name : "value",
      path: owner instanceof State ? owner.name : node.scope,
      formula: `${name} = ${call} : ${printType(node)}`,
      shape: node.shape,
      inputs,
      value: read(node),
      gradient: slope === undefined ? undefined : read(slope),
    };
  });
}
