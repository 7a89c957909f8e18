// What the method files of Tensor need of tensors, and how they make tensors from nodes.
import type { DType, TypedArray } from "../../graph/dtype.ts";
import { storedNumbers } from "../../graph/halves.ts";
import type { Node } from "../../graph/node.ts";
import { sourceNode } from "../../graph/node.ts";
import * as el from "../../graph/ops/elementwise.ts";
import type { Shape } from "../../graph/shape.ts";
import { Storage } from "../../runtime/index.ts";
import { numberOf } from "../operands.ts";
import { notATensor } from "../refusals.ts";
import type { Operand, Tensor } from "../tensor.ts";

/** The method that makes a tensor from a node: a symbol, so that it is not public. */
export const made: unique symbol = Symbol("made");

export abstract class Operable<S extends Shape = Shape> {
  abstract readonly shape: S;
  abstract readonly dtype: DType;
  abstract get node(): Node;
  abstract data(): Promise<TypedArray>;
  abstract dataSync(): TypedArray;
  /** The result of an operation on tensors. */
  abstract [made](node: Node, inputs: readonly Operable[]): Tensor;
}

/** Values and their positions. */
export interface Ranked {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** The result of `fn`, which has the shape of x. */
export const alike = <S extends Shape>(x: Operable<S>, fn: (x: Node) => Node): Tensor<S> =>
  x[made](fn(x.node), [x]) as Tensor<S>;
export const changed = (x: Operable, fn: (x: Node) => Node): Tensor => x[made](fn(x.node), [x]);
/** Several result tensors. */
export const several = (x: Operable, nodes: readonly Node[]): Tensor[] => nodes.map((node) => x[made](node, [x]));
export const ranked = (x: Operable, { values, indices }: { values: Node; indices: Node }): Ranked => ({
  values: x[made](values, [x]),
  indices: x[made](indices, []),
});

/** The node of a value; refuses anything but a tensor. */
export function nodeOf(where: string, value: Operable, what: string): Node {
  if (value instanceof Operable) return value.node;
  throw notATensor(where, what, value);
}

/** The node of a tensor, or of a number in x's dtype. */
export const besideOf = (where: string, x: Operable, other: Operand): Node =>
  other instanceof Operable ? other.node : el.scalarLike(numberOf(where, other), x.node);

const tensorsOf = (values: readonly (Operand | undefined)[]): Operable[] =>
  values.filter((value): value is Tensor => value instanceof Operable);

/** Applies `fn` to x and a number or tensor. */
export function binary(x: Operable, where: string, fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
  return x[made](fn(x.node, besideOf(where, x, other)), [x, ...tensorsOf([other])]);
}

/** Compares with a number exactly, in a wider dtype if x's does not hold it. */
export function compared(x: Operable, where: string, fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
  if (other instanceof Operable) return binary(x, where, fn, other);
  return x[made](fn(x.node, el.scalarBeside(numberOf(where, other), x.node)), [x]);
}

/** Applies `fn` to x and further tensors or numbers. */
export function joined(
  x: Operable,
  where: string,
  others: readonly Operand[],
  fn: (x: Node, ...others: Node[]) => Node,
): Tensor {
  return x[made](fn(x.node, ...others.map((other) => besideOf(where, x, other))), [x, ...tensorsOf(others)]);
}

/** Applies `fn` to x and further tensors; `names` are their names in errors. */
export function withTensors(
  x: Operable,
  where: string,
  others: Readonly<Record<string, Tensor>>,
  fn: (x: Node, ...others: Node[]) => Node,
): Tensor {
  const nodes = Object.entries(others).map(([what, other]) => nodeOf(where, other, what));
  return x[made](fn(x.node, ...nodes), [x, ...Object.values(others)]);
}

/** A node of constant numbers. */
export const constantNode = (data: TypedArray, shape: Shape, dtype: DType): Node =>
  sourceNode({ shape, dtype }, new Storage(dtype, shape, storedNumbers(dtype, data)));
