// Methods of Tensor that move elements: shapes, dims, slices, pieces, diagonals.
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { expand, repeat } from "../../graph/ops/broadcast.ts";
import { trustedIndexSelect } from "../../graph/ops/indexing.ts";
import * as mv from "../../graph/ops/movement.ts";
import * as ra from "../../graph/ops/rearrange.ts";
import { sum } from "../../graph/ops/reduce.ts";
import * as vw from "../../graph/ops/views.ts";
import { checkKind } from "../../graph/options.ts";
import { broadcastShapes, formatShape, normalizeAxis, type Shape, sameShape, sizeOf } from "../../graph/shape.ts";
import * as given from "../operands.ts";
import type { Tensor } from "../tensor.ts";
import { alike, changed, constantNode, nodeOf, several } from "./operable.ts";
import { ReductionMethods } from "./reductions.ts";

export abstract class ShapingMethods<S extends Shape = Shape> extends ReductionMethods<S> {
  /** The number of elements. */
  numel(): number {
    return sizeOf(this.shape);
  }
  /** The number of dims. */
  dim(): number {
    return this.shape.length;
  }
  get ndim(): number {
    return this.shape.length;
  }
  /** The dims reversed. */
  get T(): Tensor {
    return changed(this, (x) => mv.permute(x, x.shape.map((_, axis) => axis).reverse()));
  }
  /** The last two dims swapped. */
  get mT(): Tensor {
    if (this.shape.length < 2)
      throw new ShapeError(`mT: takes a matrix or a batch of them, got ${formatShape(this.shape)}`);
    return changed(this, (x) => vw.transpose(x, -2, -1));
  }

  // ── other shapes for the same elements ─────────────────────────────────────────────────────────────────────────────

  /** The same elements in another shape, [2, -1] or 2, -1; one size may be -1. */
  reshape(...shape: given.Sizes): Tensor {
    return changed(this, (x) => mv.reshape(x, given.listed("reshape", shape)));
  }
  /** The same as reshape: tensors are immutable, so a view and a copy are equivalent (torch.Tensor.view). */
  view(...shape: given.Sizes): Tensor {
    return changed(this, (x) => mv.reshape(x, given.listed("view", shape)));
  }
  reshapeAs(other: Tensor): Tensor {
    const { shape } = nodeOf("reshapeAs", other, "the other");
    return changed(this, (x) => mv.reshape(x, shape));
  }
  viewAs(other: Tensor): Tensor {
    const { shape } = nodeOf("viewAs", other, "the other");
    return changed(this, (x) => mv.reshape(x, shape));
  }
  ravel(): Tensor {
    return changed(this, (x) => mv.reshape(x, [-1]));
  }
  flatten(startDim = 0, endDim = -1): Tensor {
    return changed(this, (x) => vw.flatten(x, startDim, endDim));
  }
  unflatten(dim: number, sizes: Shape): Tensor {
    checkKind("unflatten", "sizes", sizes, kind.numbers);
    return changed(this, (x) => vw.unflatten(x, dim, sizes));
  }
  unsqueeze(dim: number): Tensor {
    return changed(this, (x) => vw.unsqueeze(x, dim));
  }
  /** Removes dims of size 1: all of them, or the given ones. */
  squeeze(dim?: number | readonly number[]): Tensor {
    if (!Array.isArray(dim)) return changed(this, (x) => vw.squeeze(x, dim as number | undefined));
    const dims: readonly number[] = dim;
    const axes = dims.map((one) => normalizeAxis(one, this.shape.length, "squeeze"));
    const kept = this.shape.filter((extent, axis) => extent !== 1 || !axes.includes(axis));
    return changed(this, (x) => mv.reshape(x, kept));
  }

  // ── dims in another order ──────────────────────────────────────────────────────────────────────────────────────────

  transpose(dim0: number, dim1: number): Tensor {
    return changed(this, (x) => vw.transpose(x, dim0, dim1));
  }
  /** Reorders the dims, [1, 0] or 1, 0. */
  permute(...dims: given.Sizes): Tensor {
    return changed(this, (x) => mv.permute(x, given.listed("permute", dims)));
  }
  /** The transpose of a matrix. */
  t(): Tensor {
    if (this.shape.length > 2)
      throw new ShapeError(`t: takes a matrix, got ${formatShape(this.shape)}; use transpose(dim0, dim1)`);
    return changed(this, (x) => (x.shape.length < 2 ? x : vw.transpose(x, 0, 1)));
  }
  /** Moves dims to other positions; the others keep their order. */
  movedim(source: number | readonly number[], destination: number | readonly number[]): Tensor {
    return changed(this, (x) => ra.movedim(x, source, destination));
  }

  // ── elements repeated, turned, moved ───────────────────────────────────────────────────────────────────────────────

  /** Repeats dims of size 1 to the given sizes, [2, -1] or 2, -1; -1 keeps a size, and new dims go in front. */
  expand(...shape: given.Sizes): Tensor {
    return changed(this, (x) => expand(x, given.listed("expand", shape)));
  }
  expandAs(other: Tensor): Tensor {
    const { shape } = nodeOf("expandAs", other, "the other");
    return changed(this, (x) => expand(x, shape));
  }
  broadcastTo(...shape: given.Sizes): Tensor {
    return changed(this, (x) => expand(x, given.listed("broadcastTo", shape)));
  }
  /** Sums over the dims that broadcasting repeated. */
  sumToSize(...shape: given.Sizes): Tensor {
    const sizes = given.listed("sumToSize", shape);
    const lead = this.shape.length - sizes.length;
    if (lead < 0 || !sameShape(broadcastShapes(this.shape, sizes, "sumToSize"), this.shape))
      throw new ShapeError(`sumToSize: ${formatShape(sizes)} does not broadcast to ${formatShape(this.shape)}`);
    const axes = this.shape.flatMap((extent, axis) => (axis < lead || sizes[axis - lead] !== extent ? [axis] : []));
    return changed(this, (x) => (axes.length === 0 ? x : mv.reshape(sum(x, axes), sizes)));
  }
  flip(...dims: given.Sizes): Tensor<S> {
    return alike(this, (x) => mv.flip(x, given.listed("flip", dims)));
  }
  fliplr(): Tensor<S> {
    if (this.shape.length < 2) throw new ShapeError(`fliplr: takes 2 dims or more, got ${formatShape(this.shape)}`);
    return alike(this, (x) => mv.flip(x, [1]));
  }
  flipud(): Tensor<S> {
    if (this.shape.length < 1) throw new ShapeError("flipud: takes 1 dim or more, got a scalar");
    return alike(this, (x) => mv.flip(x, [0]));
  }
  /** Shifts along dims, cyclically. Without dims, through the flattened tensor. */
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor<S> {
    checkKind("roll", "shifts", shifts, kind.size);
    if (dims !== undefined) checkKind("roll", "dims", dims, kind.size);
    return alike(this, (x) => ra.roll(x, shifts, dims));
  }
  /** Rotates by 90° k times, from the first dim toward the second. */
  rot90(k = 1, dims: readonly number[] = [0, 1]): Tensor {
    return changed(this, (x) => ra.rot90(x, k, dims));
  }
  /** Repeats the tensor along each dim, [2, 1] or 2, 1. */
  repeat(...sizes: given.Sizes): Tensor {
    return changed(this, (x) => repeat(x, given.listed("repeat", sizes)));
  }
  /** As repeat; dims without a size stay unchanged. */
  tile(...sizes: given.Sizes): Tensor {
    return changed(this, (x) => ra.tile(x, given.listed("tile", sizes)));
  }
  /** Repeats each element, next to itself; without a dim, those of the flattened tensor. */
  repeatInterleave(repeats: number | readonly number[], dim?: number): Tensor {
    if (typeof repeats === "number") return changed(this, (x) => ra.repeatEach(x, repeats, dim));
    const flat = dim === undefined ? this.ravel() : this;
    const axis = dim === undefined ? 0 : normalizeAxis(dim, this.shape.length, "repeatInterleave");
    const places = ra.repeatedPlaces(repeats, flat.shape[axis] as number);
    return changed(this, () => trustedIndexSelect(flat.node, axis, constantNode(places, [places.length], "int32")));
  }
  /** Pads each dim by [before, after]; negative amounts crop. */
  pad(pads: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
    return changed(this, (x) => mv.pad(x, pads, value));
  }
  /** Differences of neighbours along a dim, n times. */
  diff(n = 1, dim = -1): Tensor {
    return changed(this, (x) => ra.diff(x, n, dim));
  }

  // ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Elements start, start + step, … below end of one dim; negative positions count from the end. */
  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return changed(this, (x) => mv.slice(x, dim, start, end, step));
  }
  select(dim: number, index: number): Tensor {
    return changed(this, (x) => vw.select(x, dim, index));
  }
  /** `length` positions from `start` on. Throws ShapeError if they exceed the dim. */
  narrow(dim: number, start: number, length: number): Tensor {
    return changed(this, (x) => vw.narrow(x, dim, start, length));
  }
  /** Pieces of one size along a dim, the last of which may be smaller, or of the given sizes. */
  split(size: number | readonly number[], dim = 0): Tensor[] {
    checkKind("split", "the size", size, kind.size);
    const pieces = typeof size === "number" ? vw.split(this.node, size, dim) : ra.splitSizes(this.node, size, dim);
    return several(this, pieces);
  }
  /** About `count` pieces of equal size along a dim (torch.chunk). */
  chunk(count: number, dim = 0): Tensor[] {
    return several(this, vw.chunk(this.node, count, dim));
  }
  /** Exactly `parts` pieces, or pieces cut at the given positions. */
  tensorSplit(parts: number | readonly number[], dim = 0): Tensor[] {
    return several(this, ra.tensorSplit(this.node, parts, dim));
  }
  /** tensorSplit along the second dim; for a vector, along the first. */
  hsplit(parts: number | readonly number[]): Tensor[] {
    return several(this, ra.evenSplit("hsplit", this.node, parts, this.shape.length < 2 ? 0 : 1));
  }
  vsplit(parts: number | readonly number[]): Tensor[] {
    if (this.shape.length < 2) throw new ShapeError(`vsplit: takes 2 dims or more, got ${formatShape(this.shape)}`);
    return several(this, ra.evenSplit("vsplit", this.node, parts, 0));
  }
  dsplit(parts: number | readonly number[]): Tensor[] {
    if (this.shape.length < 3) throw new ShapeError(`dsplit: takes 3 dims or more, got ${formatShape(this.shape)}`);
    return several(this, ra.evenSplit("dsplit", this.node, parts, 2));
  }
  /** The slices of a dim. */
  unbind(dim = 0): Tensor[] {
    const axis = normalizeAxis(dim, this.shape.length, "unbind");
    const count = this.shape[axis] as number;
    return several(
      this,
      Array.from({ length: count }, (_, place) => vw.select(this.node, axis, place)),
    );
  }
  /** All windows of a dim, `step` apart, as a new last dim. */
  unfold(dim: number, size: number, step: number): Tensor {
    return changed(this, (x) => ra.unfold(x, dim, size, step));
  }
  /** The elements at flat positions offset + Σ index · stride. */
  asStrided(size: Shape, stride: Shape, offset = 0): Tensor {
    return changed(this, (x) => ra.asStrided(x, size, stride, offset));
  }

  // ── diagonals ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The diagonal of two dims, as a new last dim. */
  diagonal(offset = 0, dim1 = 0, dim2 = 1): Tensor {
    return changed(this, (x) => ra.diagonal(x, offset, dim1, dim2));
  }
  /** The diagonal of a matrix, or the matrix with a vector on its diagonal. */
  diag(offset = 0): Tensor {
    if (this.shape.length !== 1 && this.shape.length !== 2)
      throw new ShapeError(`diag: takes a vector or a matrix, got ${formatShape(this.shape)}`);
    return changed(this, (x) =>
      x.shape.length === 1 ? ra.diagEmbed(x, offset, -2, -1) : ra.diagonal(x, offset, 0, 1),
    );
  }
  /** The last dim on the diagonal of two new dims. */
  diagEmbed(offset = 0, dim1 = -2, dim2 = -1): Tensor {
    return changed(this, (x) => ra.diagEmbed(x, offset, dim1, dim2));
  }
  /** A matrix with all elements on its diagonal. */
  diagflat(offset = 0): Tensor {
    return changed(this, (x) => ra.diagEmbed(mv.reshape(x, [-1]), offset, -2, -1));
  }
  /** The sum of the diagonal of a matrix. */
  trace(): Tensor {
    if (this.shape.length !== 2) throw new ShapeError(`trace: takes a matrix, got ${formatShape(this.shape)}`);
    return changed(this, (x) => sum(ra.diagonal(x, 0, 0, 1)));
  }
}
