// expand ⇄ sum, each the gradient of the other; and repeat, built on expand.

import { apply } from "../apply.ts";
import { composed } from "../compose.ts";
import { ShapeError } from "../errors.ts";
import { gradient, type Node, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";
import { formatShape, type Shape, sameShape } from "../shape.ts";
import { reshape } from "./movement.ts";
import { countable, type Dims, declareReduction, reduce } from "./reduction.ts";

type ShapeAttributes = { readonly shape: Shape };

export const expandOp: Op<ShapeAttributes> = {
  name: "expand",
  traits: { view: "all" },
  infer: ([x], { shape }) => ({ shape, dtype: (x as TensorType).dtype }),
  gradient: gradient(({ grad, node }) => {
    const { shape } = node.inputs[0] as Node;
    const axes = shape.flatMap((extent, axis) => (extent === 1 && node.shape[axis] !== 1 ? [axis] : []));
    return [sum(grad, axes, true)];
  }),
  rule: {
    kind: "element",
    element: ({ input, index, inputTypes }) => {
      const { shape } = inputTypes[0] as TensorType;
      return input(
        0,
        shape.map((extent, axis) => (extent === 1 ? scalar.int(0) : (index[axis] as scalar.Scalar))),
      );
    },
  },
};

/** Repeats dims of size 1 to the given size, and adds leading dims. A size of -1 keeps the dim (torch.expand). */
export function expand(x: Node, shape: Shape): Node {
  const added = shape.length - x.shape.length;
  const target = shape.map((extent, axis) => (extent === -1 ? (x.shape[axis - added] ?? -1) : extent));
  const fits = added >= 0 && x.shape.every((extent, axis) => extent === target[axis + added] || extent === 1);
  if (!fits || target.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    throw new ShapeError(
      `expand: ${formatShape(x.shape)} cannot become ${formatShape(shape)}: only dims of size 1 can be repeated, and new dims go in front`,
    );
  }
  const lifted = added === 0 ? x : reshape(x, [...new Array<number>(added).fill(1), ...x.shape]);
  return sameShape(lifted.shape, target) ? lifted : apply(expandOp, [lifted], { shape: target });
}

export const sumOp = declareReduction(
  "sum",
  "sum",
  gradient(({ grad, node }) => [expand(grad, (node.inputs[0] as Node).shape)]),
);

export const sum = (x: Node, dim?: Dims, keepdim = false): Node => reduce(sumOp, countable(x), dim, keepdim);

/** The tensor repeated along each dim (torch.Tensor.repeat). */
export function repeat(x: Node, sizes: Shape): Node {
  if (sizes.length < x.shape.length)
    throw new ShapeError(
      `repeat: ${formatShape(sizes)} must give one count for each of the ${x.shape.length} dims of ${formatShape(x.shape)}`,
    );
  const shape = [...new Array<number>(sizes.length - x.shape.length).fill(1), ...x.shape];
  const apart = shape.flatMap((extent) => [1, extent]);
  const wide = shape.flatMap((extent, axis) => [sizes[axis] as number, extent]);
  const result = reshape(
    expand(reshape(x, apart), wide),
    shape.map((extent, axis) => extent * (sizes[axis] as number)),
  );
  return composed("repeat", [x], { sizes: [...sizes] }, result);
}
