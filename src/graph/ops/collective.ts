// Collectives: values that ranks compute together. A program is cut at each one, and the ranks communicate between the parts.

import { apply } from "../apply.ts";
import { ShapeError } from "../errors.ts";
import { describeType, gradient, type Node, type Op, type TensorType } from "../node.ts";

/** The operation, and the number of ranks. */
export interface CollectiveAttributes {
  readonly [key: string]: string | number;
  readonly collective: "allReduce" | "allGather" | "reduceScatter";
  readonly ranks: number;
}

function typeAfter(x: TensorType, { collective, ranks }: CollectiveAttributes): TensorType {
  if (collective === "allReduce") return x;
  const [rows, ...rest] = x.shape;
  if (rows === undefined)
    throw new ShapeError(`${collective}: takes at least one dim, along which ranks share, got ${describeType(x)}`);
  if (collective === "allGather") return { shape: [rows * ranks, ...rest], dtype: x.dtype };
  if (rows % ranks !== 0)
    throw new ShapeError(
      `reduceScatter: dim 0 of ${describeType(x)} cannot be divided equally among ${ranks} ranks; pad it to a multiple`,
    );
  return { shape: [rows / ranks, ...rest], dtype: x.dtype };
}

/** Each rank's loss depends on the other ranks' values and vice versa, so the gradients of all ranks add up. */
const adjoint = { allReduce: "allReduce", allGather: "reduceScatter", reduceScatter: "allGather" } as const;

export const collectiveOp: Op<CollectiveAttributes> = {
  name: "collective",
  infer: ([x], attributes) => typeAfter(x as TensorType, attributes),
  gradient: gradient(({ node, grad }) => {
    const { collective, ranks } = node.attributes;
    return [apply(collectiveOp, [grad], { collective: adjoint[collective], ranks })];
  }),
  rule: { kind: "collective" },
};

export const collective = (x: Node, attributes: CollectiveAttributes): Node => apply(collectiveOp, [x], attributes);

export const isCollective = ({ op }: Node): boolean => op.rule.kind === "collective";
