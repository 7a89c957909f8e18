// Sorting as a network: each step is an element rule, so it fuses, runs on every backend, and takes any parallel width.

import { apply } from "../apply.ts";
import { composed } from "../compose.ts";
import { ShapeError } from "../errors.ts";
import { type ElementContext, type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";
import { formatShape, wrapAxis } from "../shape.ts";
import { full, iota } from "./creation.ts";
import { cast, stopGradient } from "./elementwise.ts";
import { trustedGather } from "./indexing.ts";
import { permute, slice } from "./movement.ts";

/** One column of comparators of a bitonic network: partners are `distance` apart, blocks of `block` alternate in direction. */
type StepAttributes = { readonly distance: number; readonly block: number; readonly descending: boolean };

/** Orders positions (input 1, last dim) by the values they point to in input 0; equal values by position, NaN counts as largest. */
export const sortStepOp: Op<StepAttributes> = {
  name: "sortStep",
  infer: (inputs) => inputs[1] as TensorType,
  gradient: notDifferentiable("a sort order is made of indices, and indices have no gradient"),
  rule: { kind: "element", element: sortStep },
};

function sortStep({ input, index, attributes, inputTypes }: ElementContext<StepAttributes>): scalar.Scalar {
  const { distance, block, descending } = attributes;
  const last = index.length - 1;
  const place = index[last] as scalar.Scalar;
  const extent = (inputTypes[0] as TensorType).shape[last] as number;
  const int = scalar.int;
  const [yes, no] = [scalar.constant(1, "bool"), scalar.constant(0, "bool")];
  const at = (where: scalar.Scalar): scalar.Scalar[] => index.map((part, axis) => (axis === last ? where : part));
  const partner = scalar.binary("xor", place, int(distance));
  const mine = input(1, at(place));
  const theirs = input(1, at(partner));
  // Positions past the end stand for padding, which sorts last.
  const valueOf = (position: scalar.Scalar): scalar.Scalar =>
    input(0, at(scalar.binary("min", position, int(extent - 1))));
  const before = (a: scalar.Scalar, b: scalar.Scalar): scalar.Scalar => {
    const [x, y] = [valueOf(a), valueOf(b)];
    const tie = scalar.binary("lt", a, b);
    const byValue = scalar.select(
      orderedBefore(x, y, descending),
      yes,
      scalar.select(orderedBefore(y, x, descending), no, tie),
    );
    const [aPads, bPads] = [scalar.binary("ge", a, int(extent)), scalar.binary("ge", b, int(extent))];
    return scalar.select(aPads, scalar.select(bPads, tie, no), scalar.select(bPads, yes, byValue));
  };
  const isLower = scalar.binary("eq", scalar.binary("and", place, int(distance)), int(0));
  const ascendingBlock = scalar.binary("eq", scalar.binary("and", place, int(block)), int(0));
  const wantsFirst = scalar.binary("eq", isLower, ascendingBlock);
  return scalar.select(scalar.binary("eq", wantsFirst, before(mine, theirs)), mine, theirs);
}

function orderedBefore(x: scalar.Scalar, y: scalar.Scalar, descending: boolean): scalar.Scalar {
  const less = scalar.binary(descending ? "gt" : "lt", x, y);
  if (x.dtype !== "float32" && x.dtype !== "float64") return less;
  const [xNan, yNan] = [scalar.unary("isNaN", x), scalar.unary("isNaN", y)];
  const [early, late] = descending ? [xNan, yNan] : [yNan, xNan];
  // NaN is the largest: after everything ascending, before everything descending.
  return scalar.select(late, scalar.constant(0, "bool"), scalar.select(early, scalar.constant(1, "bool"), less));
}

/** Positions that sort a dim, stable; NaN is the largest (torch.sort with stable=True). */
export function argsort(x: Node, dim = -1, descending = false): Node {
  const axis = wrapAxis(dim, x.shape.length, "sort");
  if (x.shape.length === 0) return full([], 0, "int32");
  const extent = x.shape[axis] as number;
  if (extent <= 1 || x.shape.includes(0)) return full(x.shape, 0, "int32");
  const order = x.shape.map((_, place) => place).filter((place) => place !== axis);
  const moved = permute(stopGradient(cast(x, x.dtype === "bool" ? "int32" : x.dtype)), [...order, axis]);
  let width = 1;
  while (width < extent) width *= 2;
  let positions = iota([...moved.shape.slice(0, -1), width], moved.shape.length - 1);
  for (let block = 2; block <= width; block *= 2) {
    for (let distance = block / 2; distance >= 1; distance /= 2)
      positions = apply(sortStepOp, [moved, positions], { distance, block, descending });
  }
  const sorted = slice(positions, positions.shape.length - 1, 0, extent);
  return permute(
    sorted,
    x.shape.map((_, place) => (place === axis ? x.shape.length - 1 : order.indexOf(place))),
  );
}

/** Values in order along a dim, and where they came from. The gradient of the values follows the positions. */
export function sort(x: Node, dim = -1, descending = false): { values: Node; indices: Node } {
  const indices = argsort(x, dim, descending);
  if (x.shape.includes(0) || x.shape.length === 0) return { values: x, indices };
  const values = trustedGather(x, dim, indices);
  composed("sort", [x], { dim: wrapAxis(dim, x.shape.length, "sort"), descending }, values, indices);
  return { values, indices };
}

/** The k largest along a dim, largest first, or the k smallest, smallest first (torch.topk). */
export function topk(x: Node, k: number, dim = -1, largest = true): { values: Node; indices: Node } {
  const axis = wrapAxis(dim, x.shape.length, "topk");
  const extent = x.shape[axis] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > extent)
    throw new ShapeError(
      `topk: k is ${k}, but dim ${dim} of ${formatShape(x.shape)} holds ${extent}; k must be a whole number from 0 to ${extent}`,
    );
  if (x.shape.length === 0) return { values: x, indices: full([], 0, "int32") };
  const indices = slice(argsort(x, axis, largest), axis, 0, k);
  if (x.shape.includes(0)) return { values: slice(x, axis, 0, k), indices };
  const values = trustedGather(x, axis, indices);
  composed("topk", [x], { k, dim: axis, largest }, values, indices);
  return { values, indices };
}
