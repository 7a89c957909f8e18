// The same value as a separate node: alias, to take a gradient there, and withGradient, to supply one.
import { apply, rounded } from "../apply.ts";
import { isHalf } from "../dtype.ts";
import { gradient, makeNode, type Node, type Op } from "../node.ts";
import { cast, unrounded } from "./cast.ts";

export const aliasOp: Op = {
  name: "alias",
  traits: { view: "same" },
  infer: ([x]) => x as Node,
  gradient: gradient(({ grad }) => [grad]),
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
};

export const alias = (x: Node): Node => makeNode(aliasOp, [x], {});

/**
 * `output` with a custom gradient that flows only to `inputs`: `backward` takes the gradient of the output and returns one
 * per input, or undefined where none flows.
 */
export function withGradient(
  output: Node,
  inputs: readonly Node[],
  backward: (grad: Node) => readonly (Node | undefined)[],
): Node {
  const wide = unrounded(output);
  if (wide !== undefined && isHalf(output.dtype)) return rounded(withGradient(wide, inputs, backward), output.dtype);
  const customOp: Op = {
    name: "custom",
    traits: { ownGradient: true },
    infer: () => output,
    gradient: gradient(({ grad }) => [
      undefined,
      ...backward(grad).map((part, k) => part && cast(part, inputs[k]?.dtype ?? part.dtype)),
    ]),
    rule: { kind: "element", element: ({ input, index }) => input(0, index) },
  };
  return apply(customOp, [output, ...inputs], {});
}
