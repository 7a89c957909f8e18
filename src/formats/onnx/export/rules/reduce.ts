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
    // onnxruntime has none of these types on a processor.
    const wide = isNarrow(node.dtype) ? "int32" : node.dtype === "bfloat16" ? "float32" : undefined;
    const given = wide === undefined ? x : out.cast(x, wide);
    const result = out.reduction(type, given, node.attributes.axes as readonly number[], since);
    return wide === undefined ? result : out.cast(result, node.dtype);
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
function networkOf(node: Node): { readonly start: Node; readonly steps: number } {
  let start = node;
  let steps = 0;
  while (start.op.name === "sortStep" && start.inputs[0] === node.inputs[0]) {
    start = start.inputs[2] as Node;
    steps++;
    while (start.op.name === "reshape") start = first(start);
  }
  return { start, steps };
}

/** A whole network is TopK of all; a part of one has no meaning of its own. */
const sortStep: Rule = (node, out) => {
  const { start, steps } = networkOf(node);
  const { block, descending, distance, of } = node.attributes;
  const x = first(node);
  const axis = x.shape.length - 1 - Number(node.attributes.dimsAfter);
  const width = Number(block);
  const log = Math.log2(width);
  const ends = start.op.name === "iota" && start.shape[axis] === width && distance === 1;
  if (!ends || of !== "places" || steps !== (log * (log + 1)) / 2) return "";
  const count = out.fixed(out.extent(x, axis), node, "the number of values to sort");
  const found = order(out, { x: out.value(x), dtype: x.dtype, extent: count, axis, largest: descending === true });
  if (count === width) return out.op("Reshape", [found, out.sizeList(out.shape(node), node)]);
  // The places of padding come last, in order.
  const shape = out.shape(x).map((size, place) => (place === axis ? width - count : size));
  const ones = new Array<number>(x.shape.length - 1 - axis).fill(1);
  const padding = out.constant(range(count, width), [width - count, ...ones], "int32");
  const all = out.op("Concat", [found, out.op("Expand", [padding, out.sizeList(shape, node)])], { axis });
  return out.op("Reshape", [all, out.sizeList(out.shape(node), node)]);
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
