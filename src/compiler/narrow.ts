// Moves slices towards the inputs, so that discarded elements are never computed. A slice of a convolution's output becomes a slice of its input.

import { apply } from "../graph/apply.ts";
import { at } from "../graph/at.ts";
import { isOp, type Node } from "../graph/node.ts";
import { type ConvolutionAttributes, convolutionOp } from "../graph/ops/conv.ts";
import {
  type CatAttributes,
  cat,
  catOp,
  type Pad,
  type PadAttributes,
  pad,
  padOp,
  reshape,
  reshapeOp,
  type SliceAttributes,
  slice,
  sliceOp,
} from "../graph/ops/movement.ts";
import { type Shape, sameShape } from "../graph/shape.ts";

/** A slice with steps of 1. */
interface Window {
  readonly starts: readonly number[];
  readonly shape: Shape;
}

/** The window of a slice; undefined if its step is not 1. */
function windowOf(node: Node<SliceAttributes>): Window | undefined {
  const { starts, steps, shape } = node.attributes;
  return steps.every((step) => step === 1) ? { starts, shape } : undefined;
}

/** A node equal to a slice of moved convolutions, without the outer slice; undefined if that saves no work. */
export function narrow(node: Node): Node | undefined {
  const [x] = node.inputs;
  if (x === undefined || !isOp(node, sliceOp)) return undefined;
  const window = windowOf(node);
  if (window === undefined || window.shape.includes(0)) return undefined;
  return cut(x, window);
}

/** Operations that a slice moves through. */
export const isMovement = (x: Node): boolean =>
  isOp(x, reshapeOp) || isOp(x, sliceOp) || isOp(x, padOp) || isOp(x, catOp);
export const isConvolution = (x: Node): x is Node<ConvolutionAttributes> => isOp(x, convolutionOp);

/** The window of a node, computed without the rest; undefined if that saves nothing. */
function cut(x: Node, window: Window): Node | undefined {
  const { starts, shape } = window;
  if (starts.every((start, dim) => start === 0 && shape[dim] === x.shape[dim])) return x;
  if (isConvolution(x)) return cutConvolution(x, window);
  if (isOp(x, reshapeOp)) {
    const inner = at(x.inputs, 0);
    const phases = interleaved(inner);
    if (phases === undefined) return cutReshaped(x, inner, window);
    return sameShape(phases.whole, x.shape)
      ? cutInterleaved(phases.cat, window)
      : cutReshaped(x, reshape(inner, phases.whole), window);
  }
  if (isOp(x, sliceOp)) {
    const outer = windowOf(x);
    if (outer === undefined) return undefined;
    return cut(at(x.inputs, 0), { starts: starts.map((start, dim) => start + at(outer.starts, dim)), shape });
  }
  return isOp(x, padOp) ? cutPadded(x, window) : undefined;
}

/** The window, narrowed if that saves work, otherwise sliced from the whole. */
const taken = (x: Node, window: Window): Node =>
  cut(x, window) ?? apply(sliceOp, [x], { ...window, steps: x.shape.map(() => 1) });

/** A window of a convolution's output is a convolution of a window of its input. */
function cutConvolution(x: Node<ConvolutionAttributes>, { starts, shape }: Window): Node | undefined {
  const [weight, input] = [at(x.inputs, 0), at(x.inputs, 1)];
  const spatial = 3;
  if (starts.slice(0, spatial).some((start, dim) => start > 0 || shape[dim] !== x.shape[dim])) return undefined;
  const { stride, dilation } = x.attributes;
  const reach = (dim: number): number => (at(weight.shape, dim) - 1) * at(dilation, dim - spatial) + 1;
  const image = taken(input, {
    starts: starts.map((start, dim) => (dim < spatial ? 0 : start * at(stride, dim - spatial))),
    shape: shape.map((count, dim) =>
      dim < spatial ? at(input.shape, dim) : (count - 1) * at(stride, dim - spatial) + reach(dim),
    ),
  });
  return apply(convolutionOp, [weight, image], { stride, dilation });
}

/** Dims that a reshape preserves, ignoring dims of size 1, can be sliced before it. */
function cutReshaped(x: Node, inner: Node, { starts, shape }: Window): Node | undefined {
  const below = { starts: inner.shape.map(() => 0), shape: [...inner.shape] };
  let [outer, from] = [x.shape.length - 1, inner.shape.length - 1];
  const isWhole = (dim: number): boolean => at(starts, dim) === 0 && shape[dim] === x.shape[dim];
  for (; outer >= 0 && from >= 0; ) {
    if (x.shape[outer] === inner.shape[from]) {
      below.starts[from] = at(starts, outer);
      below.shape[from] = at(shape, outer);
      outer--;
      from--;
    } else if (x.shape[outer] === 1) outer--;
    else if (inner.shape[from] === 1) from--;
    else break;
  }
  for (; outer >= 0; outer--) if (!isWhole(outer)) return undefined;
  const part = cut(inner, below);
  return part === undefined ? undefined : reshape(part, shape);
}

/** Phases [.., q, r, ..] interleaved as [.., q · phases + r, ..], if the node has that form. */
function interleaved(x: Node): { readonly cat: Node<CatAttributes>; readonly whole: Shape } | undefined {
  if (!isOp(x, catOp)) return undefined;
  const { dim } = x.attributes;
  if (dim === 0 || x.inputs.some((phase) => phase.shape[dim] !== 1)) return undefined;
  const whole = [...x.shape.slice(0, dim - 1), at(x.shape, dim - 1) * x.inputs.length, ...x.shape.slice(dim + 1)];
  return { cat: x, whole };
}

/** A window of interleaved phases is a window of each phase, starting with the phase at its first element. */
function cutInterleaved(inner: Node<CatAttributes>, { starts, shape }: Window): Node {
  const { dim } = inner.attributes;
  const axis = dim - 1;
  const phases = inner.inputs.length;
  const [start, count] = [at(starts, axis), at(shape, axis)];
  const [first, offset, length] = [Math.floor(start / phases), start % phases, Math.ceil(count / phases)];
  const spread = (values: readonly number[], own: number): number[] => [
    ...values.slice(0, axis),
    own,
    ...values.slice(axis),
  ];
  const own = (values: readonly number[], one: number, single: number): number[] =>
    spread(values, one).map((value, place) => (place === dim ? single : value));
  const wanted = Math.min(phases, count);
  const parts = Array.from({ length: wanted }, (_, place) => {
    const [phase, from] = place + offset < phases ? [place + offset, first] : [place + offset - phases, first + 1];
    // Later phases may need one element less, which is padded.
    const have = Math.min(length, at(inner.shape, axis) - from);
    const part = taken(inner.inputs[phase] as Node, { starts: own(starts, from, 0), shape: own(shape, have, 1) });
    const pads = part.shape.map((_, place): Pad => [0, place === axis ? length - have : 0]);
    return have < length ? pad(part, pads, 0) : part;
  });
  const joined = shape.map((extent, place) => (place === axis ? length * wanted : extent));
  return slice(reshape(cat(parts, dim), joined), axis, 0, count);
}

/** Less padding and, if that is not enough, a window of the padded value. */
function cutPadded(x: Node<PadAttributes>, { starts, shape }: Window): Node | undefined {
  const inner = at(x.inputs, 0);
  const { pads, value } = x.attributes;
  const below = { starts: inner.shape.map(() => 0), shape: [...inner.shape] };
  const less: Pad[] = [];
  for (const [dim, [before, after, between]] of pads.entries()) {
    const [start, extent] = [at(starts, dim), at(x.shape, dim)];
    const end = extent - start - at(shape, dim);
    const [crop, cropEnd] = [Math.max(0, start - before), Math.max(0, end - after)];
    // Only dims without gaps can be cropped; elsewhere only padding can be removed.
    if (crop + cropEnd > 0 && (between > 0 || crop + cropEnd >= at(inner.shape, dim))) return undefined;
    below.starts[dim] = crop;
    below.shape[dim] = at(inner.shape, dim) - crop - cropEnd;
    less.push([Math.max(0, before - start), Math.max(0, after - end), between]);
  }
  return pad(taken(inner, below), less, value);
}
