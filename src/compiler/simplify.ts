// Rewrites a graph to an equal, smaller one: merges equal nodes, folds constants, removes operations without effect.
import { at } from "../graph/at.ts";
import { isFloat } from "../graph/dtype.ts";
import { nodeKey } from "../graph/key.ts";
import { isOp, type Node, withInputs } from "../graph/node.ts";
import { expandOp } from "../graph/ops/broadcast.ts";
import { type FullAttributes, fullOp } from "../graph/ops/creation.ts";
import { addOp, castOp, divOp, mul, mulOp, powOp, subOp } from "../graph/ops/elementwise.ts";
import { type DotAttributes, dot, dotOp } from "../graph/ops/matmul.ts";
import { type PermuteAttributes, permute, permuteOp, reshapeOp, sliceOp } from "../graph/ops/movement.ts";
import { sameShape, sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder, usersOf } from "../graph/walk.ts";
import { isConvolution, isMovement, narrow } from "./narrow.ts";
import { sharePads } from "./sharePads.ts";

/** The most movements that a slice moves through: more than gradients of convolutions have. */
const mostMovements = 64;

/** Returns an equal node for each output. Values are preserved bit for bit, including signed zeros and NaN. */
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
  /** Movements of convolutions with a single reader, with their count: elements that a slice drops are never computed. */
  const cuttable = new Map<Node, number>();
  const opaque = (input: Node): boolean => !isMovement(input) && !isConvolution(input);
  const simplified = rewriteGraph(order, outputs, (node, inputs) => {
    const only = node.inputs[0];
    const soleUser = only !== undefined && !isShared(only) && (!isOp(node, sliceOp) || cuttable.has(only));
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

/** Returns the canonical node among all that equal this one. */
type Merge = (node: Node) => Node;

const sourceIds = new WeakMap<object, number>();
let nextSourceId = 0;

/** A stable id for a source. */
function sourceId(source: object): number {
  const known = sourceIds.get(source);
  if (known !== undefined) return known;
  sourceIds.set(source, nextSourceId);
  return nextSourceId++;
}

const structuralKey = (node: Node): string =>
  node.source === undefined
    ? nodeKey(node, (input) => input.id)
    : `source ${sourceId(node.source)} ${node.dtype}[${node.shape.join(",")}]`;

/** One algebraic step on a node with reduced inputs. `soleUser`: it is the only user of its first input. */
function reduce(node: Node, merge: Merge, soleUser: boolean): Node {
  const [x, y] = node.inputs;
  if (x === undefined) return node;
  if (node.op.traits?.view === "same") return x;
  if (isOp(node, castOp)) return x.dtype === node.dtype ? x : node;
  if (isOp(node, reshapeOp)) {
    if (sameShape(x.shape, node.shape)) return x;
    if (isOp(x, fullOp)) return refill(x, node);
    if (!isOp(x, reshapeOp)) return node;
    const base = at(x.inputs, 0);
    return sameShape(base.shape, node.shape) ? base : withInputs(node, [base]);
  }
  if (isOp(node, expandOp)) {
    if (sameShape(x.shape, node.shape)) return x;
    return isOp(x, fullOp) ? refill(x, node) : node;
  }
  if (isOp(node, sliceOp)) return (soleUser ? narrow(node) : undefined) ?? node;
  if (isOp(node, permuteOp)) return isOp(x, fullOp) ? refill(x, node) : reducePermute(node, x, merge, soleUser);
  if (node.op.rule.kind === "reduce") {
    const axes = node.op.rule.axes(node.attributes);
    if (axes.every((axis) => x.shape[axis] === 1)) return x;
  }
  return y === undefined ? node : reduceBinary(node, x, y, merge);
}

function reduceBinary(node: Node, x: Node, y: Node, merge: Merge): Node {
  const right = fullValue(y);
  const left = fullValue(x);
  if (left !== undefined && right !== undefined && isOp(x, fullOp) && sizeOf(node.shape) > 0) {
    const value = foldBinary(node, left, right);
    if (value !== undefined && x.dtype === node.dtype) return refill(x, node, value);
  }
  if (isOp(node, mulOp)) {
    if (right === 1) return x;
    return left === 1 ? y : node;
  }
  if (isOp(node, divOp)) {
    const inverts = right !== undefined && isFloat(node.dtype) && isPowerOfTwo(right) && x.dtype === node.dtype;
    if (!inverts || !isOp(y, fullOp)) return node;
    return right === 1 ? x : merge(mul(x, merge(refill(y, y, 1 / right))));
  }
  if (isOp(node, powOp)) return right === 1 && x.dtype === node.dtype ? x : node;
  if (isOp(node, subOp)) return right === 0 && !Object.is(right, -0) ? x : node;
  return node;
}

/** Division by a power of two equals multiplication by its inverse bit for bit, while the inverse is a normal number. */
const isPowerOfTwo = (value: number): boolean =>
  Math.abs(value) >= 2 ** -100 && Math.abs(value) <= 2 ** 100 && Number.isInteger(Math.log2(Math.abs(value)));

function foldBinary(node: Node, a: number, b: number): number | undefined {
  if (node.dtype !== "float32" && node.dtype !== "float64") return undefined;
  const value = foldedBy(node, a, b);
  return value === undefined || node.dtype === "float64" ? value : Math.fround(value);
}

function foldedBy(node: Node, a: number, b: number): number | undefined {
  if (isOp(node, addOp)) return a + b;
  if (isOp(node, subOp)) return a - b;
  if (isOp(node, mulOp)) return a * b;
  return isOp(node, divOp) ? a / b : undefined;
}

function fullValue(node: Node): number | undefined {
  if (!isOp(node, fullOp)) return undefined;
  const { value } = node.attributes;
  return node.dtype === "float32" ? Math.fround(value) : value;
}

/** The constant `full`, in the shape of `like`. */
function refill(full: Node<FullAttributes>, like: Node, value = full.attributes.value): Node {
  return { ...withInputs(full, []), shape: like.shape, attributes: { ...full.attributes, shape: like.shape, value } };
}

/** Permutations compose; the identity disappears; the transpose of a product is the product of the transposes. */
function reducePermute(node: Node<PermuteAttributes>, x: Node, merge: Merge, soleUser: boolean): Node {
  const { dims } = node.attributes;
  if (dims.every((dim, place) => dim === place)) return x;
  if (isOp(x, permuteOp)) {
    const composed = dims.map((dim) => at(x.attributes.dims, dim));
    const base = at(x.inputs, 0);
    return composed.every((dim, place) => dim === place) ? base : permute(base, composed);
  }
  return soleUser && isOp(x, dotOp) ? (transposedProduct(dims, x, merge) ?? node) : node;
}

/** (a · b)ᵀ = bᵀ · aᵀ, so that the product is written in the required order; undefined if the order is not that of a transpose. */
function transposedProduct(dims: readonly number[], product: Node<DotAttributes>, merge: Merge): Node | undefined {
  const [a, b] = product.inputs as [Node, Node];
  const { batch, inner } = product.attributes;
  const m = a.shape.length - batch - inner;
  const n = b.shape.length - batch - inner;
  const swapped = swapOrder(batch, m, n);
  if (!dims.every((dim, place) => dim === swapped[place])) return undefined;
  const turn = (x: Node, first: number, second: number): Node =>
    merge(reduce(permute(x, swapOrder(batch, first, second)), merge, false));
  return dot(turn(b, inner, n), turn(a, m, inner), batch, inner);
}

/** [batch, first, second] → [batch, second, first], with the numbers of dims. */
function swapOrder(batch: number, first: number, second: number): number[] {
  const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, place) => start + place);
  return [...range(0, batch), ...range(batch + first, second), ...range(batch, first)];
}
