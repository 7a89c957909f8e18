// The body of a loop over time: a graph over leaves. Outside values that it reads become constants of the loop.
import { nodeKey } from "../key.ts";
import { type LoopBody, type Node, type Op, sourceNode, type TensorType } from "../node.ts";
import { dependents, topologicalOrder } from "../walk.ts";
import { expandOp } from "./broadcast.ts";
import { permuteOp, reshapeOp } from "./movement.ts";

/** A leaf of a body under construction. */
export const stepLeaf = (type: TensorType): Node => sourceNode(type, { sourceKind: "step" });

/** The values that the body reads at each step, and their successors. */
export interface BodyParts {
  readonly carried: readonly Node[];
  readonly rows: readonly Node[];
  readonly next: readonly Node[];
  /** Other values that results may request. */
  readonly outputs: readonly Node[];
  readonly keeps: LoopBody["keeps"];
}

/** Views of constants stay in the body, where they are free and need no memory. */
const views: readonly Op<never>[] = [reshapeOp, permuteOp, expandOp];
const staysInside = (node: Node): boolean =>
  node.source === undefined && (node.inputs.length === 0 || views.some((op) => (op as unknown) === node.op));

/**
 * The body over leaves from `stepLeaf`, which must be made before everything that depends on them. The outermost nodes that do not depend
 * on the leaves become constants: they are computed once, outside.
 */
export function makeBody({ carried, rows, next, outputs, keeps }: BodyParts): LoopBody {
  const roots = [...next, ...outputs];
  const leaves = new Set([...carried, ...rows]);
  // A node made before the first leaf cannot depend on one.
  const first = Math.min(...[...leaves].map(({ id }) => id));
  const around = topologicalOrder(roots, {
    inputsOf: (node) => (leaves.has(node) || node.id < first ? [] : node.inputs),
  });
  const changing = dependents(around, leaves, (node) => (node.id < first ? [] : node.inputs));
  const constants = new Set<Node>();
  const seen = new Set<Node>();
  const stack = [...roots.filter((root) => !changing.has(root))];
  for (const node of changing)
    if (!leaves.has(node)) stack.push(...node.inputs.filter((input) => !changing.has(input)));
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (staysInside(node)) stack.push(...node.inputs);
    else constants.add(node);
  }
  const order = topologicalOrder(roots, {
    inputsOf: (node) => (leaves.has(node) || constants.has(node) ? [] : node.inputs),
  });
  return { constants: order.filter((node) => constants.has(node)), carried, rows, next, order, keeps };
}

/** The inputs of a node inside its body: none for a leaf. */
export function inputsWithin({ constants, carried, rows }: LoopBody): (node: Node) => readonly Node[] {
  const leaves = new Set([...constants, ...carried, ...rows]);
  return (node) => (leaves.has(node) ? [] : node.inputs);
}

/** Text that is equal for bodies with the same computation. */
export function bodyKey({ constants, carried, rows, next, order, keeps }: LoopBody): string {
  const leaves = new Map<Node, string>();
  for (const [letter, list] of Object.entries({ c: constants, s: carried, x: rows }))
    list.forEach((node, place) => {
      leaves.set(node, `${letter}${place}:${node.dtype}[${node.shape.join(",")}]`);
    });
  const numbers = new Map<Node, number>();
  const lines = order.map((node) => {
    numbers.set(node, numbers.size);
    return leaves.get(node) ?? nodeKey(node, (input) => numbers.get(input));
  });
  return `${keeps} ${lines.join(";")}=>${next.map((node) => numbers.get(node)).join(",")}`;
}
