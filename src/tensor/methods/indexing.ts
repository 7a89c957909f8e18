// Methods of Tensor that read and write at positions: gather and scatter, x.index(…), masks, triangles.
import { at } from "../../graph/at.ts";
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { Node } from "../../graph/node.ts";
import { expand } from "../../graph/ops/broadcast.ts";
import { full, iota } from "../../graph/ops/creation.ts";
import * as el from "../../graph/ops/elementwise.ts";
import * as ix from "../../graph/ops/indexing.ts";
import * as mv from "../../graph/ops/movement.ts";
import * as ra from "../../graph/ops/rearrange.ts";
import * as sc from "../../graph/ops/scatter.ts";
import { indexed, overwrittenAt, type Subscript } from "../../graph/ops/subscripts.ts";
import * as vw from "../../graph/ops/views.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { broadcastShapes, normalizeAxis, type Shape, sizeOf } from "../../graph/shape.ts";
import { withChecks, withChecksSince } from "../lazy.ts";
import type { Operand, Tensor } from "../tensor.ts";
import { alike, besideOf, changed, made, nodeOf, Operable } from "./operable.ts";
import { ShapingMethods } from "./shaping.ts";

/** A number, a slice "start:end:step", "..." for the dims not named, null for a new dim, or a tensor of positions. */
export type Index = number | string | null | Tensor;

export interface ScatterOptions {
  /** How to combine values at the same position with each other and with the existing value. Default: the last one wins. */
  readonly reduce?: "add" | "multiply";
}
const scatterKinds: OptionKinds<ScatterOptions> = { reduce: kind.oneOf("add", "multiply") };

export interface ScatterReduceOptions {
  /** Whether the existing value is included. Default true. */
  readonly includeSelf?: boolean;
}
const reduceKinds: OptionKinds<ScatterReduceOptions> = { includeSelf: kind.boolean };
const reductionKind = kind.oneOf(...sc.reductions);

export interface IndexAddOptions {
  /** The factor of the source. Default 1. */
  readonly alpha?: number;
}
const addKinds: OptionKinds<IndexAddOptions> = { alpha: kind.number };

export interface PutOptions {
  /** Whether to add values to the existing ones. Default false. */
  readonly accumulate?: boolean;
}
const putKinds: OptionKinds<PutOptions> = { accumulate: kind.boolean };

/** The positions of slices, as one row. */
function rowOf(where: string, index: Node): Node {
  const row = vw.atLeast1d(index);
  if (row.shape.length === 1) return row;
  throw new ShapeError(`${where}: the index must have one dim, got ${String(row.shape.length)}`);
}

/** One position for each element of a slice. */
const spread = (parts: sc.Placed): sc.Placed => {
  const { index, dim, source } = parts;
  const row = mv.reshape(
    index,
    source.shape.map((extent, k) => (k === dim ? extent : 1)),
  );
  return { ...parts, index: expand(row, source.shape) };
};

export abstract class IndexingMethods<S extends Shape = Shape> extends ShapingMethods<S> {
  /** The elements selected by an index: x.index(0), x.index("1:3", null), x.index("...", positions). */
  index(...index: readonly Index[]): Tensor {
    const { parts, tensors } = subscripts("index", index);
    const result = indexed(this.node, parts);
    return this[made](withChecksSince(result, [this.node, ...tensors.map(({ node }) => node)]), [this]);
  }
  /** A new tensor with `values` at the positions of an index. If several share a position, the last one wins, or all are added. */
  indexPut(index: readonly Index[], values: Operand, options: PutOptions = {}): Tensor {
    const { accumulate = false } = checkOptions("indexPut", options, putKinds);
    checkKind("indexPut", "the index", index, kind.listOf(kind.anything));
    const { parts, tensors } = subscripts("indexPut", index);
    const x = this.node;
    const all = mv.reshape(iota([sizeOf(x.shape)], 0), x.shape);
    const places = indexed(all, parts);
    const source = besideOf("indexPut", this, values);
    const written = expand(el.cast(source, x.dtype), places.shape);
    const slices = accumulate ? undefined : overwrittenAt(x, parts, written);
    const result = slices ?? sc.putFlat(x, places, written, accumulate);
    const known = [x, source, ...tensors.map(({ node }) => node)];
    return this[made](withChecksSince(result, known), values instanceof Operable ? [this, values] : [this]);
  }

  gather(dim: number, index: Tensor): Tensor {
    const places = nodeOf("gather", index, "the index");
    return changed(this, (x) =>
      mv.reshape(withChecks(ix.gather(vw.atLeast1d(x), dim, vw.atLeast1d(places))), places.shape),
    );
  }
  /** gather with an index that broadcasts; without a dim it reads the flattened tensor. */
  takeAlongDim(index: Tensor, dim?: number): Tensor {
    const places = nodeOf("takeAlongDim", index, "the index");
    if (dim === undefined)
      return changed(this, (x) => withChecks(ix.gather(mv.reshape(x, [-1]), 0, mv.reshape(places, [-1]))));
    const axis = normalizeAxis(dim, this.shape.length, "takeAlongDim");
    if (places.shape.length !== this.shape.length)
      throw new ShapeError(`takeAlongDim: the index must have ${this.shape.length} dims, got ${places.shape.length}`);
    const others = (shape: Shape): number[] => shape.map((extent, k) => (k === axis ? 1 : extent));
    const common = broadcastShapes(others(this.shape), others(places.shape), "takeAlongDim");
    const spread = (node: Node): Node =>
      expand(
        node,
        common.map((extent, k) => (k === axis ? (node.shape[axis] as number) : extent)),
      );
    return changed(this, (x) => withChecks(ix.gather(spread(x), axis, spread(places))));
  }
  /** The elements at flat positions, which may be negative. */
  take(index: Tensor): Tensor {
    const places = nodeOf("take", index, "the index");
    const flat = mv.reshape(this.node, [-1]);
    const found = indexed(flat, [places]);
    return this[made](withChecksSince(found, [this.node, places]), [this]);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    const places = vw.atLeast1d(nodeOf("indexSelect", index, "the index"));
    if (this.shape.length === 0)
      return changed(this, (x) => mv.reshape(withChecks(ix.indexSelect(vw.atLeast1d(x), dim, places)), []));
    return changed(this, (x) => withChecks(ix.indexSelect(x, dim, places)));
  }

  // ── values put at positions ────────────────────────────────────────────────────────────────────────────────────────

  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    const places = vw.atLeast1d(nodeOf("scatterAdd", index, "the index"));
    const added = vw.atLeast1d(nodeOf("scatterAdd", source, "the source"));
    const sums = withChecks(ix.scatterAdd(vw.atLeast1d(this.node), dim, places, added));
    return this[made](mv.reshape(sums, this.shape), [this, source]);
  }
  /** Writes the source, a tensor or a number, at the positions of the index. If several share a position, the last one wins. */
  scatter(dim: number, index: Tensor, source: Operand, options: ScatterOptions = {}): Tensor {
    const { reduce } = checkOptions("scatter", options, scatterKinds);
    return IndexingMethods.#placed(this, "scatter", { dim, index, source }, (parts) =>
      reduce === undefined ? sc.overwritten(parts) : sc.reduced(parts, reduce === "add" ? "sum" : "prod", true),
    );
  }
  /** Reduces values that share a position: sum, product, mean, maximum or minimum (torch.scatter_reduce). */
  scatterReduce(
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: sc.ScatterReduction,
    options: ScatterReduceOptions = {},
  ): Tensor {
    checkKind("scatterReduce", "reduce", reduce, reductionKind);
    const { includeSelf = true } = checkOptions("scatterReduce", options, reduceKinds);
    nodeOf("scatterReduce", source, "the source");
    return IndexingMethods.#placed(this, "scatterReduce", { dim, index, source }, (parts) =>
      sc.reduced(parts, reduce, includeSelf),
    );
  }
  static #placed(
    self: Operable,
    where: string,
    { dim, index, source }: { readonly dim: number; readonly index: Tensor; readonly source: Operand },
    fn: (parts: sc.Placed) => Node,
  ): Tensor {
    const x = vw.atLeast1d(self.node);
    const places = vw.atLeast1d(nodeOf(where, index, "the index"));
    const given = besideOf(where, self, source);
    const values = source instanceof Operable ? vw.atLeast1d(given) : expand(given, places.shape);
    const result = fn(sc.placed(where, x, dim, places, values));
    const checkedNode = withChecksSince(mv.reshape(result, self.shape), [x, places, values]);
    return self[made](checkedNode, source instanceof Operable ? [self, source] : [self]);
  }
  /** Adds the slices of the source at positions of a dim. */
  indexAdd(dim: number, index: Tensor, source: Tensor, options: IndexAddOptions = {}): Tensor {
    const { alpha = 1 } = checkOptions("indexAdd", options, addKinds);
    const places = vw.atLeast1d(nodeOf("indexAdd", index, "the index"));
    const given = vw.atLeast1d(nodeOf("indexAdd", source, "the source"));
    const added = alpha === 1 ? given : el.mul(given, el.scalarLike(alpha, given));
    const sums = withChecksSince(ix.indexAdd(vw.atLeast1d(this.node), dim, places, added), [this.node, places, added]);
    return this[made](mv.reshape(sums, this.shape), [this, source]);
  }
  /** Copies the slices of the source to positions of a dim. */
  indexCopy(dim: number, index: Tensor, source: Tensor): Tensor {
    return IndexingMethods.#slices(this, "indexCopy", { dim, index, source }, sc.slicesOverwritten);
  }
  /** Fills the slices at positions of a dim with one value. */
  indexFill(dim: number, index: Tensor, value: Operand): Tensor {
    return IndexingMethods.#slices(this, "indexFill", { dim, index, source: value }, (parts) =>
      sc.slicesOverwritten(parts),
    );
  }
  /** Reduces slices that share a position: product, mean, maximum or minimum. */
  indexReduce(
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: Exclude<sc.ScatterReduction, "sum">,
    options: ScatterReduceOptions = {},
  ): Tensor {
    checkKind("indexReduce", "reduce", reduce, reductionKind);
    const { includeSelf = true } = checkOptions("indexReduce", options, reduceKinds);
    nodeOf("indexReduce", source, "the source");
    return IndexingMethods.#slices(this, "indexReduce", { dim, index, source }, (parts) =>
      sc.reduced(spread(parts), reduce, includeSelf),
    );
  }
  static #slices(
    self: Operable,
    where: string,
    { dim, index, source }: { readonly dim: number; readonly index: Tensor; readonly source: Operand },
    fn: (parts: sc.Placed) => Node,
  ): Tensor {
    const x = vw.atLeast1d(self.node);
    const axis = normalizeAxis(dim, x.shape.length, where);
    const places = nodeOf(where, index, "the index");
    const row = rowOf(where, places);
    const shape = x.shape.map((extent, k) => (k === axis ? at(row.shape, 0) : extent));
    const given = besideOf(where, self, source);
    if (given.shape.length > 0 || where !== "indexFill") sc.sameSlices(where, vw.atLeast1d(given), shape);
    const values = el.cast(given.shape.length === 0 ? expand(given, shape) : given, x.dtype);
    const parts = { x, dim: axis, index: sc.checkedPlaces(where, x, axis, row), source: values };
    const result = mv.reshape(fn(parts), self.shape);
    return self[made](
      withChecksSince(result, [x, places, given]),
      source instanceof Operable ? [self, source] : [self],
    );
  }
  /** Writes the values at flat positions, which may be negative. If several share a position, the last one wins, or all are added. */
  put(index: Tensor, source: Tensor, options: PutOptions = {}): Tensor {
    const { accumulate = false } = checkOptions("put", options, putKinds);
    const places = nodeOf("put", index, "the index");
    const values = nodeOf("put", source, "the source");
    const all = iota([sizeOf(this.shape)], 0);
    if (sizeOf(places.shape) !== sizeOf(values.shape))
      throw new ShapeError(`put: ${sizeOf(values.shape)} values do not fit ${sizeOf(places.shape)} places`);
    const result = sc.putFlat(this.node, indexed(all, [mv.reshape(places, [-1])]), values, accumulate);
    return this[made](withChecksSince(result, [this.node, places, values]), [this, source]);
  }

  // ── parts replaced ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Replaces one slice of a dim by the source. */
  selectScatter(source: Tensor, dim: number, index: number): Tensor {
    const axis = normalizeAxis(dim, this.shape.length, "selectScatter");
    return IndexingMethods.#replaced(this, "selectScatter", source, (places) => vw.select(places, axis, index));
  }
  /** Writes the source at the positions start, start + step, … below end of a dim. */
  sliceScatter(source: Tensor, dim = 0, start?: number, end?: number, step = 1): Tensor {
    return IndexingMethods.#replaced(this, "sliceScatter", source, (places) => mv.slice(places, dim, start, end, step));
  }
  /** Writes the source to the diagonal of two dims. */
  diagonalScatter(source: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
    return IndexingMethods.#replaced(this, "diagonalScatter", source, (places) =>
      ra.diagonal(places, offset, dim1, dim2),
    );
  }
  static #replaced(self: Operable, where: string, source: Tensor, part: (places: Node) => Node): Tensor {
    const values = nodeOf(where, source, "the source");
    const places = part(mv.reshape(iota([sizeOf(self.shape)], 0), self.shape));
    sc.sameSlices(where, values, places.shape);
    return self[made](sc.putFlat(self.node, places, values, false), [self, source]);
  }

  // ── masks, triangles ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the elements of the source, in order, where the mask is true. */
  maskedScatter(mask: Tensor, source: Tensor): Tensor {
    const chosen = nodeOf("maskedScatter", mask, "the mask");
    const values = nodeOf("maskedScatter", source, "the source");
    const shape = broadcastShapes(this.shape, chosen.shape, "maskedScatter");
    const holds = expand(el.cast(chosen, "bool"), shape);
    const flat = mv.reshape(el.cast(holds, "int32"), [-1]);
    const place = el.sub(ix.cumsum(flat, 0), full([], 1, "int32"));
    const wanted = el.where(mv.reshape(holds, [-1]), place, full([], 0, "int32"));
    const row = mv.reshape(el.cast(values, this.dtype), [-1]);
    if (sizeOf(flat.shape) === 0) return this[made](expand(this.node, shape), [this, source]);
    const taken = withChecks(ix.gather(row, 0, wanted));
    return this[made](el.where(holds, mv.reshape(taken, shape), expand(this.node, shape)), [this, source]);
  }
  /** The lower triangle of the last two dims, zero elsewhere. */
  tril(diagonal = 0): Tensor<S> {
    return alike(this, (x) => ix.tril(x, diagonal));
  }
  triu(diagonal = 0): Tensor<S> {
    return alike(this, (x) => ix.triu(x, diagonal));
  }
}

function subscripts(
  where: string,
  index: readonly Index[],
): { readonly parts: readonly Subscript[]; readonly tensors: readonly Tensor[] } {
  const tensors = index.filter((part): part is Tensor => part instanceof Operable);
  if (tensors.some(({ dtype }) => dtype === "bool"))
    throw new ShapeError(
      `${where}: the number of elements that a mask selects is known only when it is read; use maskedSelect(mask), or where(mask, …) for values put there`,
    );
  return { parts: index.map((part) => (part instanceof Operable ? part.node : part)), tensors };
}
