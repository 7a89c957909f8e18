// Ops that move or create elements.
import { at } from "../../../../graph/at.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Progression } from "../constants.ts";
import { type Emitter, plain } from "../emitter.ts";
import { isFixed, type Size, sameSize } from "../sizes.ts";
import type { Rule, RuleTable } from "./rule.ts";

const first = (node: Node): Node => node.inputs[0] as Node;

const reshape: Rule = (node, out) => out.reshaped(plain(first(node)), out.shape(node), node);

const expand: Rule = (node, out) => {
  const from = first(node);
  const before = out.shape(from);
  // 1 keeps the input's size.
  const to = out.shape(node).map((size, axis) => (sameSize(size, before[axis]) ? 1 : size));
  return out.op("Expand", [out.value(from), out.sizeList(to, node)]);
};

const full: Rule = (node, out) => {
  const value = out.fullValue(node);
  return node.shape.length === 0 ? value : out.op("Expand", [value, out.sizeList(out.shape(node), node)]);
};

/** 0, 1, 2 … as int32. */
function counted(node: Node, out: Emitter, extent: Size): string {
  if (isFixed(extent)) return out.constant(range(0, extent), [extent], "int32");
  const count = out.cast(out.op("Squeeze", [out.sizeValue(extent, node), out.writer.ints([0])]), "int32");
  return out.op("Range", [out.number(0, "int32"), count, out.number(1, "int32")]);
}

export function progressionRule(node: Node, out: Emitter, { start, step }: Progression): string {
  const places = counted(node, out, out.extent(node, 0));
  const typed = node.dtype === "int32" ? places : out.cast(places, node.dtype);
  const scaled = step === 1 ? typed : out.op("Mul", [typed, out.number(step, node.dtype)]);
  return start === 0 ? scaled : out.op("Add", [scaled, out.number(start, node.dtype)]);
}

const iota: Rule = (node, out) => {
  const axis = Number(node.attributes.axis);
  const shape = out.shape(node);
  const row = counted(node, out, out.extent(node, axis));
  const typed = node.dtype === "int32" ? row : out.cast(row, node.dtype);
  const rest = shape.length - 1 - axis;
  const column = rest === 0 ? typed : out.op("Unsqueeze", [typed, out.writer.ints(range(1, rest + 1))]);
  if (shape.every((size, place) => place === axis || size === 1) && axis === 0) return column;
  return out.op("Expand", [column, out.sizeList(shape, node)]);
};

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, k) => from + k);

/** Past the end, in either direction. */
const farEnd = 2 ** 31 - 1;

const slice: Rule = (node, out) => {
  const from = first(node);
  const [before, after] = [out.shape(from), out.shape(node)];
  const starts = out.sizes(node, ({ starts: given }) => given);
  const steps = out.sizes(node, ({ steps: given }) => given).map((step) => out.fixed(step, node, "its step"));
  const axes = before.flatMap((size, axis) =>
    sameSize(size, after[axis]) && starts[axis] === 0 && steps[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return out.value(from);
  const ends = axes.map((axis) => endOf(node, out, axis));
  return out.op("Slice", [
    out.value(from),
    out.sizeList(
      axes.map((axis) => startOf(node, out, axis)),
      node,
    ),
    out.sizeList(ends, node),
    out.writer.ints(axes),
    out.writer.ints(axes.map((axis) => at(steps, axis))),
  ]);
};

/** The start of a slice, counted from the end if its distance to the end is fixed. */
function startOf(node: Node, out: Emitter, axis: number): Size {
  const start = out.size(node, ({ starts }) => (starts as readonly number[])[axis]);
  if (isFixed(start)) return start;
  const left = out.size(
    node,
    ({ starts }, variant) => at(starts as readonly number[], axis) - at(first(variant).shape, axis),
  );
  return isFixed(left) && left < 0 ? left : start;
}

function endOf(node: Node, out: Emitter, axis: number): Size {
  const end = (attributes: Node["attributes"], variant: Node): number =>
    at(attributes.starts as number[], axis) + at(variant.shape, axis) * at(attributes.steps as number[], axis);
  const step = at(node.attributes.steps as number[], axis);
  const right = out.size(node, end);
  if (step < 0) return isFixed(right) && right >= 0 ? right : -farEnd;
  const left = out.size(node, (attributes, variant) => end(attributes, variant) - at(first(variant).shape, axis));
  if (isFixed(right)) return right;
  if (!isFixed(left)) return right;
  return left >= 0 ? farEnd : left;
}

const pad: Rule = (node, out) => {
  const { value } = node.attributes;
  const amounts = out
    .shape(first(node))
    .map((_, axis) =>
      [0, 1, 2].map((side) => out.size(node, ({ pads }) => (pads as readonly (readonly number[])[])[axis]?.[side])),
    );
  let name = out.value(first(node));
  let shape = out.shape(first(node));
  amounts.forEach(([, , between], axis) => {
    const gap = out.fixed(between ?? 0, node, "the room between elements");
    if (gap === 0) return;
    [name, shape] = spaced(node, out, { name, shape, axis, gap });
  });
  const outer = [...amounts.map(([before]) => before ?? 0), ...amounts.map(([, after]) => after ?? 0)];
  if (outer.every((amount) => amount === 0)) return name;
  return padded(out, node, { name, amounts: outer, value: Number(value) });
};

interface Spaced {
  readonly name: string;
  readonly shape: readonly Size[];
  readonly axis: number;
  readonly gap: number;
}

/** Inserts `gap` padding elements between neighbours along an axis. */
function spaced(node: Node, out: Emitter, { name, shape, axis, gap }: Spaced): [string, readonly Size[]] {
  const extent = at(shape as readonly (Size | undefined)[], axis) ?? 0;
  const apart = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const column = out.op("Unsqueeze", [name, out.writer.ints([axis + 1])]);
  const amounts = [...apart.map(() => 0), ...apart.map((_, place) => (place === axis + 1 ? gap : 0))];
  const wide = padded(out, node, { name: column, amounts, value: Number(node.attributes.value) });
  const times = (size: Size, by: number, minus: number): Size =>
    isFixed(size) ? Math.max(0, size * by - minus) : size.map((one) => one * by - minus);
  const joined = shape.map((size, place) => (place === axis ? times(size, gap + 1, 0) : size));
  const flat = out.reshape(
    wide,
    apart.map((size, place) => (place === axis + 1 ? gap + 1 : size)),
    joined,
    node,
  );
  const cut = out.op("Slice", [flat, out.writer.ints([0]), out.writer.ints([-gap]), out.writer.ints([axis])]);
  return [cut, shape.map((size, place) => (place === axis ? times(extent, gap + 1, gap) : size))];
}

interface Padded {
  readonly name: string;
  readonly amounts: readonly Size[];
  readonly value: number;
}

function padded(out: Emitter, node: Node, { name, amounts, value }: Padded): string {
  const narrow = node.dtype === "bool" || node.dtype === "int16";
  const x = narrow ? out.cast(name, "int32") : name;
  const dtype = narrow ? "int32" : node.dtype;
  const wide = out.op("Pad", [x, out.sizeList(amounts, node), out.number(value, dtype)], { mode: "constant" });
  return narrow ? out.cast(wide, node.dtype) : wide;
}

export const movement: RuleTable = {
  reshape,
  permute: (node, out) => out.permute(out.value(first(node)), node.attributes.dims as readonly number[]),
  expand,
  slice,
  pad,
  cat: (node, out) =>
    out.op(
      "Concat",
      node.inputs.map((input) => out.value(input)),
      { axis: Number(node.attributes.dim) },
    ),
  full,
  iota,
};
