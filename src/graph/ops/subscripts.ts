// x[…] with numbers, slices, new dims and index tensors: NumPy's basic and advanced indexing.
import { at } from "../at.ts";
import { HebbError, ShapeError } from "../errors.ts";
import { describe } from "../kinds.ts";
import type { Node } from "../node.ts";
import { broadcastShapes, formatShape, sizeOf } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { checkIndex } from "./check.ts";
import { int } from "./creation.ts";
import * as el from "./elementwise.ts";
import { positions, trustedIndexSelect } from "./indexing.ts";
import { permute, reshape, slice } from "./movement.ts";
import { slicesOverwritten } from "./scatter.ts";
import { select, unsqueeze } from "./views.ts";

/** One entry of an index: a number, a slice "start:end:step", "..." for unnamed dims, null for a new dim, or positions. */
export type Subscript = number | string | null | Node;

interface Slice {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly step: number;
}

/** "1:-1", ":", "::2": each part is optional. */
function sliceOf(text: string): Slice {
  const parts = text.split(":").map((part) => part.trim());
  const known = parts.every((part) => part === "" || /^-?\d+$/.test(part));
  if (parts.length < 2 || parts.length > 3 || !known)
    throw new HebbError(
      `index: ${JSON.stringify(text)} is not a slice; write "start:end" or "start:end:step", each of which may be left out, or "..."`,
    );
  const [start, end, step] = parts.map((part) => (part === "" ? undefined : Number(part)));
  return { start, end, step: step ?? 1 };
}

const isPositions = (part: Subscript): part is Node => typeof part === "object" && part !== null;

/** The index with "..." expanded, and ":" for trailing dims. */
function complete(x: Node, index: readonly Subscript[]): readonly Subscript[] {
  const named = index.filter((part) => part !== null && part !== "...").length;
  const missing = x.shape.length - named;
  const dots = index.filter((part) => part === "...").length;
  if (missing < 0 || dots > 1)
    throw new ShapeError(
      dots > 1
        ? 'index: "..." can be used only once'
        : `index: ${named} subscripts are more than the ${x.shape.length} dims of ${formatShape(x.shape)}`,
    );
  const rest = new Array<string>(missing).fill(":");
  return dots === 0 ? [...index, ...rest] : index.flatMap((part) => (part === "..." ? rest : [part]));
}

/** The indexed elements. Positions may be negative, and broadcast with each other. */
export function indexed(x: Node, index: readonly Subscript[]): Node {
  const parts = complete(x, index);
  let [result, axis] = [x, 0];
  const advanced: Advanced[] = [];
  // Next to positions, numbers count as positions, so that their dims move along with the others.
  const anyPositions = parts.some(isPositions);
  for (const part of parts) {
    if (part === null) result = unsqueeze(result, axis++);
    else if (typeof part === "string") {
      const { start, end, step } = sliceOf(part);
      if (step < 1)
        throw new ShapeError(
          `index: the step of ${JSON.stringify(part)} must be from 1; use flip for the other direction`,
        );
      result = slice(result, axis++, start, end, step);
    } else if (typeof part === "number") {
      if (anyPositions) {
        const extent = at(result.shape, axis);
        const place = part < 0 ? part + extent : part;
        if (!Number.isInteger(part) || place < 0 || place >= extent)
          throw new ShapeError(`index: ${String(part)} is outside a dim of size ${extent}`);
        advanced.push({ axis: axis++, places: int(place) });
      } else result = select(result, axis, part);
    } else if (isPositions(part)) advanced.push({ axis: axis++, places: part });
    else
      throw new HebbError(`index: takes numbers, slices such as "1:3", "...", null and tensors, got ${describe(part)}`);
  }
  return advanced.length === 0 ? result : taken(result, advanced);
}

/**
 * x with values of the shape of `indexed` at the indexed elements, the last of duplicates; undefined if the index has
 * anything but positions and whole dims.
 */
export function overwrittenAt(x: Node, index: readonly Subscript[], values: Node): Node | undefined {
  const parts = complete(x, index);
  const isWholeDim = (part: Subscript): boolean => {
    if (typeof part !== "string") return false;
    const { start, end, step } = sliceOf(part);
    return start === undefined && end === undefined && step === 1;
  };
  const advanced = parts.flatMap((places, axis) => (isPositions(places) ? [{ axis, places }] : []));
  if (advanced.length === 0 || !parts.every((part) => isPositions(part) || isWholeDim(part))) return undefined;
  const { joined, dim, flat, order, ordered } = laidOut(x, advanced);
  const source = reshape(values, replaced(joined.shape, dim, at(flat.shape, 0)));
  const result = reshape(slicesOverwritten({ x: joined, dim, index: flat, source }), ordered);
  return permute(
    result,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

const replaced = (shape: readonly number[], dim: number, extent: number): number[] =>
  shape.map((size, axis) => (axis === dim ? extent : size));

interface Advanced {
  readonly axis: number;
  readonly places: Node;
}

function taken(x: Node, advanced: readonly Advanced[]): Node {
  const { joined, dim, flat, shape } = laidOut(x, advanced);
  const picked = trustedIndexSelect(joined, dim, flat);
  return reshape(picked, [...joined.shape.slice(0, dim), ...shape, ...joined.shape.slice(dim + 1)]);
}

/** The dims with positions merged into one, and the positions in it as one list. */
function laidOut(x: Node, advanced: readonly Advanced[]) {
  const wrapped = advanced.map(({ axis, places }) => ({ axis, places: counted(places, at(x.shape, axis)) }));
  const shape = wrapped.map(({ places }) => places.shape).reduce((a, b) => broadcastShapes(a, b, "index"));
  const axes = wrapped.map(({ axis }) => axis);
  const extents = axes.map((axis) => at(x.shape, axis));
  const flat = wrapped.reduce<Node>(
    (sum, { places }, k) => el.add(el.mul(sum, int(at(extents, k))), expand(places, shape)),
    int(0),
  );
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const first = at(axes, 0);
  const together = axes.every((axis, k) => axis === first + k);
  // If the position dims are adjacent, their result dims stay there; otherwise they come first.
  const before = together ? rest.filter((axis) => axis < first) : [];
  const after = rest.filter((axis) => !before.includes(axis));
  const sizes = (dims: readonly number[]): number[] => dims.map((axis) => at(x.shape, axis));
  const ordered = permute(x, [...before, ...axes, ...after]);
  const joined = reshape(ordered, [...sizes(before), sizeOf(extents), ...sizes(after)]);
  const count = sizeOf(shape);
  return {
    joined,
    dim: before.length,
    flat: reshape(expand(flat, shape), [count]),
    /** The shape of the positions, and so of their result dims. */
    shape,
    /** The permutation of x's dims, and the resulting shape. */
    order: [...before, ...axes, ...after],
    ordered: ordered.shape,
  };
}

/** Positions with negative ones counted from the end, and checked. */
export function counted(places: Node, extent: number): Node {
  const whole = positions("index", places);
  const size = int(extent);
  const wrapped = el.where(el.lt(whole, int(0)), el.add(whole, size), whole);
  return checkIndex(wrapped, extent, { by: "index", item: "index", count: "the size of that dim" });
}
