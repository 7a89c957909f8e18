// Gradients of functions of tensors: grad, valueAndGrad, customGradient, jvp.

import { gradients, jvp as jvpNode } from "../graph/autodiff.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { alias, withGradient } from "../graph/ops/alias.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { givenList } from "./arguments.ts";
import { checkSeed, type Leaf, leavesUnder } from "./backward.ts";
import { refusePromises, resultTensor } from "./results.ts";
import { recordHistory } from "./steps.ts";
import { gradientLeaves, Tensor } from "./tensor.ts";
import { type TensorTree, tensorTree } from "./trees.ts";

/** The leaves in a value's graph that require a gradient. */
export const leavesOf = (value: Tensor): readonly Leaf<Tensor>[] =>
  leavesUnder(value, (node) => gradientLeaves.get(node));

type TensorFunction<A extends readonly unknown[]> = (...args: A) => Tensor;

export interface GradOptions {
  /**
   * The arguments to differentiate with respect to: a number gives one gradient, a list gives a list. Default: all; a single argument gives one
   * gradient.
   */
  readonly argnums?: number | readonly number[];
}
const gradKinds: OptionKinds<GradOptions> = { argnums: kind.size };

/** The positions of the arguments to differentiate with respect to. */
function chosen(argnums: number | readonly number[] | undefined, count: number): readonly number[] {
  if (argnums === undefined) return Array.from({ length: count }, (_, place) => place);
  const places = (typeof argnums === "number" ? [argnums] : argnums).map((place) =>
    place < 0 ? place + count : place,
  );
  if (places.some((place) => !Number.isInteger(place) || place < 0 || place >= count))
    throw new HebbError(
      `grad: argnums is ${kind.describe(argnums)}, and the function got ${count} arguments, which count from 0`,
    );
  return places;
}

/** The argument with its tensors replaced by stand-ins, where gradients stop. */
function standIns(value: unknown, place: number): TensorTree {
  const tree = tensorTree("grad", `argument ${place}`, value);
  const tensors = tree.tensors.map((tensor, part) => {
    if (!isFloat(tensor.dtype))
      throw new HebbError(
        `grad: ${tree.paths[part]} is ${tensor.dtype}, and only float tensors have gradients; close over it instead, or leave it out of argnums`,
      );
    return Tensor.of(alias(tensor.node), true);
  });
  return { ...tree, tensors };
}

/**
 * (value, gradients) of a scalar-valued function: one gradient for each argument, with the structure of that argument: a tensor, or arrays and plain
 * objects of tensors. Source: jax.value_and_grad, torch.func.grad_and_value.
 */
export function valueAndGrad<A extends readonly unknown[]>(
  fn: TensorFunction<A>,
  options: GradOptions = {},
): (...args: A) => [value: Tensor, gradients: A[number][]] {
  checkKind("grad", "the function", fn, kind.func());
  const { argnums } = checkOptions("grad", options, gradKinds);
  return (...args) => {
    const wanted = new Map(chosen(argnums, args.length).map((place) => [place, standIns(args[place], place)]));
    const inputs = args.map((arg, place) => {
      const own = wanted.get(place);
      return own === undefined ? arg : own.with(own.tensors);
    });
    const value = resultTensor(
      "grad",
      recordHistory(() => (fn as (...args: readonly unknown[]) => Tensor)(...inputs)),
    );
    checkSeed("grad", value, undefined);
    const trees = [...wanted.values()];
    const leaves = trees.flatMap(({ tensors }) => tensors);
    const found = gradients(
      value.node,
      leaves.map((leaf) => leaf.node),
    ).map((node, place) =>
      node === undefined ? (leaves[place] as Tensor).mul(0) : Tensor.of(node, value.requiresGrad),
    );
    let next = 0;
    return [
      value,
      trees.map((tree) => {
        next += tree.tensors.length;
        // A gradient has the structure of its argument.
        return tree.with(found.slice(next - tree.tensors.length, next)) as A[number];
      }),
    ];
  };
}

/**
 * The gradient of a scalar-valued function: of its only argument, or of each of several, with the structure of the argument. Apply it twice for
 * second order. Source: jax.grad, torch.func.grad.
 */
export function grad(fn: (x: Tensor) => Tensor): (x: Tensor) => Tensor;
export function grad<A extends readonly Tensor[]>(fn: TensorFunction<A>): (...args: A) => Tensor[];
export function grad<A extends readonly unknown[], K extends number>(
  fn: TensorFunction<A>,
  options: { readonly argnums: K },
): (...args: A) => A[K];
export function grad<A extends readonly unknown[]>(
  fn: TensorFunction<A>,
  options?: GradOptions,
): (...args: A) => A[number][];
export function grad<A extends readonly unknown[]>(
  fn: TensorFunction<A>,
  options: GradOptions = {},
): (...args: A) => unknown {
  const both = valueAndGrad(fn, options);
  return (...args) => {
    const [, found] = both(...args);
    const single = options.argnums === undefined ? found.length === 1 : typeof options.argnums === "number";
    return single ? found[0] : found;
  };
}

/**
 * A function with a custom gradient: `backward` gets ∂L/∂output, the inputs and the output, and returns ∂L/∂input for each input (undefined: none).
 * Source: torch.autograd.Function.
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
        const parts: unknown = backwardOf(Tensor.of(grad), inputs, output);
        refusePromises("customGradient", parts);
        return gradientNodes(parts, inputs.length);
      },
    );
    return Tensor.from(node, inputs);
  };
}

/** The result of a backward function: a gradient or undefined for each input. */
function gradientNodes(parts: unknown, count: number): (Node | undefined)[] {
  const fits = (part: unknown): part is Tensor | undefined => part === undefined || part instanceof Tensor;
  if (!Array.isArray(parts) || !parts.every(fits))
    throw new HebbError(
      `customGradient: backward must return a list of a gradient or undefined for each of the ${count} inputs, such as [grad.mul(2)], got ${Array.isArray(parts) ? `a list with ${kind.describe(parts.find((part) => !fits(part)))}` : kind.describe(parts)}`,
    );
  return parts.map((part) => part?.node);
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
  const value = resultTensor(
    "jvp",
    recordHistory(() => fn(...own)),
  );
  const derivative = jvpNode(
    value.node,
    own.map((input) => input.node),
    tangents.map((tangent) => tangent.node),
  );
  return [value, Tensor.of(derivative)];
}
