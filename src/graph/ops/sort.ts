// Sorting as a network: each step is an element rule, so it fuses, runs on every backend, and takes any parallel width.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { type ElementContext, type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";
import { sizeOf, wrapAxis } from "../shape.ts";
import { full, iota } from "./creation.ts";
import { cast, stopGradient } from "./elementwise.ts";
import { trustedGather } from "./indexing.ts";
import { pad, permute, reshape, slice } from "./movement.ts";

/**
 * One column of comparators of a bitonic network over a dim: partners are `distance` apart, blocks of `block` alternate in direction. Places
 * from `extent` on are padding, which sorts last.
 */
type StepAttributes = {
  /** How many dims follow the sorted one. */
  readonly dimsAfter: number;
  readonly distance: number;
  readonly block: number;
  readonly extent: number;
  readonly descending: boolean;
  /** Whether the dim is three, [pairs of rows, 2, distance]: partners then lie in rows, each of which is read from end to end. */
  readonly inRows: boolean;
  /** Whether the result is the values in their new order, or where they came from. */
  readonly of: "values" | "places";
};

/**
 * Of values (input 1) and their places (input 2); equal values by place, NaN counts as largest. Input 0 is what is sorted, for those who say the
 * whole network again.
 */
export const sortStepOp: Op<StepAttributes> = {
  name: "sortStep",
  traits: { moves: true },
  infer: (inputs, { of }) => inputs[of === "values" ? 1 : 2] as TensorType,
  gradient: notDifferentiable("a sort order is made of indices, and indices have no gradient"),
  rule: { kind: "element", element: sortStep },
};

/** The partner of an element, and whether the first of the two is to come to the element. */
function paired(
  index: readonly scalar.Scalar[],
  { dimsAfter, distance, block, inRows }: StepAttributes,
): { readonly partner: scalar.Scalar[]; readonly wantsFirst: scalar.Scalar } {
  const { binary, int } = scalar;
  const dim = index.length - dimsAfter - (inRows ? 3 : 1);
  const place = index[dim] as scalar.Scalar;
  const hasNo = (bit: number): scalar.Scalar => binary("eq", binary("and", place, int(bit)), int(0));
  const [changed, other, isLower, ascends] = inRows
    ? ([
        dim + 1,
        binary("sub", int(1), index[dim + 1] as scalar.Scalar),
        binary("eq", index[dim + 1] as scalar.Scalar, int(0)),
        hasNo(block / (2 * distance)),
      ] as const)
    : ([dim, binary("xor", place, int(distance)), hasNo(distance), hasNo(block)] as const);
  return {
    partner: index.map((part, axis) => (axis === changed ? other : part)),
    wantsFirst: binary("eq", isLower, ascends),
  };
}

function sortStep({ input, index, attributes }: ElementContext<StepAttributes>): scalar.Scalar {
  const { extent, descending, of } = attributes;
  const { partner, wantsFirst } = paired(index, attributes);
  const [yes, no] = [scalar.constant(1, "bool"), scalar.constant(0, "bool")];
  const [mine, theirs] = [input(1, index), input(1, partner)];
  const [own, other] = [input(2, index), input(2, partner)];
  const tie = scalar.binary("lt", own, other);
  const byValue = scalar.select(
    orderedBefore(mine, theirs, descending),
    yes,
    scalar.select(orderedBefore(theirs, mine, descending), no, tie),
  );
  const pads = (place: scalar.Scalar): scalar.Scalar => scalar.binary("ge", place, scalar.int(extent));
  const before = scalar.select(
    pads(own),
    scalar.select(pads(other), tie, no),
    scalar.select(pads(other), yes, byValue),
  );
  const stays = scalar.binary("eq", wantsFirst, before);
  return of === "values" ? scalar.select(stays, mine, theirs) : scalar.select(stays, own, other);
}

function orderedBefore(x: scalar.Scalar, y: scalar.Scalar, descending: boolean): scalar.Scalar {
  const less = scalar.binary(descending ? "gt" : "lt", x, y);
  if (x.dtype !== "float32" && x.dtype !== "float64") return less;
  const [xNan, yNan] = [scalar.unary("isNaN", x), scalar.unary("isNaN", y)];
  const [early, late] = descending ? [xNan, yNan] : [yNan, xNan];
  // NaN is the largest: after everything ascending, before everything descending.
  return scalar.select(late, scalar.constant(0, "bool"), scalar.select(early, scalar.constant(1, "bool"), less));
}

/** So many rows are compared side by side, each step in one stroke. */
const sideBySide = 16;
/** Partners nearer than this are not worth rows of their own. */
const shortest = 4;

/** Positions that sort a dim, stable; NaN is the largest (torch.sort with stable=True). */
export function argsort(x: Node, dim = -1, descending = false): Node {
  const axis = wrapAxis(dim, x.shape.length, "sort");
  if (x.shape.length === 0) return full([], 0, "int32");
  const extent = at(x.shape, axis);
  if (extent <= 1 || x.shape.includes(0)) return full(x.shape, 0, "int32");
  const others = x.shape.map((_, place) => place).filter((place) => place !== axis);
  // The sorted dim comes first where there are many rows, so that they lie along the last.
  const isFirst = sizeOf(x.shape) / extent >= sideBySide;
  const order = isFirst ? [axis, ...others] : [...others, axis];
  const moved = permute(stopGradient(cast(x, x.dtype === "bool" ? "int32" : x.dtype)), order);
  const sorted = slice(network(moved, isFirst ? 0 : others.length, descending), isFirst ? 0 : others.length, 0, extent);
  return permute(
    sorted,
    x.shape.map((_, place) => order.indexOf(place)),
  );
}

/** The places of a dim in the order of the values, with those of the padding behind. */
function network(x: Node, dim: number, descending: boolean): Node {
  const extent = at(x.shape, dim);
  let width = 1;
  while (width < extent) width *= 2;
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const whole = [...before, width, ...after];
  const padding = x.shape.map((_, k) => [0, k === dim ? width - extent : 0] as const);
  let places = iota(whole, dim);
  let values = width === extent ? x : pad(x, padding, 0);
  for (let block = 2; block <= width; block *= 2) {
    for (let distance = block / 2; distance >= 1; distance /= 2) {
      const inRows = after.length > 0 || distance >= shortest;
      const shape = inRows ? [...before, width / (2 * distance), 2, distance, ...after] : whole;
      const inputs = [x, reshape(values, shape), reshape(places, shape)];
      const step = { dimsAfter: after.length, distance, block, extent, descending, inRows };
      places = apply(sortStepOp, inputs, { ...step, of: "places" });
      // Of the last column nobody asks for the values.
      if (block < width || distance > 1) values = apply(sortStepOp, inputs, { ...step, of: "values" });
    }
  }
  return reshape(places, whole);
}

/** Values in order along a dim, and where they came from. The gradient of the values follows the positions. */
export function sort(x: Node, dim = -1, descending = false): { values: Node; indices: Node } {
  const indices = argsort(x, dim, descending);
  if (x.shape.includes(0) || x.shape.length === 0) return { values: x, indices };
  const values = trustedGather(x, dim, indices);
  composed("sort", [x], { dim: wrapAxis(dim, x.shape.length, "sort"), descending }, values, indices);
  return { values, indices };
}
