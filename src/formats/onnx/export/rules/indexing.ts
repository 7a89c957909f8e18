// Selects elements by position, and adds at positions.
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { isFixed, type Size, sameSize } from "../sizes.ts";
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
  if (out.opset >= 16)
    return out.op("ScatterElements", [out.value(x), index, out.value(source)], { axis: dimOf(node), reduction: "add" });
  const parts = addressed(node, out, { index, shape: out.shape(source), value: out.value(source), none: 0, since: 16 });
  return out.op("Add", [out.value(x), out.op("ReduceSum", [parts.of, parts.axis], { keepdims: 0 })]);
}

const lastAt: Rule = (node, out) => {
  const [none, index] = node.inputs as [Node, Node];
  const dim = dimOf(node);
  const shape = out.shape(index);
  const count = out.fixed(out.extent(index, dim), node, "the number of positions");
  const places = out.constant(
    Int32Array.from({ length: count }, (_, place) => place),
    index.shape.map((_, axis) => (axis === dim ? count : 1)),
    "int32",
  );
  const value = out.op("Expand", [places, out.sizeList(shape, node)]);
  if (out.opset >= 18)
    return out.op("ScatterElements", [out.value(none), out.value(index), value], { axis: dim, reduction: "max" });
  const { of, axis } = addressed(node, out, { index: out.value(index), shape, value, none: -1, since: 18 });
  return out.op("Squeeze", [out.reduction("ReduceMax", of, [dim + 1], 18), axis]);
};

/** The number of elements that a dim of the positions lacks. */
const missingOf = (whole: Size, part: Size | undefined): number | undefined =>
  isFixed(whole) && isFixed(part) ? whole - part : sameSize(whole, part) ? 0 : undefined;

interface Addressed {
  readonly index: string;
  readonly shape: readonly Size[];
  readonly value: string;
  readonly none: number;
  /** The opset that no longer needs this. */
  readonly since: number;
}

/** Emulates reductions at positions in older opsets: for each element of the result, all values addressed to it, in an extra dim behind its own. */
function addressed(
  node: Node,
  out: Emitter,
  { index, shape, value, none, since }: Addressed,
): { readonly of: string; readonly axis: string } {
  const dim = dimOf(node);
  const whole = out.shape(node);
  const missing = whole.map((size, axis) => (axis === dim ? 0 : missingOf(size, shape[axis])));
  if (missing.includes(undefined))
    throw out.refuse(node, `positions in a part of a tensor need opset ${since}, and the file is of ${out.opset}`);
  const amounts = out.writer.ints([...missing.map(() => 0), ...missing.map((count) => count ?? 0)]);
  /** Padded positions address nothing. */
  const filled = (name: string, fill: string): string =>
    missing.every((count) => count === 0) ? name : out.op("Pad", [name, amounts, fill], { mode: "constant" });
  const extent = out.fixed(out.extent(node, dim), node, "the number of places");
  const places = out.constant(
    Int32Array.from({ length: extent }, (_, place) => place),
    [extent, ...new Array<number>(node.shape.length - dim).fill(1)],
    "int32",
  );
  const unsqueeze = (name: string): string => out.op("Unsqueeze", [name, out.writer.ints([dim])]);
  const nothing = out.number(none, node.dtype);
  const here = out.op("Equal", [unsqueeze(filled(index, out.number(-1, "int32"))), places]);
  const of = out.op("Where", [here, unsqueeze(filled(value, nothing)), nothing]);
  return { of, axis: out.writer.ints([dim + 1]) };
}

export const indexing: RuleTable = { gather, indexSelect, scatterAdd, indexAdd, lastAt };
