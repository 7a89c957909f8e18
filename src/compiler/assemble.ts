// Computes contiguous parts of a cat directly in its memory, so that no kernel has to copy them together.
import { at } from "../graph/at.ts";
import { isOp, type Node } from "../graph/node.ts";
import { catOp, reshapeOp } from "../graph/ops/movement.ts";
import { sizeOf } from "../graph/shape.ts";

/** A place inside another value, in elements from its first. */
export interface Window {
  readonly whole: Node;
  readonly start: number;
}

export interface Part {
  readonly node: Node;
  readonly start: number;
}

export interface Assembly {
  /** The realised values that are computed inside a cat, and have no separate memory. */
  readonly windows: ReadonlyMap<Node, Window>;
  /** The cats that no kernel computes, and those of their parts that have to be copied there: inputs, outputs, parts of others. */
  readonly assembled: ReadonlyMap<Node, readonly Part[]>;
}

export const notAssembled: Assembly = { windows: new Map(), assembled: new Map() };

/** Smaller parts are as well chosen among where they are read. */
const smallestPart = 256;

/** `realize` gives a value a buffer: for a part, that pays. */
export function assemble(
  order: readonly Node[],
  realized: ReadonlySet<Node>,
  outputs: ReadonlySet<Node>,
  realize: (node: Node) => void,
): Assembly {
  const windows = new Map<Node, Window>();
  const assembled = new Map<Node, readonly Part[]>();
  for (const whole of order) {
    if (!realized.has(whole) || outputs.has(whole) || !liesInParts(whole)) continue;
    const copied: Part[] = [];
    let start = 0;
    for (const part of whole.inputs) {
      const node = underReshapes(part, realized);
      const own = node.op.rule.kind !== "source" && !outputs.has(node) && !windows.has(node) && !assembled.has(node);
      if (own) {
        realize(node);
        windows.set(node, { whole, start });
      } else copied.push({ node, start });
      start += sizeOf(part.shape);
    }
    assembled.set(whole, copied);
  }
  return { windows, assembled };
}

/** Whether a node is a cat along the first dim that is not 1, of parts worth a kernel each. */
export function liesInParts(node: Node): boolean {
  if (!isOp(node, catOp)) return false;
  const { dim } = node.attributes;
  return sizeOf(node.shape.slice(0, dim)) === 1 && node.inputs.every((part) => sizeOf(part.shape) >= smallestPart);
}

/** The value that holds the same elements in the same order. */
function underReshapes(part: Node, realized: ReadonlySet<Node>): Node {
  let node = part;
  while (!realized.has(node) && isOp(node, reshapeOp)) node = at(node.inputs, 0);
  return node;
}
