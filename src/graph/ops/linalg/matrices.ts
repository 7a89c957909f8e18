// Shared by the linear algebra functions: matrices of a batch, small constructions, loops over columns, custom gradients.
import { at } from "../../at.ts";
import { isFloat } from "../../dtype.ts";
import { ShapeError } from "../../errors.ts";
import type { Node } from "../../node.ts";
import { formatShape, type Shape, sizeOf } from "../../shape.ts";
import { withGradient } from "../alias.ts";
import { expand } from "../broadcast.ts";
import { checkHolds } from "../check.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { trustedGather, trustedIndexSelect } from "../indexing.ts";
import { matmul } from "../matmul.ts";
import { reshape } from "../movement.ts";
import { amax } from "../reduce.ts";
import { finalOf, loop, stackOf } from "../scan.ts";
import { stepLeaf } from "../scanBody.ts";
import { transpose } from "../views.ts";

export const number = (value: number, like: Node): Node => full([], value, like.dtype);
export const mT = (x: Node): Node => transpose(x, -2, -1);
export const product = (...factors: readonly [Node, ...Node[]]): Node => factors.reduce((a, b) => matmul(a, b));
export const epsilonOf = (x: Node): number => (x.dtype === "float64" ? 2 ** -52 : 2 ** -23);

export const rowsOf = ({ shape }: Node): number => at(shape, shape.length - 2);
export const columnsOf = ({ shape }: Node): number => at(shape, shape.length - 1);
export const batchOf = ({ shape }: Node): Shape => shape.slice(0, -2);

/** Float matrices: integers become float32, or the dtype of `beside`. */
export function matrices(where: string, x: Node, what = "the input", beside?: Node): Node {
  if (x.shape.length < 2)
    throw new ShapeError(`${where}: ${what} must be a matrix or a batch of them, got ${formatShape(x.shape)}`);
  return isFloat(x.dtype) ? x : el.cast(x, beside?.dtype ?? "float32");
}

export function squares(where: string, x: Node, what = "the input"): Node {
  const given = matrices(where, x, what);
  if (rowsOf(given) !== columnsOf(given))
    throw new ShapeError(`${where}: ${what} must be square, got ${formatShape(x.shape)}`);
  return given;
}

/** [..., m, n] → [batch, m, n] */
export const flat = (x: Node): Node => reshape(x, [sizeOf(batchOf(x)), rowsOf(x), columnsOf(x)]);
/** Restores the original batch dims from the first dim. */
export const unflat = (x: Node, batch: Shape): Node => reshape(x, [...batch, ...x.shape.slice(1)]);

/** The largest absolute value of each matrix; in this unit, squares neither overflow nor underflow: [batch, 1, 1]. */
export function unitOf(a: Node): Node {
  if (sizeOf(a.shape) === 0) return full([a.shape[0] as number, 1, 1], 1, a.dtype);
  const largest = amax(el.abs(a), [1, 2], true);
  return el.where(el.eq(largest, number(0, a)), number(1, a), largest);
}

/** Ones on the diagonal. */
export function identity(rows: number, columns: number, like: Node): Node {
  const shape = [rows, columns];
  return el.cast(el.eq(iota(shape, 0), iota(shape, 1)), like.dtype);
}
/** The same for each matrix of a batch. */
export const identities = (like: Node, rows = rowsOf(like), columns = columnsOf(like)): Node =>
  expand(identity(rows, columns, like), [...batchOf(like), rows, columns]);

/** Whether this many matrices are processed side by side, elementwise, instead of one after another. */
export const isBeside = (batch: number): boolean => batch >= 16;

/** The slice of a dim at index `t` of the current loop step, without the dim. */
export function sliceAt(x: Node, dim: number, t: Node): Node {
  const taken = trustedIndexSelect(x, dim, reshape(t, [1]));
  return reshape(
    taken,
    x.shape.filter((_, axis) => axis !== dim),
  );
}

/** Rows of [batch, m, n] in the order [batch, k]. */
export function orderRows(x: Node, order: Node): Node {
  const [batch, , columns] = x.shape as [number, number, number];
  const count = at(order.shape, 1);
  return trustedGather(x, 1, expand(reshape(order, [batch, count, 1]), [batch, count, columns]));
}

export interface Stepped {
  /** The state after the last step. */
  readonly state: readonly Node[];
  /** The outputs of all steps: [steps, …]. */
  readonly outputs: readonly Node[];
}

/** state ← step(state, t) for t = 0 … steps − 1, or in `reverse`, with one row of `stacked` per step. */
export function loopOver(
  steps: number,
  initial: readonly Node[],
  step: (
    state: readonly Node[],
    t: Node,
    rows: readonly Node[],
  ) => { readonly next: readonly Node[]; readonly outputs?: readonly Node[] },
  stacked: readonly Node[] = [],
  reverse = false,
): Stepped {
  const carried = initial.map((x) => stepLeaf(x));
  const t = stepLeaf({ shape: [], dtype: "int32" });
  const rows = stacked.map((x) => stepLeaf({ shape: x.shape.slice(1), dtype: x.dtype }));
  const { next, outputs = [] } = step(carried, t, rows);
  const whole = loop(
    { carried, rows: [t, ...rows], next, outputs, keeps: "costly" },
    { initial, stacked: [iota([steps], 0), ...stacked], steps, reverse },
  );
  return {
    state: initial.map((_, place) => finalOf(whole, place)),
    outputs: outputs.map((value) => stackOf(whole, value)),
  };
}

/** The values, however computed from `inputs`, with a custom gradient for each of them. */
export const differentiated = (
  values: Node,
  inputs: readonly Node[],
  backward: (grad: Node) => readonly (Node | undefined)[],
): Node => withGradient(values, inputs, backward);

/** The values, if the condition holds for each matrix; otherwise the run fails with the message. `holds`: [batch]. */
export function requireEach(values: Node, holds: Node, where: string, fault: string): Node {
  if (sizeOf(holds.shape) === 0) return values;
  const check = checkHolds(holds, { by: where, fault });
  const whole = reshape(check, [
    ...holds.shape,
    ...new Array<number>(values.shape.length - holds.shape.length).fill(1),
  ]);
  // Dividing by a 1 that depends on the check makes the values depend on it.
  return el.div(values, el.cast(el.sub(full([], 1, "int32"), whole), values.dtype));
}
