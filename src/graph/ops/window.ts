// Sliding windows, and their transpose, which adds them back together.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { ShapeError } from "../errors.ts";
import { gradient, type Node, type Op } from "../node.ts";
import { add as addIndex, and, binary, constant, int, mul as mulIndex, select, sub as subIndex } from "../scalar.ts";
import { formatShape, sizeOf } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { windowCount } from "./conv.ts";
import { full } from "./creation.ts";
import { align, divOp } from "./elementwise.ts";
import { pad, permute, reshape, slice } from "./movement.ts";
import { sum } from "./reduce.ts";

/** Windows along the dims before the last `stride.length`: `count[i]` of them, `stride[i]` apart, with elements `dilation[i]` apart. */
export type WindowAttributes = {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly count: readonly number[];
};
export type SpreadAttributes = {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly extent: readonly number[];
};

/** [..., h, u] → [..., y, u]: out[y, u] = in[y · stride + u · dilation, u], for each spatial dim. */
export const windowOp: Op<WindowAttributes> = {
  name: "window",
  infer([x], { count, stride, dilation }) {
    const { lead, spatial, kernel } = windowParts("window", x?.shape ?? [], count.length);
    spatial.forEach((extent, dim) => {
      const reach = (at(count, dim) - 1) * at(stride, dim) + (at(kernel, dim) - 1) * at(dilation, dim);
      if (reach >= extent && sizeOf(count) > 0 && sizeOf(kernel) > 0) {
        throw new ShapeError(
          `window: ${count[dim]} windows of ${kernel[dim]} reach element ${reach} of a dim of ${extent}; ask for fewer`,
        );
      }
    });
    return { shape: [...lead, ...count, ...kernel], dtype: x?.dtype ?? "float32" };
  },
  gradient: gradient(({ node, grad }) => {
    const { stride, dilation, count } = node.attributes;
    const { spatial } = windowParts("window", node.inputs[0]?.shape ?? [], count.length);
    return [apply(spreadOp, [grad], { stride, dilation, extent: spatial })];
  }),
  rule: {
    kind: "element",
    element({ attributes: { stride, dilation }, index, input }) {
      const rank = stride.length;
      const lead = index.slice(0, index.length - 2 * rank);
      const y = index.slice(index.length - 2 * rank, index.length - rank);
      const u = index.slice(index.length - rank);
      const h = y.map((place, dim) =>
        addIndex(mulIndex(place, int(at(stride, dim))), mulIndex(at(u, dim), int(at(dilation, dim)))),
      );
      return input(0, [...lead, ...h, ...u]);
    },
  },
};

/** The transpose of window: out[h, u] = in[y, u] where h = y · stride + u · dilation for an integer y, otherwise 0. */
export const spreadOp: Op<SpreadAttributes> = {
  name: "spread",
  infer([x], { extent }) {
    const { lead, kernel } = windowParts("spread", x?.shape ?? [], extent.length);
    return { shape: [...lead, ...extent, ...kernel], dtype: x?.dtype ?? "float32" };
  },
  gradient: gradient(({ node, grad }) => {
    const { stride, dilation, extent } = node.attributes;
    const { spatial } = windowParts("spread", node.inputs[0]?.shape ?? [], extent.length);
    return [apply(windowOp, [grad], { stride, dilation, count: spatial })];
  }),
  rule: {
    kind: "element",
    element({ attributes: { stride, dilation }, index, input, inputTypes, type }) {
      const rank = stride.length;
      const { spatial } = windowParts("spread", inputTypes[0]?.shape ?? [], rank);
      const lead = index.slice(0, index.length - 2 * rank);
      const h = index.slice(index.length - 2 * rank, index.length - rank);
      const u = index.slice(index.length - rank);
      let inside = constant(1, "bool");
      const y = h.map((place, dim) => {
        const step = int(at(stride, dim));
        const offset = subIndex(place, mulIndex(at(u, dim), int(at(dilation, dim))));
        const window = binary("div", offset, step);
        inside = and(inside, binary("ge", offset, int(0)));
        inside = and(inside, binary("eq", binary("mod", offset, step), int(0)));
        inside = and(inside, binary("lt", window, int(at(spatial, dim))));
        return window;
      });
      return select(inside, input(0, [...lead, ...y, ...u]), constant(0, type.dtype));
    },
  },
};

function windowParts(name: string, shape: readonly number[], rank: number) {
  if (shape.length < 2 * rank)
    throw new ShapeError(`${name}: needs ${rank} spatial and ${rank} window dims, got ${formatShape(shape)}`);
  const at = shape.length - 2 * rank;
  return { lead: shape.slice(0, at), spatial: shape.slice(at, at + rank), kernel: shape.slice(at + rank) };
}

interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** Whether the windows are adjacent, so that splitting the dims gives them. */
const tiles = ({ kernel, stride, dilation }: Windows): boolean =>
  kernel.every((extent, dim) => extent === stride[dim] && (dilation[dim] === 1 || extent === 1));

/**
 * All windows over the last dims (torch.Tensor.unfold, for several dims at once): [..., ...size] → [..., ...count, ...kernel].
 * A view: nothing is copied. Without `count`, as many windows as fit.
 */
export function window(x: Node, windows: Windows, count?: readonly number[]): Node {
  const { kernel, stride, dilation } = windows;
  const rank = kernel.length;
  const first = x.shape.length - rank;
  const size = x.shape.slice(first);
  const counts =
    count ??
    size.map((extent, dim) => Math.max(0, windowCount(extent, at(kernel, dim), at(stride, dim), at(dilation, dim))));
  if (tiles(windows)) {
    let cut = x;
    for (let dim = 0; dim < rank; dim++) cut = slice(cut, first + dim, 0, at(counts, dim) * at(kernel, dim), 1);
    const lead = x.shape.slice(0, first);
    const pieces = reshape(cut, [...lead, ...counts.flatMap((number, dim) => [number, at(kernel, dim)])]);
    return permute(pieces, [
      ...lead.keys(),
      ...kernel.map((_, dim) => first + 2 * dim),
      ...kernel.map((_, dim) => first + 2 * dim + 1),
    ]);
  }
  const repeated = expand(reshape(x, [...x.shape, ...kernel.map(() => 1)]), [...x.shape, ...kernel]);
  return apply(windowOp, [repeated], { stride, dilation, count: counts });
}

/** The transpose of `window` (torch.nn.functional.fold): adds every window at its position in dims of `size`. [..., ...count, ...kernel] → [..., ...size]. */
export function fold(x: Node, windows: Windows, size: readonly number[]): Node {
  const { stride, dilation } = windows;
  const rank = size.length;
  const first = x.shape.length - 2 * rank;
  if (tiles(windows)) {
    const lead = x.shape.slice(0, first);
    const pieces = permute(x, [...lead.keys(), ...size.flatMap((_, dim) => [first + dim, first + rank + dim])]);
    const joined = reshape(pieces, [
      ...lead,
      ...size.map((_, dim) => at(x.shape, first + dim) * at(x.shape, first + rank + dim)),
    ]);
    return pad(
      joined,
      joined.shape.map((extent, dim): [number, number] => [0, dim < first ? 0 : at(size, dim - first) - extent]),
      0,
    );
  }
  return sum(
    apply(spreadOp, [x], { stride, dilation, extent: size }),
    size.map((_, dim) => first + rank + dim),
    false,
  );
}

/** ⌊x / divisor⌋ of int32 positions from 0. */
export const quotient = (x: Node, divisor: number): Node =>
  apply(divOp, align("quotient", x, full([], divisor, "int32")), {});
