// Ops that move elements without changing them: reshape, permute, slice ⇄ pad, flip, cat.

import { apply } from "../apply.ts";
import { promote } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import * as kind from "../kinds.ts";
import { gradient, type Node, type Op, type TensorType } from "../node.ts";
import { checkKind } from "../options.ts";
import * as scalar from "../scalar.ts";
import { formatShape, normalizeAxis, type Shape, sameShape, sizeOf, stridesOf, wrapAxis } from "../shape.ts";
import { cast } from "./cast.ts";

// ── reshape ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type ShapeAttributes = { readonly shape: Shape };

export const reshapeOp: Op<ShapeAttributes> = {
  name: "reshape",
  traits: { view: "all" },
  infer: ([x], { shape }) => {
    const type = x as TensorType;
    if (sizeOf(type.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: ${formatShape(type.shape)} holds ${sizeOf(type.shape)} elements, ${formatShape(shape)} would hold ${sizeOf(shape)}; keep the number of elements`,
      );
    }
    return { shape, dtype: type.dtype };
  },
  gradient: gradient(({ grad, node }) => [reshape(grad, (node.inputs[0] as Node).shape)]),
  rule: {
    kind: "element",
    element: ({ input, index, type, inputTypes }) => {
      const from = (inputTypes[0] as TensorType).shape;
      return input(0, regroup(index, type.shape, from));
    },
  },
};

/** The index in another shape with as many elements. Matching dims pass through; only the others are split and merged. */
function regroup(index: readonly scalar.Scalar[], to: Shape, from: Shape): scalar.Scalar[] {
  const result: scalar.Scalar[] = [];
  let t = 0;
  let f = 0;
  while (f < from.length) {
    const fromGroup = [f];
    const toGroup: number[] = [];
    let fromSize = from[f] as number;
    let toSize = 1;
    f++;
    // Extents of 0 never match by multiplication: the rest is one group.
    while (fromSize !== toSize && (t < to.length || f < from.length)) {
      if ((toSize < fromSize || f >= from.length) && t < to.length) {
        toGroup.push(t);
        toSize *= to[t++] as number;
      } else {
        fromGroup.push(f);
        fromSize *= from[f++] as number;
      }
    }
    const toShape = toGroup.map((axis) => to[axis] as number);
    const fromShape = fromGroup.map((axis) => from[axis] as number);
    if (fromGroup.length === 1 && toGroup.length === 1) {
      result.push(index[toGroup[0] as number] as scalar.Scalar);
      continue;
    }
    if (fromSize >= 2 ** 31)
      throw new HebbError(
        `reshape: ${formatShape(from)} to ${formatShape(to)} indexes ${fromSize} elements, and indices are int32; keep the larger dims as they are`,
      );
    const strides = stridesOf(toShape);
    let flat: scalar.Scalar = scalar.int(0);
    toGroup.forEach((axis, place) => {
      flat = scalar.add(flat, scalar.mul(index[axis] as scalar.Scalar, scalar.int(strides[place] as number)));
    });
    const fromStrides = stridesOf(fromShape);
    fromShape.forEach((extent, place) => {
      if (extent === 1) result.push(scalar.int(0));
      else {
        const quotient = scalar.binary("div", flat, scalar.int(fromStrides[place] as number));
        result.push(place === 0 ? quotient : scalar.binary("mod", quotient, scalar.int(extent)));
      }
    });
  }
  return result;
}

/** The same elements in another shape; one size may be -1 and is inferred. */
export function reshape(x: Node, shape: Shape): Node {
  const unknown = shape.filter((extent) => extent === -1).length;
  if (unknown > 1 || shape.some((extent) => !Number.isInteger(extent) || extent < -1)) {
    throw new ShapeError(`reshape: sizes must be whole numbers, at most one of them -1, got ${formatShape(shape)}`);
  }
  let target = [...shape];
  if (unknown === 1) {
    const known = shape.reduce((size, extent) => (extent === -1 ? size : size * extent), 1);
    if (known === 0 || sizeOf(x.shape) % known !== 0) {
      throw new ShapeError(
        `reshape: ${sizeOf(x.shape)} elements of ${formatShape(x.shape)} cannot be divided into ${formatShape(shape)}: ${known} does not divide them`,
      );
    }
    target = shape.map((extent) => (extent === -1 ? sizeOf(x.shape) / known : extent));
  }
  return sameShape(x.shape, target) ? x : apply(reshapeOp, [x], { shape: target });
}

// ── permute ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type PermuteAttributes = { readonly dims: readonly number[] };

export const permuteOp: Op<PermuteAttributes> = {
  name: "permute",
  traits: { view: "all" },
  infer: ([x], { dims }) => {
    const { shape, dtype } = x as TensorType;
    return { shape: dims.map((dim) => shape[dim] as number), dtype };
  },
  gradient: gradient(({ grad, node }) => [permute(grad, inverse(node.attributes.dims))]),
  rule: {
    kind: "element",
    element: ({ input, index, attributes }) =>
      input(
        0,
        inverse(attributes.dims).map((place) => index[place] as scalar.Scalar),
      ),
  },
};

function inverse(dims: readonly number[]): number[] {
  const result = new Array<number>(dims.length);
  dims.forEach((dim, place) => {
    result[dim] = place;
  });
  return result;
}

/** Dim k of the result is dim dims[k] of x. */
export function permute(x: Node, dims: readonly number[]): Node {
  const order = dims.map((dim) => normalizeAxis(dim, x.shape.length, "permute"));
  if (order.length !== x.shape.length || new Set(order).size !== order.length) {
    throw new ShapeError(
      `permute: ${formatShape(dims)} must name each of the ${x.shape.length} dims of ${formatShape(x.shape)} once`,
    );
  }
  return order.every((dim, place) => dim === place) ? x : apply(permuteOp, [x], { dims: order });
}

// ── slice ⇄ pad ──────────────────────────────────────────────────────────────────────────────────────────────────────

export type SliceAttributes = {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly shape: Shape;
};

export const sliceOp: Op<SliceAttributes> = {
  name: "slice",
  traits: { view: "some" },
  infer: ([x], { shape }) => ({ shape, dtype: (x as TensorType).dtype }),
  gradient: gradient(({ grad, node }) => {
    const { starts, steps } = node.attributes;
    const { shape } = node.inputs[0] as Node;
    // For a negative step, the gradient is first put back in the order of x.
    const forward = flip(
      grad,
      steps.flatMap((step, axis) => (step < 0 ? [axis] : [])),
    );
    const pads = shape.map((extent, axis): Pad => {
      const count = node.shape[axis] as number;
      const step = Math.abs(steps[axis] as number);
      const start = starts[axis] as number;
      const first = (steps[axis] as number) < 0 ? start - (count - 1) * step : start;
      const covered = count === 0 ? 0 : (count - 1) * step + 1;
      return [count === 0 ? 0 : first, count === 0 ? extent : extent - first - covered, step - 1];
    });
    return [pad(forward, pads, 0)];
  }),
  rule: {
    kind: "element",
    element: ({ input, index, attributes: { starts, steps } }) =>
      input(
        0,
        index.map((place, axis) =>
          scalar.add(scalar.mul(place, scalar.int(steps[axis] as number)), scalar.int(starts[axis] as number)),
        ),
      ),
  },
};

/** Elements start, start + step, … before end along one dim. Negative positions count from the end; a negative step goes backwards from `start` (default: the last). */
export function slice(x: Node, dim: number, start?: number, end?: number, step = 1): Node {
  const axis = normalizeAxis(dim, x.shape.length, "slice");
  const extent = x.shape[axis] as number;
  if (!Number.isInteger(step) || step === 0)
    throw new ShapeError(`slice: the step must be a whole number other than 0, got ${step}`);
  for (const position of [start, end]) {
    // Infinity means the end of the dim, whatever its size.
    const infinite = position === Number.POSITIVE_INFINITY || position === Number.NEGATIVE_INFINITY;
    if (position !== undefined && !infinite && !Number.isInteger(position))
      throw new ShapeError(`slice: positions must be whole numbers, got ${kind.describe(position)} for dim ${dim}`);
  }
  const from = (position: number, low: number, high: number): number =>
    Math.min(Math.max(position < 0 ? position + extent : position, low), high);
  const first = step > 0 ? from(start ?? 0, 0, extent) : from(start ?? extent - 1, -1, extent - 1);
  const last =
    end === undefined ? (step > 0 ? extent : -1) : step > 0 ? from(end, 0, extent) : from(end, -1, extent - 1);
  const count = Math.max(0, Math.ceil((last - first) / step));
  if (count === extent && step === 1) return x;
  return apply(sliceOp, [x], {
    starts: x.shape.map((_, place) => (place === axis ? first : 0)),
    steps: x.shape.map((_, place) => (place === axis ? step : 1)),
    shape: x.shape.map((size, place) => (place === axis ? count : size)),
  });
}

export function flip(x: Node, dims: readonly number[]): Node {
  const axes = dims.map((dim) => wrapAxis(dim, x.shape.length, "flip"));
  if (new Set(axes).size !== axes.length)
    throw new ShapeError(`flip: ${formatShape(dims)} names the same dim twice; name each dim once`);
  if (x.shape.length === 0) return x;
  return axes.reduce((flipped, axis) => slice(flipped, axis, undefined, undefined, -1), x);
}

/** Elements before, after, and between neighbours. */
export type Pad = readonly [before: number, after: number, between?: number];
export type PadAttributes = { readonly pads: readonly (readonly [number, number, number])[]; readonly value: number };

export const padOp: Op<PadAttributes> = {
  name: "pad",
  traits: { moves: true },
  infer: ([x], { pads }) => {
    const { shape, dtype } = x as TensorType;
    return {
      shape: shape.map((extent, axis) => {
        const [before, after, between] = pads[axis] as readonly [number, number, number];
        return before + after + extent + Math.max(0, extent - 1) * between;
      }),
      dtype,
    };
  },
  gradient: gradient(({ grad, node }) => {
    const { pads } = node.attributes;
    const { shape } = node.inputs[0] as Node;
    return [
      shape.reduce<Node>((inner, extent, axis) => {
        const [before, , between] = pads[axis] as readonly [number, number, number];
        const step = between + 1;
        return slice(inner, axis, before, extent === 0 ? before : before + (extent - 1) * step + 1, step);
      }, grad),
    ];
  }),
  rule: {
    kind: "element",
    element: ({ input, index, attributes: { pads, value }, inputTypes }) => {
      const { shape, dtype } = inputTypes[0] as TensorType;
      let inside: scalar.Scalar = scalar.constant(1, "bool");
      const at = index.map((place, axis) => {
        const [before, after, between] = pads[axis] as readonly [number, number, number];
        const extent = shape[axis] as number;
        if (before === 0 && after === 0 && between === 0) return place;
        const shifted = before === 0 ? place : scalar.sub(place, scalar.int(before));
        const step = between + 1;
        if (before !== 0) inside = scalar.and(inside, scalar.binary("ge", shifted, scalar.int(0)));
        if (after !== 0)
          inside = scalar.and(
            inside,
            scalar.binary("lt", shifted, scalar.int(Math.max(0, extent - 1) * step + (extent === 0 ? 0 : 1))),
          );
        if (between === 0) return shifted;
        inside = scalar.and(
          inside,
          scalar.binary("eq", scalar.binary("mod", shifted, scalar.int(step)), scalar.int(0)),
        );
        return scalar.binary("div", shifted, scalar.int(step));
      });
      return scalar.select(inside, input(0, at), scalar.constant(value, dtype));
    },
  },
};

const isPad = (pair: unknown): boolean =>
  Array.isArray(pair) && (pair.length === 2 || pair.length === 3) && pair.every(Number.isInteger);

/** Surrounds each dim with `value`; the optional third amount goes between neighbours. Negative amounts crop. */
export function pad(x: Node, pads: readonly Pad[], value: number): Node {
  checkKind("pad", "the value", value, kind.number);
  if (!Array.isArray(pads) || !pads.every(isPad))
    throw new ShapeError(`pad: takes one [before, after] of whole numbers for each dim, got ${kind.describe(pads)}`);
  if (pads.length !== x.shape.length)
    throw new ShapeError(
      `pad: ${pads.length} pairs do not fit the ${x.shape.length} dims of ${formatShape(x.shape)}; give one [before, after] for each dim`,
    );
  const cropped = pads.reduce<Node>((inner, [before, after], axis) => {
    const extent = x.shape[axis] as number;
    if (-before - Math.min(after, 0) > extent)
      throw new ShapeError(`pad: cannot crop ${-before} and ${-after} from dim ${axis} of size ${extent}`);
    return before < 0 || after < 0 ? slice(inner, axis, Math.max(0, -before), extent - Math.max(0, -after)) : inner;
  }, x);
  const full = pads.map(([before, after, between]): [number, number, number] => [
    Math.max(0, before),
    Math.max(0, after),
    between ?? 0,
  ]);
  const nothing = full.every(
    ([before, after, between], axis) =>
      before === 0 && after === 0 && (between === 0 || (cropped.shape[axis] as number) <= 1),
  );
  return nothing ? cropped : apply(padOp, [cropped], { pads: full, value });
}

// ── cat, repeat ──────────────────────────────────────────────────────────────────────────────────────────────────────

export type CatAttributes = { readonly dim: number };

export const catOp: Op<CatAttributes> = {
  name: "cat",
  traits: { moves: true },
  infer: (inputs, { dim }) => {
    const first = inputs[0] as TensorType;
    let total = 0;
    for (const { shape, dtype } of inputs) {
      if (shape.length !== first.shape.length)
        throw new ShapeError(
          `cat: ${formatShape(first.shape)} and ${formatShape(shape)} differ in their number of dims; give all the same number`,
        );
      if (shape.some((extent, axis) => axis !== dim && extent !== first.shape[axis]))
        throw new ShapeError(
          `cat: ${formatShape(shape)} and ${formatShape(first.shape)} differ in a dim other than ${dim}; all other dims must be equal`,
        );
      if (dtype !== first.dtype)
        throw new ShapeError(`cat: dtypes differ, ${first.dtype} and ${dtype}; convert one with .to("${first.dtype}")`);
      total += shape[dim] as number;
    }
    return { shape: first.shape.map((extent, axis) => (axis === dim ? total : extent)), dtype: first.dtype };
  },
  gradient: gradient(({ grad, node }) => {
    const { dim } = node.attributes;
    const starts = startsOf(node.inputs, dim);
    return node.inputs.map(({ shape }, k) =>
      slice(grad, dim, starts[k], (starts[k] as number) + (shape[dim] as number)),
    );
  }),
  rule: {
    kind: "element",
    element: ({ input, index, attributes: { dim }, inputTypes }) => {
      const place = index[dim] as scalar.Scalar;
      const starts = startsOf(inputTypes, dim);
      const within = (k: number): scalar.Scalar => {
        const only = inputTypes[k]?.shape[dim] === 1;
        const own = only ? scalar.int(0) : scalar.sub(place, scalar.int(starts[k] as number));
        return input(
          k,
          index.map((part, axis) => (axis === dim ? own : part)),
        );
      };
      // A binary search: the part of an element is found with log₂ n comparisons.
      const choose = (first: number, last: number): scalar.Scalar => {
        if (first === last) return within(first);
        const middle = (first + last + 1) >> 1;
        const isBefore = scalar.binary("lt", place, scalar.int(starts[middle] as number));
        return scalar.select(isBefore, choose(first, middle - 1), choose(middle, last));
      };
      return choose(0, inputTypes.length - 1);
    },
  },
};

/** The start of each part along the dim. */
function startsOf(parts: readonly TensorType[], dim: number): number[] {
  let end = 0;
  return parts.map(({ shape }) => {
    const start = end;
    end += shape[dim] as number;
    return start;
  });
}

/** Tensors concatenated along a dim, in the widest of their dtypes. */
export function cat(parts: readonly Node[], dim: number): Node {
  const dtype = parts.reduce((widest, part) => promote(widest, part.dtype), parts[0]?.dtype ?? "float32");
  // As in PyTorch, a part of shape [0] fits any others: it stands for a still empty list.
  const some = parts.filter(({ shape }) => shape.length !== 1 || shape[0] !== 0);
  const inputs = (some.length === 0 ? parts : some).map((part) => cast(part, dtype));
  const first = inputs[0];
  if (first === undefined) throw new ShapeError("cat: takes at least one tensor");
  const axis = normalizeAxis(dim, first.shape.length, "cat");
  // An empty part has no element to read, so it is dropped.
  const filled = inputs.filter((input) => input.shape[axis] !== 0);
  apply(catOp, inputs, { dim: axis });
  if (filled.length <= 1) return filled[0] ?? first;
  return apply(catOp, filled, { dim: axis });
}
