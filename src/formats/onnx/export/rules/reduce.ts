// Reductions, cumulative sums and products.

import { isNarrow } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Rule, RuleTable } from "./rule.ts";

const first = (node: Node): Node => node.inputs[0] as Node;

/** `since`: the opset that turned the axes into an input. */
const reduction =
  (type: string, since: number): Rule =>
  (node, out) => {
    const x = out.value(first(node));
    // onnxruntime has none of these types on the CPU.
    const wide = isNarrow(node.dtype) ? "int32" : node.dtype === "bfloat16" ? "float32" : undefined;
    const given = wide === undefined ? x : out.cast(x, wide);
    const result = out.reduction(type, given, node.attributes.axes as readonly number[], since);
    return wide === undefined ? result : out.cast(result, node.dtype);
  };

const cumsum: Rule = (node, out) =>
  out.op("CumSum", [out.value(first(node)), out.writer.ints([Number(node.attributes.dim)], [])]);

/** ONNX has cumulative products from opset 26 on. In older ones, each is a product over a triangle. */
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

export const reductions: RuleTable = {
  sum: reduction("ReduceSum", 13),
  max: reduction("ReduceMax", 18),
  min: reduction("ReduceMin", 18),
  prod: reduction("ReduceProd", 18),
  windowMax: reduction("ReduceMax", 18),
  cumsum,
  cumprod,
};
