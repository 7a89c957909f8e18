// Rewrites a graph to an equal, smaller one: merges equal nodes, folds constants, removes operations that do nothing.
import { type Attributes, type Node, withInputs } from "../graph/node.ts";
import { sameShape, sizeOf } from "../graph/shape.ts";
import { topologicalOrder } from "./schedule.ts";

/** Returns, for each output, an equal node. Values are kept bit for bit, signed zeros and NaN included. */
export function simplify(outputs: readonly Node[]): Node[] {
  const replacement = new Map<Node, Node>();
  const canonical = new Map<string, Node>();
  for (const node of topologicalOrder(outputs)) {
    const inputs = node.inputs.map((input) => replacement.get(input) as Node);
    const changed = inputs.some((input, k) => input !== node.inputs[k]);
    const reduced = reduce(changed ? withInputs(node, inputs) : node);
    const key = structuralKey(reduced);
    const known = key === undefined ? undefined : canonical.get(key);
    if (key !== undefined && known === undefined) canonical.set(key, reduced);
    replacement.set(node, known ?? reduced);
  }
  return outputs.map((output) => replacement.get(output) as Node);
}

const attributeText = new WeakMap<Attributes, string>();

/** Attributes as text; equal attributes give equal text. Numbers keep -0, NaN and infinities apart, which JSON would not. */
export function attributesKey(attributes: Attributes): string {
  const known = attributeText.get(attributes);
  if (known !== undefined) return known;
  const text = JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `#${Object.is(value, -0) ? "-0" : value}` : value,
  );
  attributeText.set(attributes, text);
  return text;
}

const sourceIds = new WeakMap<object, number>();
let nextSourceId = 0;

/** A number for a source, the same each time. */
function sourceId(source: object): number {
  const known = sourceIds.get(source);
  if (known !== undefined) return known;
  sourceIds.set(source, nextSourceId);
  return nextSourceId++;
}

function structuralKey(node: Node): string | undefined {
  const type = `${node.dtype}[${node.shape.join(",")}]`;
  if (node.source !== undefined) return `source ${sourceId(node.source)} ${type}`;
  return `${node.op.name} ${attributesKey(node.attributes)} (${node.inputs.map((input) => input.id).join(",")}) ${type}`;
}

/** One step of algebra on a node whose inputs are already reduced. */
function reduce(node: Node): Node {
  const [x, y] = node.inputs;
  if (x === undefined) return node;
  switch (node.op.name) {
    case "alias":
    case "stopGradient":
      return x;
    case "cast":
      return x.dtype === node.dtype ? x : node;
    case "reshape":
      if (sameShape(x.shape, node.shape)) return x;
      if (isFull(x)) return refill(x, node);
      return x.op.name === "reshape" ? withInputs(node, x.inputs) : node;
    case "expand":
      if (sameShape(x.shape, node.shape)) return x;
      return isFull(x) ? refill(x, node) : node;
    case "permute":
      if (isFull(x)) return refill(x, node);
      return isIdentityOrder(node.attributes) ? x : node;
    default:
      break;
  }
  if (node.op.rule.kind === "reduce") {
    const axes = node.op.rule.axes(node.attributes);
    if (axes.every((axis) => x.shape[axis] === 1)) return x;
  }
  return y === undefined ? node : reduceBinary(node, x, y);
}

function reduceBinary(node: Node, x: Node, y: Node): Node {
  const right = fullValue(y);
  const left = fullValue(x);
  if (left !== undefined && right !== undefined && sizeOf(node.shape) > 0) {
    const value = foldBinary(node, left, right);
    if (value !== undefined && x.dtype === node.dtype) return refill(x, node, value);
  }
  switch (node.op.name) {
    case "mul":
      if (right === 1) return x;
      return left === 1 ? y : node;
    case "div":
    case "pow":
      return right === 1 && x.dtype === node.dtype ? x : node;
    case "sub":
      return right === 0 && !Object.is(right, -0) ? x : node;
    default:
      return node;
  }
}

function foldBinary(node: Node, a: number, b: number): number | undefined {
  if (node.dtype !== "float32" && node.dtype !== "float64") return undefined;
  const value = node.op.name === "add" ? a + b : node.op.name === "sub" ? a - b : node.op.name === "mul" ? a * b : node.op.name === "div" ? a / b : undefined;
  return value === undefined || node.dtype === "float64" ? value : Math.fround(value);
}

const isFull = (node: Node): boolean => node.op.name === "full";

function fullValue(node: Node): number | undefined {
  const { value } = node.attributes;
  if (!isFull(node) || typeof value !== "number") return undefined;
  return node.dtype === "float32" ? Math.fround(value) : value;
}

/** The constant `full`, in the shape of `like`. */
function refill(full: Node, like: Node, value = full.attributes.value): Node {
  return { ...withInputs(full, []), shape: like.shape, attributes: { ...full.attributes, shape: like.shape, value } };
}

function isIdentityOrder(attributes: Attributes): boolean {
  return Object.values(attributes).every((order) => Array.isArray(order) && order.every((axis, place) => axis === place));
}
