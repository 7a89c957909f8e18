// scan: a loop over time as one node, and its results: any body value stacked over the steps, and the final carried values.

import { apply } from "../apply.ts";
import { InternalError } from "../errors.ts";
import type { LoopBody, Node, Op } from "../node.ts";
import { type BodyParts, bodyKey, makeBody } from "./scanBody.ts";
import { scanGradient } from "./scanGradient.ts";
import {
  bodyOf,
  type LoopInputs,
  type LoopOps,
  type ScanAttributes,
  scanAttributes,
  scanFinalOp,
  scanInputs,
  scanStackOp,
} from "./scanParts.ts";

/** Inputs: the constants, the initial carried values, and the stacked inputs with `steps` rows each. Only its results have values. */
export const scanOp: Op<ScanAttributes> = {
  name: "scan",
  infer: () => ({ shape: [0], dtype: "bool" }),
  gradient: { kind: "joint", of: (node, results, needs) => scanGradient(loopOps, node, results, needs) },
  rule: { kind: "loop" },
};

/** A loop whose constants are the outside values that its body reads. */
export function loop(parts: BodyParts, { initial, stacked, steps, reverse }: LoopInputs): Node {
  const whole = makeBody(parts);
  // Unread rows are not part of it.
  const read = new Set(whole.order);
  const body = { ...whole, rows: whole.rows.filter((row) => read.has(row)) };
  const inputs = stacked.filter((_, place) => read.has(parts.rows[place] as Node));
  return withBody(body, [...body.constants, ...initial, ...inputs], { steps, reverse });
}

function withBody(body: LoopBody, inputs: readonly Node[], how: Omit<ScanAttributes, "body">): Node {
  return { ...apply(scanOp, inputs, { ...how, body: bodyKey(body) }), body };
}

/** A value of the body at every step. */
export function stackOf(node: Node, value: Node): Node {
  const body = bodyOf(node);
  const row = body.rows.indexOf(value);
  if (row >= 0) return scanInputs(node).stacked[row] as Node;
  const place = body.order.indexOf(value);
  if (place < 0) throw new InternalError(`${value.op.name} is not a value of the loop's body`);
  const shape = [scanAttributes(node).steps, ...value.shape];
  return apply(scanStackOp, [node], { value: place, shape, dtype: value.dtype });
}

/** A carried value after the last step. */
export function finalOf(node: Node, carried: number): Node {
  const { shape, dtype } = bodyOf(node).carried[carried] as Node;
  return apply(scanFinalOp, [node], { value: carried, shape, dtype });
}

/** The constructors for the gradient, which is another loop. */
const loopOps: LoopOps = { loop, stackOf, finalOf };
