// Elements chosen by position, and added at positions.
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { sameSizes } from "../sizes.ts";
import type { Rule, RuleTable } from "./rule.ts";

const dimOf = (node: Node): number => Number(node.attributes.dim);

const gather: Rule = (node, out) => {
  const [x, index] = node.inputs as [Node, Node];
  return out.op("GatherElements", [out.value(x), out.value(index)], { axis: dimOf(node) });
};

const indexSelect: Rule = (node, out) => {
  const [x, index] = node.inputs as [Node, Node];
  return out.op("Gather", [out.value(x), out.value(index)], { axis: dimOf(node) });
};

const scatterAdd: Rule = (node, out) => {
  const [x, index, source] = node.inputs as [Node, Node, Node];
  return added(node, out, { x, index: out.value(index), source });
};

const indexAdd: Rule = (node, out) => {
  const [x, index, source] = node.inputs as [Node, Node, Node];
  const dim = dimOf(node);
  const shape = out.shape(source);
  const column = out.reshape(
    out.value(index),
    out.shape(index),
    shape.map((size, axis) => (axis === dim ? size : 1)),
    node,
  );
  return added(node, out, { x, index: out.op("Expand", [column, out.sizeList(shape, node)]), source });
};

interface Added {
  readonly x: Node;
  /** In the shape of the source. */
  readonly index: string;
  readonly source: Node;
}

function added(node: Node, out: Emitter, { x, index, source }: Added): string {
  const dim = dimOf(node);
  if (out.opset >= 16)
    return out.op("ScatterElements", [out.value(x), index, out.value(source)], { axis: dim, reduction: "add" });
  // Before, each element sums what is addressed to it.
  if (!sameSizes(out.shape(x).toSpliced(dim, 1), out.shape(source).toSpliced(dim, 1)))
    throw out.refuse(node, `additions to a part of a tensor need opset 16, and the file is of ${out.opset}`);
  const extent = out.fixed(out.extent(x, dim), node, "the number of places");
  const places = out.constant(
    Int32Array.from({ length: extent }, (_, place) => place),
    [extent, ...new Array<number>(x.shape.length - dim).fill(1)],
    "int32",
  );
  const axis = out.writer.ints([dim]);
  const here = out.op("Equal", [out.op("Unsqueeze", [index, axis]), places]);
  const parts = out.op("Where", [here, out.op("Unsqueeze", [out.value(source), axis]), out.number(0, node.dtype)]);
  const sum = out.op("ReduceSum", [parts, out.writer.ints([dim + 1])], { keepdims: 0 });
  return out.op("Add", [out.value(x), sum]);
}

export const indexing: RuleTable = { gather, indexSelect, scatterAdd, indexAdd };
