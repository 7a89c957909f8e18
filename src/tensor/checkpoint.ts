// checkpoint: recomputes the intermediate values of a function in the backward pass instead of keeping them.
import { pullback } from "../graph/autodiff.ts";
import { isFloat } from "../graph/dtype.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, newId } from "../graph/node.ts";
import { alias, withGradient } from "../graph/ops/alias.ts";
import { recompute } from "../graph/ops/recompute.ts";
import { checkKind } from "../graph/options.ts";
import { sizeOf } from "../graph/shape.ts";
import { overInputs, topologicalOrder } from "../graph/walk.ts";
import { given } from "./arguments.ts";
import { resultTensor } from "./results.ts";
import { recordHistory } from "./steps.ts";
import { Tensor } from "./tensor.ts";

/**
 * The value of the function. Its gradient keeps only the inputs and recomputes everything between them and the value: less memory for one more
 * forward pass. Gradients reach the inputs and all tensors that the function reads. Random numbers are the same both times. The saving shows inside
 * `compile`, where the forward and the backward pass share one planned memory. Source: torch.utils.checkpoint.checkpoint.
 */
export function checkpoint(fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  checkKind("checkpoint", "the function", fn, kind.func());
  const first = newId();
  const own = inputs.map((input, place) => {
    given("checkpoint", input, `argument ${place}`);
    return Tensor.of(alias(input.node), input.requiresGrad);
  });
  const value = resultTensor(
    "checkpoint",
    recordHistory(() => fn(...own)),
  );
  const isPart = (node: Node): boolean => node.id > first && node.source === undefined;
  const order = topologicalOrder([value.node], { inputsOf: (node) => (isPart(node) ? node.inputs : []) });
  const edge = order.filter((node) => !isPart(node));
  const wrt = edge.filter(({ dtype }) => isFloat(dtype));
  const read = new Set(own.map(({ node }) => node.inputs[0]));
  const result = withGradient(value.node, wrt, (grad) => {
    const parts = pullback([{ node: value.node, grad }], wrt, new Set(wrt));
    const again = new Map<Node, Node>([[grad, grad]]);
    // Inputs are read again only once the gradient exists; parameters are in memory anyway.
    for (const node of edge) {
      const waits = (node.source === undefined || read.has(node)) && sizeOf(node.shape) > 0 && sizeOf(grad.shape) > 0;
      again.set(node, waits ? recompute(node, grad) : node);
    }
    const wanted = parts.filter((part) => part !== undefined);
    const inputsOf = (node: Node): readonly Node[] => (again.has(node) || node.id < first ? [] : node.inputs);
    for (const node of topologicalOrder(wanted, { inputsOf }))
      if (!again.has(node))
        again.set(
          node,
          overInputs(
            node,
            node.inputs.map((input) => again.get(input) ?? input),
          ),
        );
    return parts.map((part) => (part === undefined ? undefined : again.get(part)));
  });
  return Tensor.from(result, [value, ...inputs]);
}
