// What a loop keeps for its gradient: which values of a step are read from memory, and which are recomputed from those.
import type { Node } from "../node.ts";
import { sizeOf } from "../shape.ts";
import { overInputs } from "../walk.ts";
import { isCheck } from "./check.ts";
import { stepLeaf } from "./scanBody.ts";
import { bodyOf, type LoopOps, scanInputs } from "./scanParts.ts";

const isCheap = ({ op: { rule, traits } }: Node): boolean =>
  rule.kind === "check" || (rule.kind === "element" && !traits?.costly && !traits?.ownGradient);

/** Most values that a value is recomputed from. */
const mostParts = 8;

export interface StandIns {
  /** For each body value that is read, and for the values it is computed from, its stand-in in another body. */
  readonly values: ReadonlyMap<Node, Node>;
  /** The leaves of that body, and the stacks that provide their rows. */
  readonly rows: readonly { readonly leaf: Node; readonly stack: Node }[];
}

/** The stand-ins for values of the loop's body in the body of its gradient. */
export function standIns(ops: LoopOps, node: Node, wanted: readonly Node[]): StandIns {
  const body = bodyOf(node);
  const { constants, carried, rows, next, order } = body;
  const inputs = scanInputs(node);
  const values = new Map<Node, Node>(constants.map((leaf, place) => [leaf, inputs.constants[place] as Node]));
  const leaves = new Map<Node, { readonly leaf: Node; readonly stack: Node }>();
  const row = (value: Node): Node => {
    const stack = ops.stackOf(node, value);
    const known = leaves.get(value);
    if (known !== undefined) return known.leaf;
    const leaf = stepLeaf(value);
    leaves.set(value, { leaf, stack });
    return leaf;
  };
  const inMemory = new Set([...carried, ...rows, ...next.filter((value) => !values.has(value))]);
  const parts = partsOf(order, (value) => values.has(value) || inMemory.has(value), body.keeps === "carried");
  /** The value of a check is that of its index. */
  const readBy = (value: Node): readonly Node[] => (isCheck(value) ? value.inputs.slice(0, 1) : value.inputs);
  const again = (value: Node): boolean => !inMemory.has(value) && parts.get(value)?.has(value) !== true;
  const read = new Set(wanted);
  for (let place = order.length - 1; place >= 0; place--) {
    const value = order[place] as Node;
    if (read.has(value) && !values.has(value) && again(value)) for (const input of readBy(value)) read.add(input);
  }
  for (const value of order) {
    if (!read.has(value) || values.has(value)) continue;
    const from = (input: Node): Node => values.get(input) ?? input;
    if (!again(value)) values.set(value, row(value));
    else if (isCheck(value)) values.set(value, from(value.inputs[0] as Node));
    else values.set(value, overInputs(value, value.inputs.map(from)));
  }
  return { values, rows: [...leaves.values()] };
}

/**
 * For each value, what must be in memory to obtain it: itself, or the values it is computed from if that is cheap and takes no more memory.
 * Leaves and carried values are available anyway.
 */
function partsOf(
  order: readonly Node[],
  isThere: (value: Node) => boolean,
  onlyCarried: boolean,
): ReadonlyMap<Node, ReadonlySet<Node>> {
  const parts = new Map<Node, ReadonlySet<Node>>();
  for (const value of order) {
    const from = new Set<Node>();
    parts.set(value, from);
    if (isThere(value) || onlyCarried) continue;
    if (isCheap(value)) for (const input of value.inputs) for (const part of parts.get(input) ?? []) from.add(part);
    const bytes = [...from].reduce((sum, part) => sum + sizeOf(part.shape), 0);
    if (isCheap(value) && from.size <= mostParts && bytes <= sizeOf(value.shape)) continue;
    // An inner loop has no value to keep: if its gradient needs more than its results, it runs again.
    if (value.op.rule.kind === "loop") {
      for (const input of value.inputs) for (const part of parts.get(input) ?? []) from.add(part);
      continue;
    }
    from.clear();
    from.add(value);
  }
  return parts;
}
