// The parts of a scan node: its body, and its inputs by role.
import type { DType } from "../dtype.ts";
import { InternalError } from "../errors.ts";
import { isOp, type LoopBody, type Node, type Op } from "../node.ts";
import type { Shape } from "../shape.ts";
import type { BodyParts } from "./scanBody.ts";

export type ScanAttributes = {
  readonly steps: number;
  /** From the last row to the first. */
  readonly reverse: boolean;
  /** The body as text: equal for loops with the same computation. */
  readonly body: string;
};

export function bodyOf(node: Node): LoopBody {
  if (node.body === undefined) throw new InternalError(`${node.op.name} has no body`);
  return node.body;
}

export interface ScanInputs {
  readonly constants: readonly Node[];
  readonly initial: readonly Node[];
  readonly stacked: readonly Node[];
}

export function scanInputs(node: Node): ScanInputs {
  const { constants, carried } = bodyOf(node);
  const [first, second] = [constants.length, constants.length + carried.length];
  return {
    constants: node.inputs.slice(0, first),
    initial: node.inputs.slice(first, second),
    stacked: node.inputs.slice(second),
  };
}

const isLoop = (node: Node): node is Node<ScanAttributes> => node.op.rule.kind === "loop";

export function scanAttributes(node: Node): ScanAttributes {
  if (!isLoop(node)) throw new InternalError(`${node.op.name} is not a loop`);
  return node.attributes;
}

type ResultAttributes = { readonly value: number; readonly shape: Shape; readonly dtype: DType };

/** One value of the body at every step: [steps, …]. */
export const scanStackOp: Op<ResultAttributes> = {
  name: "scanStack",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: { kind: "result" },
  rule: { kind: "result" },
};

/** A carried value after the last step. */
export const scanFinalOp: Op<ResultAttributes> = {
  name: "scanFinal",
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: { kind: "result" },
  rule: { kind: "result" },
};

/** The kind of a loop's result: a body value by its index, or a carried value by its number. */
export function scanResult(node: Node): { readonly kind: "stack" | "final"; readonly value: number } {
  if (isOp(node, scanStackOp)) return { kind: "stack", value: node.attributes.value };
  if (isOp(node, scanFinalOp)) return { kind: "final", value: node.attributes.value };
  throw new InternalError(`${node.op.name} is not a result of a loop`);
}

/** The initial values and the stacked inputs of a loop, in the order of the leaves. */
export interface LoopInputs {
  readonly initial: readonly Node[];
  readonly stacked: readonly Node[];
  readonly steps: number;
  readonly reverse: boolean;
}

/** Constructors of loops and their results, for the gradient, which is another loop. */
export interface LoopOps {
  loop(parts: BodyParts, inputs: LoopInputs): Node;
  stackOf(node: Node, value: Node): Node;
  finalOf(node: Node, carried: number): Node;
}
