// Gradients of tensors: backward fills Parameter.grad; grad and valueAndGrad are functions of functions.

import { gradients, jvp as jvpNode } from "../graph/autodiff.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { alias, withGradient } from "../graph/ops/alias.ts";
import { checkKind } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { given, givenList } from "./arguments.ts";
import { wantLater } from "./lazy.ts";
import { refusePromises, resultTensor } from "./results.ts";
import { refuseInStep } from "./steps.ts";
import { gradientLeaves, Tensor } from "./tensor.ts";

/**
 * Fills `grad` of every parameter and requiresGrad tensor that `loss` depends on, adding to what is there.
 * `gradient` is ∂L/∂loss; it may be left out for a single number, where it is 1. Source: torch.Tensor.backward.
 */
export function backward(loss: Tensor, gradient?: Tensor): void {
  refuseInStep(
    "backward was called",
    "call it on the results of the loop, or use grad, which is a function, in the step",
  );
  if (!loss.requiresGrad) {
    throw new HebbError(
      "backward: this value depends on no parameter that requires a gradient; was it made under noGrad, detached, or returned by a compiled function (call backward inside it), or is every parameter frozen?",
    );
  }
  checkSeed("backward", loss, gradient);
  const leaves = leavesOf(loss);
  wantLater(loss);
  const nodes = leaves.map(({ node }) => node);
  gradients(loss.node, nodes, gradient?.node).forEach((node, place) => {
    const { owner } = leaves[place] as Leaf;
    if (node === undefined) return;
    const before = owner.grad;
    const fresh = Tensor.of(node);
    owner.grad = before === undefined ? fresh : Tensor.of(before.node).add(fresh);
  });
}

/** A parameter, or another tensor that requires a gradient, and its node in a graph. */
interface Leaf {
  readonly node: Node;
  readonly owner: Tensor;
}

/** What of a value's graph requires a gradient. */
export function leavesOf(value: Tensor): Leaf[] {
  return topologicalOrder([value.node]).flatMap((node): Leaf[] => {
    const owner = gradientLeaves.get(node);
    // A leaf may have been frozen since its node was made.
    return owner === undefined || !owner.requiresGrad ? [] : [{ node, owner }];
  });
}

function checkSeed(where: string, output: Tensor, gradient: Tensor | undefined): void {
  if (gradient !== undefined) given(where, gradient, "the gradient");
  if (gradient === undefined && output.size !== 1) {
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

type TensorFunction<A extends readonly Tensor[]> = (...args: A) => Tensor;

/** (value, gradients of every argument) of a scalar-valued function. Source: jax.value_and_grad. */
export function valueAndGrad<A extends readonly Tensor[]>(
  fn: TensorFunction<A>,
): (...args: A) => [value: Tensor, gradients: Tensor[]] {
  checkKind("grad", "the function", fn, kind.func());
  return (...args) => {
    const inputs = args.map((arg, place) => Tensor.of(alias(given("grad", arg, `argument ${place}`).node), true));
    for (const [place, input] of inputs.entries()) {
      if (!isFloat(input.dtype))
        throw new HebbError(
          `grad: argument ${place} is ${input.dtype}, and only float tensors have gradients; close over it instead`,
        );
    }
    const value = resultTensor("grad", (fn as (...args: readonly Tensor[]) => Tensor)(...inputs));
    checkSeed("grad", value, undefined);
    const found = gradients(
      value.node,
      inputs.map((input) => input.node),
    );
    return [
      value,
      found.map((node, place) =>
        node === undefined ? (inputs[place] as Tensor).mul(0) : Tensor.of(node, value.requiresGrad),
      ),
    ];
  };
}

/** The gradient of a scalar-valued function: of its only argument, or of each of several. Apply twice for the second order. Source: jax.grad. */
export function grad(fn: (x: Tensor) => Tensor): (x: Tensor) => Tensor;
export function grad<A extends readonly Tensor[]>(fn: TensorFunction<A>): (...args: A) => Tensor[];
export function grad(fn: (...args: Tensor[]) => Tensor): (...args: Tensor[]) => Tensor | Tensor[] {
  const both = valueAndGrad(fn);
  return (...args) => {
    const [, found] = both(...args);
    return found.length === 1 ? (found[0] as Tensor) : found;
  };
}

/**
 * A function with a gradient of your own: `backward` gets ∂L/∂output, the inputs and the output, and returns ∂L/∂input for each
 * input (undefined: none). Source: torch.autograd.Function.
 */
export function customGradient(
  forward: (...inputs: Tensor[]) => Tensor,
  backwardOf: (grad: Tensor, inputs: readonly Tensor[], output: Tensor) => readonly (Tensor | undefined)[],
): (...inputs: Tensor[]) => Tensor {
  checkKind("customGradient", "the forward function", forward, kind.func());
  checkKind("customGradient", "the backward function", backwardOf, kind.func());
  return (...inputs) => {
    const output = resultTensor("customGradient", forward(...inputs.map((input) => input.detach())));
    const node = withGradient(
      output.node,
      inputs.map((input) => input.node),
      (grad) => {
        const parts = backwardOf(Tensor.of(grad), inputs, output);
        refusePromises("customGradient", parts);
        return parts.map((part) => part?.node);
      },
    );
    return Tensor.from(node, inputs);
  };
}

/**
 * (value, derivative along `tangents`) of a function at `inputs`: forward mode, one direction at a time. Source: jax.jvp.
 */
export function jvp(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  tangents: readonly Tensor[],
): [value: Tensor, derivative: Tensor] {
  checkKind("jvp", "the function", fn, kind.func());
  givenList("jvp", inputs);
  givenList("jvp", tangents);
  const odd = inputs.findIndex((input, place) => !sameShape(input.shape, tangents[place]?.shape ?? []));
  if (odd >= 0 || inputs.length !== tangents.length) {
    throw new ShapeError(
      `jvp: each input needs a tangent of the same shape; input ${Math.max(0, odd)} has shape ${formatShape(inputs[Math.max(0, odd)]?.shape ?? [])}`,
    );
  }
  const own = inputs.map((input) => Tensor.of(alias(input.node), true));
  const value = resultTensor("jvp", fn(...own));
  const derivative = jvpNode(
    value.node,
    own.map((input) => input.node),
    tangents.map((tangent) => tangent.node),
  );
  return [value, Tensor.of(derivative)];
}
