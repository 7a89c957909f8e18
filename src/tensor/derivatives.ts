// Derivatives of functions with many outputs: vjp, linearize, jacrev, jacfwd, hessian.
import { gradients, jvp as jvpNode } from "../graph/autodiff.ts";
import { Batcher } from "../graph/batching/batcher.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { alias } from "../graph/ops/alias.ts";
import { full, iota } from "../graph/ops/creation.ts";
import { cast, eq } from "../graph/ops/elementwise.ts";
import { permute, reshape } from "../graph/ops/movement.ts";
import { stepLeaf } from "../graph/ops/scanBody.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { sameShape, sizeOf } from "../graph/shape.ts";
import { given } from "./arguments.ts";
import { checkSeed } from "./backward.ts";
import { resultTensor } from "./results.ts";
import { recordHistory } from "./steps.ts";
import { Tensor } from "./tensor.ts";

export interface JacobianOptions {
  /** The arguments to differentiate with respect to: a number gives a tensor, a list a list. Default 0, the first. */
  readonly argnums?: number | readonly number[];
}
const jacobianKinds: OptionKinds<JacobianOptions> = { argnums: kind.size };

type TensorFunction = (...inputs: Tensor[]) => Tensor;
type Jacobian = (...inputs: Tensor[]) => Tensor;
type Jacobians = (...inputs: Tensor[]) => Tensor[];

/** Stand-ins for the inputs, where gradients stop. */
function standIns(where: string, inputs: readonly Tensor[], which: readonly number[]): Tensor[] {
  return inputs.map((input, place) => {
    given(where, input, `argument ${place}`);
    if (!which.includes(place)) return input;
    if (!isFloat(input.dtype))
      throw new HebbError(
        `${where}: argument ${place} is ${input.dtype}, and only float tensors have derivatives; convert it with .to("float32"), or leave it out of argnums`,
      );
    return Tensor.of(alias(input.node), true);
  });
}

const everyPlace = (inputs: readonly unknown[]): number[] => inputs.map((_, place) => place);
const zeros = ({ shape, dtype }: Tensor): Node => full(shape, 0, dtype);

/**
 * The value of a function, and a function from a gradient of that value to the gradients of the inputs: of the only one, or of each of several.
 * Source: torch.func.vjp.
 */
export function vjp(fn: (x: Tensor) => Tensor, x: Tensor): [value: Tensor, pullback: (gradient: Tensor) => Tensor];
export function vjp(fn: TensorFunction, ...inputs: Tensor[]): [value: Tensor, pullback: (gradient: Tensor) => Tensor[]];
export function vjp(
  fn: TensorFunction,
  ...inputs: Tensor[]
): [value: Tensor, pullback: (gradient: Tensor) => Tensor | Tensor[]] {
  checkKind("vjp", "the function", fn, kind.func());
  const own = standIns("vjp", inputs, everyPlace(inputs));
  const value = resultTensor(
    "vjp",
    recordHistory(() => fn(...own)),
  );
  return [
    value,
    (gradient) => {
      checkSeed("vjp", value, given("vjp", gradient, "the gradient"));
      const found = gradients(
        value.node,
        own.map(({ node }) => node),
        cast(gradient.node, value.dtype),
      ).map((node, place) => Tensor.from(node ?? zeros(own[place] as Tensor), [value, gradient]));
      return found.length === 1 ? (found[0] as Tensor) : found;
    },
  ];
}

/**
 * The value of a function, and a function from tangents, one for each input, to its derivative along them: forward mode, with the value computed
 * once. Source: torch.func.linearize.
 */
export function linearize(
  fn: TensorFunction,
  ...inputs: Tensor[]
): [value: Tensor, derivative: (...tangents: Tensor[]) => Tensor] {
  checkKind("linearize", "the function", fn, kind.func());
  const own = standIns("linearize", inputs, everyPlace(inputs));
  const value = resultTensor(
    "linearize",
    recordHistory(() => fn(...own)),
  );
  return [
    value,
    (...tangents) => {
      const fits = inputs.every(({ shape }, place) => sameShape(shape, tangents[place]?.shape ?? [-1]));
      if (!fits || tangents.length !== inputs.length)
        throw new ShapeError("linearize: each input needs a tangent of the same shape");
      const node = jvpNode(
        value.node,
        own.map((input) => input.node),
        tangents.map((tangent) => tangent.node),
      );
      return Tensor.from(node, [value, ...tangents]);
    },
  ];
}

/** All unit tensors of a shape, [n, ...shape]. */
function basis({ shape, dtype }: Tensor): Node {
  const size = sizeOf(shape);
  return reshape(cast(eq(iota([size, size], 0), iota([size, size], 1)), dtype), [size, ...shape]);
}

/** The graph over a leaf, evaluated at each unit tensor of the leaf: [n, …]. */
function overBasis(leaf: Node, like: Tensor, nodes: readonly Node[]): Node[] {
  const size = sizeOf(like.shape);
  return new Batcher(new Map([[leaf, basis(like)]]), { by: "jacobian", size, randomness: "same" }).wide(nodes);
}

/** A function that differentiates another with respect to some of its arguments. */
type Derivative = (value: Tensor, wrt: readonly Tensor[]) => Node[];

function jacobianBy(where: string, derivative: Derivative, fn: TensorFunction, options: JacobianOptions) {
  checkKind(where, "the function", fn, kind.func());
  const { argnums = 0 } = checkOptions(where, options, jacobianKinds);
  const asked = typeof argnums === "number" ? [argnums] : argnums;
  return (...inputs: Tensor[]): Tensor | Tensor[] => {
    const which = asked.map((place) => (place < 0 ? place + inputs.length : place));
    if (which.some((place) => !Number.isInteger(place) || place < 0 || place >= inputs.length))
      throw new HebbError(
        `${where}: argnums is ${kind.describe(argnums)}, and the function got ${inputs.length} arguments, which count from 0`,
      );
    const own = standIns(where, inputs, which);
    const value = resultTensor(
      where,
      recordHistory(() => fn(...own)),
    );
    if (!isFloat(value.dtype))
      throw new HebbError(`${where}: the function gives ${value.dtype}, and only float tensors have derivatives`);
    const wrt = which.map((place) => own[place] as Tensor);
    if ([value, ...wrt].some(({ size }) => size === 0))
      throw new ShapeError(
        `${where}: there is no derivative of, or with respect to, an empty tensor; give tensors with elements`,
      );
    const found = derivative(value, wrt).map((node) => Tensor.from(node, [value]));
    return typeof argnums === "number" ? (found[0] as Tensor) : found;
  };
}

/** One gradient for each element of the value, all at once. */
const reverse: Derivative = (value, wrt) => {
  const seed = stepLeaf(value);
  const found = gradients(
    value.node,
    wrt.map(({ node }) => node),
    seed,
  ).map((node, place) => node ?? zeros(wrt[place] as Tensor));
  return overBasis(seed, value, found).map((node, place) =>
    reshape(node, [...value.shape, ...(wrt[place] as Tensor).shape]),
  );
};

/** One directional derivative for each element of the input, all at once. */
const forward: Derivative = (value, wrt) =>
  wrt.map((input) => {
    const tangent = stepLeaf(input);
    const [node] = overBasis(tangent, input, [jvpNode(value.node, [input.node], [tangent])]) as [Node];
    const rank = value.shape.length;
    const last = reshape(node, [input.size, ...value.shape]);
    return reshape(permute(last, [...value.shape.map((_, dim) => dim + 1), 0]), [
      ...value.shape.slice(0, rank),
      ...input.shape,
    ]);
  });

/**
 * ∂outputᵢ/∂inputⱼ as a tensor [...output, ...input], by one backward pass for all outputs: for functions with few outputs. Apply it again for
 * higher orders. Source: torch.func.jacrev.
 */
export function jacrev(fn: TensorFunction, options?: { readonly argnums?: number }): Jacobian;
export function jacrev(fn: TensorFunction, options: { readonly argnums: readonly number[] }): Jacobians;
export function jacrev(fn: TensorFunction, options: JacobianOptions = {}): (...inputs: Tensor[]) => Tensor | Tensor[] {
  return jacobianBy("jacrev", reverse, fn, options);
}

/** ∂outputᵢ/∂inputⱼ as jacrev gives it, by one forward pass for all inputs: for functions with few inputs. Source: torch.func.jacfwd. */
export function jacfwd(fn: TensorFunction, options?: { readonly argnums?: number }): Jacobian;
export function jacfwd(fn: TensorFunction, options: { readonly argnums: readonly number[] }): Jacobians;
export function jacfwd(fn: TensorFunction, options: JacobianOptions = {}): (...inputs: Tensor[]) => Tensor | Tensor[] {
  return jacobianBy("jacfwd", forward, fn, options);
}

/** ∂²output/∂inputᵢ∂inputⱼ as a tensor [...output, ...input, ...input], forward over reverse, by one argument. Source: torch.func.hessian. */
export function hessian(fn: TensorFunction, options: { readonly argnums?: number } = {}): Jacobian {
  checkKind("hessian", "the function", fn, kind.func());
  const { argnums = 0 } = checkOptions("hessian", options, { argnums: kind.number });
  return jacfwd(jacrev(fn, { argnums }), { argnums });
}
