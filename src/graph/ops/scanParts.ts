// The parts of a scan node: its body, and its inputs by what they are to it.
import { InternalError } from "../errors.ts";
import type { LoopBody, Node } from "../node.ts";
import type { BodyParts } from "./scanBody.ts";

export type ScanAttributes = {
  readonly steps: number;
  /** From the last row to the first. */
  readonly reverse: boolean;
  /** The body as text: equal for loops that compute the same. */
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

export const scanAttributes = (node: Node): ScanAttributes => node.attributes as ScanAttributes;

/** The initial values and the stacked inputs of a loop, in the order of the leaves. */
export interface LoopInputs {
  readonly initial: readonly Node[];
  readonly stacked: readonly Node[];
  readonly steps: number;
  readonly reverse: boolean;
}

/** What makes loops and their results, for the gradient, which is another loop. */
export interface LoopOps {
  loop(parts: BodyParts, inputs: LoopInputs): Node;
  stackOf(node: Node, value: Node): Node;
  finalOf(node: Node, carried: number): Node;
}
