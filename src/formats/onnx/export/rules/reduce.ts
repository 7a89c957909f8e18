// Many elements to one, running sums and products, and orders.

import { at } from "../../../../graph/at.ts";
import { isNarrow } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { range } from "./movement.ts";
import type { Rule, RuleTable } from "./rule.ts";

const first = (node: Node): Node => node.inputs[0] as Node;

/** `since`: the opset from which the axes are an input. */
const reduction =
  (type: string, since: number): Rule =>
  (node, out) => {
    const x = out.value(first(node));
    const narrow = isNarrow(node.dtype);
    const result = out.reduction(
      type,
      narrow ? out.cast(x, "int32") : x,
      node.attributes.axes as readonly number[],
      since,
    );
    return narrow ? out.cast(result, node.dtype) : result;
  };

const cumsum: Rule = (node, out) =>
  out.op("CumSum", [out.value(first(node)), out.writer.ints([Number(node.attributes.dim)], [])]);

/** ONNX has running products from opset 26 on. Before, each is the product over a triangle. */
const cumprod: Rule = (node, out) => {
  const axis = Number(node.attributes.axis);
  const extent = out.fixed(out.extent(node, axis), node, "the number of factors");
  const rest = node.shape.length - 1 - axis;
  const ones = new Array<number>(rest).fill(1);
  const triangle = out.constant(
    Uint8Array.from({ length: extent * extent }, (_, place) => Number(place % extent <= Math.floor(place / extent))),
    [extent, extent, ...ones],
    "bool",
  );
  const column = out.op("Unsqueeze", [out.value(first(node)), out.writer.ints([axis])]);
  const factors = out.op("Where", [triangle, column, out.number(1, node.dtype)]);
  const product = out.reduction("ReduceProd", factors, [axis + 1], 18);
  return out.op("Squeeze", [product, out.writer.ints([axis + 1])]);
};

/** The steps of a sorting network, back to the first. */
function networkOf(node: Node): { readonly last: Node; readonly start: Node; readonly steps: number } {
  let start = node;
  let steps = 0;
  while (start.op.name === "sortStep" && start.inputs[0] === node.inputs[0]) {
    start = start.inputs[1] as Node;
    steps++;
  }
  return { last: node, start, steps };
}

/** A whole network is TopK of all; a part of one has no meaning of its own. */
const sortStep: Rule = (node, out) => {
  const { start, steps } = networkOf(node);
  const { distance, block, descending } = node.attributes;
  const width = at(node.shape, node.shape.length - 1);
  const log = Math.log2(width);
  const whole = start.op.name === "iota" && distance === 1 && block === width && steps === (log * (log + 1)) / 2;
  if (!whole) return "";
  const x = first(node);
  const axis = x.shape.length - 1;
  const extent = out.fixed(out.extent(x, axis), node, "the number of values to sort");
  const indices = order(out, { x: out.value(x), dtype: x.dtype, extent, axis, largest: descending === true });
  if (extent === width) return indices;
  // The places of padding come last, in order.
  const shape = out.shape(node).map((size, place) => (place === axis ? width - extent : size));
  const padding = out.constant(range(extent, width), [width - extent], "int32");
  return out.op("Concat", [indices, out.op("Expand", [padding, out.sizeList(shape, node)])], { axis });
};

interface Order {
  readonly x: string;
  readonly dtype: Node["dtype"];
  readonly extent: number;
  readonly axis: number;
  readonly largest: boolean;
}

function order(out: Emitter, { x, dtype, extent, axis, largest }: Order): string {
  const values = isNarrow(dtype) ? out.cast(x, "int32") : x;
  const results = out.ops("TopK", [values, out.writer.ints([extent])], 2, {
    axis,
    largest: largest ? 1 : 0,
    sorted: 1,
  });
  return out.cast(at(results, 1), "int32");
}

export const reductions: RuleTable = {
  sum: reduction("ReduceSum", 13),
  max: reduction("ReduceMax", 18),
  min: reduction("ReduceMin", 18),
  prod: reduction("ReduceProd", 18),
  windowMax: reduction("ReduceMax", 18),
  cumsum,
  cumprod,
  sortStep,
};
