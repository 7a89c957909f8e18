// Reductions: sums, products, extremes, and their compositions.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { type Gradient, gradient, type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import { formatShape, normalizeAxes, normalizeAxis, sizeOf, wrapAxis } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand, sum } from "./broadcast.ts";
import { full, iota } from "./creation.ts";
import {
  add,
  cast,
  div,
  eq,
  exp,
  ge,
  isfinite,
  isnan,
  log,
  logicalOr,
  mul,
  ne,
  rootOrFlat,
  scalarLike,
  square,
  sub,
  where,
} from "./elementwise.ts";
import { cat, flip, reshape, slice } from "./movement.ts";
import { countable, type Dims, declareReduction, type ReduceAttributes, reduce } from "./reduction.ts";

export { sum, sumOp } from "./broadcast.ts";
export type { Dims } from "./reduction.ts";

/** The minimum and maximum share the gradient evenly among ties. NaN does not equal itself, so with a NaN every gradient is NaN (torch.amax). */
const shared: Gradient<ReduceAttributes> = gradient(({ grad, node }) => {
  const x = node.inputs[0] as Node;
  const chosen = cast(eq(x, node), grad.dtype);
  return [mul(chosen, div(grad, sum(chosen, node.attributes.axes, true)))];
});
export const maxOp = declareReduction("max", "max", shared);
export const minOp = declareReduction("min", "min", shared);

/** ∂Πx/∂xᵢ is the product of the others, which is correct with zeros too: running products from both ends, one axis at a time. */
export const prodOp = declareReduction(
  "prod",
  "prod",
  gradient(({ grad, node }) => {
    const x = node.inputs[0] as Node;
    const axis = at(node.attributes.axes, 0);
    const ones = full(
      x.shape.map((extent, place) => (place === axis ? 1 : extent)),
      1,
      x.dtype,
    );
    const before = (values: Node): Node =>
      slice(cumprodOf(cat([ones, values], axis), axis), axis, 0, x.shape[axis] as number);
    return [mul(grad, mul(before(x), flip(before(flip(x, [axis])), [axis])))];
  }),
);

type ScanAttributes = { readonly axis: number };

/** The running product along one axis. */
export const cumprodOp: Op<ScanAttributes> = {
  name: "cumprod",
  infer: ([x]) => x as TensorType,
  // yⱼ = Π_{k ≤ j} xₖ, so ∂yⱼ/∂xᵢ = Π_{k ≤ j, k ≠ i} xₖ: the product over k of xₖ with xᵢ replaced by 1, for j ≥ i.
  gradient: gradient(({ grad, node }) => {
    const x = node.inputs[0] as Node;
    const { axis } = node.attributes;
    const extent = x.shape[axis] as number;
    const lift = (value: Node, at: number): Node =>
      reshape(value, [
        ...x.shape.slice(0, axis),
        ...(at === 0 ? [extent, 1] : [1, extent]),
        ...x.shape.slice(axis + 1),
      ]);
    const shape = [...x.shape.slice(0, axis), extent, extent, ...x.shape.slice(axis + 1)];
    const i = iota(shape, axis);
    const k = iota(shape, axis + 1);
    const others = where(eq(i, k), full(shape, 1, x.dtype), expand(lift(x, 1), shape));
    const partial = where(ge(k, i), cumprodOf(others, axis + 1), full(shape, 0, x.dtype));
    return [reshape(sum(mul(partial, expand(lift(grad, 1), shape)), [axis + 1], true), x.shape)];
  }),
  rule: { kind: "scan", combine: "prod", axis: ({ axis }) => axis },
};

const cumprodOf = (x: Node, axis: number): Node => apply(cumprodOp, [x], { axis });

export function cumprod(x: Node, dim: number): Node {
  const axis = wrapAxis(dim, x.shape.length, "cumprod");
  return x.shape.length === 0 ? countable(x) : cumprodOf(countable(x), axis);
}

/** The index of a maximum has no slope; the op exists to give the error a name. */
export const positionOp: Op = {
  name: "position",
  infer: ([x]) => x as TensorType,
  gradient: notDifferentiable("argmax returns an index, and indices have no gradient"),
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
};

export const max = (x: Node, dim?: Dims, keepdim = false): Node => reduce(maxOp, x, dim, keepdim);
export const min = (x: Node, dim?: Dims, keepdim = false): Node => reduce(minOp, x, dim, keepdim);
export const amax = max;
export const amin = min;

/** One axis at a time, because the gradient works along one. */
export function prod(x: Node, dim?: Dims, keepdim = false): Node {
  const axes = normalizeAxes(dim, x.shape.length, "prod");
  const kept = axes.reduce<Node>((product, axis) => apply(prodOp, [product], { axes: [axis] }), countable(x));
  return keepdim
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

const countOf = (x: Node, dim: Dims, where: string): number =>
  sizeOf(normalizeAxes(dim, x.shape.length, where).map((axis) => x.shape[axis] as number));

/** Σx / n; NaN over no elements, as in PyTorch. */
export function mean(x: Node, dim?: Dims, keepdim = false): Node {
  const values = floating(x);
  const total = sum(values, dim, keepdim);
  const dims = normalizeAxes(dim, x.shape.length, "mean");
  return composed("mean", [x], { dims, keepdim }, div(total, scalarLike(countOf(x, dim, "mean"), total)));
}

/** √Σx²; its slope is 0 at 0. */
export function norm(x: Node, dim?: Dims, keepdim = false): Node {
  const result = rootOrFlat(sum(square(floating(x)), dim, keepdim));
  return composed("norm", [x], { dims: normalizeAxes(dim, x.shape.length, "norm"), keepdim }, result);
}

/** Over no dims, any and all convert each element to bool, as in PyTorch. */
const isEmptyList = (dim: Dims): boolean => Array.isArray(dim) && dim.length === 0;

export const any = (x: Node, dim?: Dims, keepdim = false): Node =>
  isEmptyList(dim)
    ? cast(x, "bool")
    : ne(sum(cast(cast(x, "bool"), "int32"), dim, keepdim), scalarLike(0, { shape: [], dtype: "int32" }));
export const all = (x: Node, dim?: Dims, keepdim = false): Node =>
  isEmptyList(dim)
    ? cast(x, "bool")
    : eq(
        sum(cast(eq(cast(x, "bool"), full(x.shape, 0, "bool")), "int32"), dim, keepdim),
        scalarLike(0, { shape: [], dtype: "int32" }),
      );

/** The first index of the extreme value along a dim, or in the flattened tensor. NaN counts as extreme, as in PyTorch. */
function extremePlace(
  x: Node,
  dim: number | undefined,
  keepdim: boolean,
  extreme: typeof max,
  name: "argmax" | "argmin",
): Node {
  const flat = dim === undefined ? reshape(x, [-1]) : x;
  const axis = dim === undefined ? 0 : wrapAxis(dim, x.shape.length, name);
  if (flat.shape.length === 0) return full([], 0, "int32");
  const extent = flat.shape[axis] as number;
  if (extent === 0) throw new ShapeError(`${name}: there is no element along dim ${axis} of ${formatShape(x.shape)}`);
  const values = flat.dtype === "bool" ? cast(flat, "int32") : flat;
  const best = expand(extreme(values, axis, true), values.shape);
  const chosen = logicalOr(eq(values, best), isnan(values));
  const places = where(chosen, iota(values.shape, axis), full(values.shape, extent, "int32"));
  const first = min(places, axis, keepdim || dim === undefined);
  const marked = apply(positionOp, [first], {});
  const result = dim === undefined ? reshape(marked, keepdim ? x.shape.map(() => 1) : []) : marked;
  return composed(name, [x], { dim: dim === undefined ? null : axis, keepdim }, result);
}

export const argmax = (x: Node, dim?: number, keepdim = false): Node => extremePlace(x, dim, keepdim, max, "argmax");
export const argmin = (x: Node, dim?: number, keepdim = false): Node => extremePlace(x, dim, keepdim, min, "argmin");

/**
 * log Σ eˣ, shifted by the largest x so that nothing overflows; an infinite largest is not subtracted. If every x is -∞,
 * so is the result, and its gradient is 0.
 */
export function logsumexp(x: Node, dim?: Dims, keepdim = false): Node {
  const values = floating(x);
  const axes = normalizeAxes(dim, x.shape.length, "logsumexp");
  const kept = axes.length === 0 ? values : logOfSum(values, axes);
  const result = keepdim
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
  return composed("logsumexp", [x], { dims: axes, keepdim }, result);
}

function logOfSum(values: Node, axes: readonly number[]): Node {
  // An empty sum of powers is 0, and its logarithm -∞.
  if (axes.some((axis) => values.shape[axis] === 0)) return log(sum(exp(values), axes, true));
  const largest = max(values, axes, true);
  const shift = where(isfinite(largest), largest, full(largest.shape, 0, largest.dtype));
  const powers = exp(sub(values, shift));
  const total = sum(powers, axes, true);
  // Softmax instead of eˣ⁻ˡᵒᵍ: next to 10⁸, the logarithm of the sum would be lost, and equal values would each get the whole slope.
  return withGradient(add(log(total), shift), [values], (grad) => [
    mul(div(grad, where(eq(total, scalarLike(0, total)), scalarLike(1, total), total)), powers),
  ]);
}

/** eˣ / Σ eˣ along a dim, shifted by the largest so that nothing overflows. */
export function softmax(x: Node, dim = -1): Node {
  if (x.shape.length === 0) return reshape(softmax(reshape(x, [1]), dim), []);
  const values = floating(x);
  const axis = normalizeAxis(dim, x.shape.length, "softmax");
  if (x.shape.includes(0)) return values;
  const weights = exp(sub(values, max(values, axis, true)));
  const shares: Node = withGradient(div(weights, sum(weights, axis, true)), [values], (grad) => [
    mul(shares, sub(grad, sum(mul(grad, shares), axis, true))),
  ]);
  return composed("softmax", [x], { dim: axis }, shares);
}

/** x − log Σ eˣ along a dim. */
export function logSoftmax(x: Node, dim = -1): Node {
  if (x.shape.length === 0) return reshape(logSoftmax(reshape(x, [1]), dim), []);
  const values = floating(x);
  const axis = normalizeAxis(dim, x.shape.length, "logSoftmax");
  if (x.shape.includes(0)) return values;
  const shifted = sub(values, max(values, axis, true));
  const result: Node = withGradient(sub(shifted, log(sum(exp(shifted), axis, true))), [values], (grad) => [
    sub(grad, mul(exp(result), sum(grad, axis, true))),
  ]);
  return composed("logSoftmax", [x], { dim: axis }, result);
}

const floating = (x: Node): Node => (isFloat(x.dtype) ? x : cast(x, "float32"));
