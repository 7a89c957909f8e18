// Rewrites a graph to an equal, smaller one: merges equal nodes, folds constants, removes operations that do nothing.
import { isFloat } from "../graph/dtype.ts";
import { attributesKey } from "../graph/key.ts";
import { type Node, type Op, withInputs } from "../graph/node.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { dot, dotOp } from "../graph/ops/matmul.ts";
import { permute, permuteOp } from "../graph/ops/movement.ts";
import { sameShape, sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder, usersOf } from "../graph/walk.ts";
import { isConvolution, isMovement, narrow } from "./narrow.ts";
import { sharePads } from "./sharePads.ts";

/** The most movements that a slice is followed through: more than gradients of convolutions have. */
const mostMovements = 64;

/** Returns, for each output, an equal node. Values are kept bit for bit, signed zeros and NaN included. */
export function simplify(outputs: readonly Node[]): readonly Node[] {
  const canonical = new Map<string, Node>();
  const merge: Merge = (node) => {
    const key = structuralKey(node);
    const known = canonical.get(key);
    if (known === undefined) canonical.set(key, node);
    return known ?? node;
  };
  const wanted = new Set(outputs);
  const order = topologicalOrder(outputs);
  const users = usersOf(order);
  const isShared = (node: Node): boolean => users.get(node)?.length !== 1 || wanted.has(node);
  /** Movements of convolutions with a single reader, by their number: the elements that a slice drops are never computed. */
  const cuttable = new Map<Node, number>();
  const opaque = (input: Node): boolean => !isMovement(input) && !isConvolution(input);
  const simplified = rewriteGraph(order, outputs, (node, inputs) => {
    const only = node.inputs[0];
    const soleUser = only !== undefined && !isShared(only) && (node.op.name !== "slice" || cuttable.has(only));
    const moves =
      isMovement(node) &&
      node.inputs.some((input) => cuttable.has(input)) &&
      node.inputs.every((input) => cuttable.has(input) || opaque(input));
    const movements = moves ? 1 + node.inputs.reduce((most, input) => Math.max(most, cuttable.get(input) ?? 0), 0) : 0;
    if (!isShared(node) && (isConvolution(node) || moves) && movements <= mostMovements) cuttable.set(node, movements);
    return merge(reduce(overInputs(node, inputs), merge, soleUser));
  });
  return sharePads(simplified);
}

/** The canonical node among all that equal this one. */
type Merge = (node: Node) => Node;

const sourceIds = new WeakMap<object, number>();
let nextSourceId = 0;

/** A number for a source, the same each time. */
function sourceId(source: object): number {
  const known = sourceIds.get(source);
  if (known !== undefined) return known;
  sourceIds.set(source, nextSourceId);
  return nextSourceId++;
}

function structuralKey(node: Node): string {
  const type = `${node.dtype}[${node.shape.join(",")}]`;
  if (node.source !== undefined) return `source ${sourceId(node.source)} ${type}`;
  return `${node.op.name} ${attributesKey(node.attributes)} (${node.inputs.map((input) => input.id).join(",")}) ${type}`;
}

/** One step of algebra on a node whose inputs are already reduced. `soleUser`: it is the only user of its first input. */
function reduce(node: Node, merge: Merge, soleUser: boolean): Node {
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
    case "slice":
      return (soleUser ? narrow(node) : undefined) ?? node;
    case "permute":
      if (isFull(x)) return refill(x, node);
      return reducePermute(node, x, merge, soleUser);
    default:
      break;
  }
  if (node.op.rule.kind === "reduce") {
    const axes = node.op.rule.axes(node.attributes);
    if (axes.every((axis) => x.shape[axis] === 1)) return x;
  }
  return y === undefined ? node : reduceBinary(node, x, y, merge);
}

function reduceBinary(node: Node, x: Node, y: Node, merge: Merge): Node {
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
      if (right !== undefined && isFloat(node.dtype) && isPowerOfTwo(right) && x.dtype === node.dtype)
        return right === 1 ? x : merge(mul(x, merge(refill(y, y, 1 / right))));
      return node;
    case "pow":
      return right === 1 && x.dtype === node.dtype ? x : node;
    case "sub":
      return right === 0 && !Object.is(right, -0) ? x : node;
    default:
      return node;
  }
}

/** Division by a power of two is multiplication by its inverse, to the bit, while the inverse is a normal number. */
const isPowerOfTwo = (value: number): boolean =>
  Math.abs(value) >= 2 ** -100 && Math.abs(value) <= 2 ** 100 && Number.isInteger(Math.log2(Math.abs(value)));

function foldBinary(node: Node, a: number, b: number): number | undefined {
  if (node.dtype !== "float32" && node.dtype !== "float64") return undefined;
  const value =
    node.op.name === "add"
      ? a + b
      : node.op.name === "sub"
        ? a - b
        : node.op.name === "mul"
          ? a * b
          : node.op.name === "div"
            ? a / b
            : undefined;
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

/** Permutations compose; the identity disappears; the transpose of a product is the product of the transposes. */
function reducePermute(node: Node, x: Node, merge: Merge, soleUser: boolean): Node {
  const dims = orderOf(node);
  if (dims.every((dim, place) => dim === place)) return x;
  if (x.op === (permuteOp as Op)) {
    const inner = orderOf(x);
    const composed = dims.map((dim) => inner[dim] as number);
    const base = x.inputs[0] as Node;
    return composed.every((dim, place) => dim === place) ? base : permute(base, composed);
  }
  return soleUser && x.op === (dotOp as Op) ? (transposedProduct(dims, x, merge) ?? node) : node;
}

const orderOf = (node: Node): readonly number[] => node.attributes.dims as readonly number[];

/** (a · b)ᵀ = bᵀ · aᵀ, so that the product is written where it is wanted; undefined when the order is not that of a transpose. */
function transposedProduct(dims: readonly number[], product: Node, merge: Merge): Node | undefined {
  const [a, b] = product.inputs as [Node, Node];
  const { batch, inner } = product.attributes as { batch: number; inner: number };
  const m = a.shape.length - batch - inner;
  const n = b.shape.length - batch - inner;
  const swapped = swapOrder(batch, m, n);
  if (!dims.every((dim, place) => dim === swapped[place])) return undefined;
  const turn = (x: Node, first: number, second: number): Node =>
    merge(reduce(permute(x, swapOrder(batch, first, second)), merge, false));
  return dot(turn(b, inner, n), turn(a, m, inner), batch, inner);
}

/** [batch, first, second] → [batch, second, first], by numbers of dims. */
function swapOrder(batch: number, first: number, second: number): number[] {
  const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, place) => start + place);
  return [...range(0, batch), ...range(batch + first, second), ...range(batch, first)];
}
