// Elements selected by position: gather ⇄ scatterAdd, indexSelect ⇄ indexAdd, cumsum, masks.

import { apply } from "../apply.ts";
import { composed } from "../compose.ts";
import { isHalf, isInteger } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import {
  describeType,
  gradient,
  makeNode,
  type Node,
  notDifferentiable,
  type Op,
  type TensorType,
  type TileContext,
  withInputs,
} from "../node.ts";
import * as scalar from "../scalar.ts";
import { formatShape, normalizeAxis, sameShape, sizeOf, wrapAxis } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand } from "./broadcast.ts";
import { checkIndex } from "./check.ts";
import { full, int, iota } from "./creation.ts";
import { add, cast, eq, ge, le, scalarLike, where } from "./elementwise.ts";
import { flip, reshape } from "./movement.ts";
import { countable } from "./reduction.ts";

type DimAttributes = { readonly dim: number };

/** Positions as int32. */
export function positions(where: string, index: Node): Node {
  if (!isInteger(index.dtype))
    throw new HebbError(
      `${where}: indices must be whole numbers (int32), got ${index.dtype}; convert with .to("int32")`,
    );
  return cast(index, "int32");
}

/**
 * The op with a check on its positions (input 1): all of them are checked, whichever are read. The element rules below keep every
 * position in bounds in any case; the check reports invalid ones. A "trusted" op has no check, because its positions are valid
 * by construction.
 */
function overChecked(node: Node<DimAttributes>): Node<DimAttributes> {
  const [x, index] = node.inputs as [Node, Node];
  const { dim } = node.attributes;
  const checked = checkIndex(index, x.shape[dim] as number, {
    by: `${node.op.name} along dim ${dim}`,
    item: "index",
    count: "the size of that dim",
  });
  return checked === index
    ? node
    : withInputs(
        node,
        node.inputs.map((input, k) => (k === 1 ? checked : input)),
      );
}

/** Sums of 16-bit floats are accumulated in float32. */
const summed = (x: Node, source: Node, sum: (x: Node, source: Node) => Node): Node =>
  isHalf(x.dtype) ? cast(sum(cast(x, "float32"), cast(source, "float32")), x.dtype) : sum(x, source);

/** With this many additions per element on average, float32 loses precision, and a float64 copy is small compared with the addends. */
const manyAdditions = 8;

/** Additions at positions, accumulated in float64 if many collide. `read` is the gradient of the addends. */
function carried(node: Node<DimAttributes>, read: (grad: Node, dim: number, index: Node) => Node): Node {
  const [x, index, added] = node.inputs as [Node, Node, Node];
  if (x.dtype !== "float32" || sizeOf(added.shape) < manyAdditions * sizeOf(x.shape)) return node;
  const wide = apply(node.op, [cast(x, "float64"), index, cast(added, "float64")], node.attributes);
  return withGradient(cast(wide, "float32"), [x, added], (grad) => [grad, read(grad, node.attributes.dim, index)]);
}

/** A copy of input 0, changed at the positions of its last input, in order along a dim. */
const atPositions = {
  kind: "tile",
  startsAsCopy: true,
  points: (_: unknown, inputs: readonly TensorType[]) => (inputs.at(-1) as TensorType).shape,
  serialAxes: ({ dim }: DimAttributes) => [dim],
} as const;

/** The point, with its coordinate replaced by the position in input 1. */
function positionOf(
  { attributes: { dim }, type, point, input }: TileContext<DimAttributes>,
  index: readonly scalar.Scalar[],
): readonly scalar.Scalar[] {
  const to = scalar.guard(input(1, index), type.shape[dim] as number);
  return point.map((place, axis) => (axis === dim ? to : place));
}

// ── gather ⇄ scatterAdd ──────────────────────────────────────────────────────────────────────────────────────────────

export const gatherOp: Op<DimAttributes> = {
  name: "gather",
  traits: { moves: true },
  infer: ([x, index], { dim }) => {
    const [values, at] = [x as TensorType, index as TensorType];
    const fits =
      at.shape.length === values.shape.length &&
      at.shape.every((extent, axis) => axis === dim || extent <= (values.shape[axis] as number));
    if (!fits)
      throw new ShapeError(
        `gather: index ${formatShape(at.shape)} must have as many dims as ${formatShape(values.shape)} and fit inside it except along dim ${dim}`,
      );
    return { shape: at.shape, dtype: values.dtype };
  },
  gradient: gradient(({ grad, node }) => {
    const [x, index] = node.inputs as [Node, Node];
    const { dim } = node.attributes;
    // With one position per row, no two additions collide, so each element compares its own index.
    const single = index.shape.every((extent, axis) => extent === (axis === dim ? 1 : x.shape[axis]));
    if (single)
      return [
        where(eq(expand(index, x.shape), iota(x.shape, dim)), expand(grad, x.shape), full([], 0, grad.dtype)),
        undefined,
      ];
    return [trustedScatterAdd(full(x.shape, 0, grad.dtype), dim, index, grad), undefined];
  }),
  rule: {
    kind: "element",
    element: ({ input, index, attributes: { dim }, inputTypes }) => {
      const extent = (inputTypes[0] as TensorType).shape[dim] as number;
      const at = scalar.guard(input(1, index), extent);
      return input(
        0,
        index.map((place, axis) => (axis === dim ? at : place)),
      );
    },
  },
};

export const trustedGather = (x: Node, dim: number, index: Node): Node<DimAttributes> =>
  makeNode(gatherOp, [x, positions("gather", index)], { dim: normalizeAxis(dim, x.shape.length, "gather") });

/** out[i][j] = x[index[i][j]][j] for dim 0 (torch.gather). */
export const gather = (x: Node, dim: number, index: Node): Node => overChecked(trustedGather(x, dim, index));

export const scatterAddOp: Op<DimAttributes> = {
  name: "scatterAdd",
  infer: ([x, index, source], { dim }) => {
    const [values, at, added] = [x as TensorType, index as TensorType, source as TensorType];
    const fits =
      sameShape(at.shape, added.shape) &&
      at.shape.length === values.shape.length &&
      at.shape.every((extent, axis) => axis === dim || extent <= (values.shape[axis] as number));
    if (!fits || values.dtype !== added.dtype) {
      throw new ShapeError(
        `scatterAdd: index ${formatShape(at.shape)} and source ${describeType(added)} must have the same shape and fit inside ${describeType(values)} except along dim ${dim}`,
      );
    }
    return values;
  },
  gradient: gradient(({ grad, node }) => [
    grad,
    undefined,
    trustedGather(grad, node.attributes.dim, node.inputs[1] as Node),
  ]),
  rule: {
    ...atPositions,
    elements: (context) => [
      { index: positionOf(context, context.point), value: context.input(2, context.point), adds: true },
    ],
  },
};

const scattered = (x: Node, dim: number, index: Node, source: Node): Node<DimAttributes> =>
  makeNode(scatterAddOp, [x, positions("scatterAdd", index), cast(source, x.dtype)], {
    dim: normalizeAxis(dim, x.shape.length, "scatterAdd"),
  });

export const trustedScatterAdd = (x: Node, dim: number, index: Node, source: Node): Node =>
  summed(x, source, (to, from) => carried(scattered(to, dim, index, from), trustedGather));

/** out = x, then out[index[i][j]][j] += source[i][j] for dim 0, in order (torch.scatter_add). */
export const scatterAdd = (x: Node, dim: number, index: Node, source: Node): Node =>
  summed(x, source, (to, from) => carried(overChecked(scattered(to, dim, index, from)), trustedGather));

/** The last index in input 1, along a dim, at which each position occurs; the value of input 0, −1, if it does not. */
export const lastAtOp: Op<DimAttributes> = {
  name: "lastAt",
  infer: ([none]) => none as TensorType,
  gradient: notDifferentiable("positions are indices, and indices have no gradient"),
  rule: {
    ...atPositions,
    elements: (context) => [
      {
        index: positionOf(context, context.point),
        value: context.point[context.attributes.dim] as scalar.Scalar,
      },
    ],
  },
};

// ── indexSelect ⇄ indexAdd ───────────────────────────────────────────────────────────────────────────────────────────

export const indexSelectOp: Op<DimAttributes> = {
  name: "indexSelect",
  traits: { moves: true },
  infer: ([x, index], { dim }) => {
    const [values, at] = [x as TensorType, index as TensorType];
    if (at.shape.length !== 1)
      throw new ShapeError(`indexSelect: the index must have one dim, got ${formatShape(at.shape)}`);
    return {
      shape: values.shape.map((extent, axis) => (axis === dim ? (at.shape[0] as number) : extent)),
      dtype: values.dtype,
    };
  },
  gradient: gradient(({ grad, node }) => {
    const [x, index] = node.inputs as [Node, Node];
    return [trustedIndexAdd(full(x.shape, 0, grad.dtype), node.attributes.dim, index, grad), undefined];
  }),
  rule: {
    kind: "element",
    element: ({ input, index, attributes: { dim }, inputTypes }) => {
      const extent = (inputTypes[0] as TensorType).shape[dim] as number;
      const at = scalar.guard(input(1, [index[dim] as scalar.Scalar]), extent);
      return input(
        0,
        index.map((place, axis) => (axis === dim ? at : place)),
      );
    },
  },
};

export const trustedIndexSelect = (x: Node, dim: number, index: Node): Node<DimAttributes> =>
  makeNode(indexSelectOp, [x, positions("indexSelect", index)], {
    dim: normalizeAxis(dim, x.shape.length, "indexSelect"),
  });

/** The slices of a dim at the given positions (torch.index_select). */
export const indexSelect = (x: Node, dim: number, index: Node): Node => overChecked(trustedIndexSelect(x, dim, index));

export const indexAddOp: Op<DimAttributes> = {
  name: "indexAdd",
  infer: ([x, index, source], { dim }) => {
    const [values, at, added] = [x as TensorType, index as TensorType, source as TensorType];
    const wanted = values.shape.map((extent, axis) => (axis === dim ? (at.shape[0] ?? 0) : extent));
    if (at.shape.length !== 1 || !sameShape(added.shape, wanted) || added.dtype !== values.dtype) {
      throw new ShapeError(
        `indexAdd: with an index ${formatShape(at.shape)} the source must be ${values.dtype}${formatShape(wanted)}, got ${describeType(added)}`,
      );
    }
    return values;
  },
  gradient: gradient(({ grad, node }) => [
    grad,
    undefined,
    trustedIndexSelect(grad, node.attributes.dim, node.inputs[1] as Node),
  ]),
  rule: {
    ...atPositions,
    elements: (context) => [
      {
        index: positionOf(context, [context.point[context.attributes.dim] as scalar.Scalar]),
        value: context.input(2, context.point),
        adds: true,
      },
    ],
  },
};

const addedAt = (x: Node, dim: number, index: Node, source: Node): Node<DimAttributes> =>
  makeNode(indexAddOp, [x, positions("indexAdd", index), cast(source, x.dtype)], {
    dim: normalizeAxis(dim, x.shape.length, "indexAdd"),
  });

export const trustedIndexAdd = (x: Node, dim: number, index: Node, source: Node): Node =>
  summed(x, source, (to, from) => carried(addedAt(to, dim, index, from), trustedIndexSelect));

/** out = x, then the slices of `source` are added at the given positions, in order (torch.index_add). */
export const indexAdd = (x: Node, dim: number, index: Node, source: Node): Node =>
  summed(x, source, (to, from) => carried(overChecked(addedAt(to, dim, index, from)), trustedIndexSelect));

// ── running sums ─────────────────────────────────────────────────────────────────────────────────────────────────────

export const cumsumOp: Op<DimAttributes> = {
  name: "cumsum",
  infer: ([x]) => x as TensorType,
  gradient: gradient(({ grad, node }) => {
    const { dim } = node.attributes;
    return [flip(cumsum(flip(grad, [dim]), dim), [dim])];
  }),
  rule: { kind: "scan", combine: "sum", axis: ({ dim }) => dim },
};

/** Running sums along a dim; integers stay integers. */
export function cumsum(x: Node, dim: number): Node {
  const values = countable(x);
  const axis = wrapAxis(dim, x.shape.length, "cumsum");
  return x.shape.length === 0 ? values : apply(cumsumOp, [values], { dim: axis });
}

// ── masks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const maskedFill = (x: Node, mask: Node, value: number): Node => where(mask, scalarLike(value, x), x);

/** The wording of oneHot's index error. */
export const oneHotSite = { by: "oneHot", item: "class", count: "the number of classes" };

/** 1 at the class of each position, 0 elsewhere, in a new last dim (torch.nn.functional.one_hot). */
export function oneHot(index: Node, classes: number, dtype: Node["dtype"] = "int32"): Node {
  const shape = [...index.shape, classes];
  const checked = checkIndex(positions("oneHot", index), classes, oneHotSite);
  const at = expand(reshape(checked, [...index.shape, 1]), shape);
  return cast(eq(at, iota(shape, shape.length - 1)), dtype);
}

function triangle(x: Node, keep: typeof le, diagonal: number, name: "tril" | "triu"): Node {
  const rank = x.shape.length;
  if (rank < 2) throw new ShapeError(`${name}: takes a matrix or a batch of them, got ${formatShape(x.shape)}`);
  if (!Number.isInteger(diagonal)) throw new ShapeError(`${name}: the diagonal must be a whole number`);
  const shape = x.shape.slice(-2);
  const limit = add(iota(shape, 0), int(diagonal));
  return composed(name, [x], { diagonal }, where(keep(iota(shape, 1), limit), x, full([], 0, x.dtype)));
}

/** The elements on and below a diagonal, zero elsewhere (torch.tril). */
export const tril = (x: Node, diagonal = 0): Node => triangle(x, le, diagonal, "tril");
export const triu = (x: Node, diagonal = 0): Node => triangle(x, ge, diagonal, "triu");
