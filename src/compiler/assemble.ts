// Computes contiguous parts of a cat directly in its memory, so that no kernel has to gather them.
import { at } from "../graph/at.ts";
import { isOp, type Node } from "../graph/node.ts";
import { catOp, reshapeOp } from "../graph/ops/movement.ts";
import { sizeOf } from "../graph/shape.ts";

/** An offset inside another value, in elements. */
export interface Window {
  readonly whole: Node;
  readonly start: number;
}

export interface Part {
  readonly node: Node;
  readonly start: number;
}

export interface Assembly {
  /** The realised values that are computed inside a cat and have no memory of their own. */
  readonly windows: ReadonlyMap<Node, Window>;
  /** The cats that no kernel computes, with the parts to copy into them: inputs, outputs, parts of other cats. */
  readonly assembled: ReadonlyMap<Node, readonly Part[]>;
}

export const notAssembled: Assembly = { windows: new Map(), assembled: new Map() };

/** For smaller parts, selecting on read is as fast. */
const smallestPart = 256;

/** `realize` gives a value a buffer, which pays for a part. */
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

/** Whether a node is a cat along its first dim other than 1, with parts worth a kernel each. */
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
