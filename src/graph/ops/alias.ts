// alias: the same value as a node of its own, so that a gradient can be asked for here.
import { apply, gradient, type Node, type Op } from "../node.ts";

export const aliasOp: Op = {
  name: "alias",
  infer: ([x]) => x as Node,
  gradient: gradient(({ grad }) => [grad]),
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
};

export const alias = (x: Node): Node => apply(aliasOp, [x], {});
