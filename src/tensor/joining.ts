// Combines tensors: grids, stacks, Cartesian products, positions in sorted rows.
import { at } from "../graph/at.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { searchSorted } from "../graph/ops/ranks.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import { broadcastShapes, formatShape, type Shape, sameShape } from "../graph/shape.ts";
import { given, givenList } from "./arguments.ts";
import { zeros } from "./creation.ts";
import { cat, stack } from "./functional.ts";
import { type Operand, Tensor } from "./tensor.ts";

function some(where: string, tensors: readonly Tensor[]): readonly [Tensor, ...Tensor[]] {
  const [first, ...rest] = givenList(where, tensors);
  if (first === undefined) throw new ShapeError(`${where}: takes at least one tensor`);
  return [first, ...rest];
}

/** At least one dim: a number becomes [1] (torch.atleast_1d). */
export const atleast1d = (x: Tensor): Tensor => (given("atleast1d", x).rank > 0 ? x : x.reshape([1]));

/** At least two dims: [n] becomes [1, n] (torch.atleast_2d). */
export const atleast2d = (x: Tensor): Tensor =>
  given("atleast2d", x).rank > 1 ? x : x.reshape([1, x.rank === 0 ? 1 : x.size]);

/** At least three dims: [n] becomes [1, n, 1], [m, n] becomes [m, n, 1] (torch.atleast_3d). */
export const atleast3d = (x: Tensor): Tensor => (given("atleast3d", x).rank > 2 ? x : atleast2d(x).unsqueeze(-1));

/** Stacks rows vertically; vectors are rows (torch.vstack). */
export const vstack = (tensors: readonly Tensor[]): Tensor => cat(some("vstack", tensors).map(atleast2d), 0);

/** Stacks columns horizontally; concatenates vectors (torch.hstack). */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const parts = some("hstack", tensors).map(atleast1d);
  return cat(parts, parts[0]?.rank === 1 ? 0 : 1);
}

/** Stacks along a third dim (torch.dstack). */
export const dstack = (tensors: readonly Tensor[]): Tensor => cat(some("dstack", tensors).map(atleast3d), 2);

/** Stacks vectors as columns of a matrix, next to those of matrices (torch.column_stack). */
export const columnStack = (tensors: readonly Tensor[]): Tensor =>
  cat(
    some("columnStack", tensors).map((x) => (x.rank < 2 ? x.reshape([x.size, 1]) : x)),
    1,
  );

/** A block diagonal matrix of the given ones, 0 elsewhere; vectors are rows (torch.block_diag). */
export function blockDiag(...tensors: readonly Tensor[]): Tensor {
  const blocks = some("blockDiag", tensors).map(atleast2d);
  const odd = blocks.find(({ rank }) => rank !== 2);
  if (odd !== undefined)
    throw new ShapeError(`blockDiag: takes matrices, vectors and numbers, got ${formatShape(odd.shape)}`);
  const width = blocks.reduce((sum, { shape }) => sum + at(shape, 1), 0);
  let before = 0;
  const rows = blocks.map((block) => {
    const [height = 0, own = 0] = block.shape;
    const { dtype } = block;
    const row = cat([zeros([height, before], { dtype }), block, zeros([height, width - before - own], { dtype })], 1);
    before += own;
    return row;
  });
  return cat(rows, 0);
}

/** The coordinates of a grid of vectors: one tensor of the grid's shape for each. Indexing "xy" swaps the first two dims. Default "ij" (torch.meshgrid). */
export function meshgrid(tensors: readonly Tensor[], options: { readonly indexing?: "ij" | "xy" } = {}): Tensor[] {
  const list = some("meshgrid", tensors);
  const { indexing = "ij" } = checkOptions("meshgrid", options, { indexing: kind.oneOf("ij", "xy") });
  const odd = list.find(({ rank }) => rank > 1);
  if (odd !== undefined) throw new ShapeError(`meshgrid: takes vectors and numbers, got ${formatShape(odd.shape)}`);
  const swaps = indexing === "xy" && list.length > 1;
  const dimOf = (place: number): number => (swaps && place < 2 ? 1 - place : place);
  const shape = list.map((_, dim) => list[dimOf(dim)]?.size ?? 1);
  return list.map((x, place) => x.reshape(shape.map((_, dim) => (dim === dimOf(place) ? x.size : 1))).expand(shape));
}

/** Every combination of one element from each vector, as rows (torch.cartesian_prod). */
export function cartesianProd(...tensors: readonly Tensor[]): Tensor {
  const list = some("cartesianProd", tensors);
  const odd = list.find(({ rank }) => rank !== 1);
  if (odd !== undefined) throw new ShapeError(`cartesianProd: takes vectors, got ${formatShape(odd.shape)}`);
  if (list.length === 1) return list[0];
  return stack(
    meshgrid(list).map((grid) => grid.reshape([-1])),
    1,
  );
}

/**
 * Every combination of r elements of a vector, in their order, as rows; with replacement an element may repeat. Defaults 2 and false
 * (torch.combinations).
 */
export function combinations(x: Tensor, r = 2, options: { readonly withReplacement?: boolean } = {}): Tensor {
  given("combinations", x);
  checkKind("combinations", "r", r, kind.number);
  const { withReplacement = false } = checkOptions("combinations", options, { withReplacement: kind.boolean });
  if (x.rank !== 1) throw new ShapeError(`combinations: takes a vector, got ${formatShape(x.shape)}`);
  if (!(Number.isInteger(r) && r >= 0))
    throw new HebbError(`combinations: r must be a whole number of 0 or more, got ${r}`);
  let choices: number[][] = [[]];
  for (let place = 0; place < r; place++)
    choices = choices.flatMap((chosen) => {
      const last = chosen.at(-1);
      const start = last === undefined ? 0 : last + (withReplacement ? 0 : 1);
      return Array.from({ length: Math.max(0, x.size - start) }, (_, k) => [...chosen, start + k]);
    });
  if (r === 0 || choices.length === 0) return x.slice(0, 0, 0).reshape([0, ...(r === 0 ? [] : [r])]);
  const index = new Tensor(undefined, {
    shape: [choices.length * r],
    dtype: "int32",
    data: Int32Array.from(choices.flat()),
  });
  return x.indexSelect(0, index).reshape([choices.length, r]);
}

/** Broadcasts all tensors to their common shape (torch.broadcast_tensors). */
export function broadcastTensors(...tensors: readonly Tensor[]): Tensor[] {
  const list = some("broadcastTensors", tensors);
  const shape = list.reduce<Shape>((all, { shape: own }) => broadcastShapes(all, own, "broadcastTensors"), []);
  return list.map((x) => (sameShape(x.shape, shape) ? x : x.expand(shape)));
}

const sideKinds = { right: kind.boolean };

/**
 * The insertion position of each value in its sorted row: that of the first element not below it; with `right`, of the first element above it. Rows
 * [..., n] and values [..., m], or one row for all values (torch.searchsorted).
 */
export function searchsorted(sorted: Tensor, values: Operand, options: { readonly right?: boolean } = {}): Tensor {
  given("searchsorted", sorted, "the sorted rows");
  const { right = false } = checkOptions("searchsorted", options, sideKinds);
  const asked = asTensor("searchsorted", values, sorted);
  const fits = sorted.rank === 1 || (sorted.rank > 1 && sameShape(sorted.shape.slice(0, -1), asked.shape.slice(0, -1)));
  if (!fits)
    throw new ShapeError(
      `searchsorted: takes one sorted row, or rows [..., n] for values [..., m], got ${formatShape(sorted.shape)} and ${formatShape(asked.shape)}`,
    );
  return Tensor.from(searchSorted(sorted.node, asked.node, right), []);
}

/** The bucket of each value between sorted boundaries: searchsorted with its arguments swapped (torch.bucketize). */
export function bucketize(values: Operand, boundaries: Tensor, options: { readonly right?: boolean } = {}): Tensor {
  given("bucketize", boundaries, "the boundaries");
  checkOptions("bucketize", options, sideKinds);
  if (boundaries.rank !== 1)
    throw new ShapeError(`bucketize: the boundaries must be a vector, got ${formatShape(boundaries.shape)}`);
  return searchsorted(boundaries, values, options);
}

function asTensor(where: string, value: Operand, like: Tensor): Tensor {
  if (value instanceof Tensor) return value;
  checkKind(where, "the values", value, kind.number);
  return new Tensor(undefined, { shape: [], dtype: "float64", data: Float64Array.of(value) }).to(
    like.dtype === "float64" ? "float64" : "float32",
  );
}

/** Whether each element is among the test elements (torch.isin). */
export function isin(elements: Tensor, testElements: Tensor, options: { readonly invert?: boolean } = {}): Tensor {
  given("isin", elements, "the elements");
  given("isin", testElements, "the test elements");
  const { invert = false } = checkOptions("isin", options, { invert: kind.boolean });
  const found = elements
    .unsqueeze(-1)
    .eq(testElements.reshape([testElements.size]))
    .any(-1);
  return invert ? found.logicalNot() : found;
}
