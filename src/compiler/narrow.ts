// A slice moved towards the sources: what it would cut off is then not computed. Through a convolution it becomes a slice of the input.
import type { Attributes, Node, Op } from "../graph/node.ts";
import { apply } from "../graph/node.ts";
import { convolutionOp } from "../graph/ops/conv.ts";
import { type Pad, pad, padOp, reshape, reshapeOp, sliceOp } from "../graph/ops/movement.ts";
import type { Shape } from "../graph/shape.ts";

interface Window {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly shape: Shape;
}

/** An equal node without the slice on top, where that saves work; undefined where it does not. */
export function narrow(node: Node): Node | undefined {
  const [x] = node.inputs;
  if (x === undefined || node.op !== (sliceOp as Op)) return undefined;
  const window = node.attributes as Attributes & Window;
  if (window.steps.some((step) => step !== 1) || window.shape.includes(0)) return undefined;
  if (!leadsToConvolution(x)) return undefined;
  return cut(x, window);
}

/** Whether below reshapes and slices there is a convolution. */
function leadsToConvolution(x: Node): boolean {
  if (x.op === (convolutionOp as Op)) return true;
  const [inner] = x.inputs;
  return (x.op === (reshapeOp as Op) || x.op === (sliceOp as Op)) && inner !== undefined && leadsToConvolution(inner);
}

function cut(x: Node, { starts, steps, shape }: Window): Node | undefined {
  const [inner, second] = x.inputs;
  if (inner === undefined) return undefined;
  if (x.op === (convolutionOp as Op)) {
    const spatial = 3;
    if (second === undefined || starts.slice(0, spatial).some((start, dim) => start > 0 || shape[dim] !== x.shape[dim]))
      return undefined;
    const { stride, dilation } = x.attributes as { stride: readonly number[]; dilation: readonly number[] };
    const reach = (dim: number): number => ((inner.shape[dim] ?? 1) - 1) * (dilation[dim - spatial] ?? 1) + 1;
    const image = sliced(second, {
      starts: starts.map((start, dim) => (dim < spatial ? 0 : start * (stride[dim - spatial] ?? 1))),
      steps,
      shape: shape.map((count, dim) =>
        dim < spatial ? (second.shape[dim] ?? 1) : (count - 1) * (stride[dim - spatial] ?? 1) + reach(dim),
      ),
    });
    return apply(convolutionOp, [inner, image], { stride, dilation });
  }
  if (x.op === (reshapeOp as Op)) {
    // Dims at the end that the reshape leaves alone may be cut before it.
    let kept = 0;
    while (x.shape.at(-1 - kept) !== undefined && x.shape.at(-1 - kept) === inner.shape.at(-1 - kept)) kept++;
    const [split, from] = [x.shape.length - kept, inner.shape.length - kept];
    if (starts.slice(0, split).some((start, dim) => start > 0 || shape[dim] !== x.shape[dim])) return undefined;
    const below = cut(inner, {
      starts: [...inner.shape.slice(0, from).map(() => 0), ...starts.slice(split)],
      steps: inner.shape.map(() => 1),
      shape: [...inner.shape.slice(0, from), ...shape.slice(split)],
    });
    return below === undefined ? undefined : reshape(below, shape);
  }
  if (x.op === (sliceOp as Op)) {
    const outer = x.attributes as Attributes & Window;
    if (outer.steps.some((step) => step !== 1)) return undefined;
    return cut(inner, { starts: starts.map((start, dim) => start + (outer.starts[dim] ?? 0)), steps, shape });
  }
  return undefined;
}

/** The slice of an input; of a padded one, less padding. */
function sliced(x: Node, window: Window): Node {
  const { starts, shape } = window;
  if (starts.every((start, dim) => start === 0 && shape[dim] === x.shape[dim])) return x;
  const [inner] = x.inputs;
  if (x.op !== (padOp as Op) || inner === undefined) return apply(sliceOp, [x], { ...window });
  const { pads, value } = x.attributes as { pads: readonly (readonly [number, number, number])[]; value: number };
  const less = pads.map(([before, after, between], dim): Pad | undefined => {
    const [start, extent] = [starts[dim] ?? 0, x.shape[dim] ?? 0];
    const end = extent - start - (shape[dim] ?? 0);
    if (start === 0 && end === 0) return [before, after, between];
    // Cropping is for dims without gaps; elsewhere only padding may go.
    if (between > 0 && (before < start || after < end)) return undefined;
    return [before - start, after - end, between];
  });
  const whole = less.flatMap((one) => (one === undefined ? [] : [one]));
  return whole.length < less.length ? apply(sliceOp, [x], { ...window }) : pad(inner, whole, value);
}
