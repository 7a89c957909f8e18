// Splits cats with very many parts into cats of cats, so that no kernel has to select among all parts.
import { isOp, type Node, withScope } from "../graph/node.ts";
import { type CatAttributes, cat, catOp } from "../graph/ops/movement.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import { liesInParts } from "./assemble.ts";

/** Most parts that one kernel selects among. */
const mostParts = 256;

/** For each output, an equal node. */
export function splitCats(outputs: readonly Node[]): readonly Node[] {
  const order = topologicalOrder(outputs);
  const written = new Set(outputs);
  // Parts computed in place need no selection.
  const splits = (node: Node): node is Node<CatAttributes> =>
    isOp(node, catOp) && node.inputs.length > mostParts && (written.has(node) || !liesInParts(node));
  if (!order.some(splits)) return outputs;
  return rewriteGraph(order, outputs, (node, inputs) =>
    splits(node) ? withScope(node.scope, () => tree(inputs, node.attributes.dim)) : overInputs(node, inputs),
  );
}

function tree(parts: readonly Node[], dim: number): Node {
  let level = parts;
  while (level.length > mostParts) {
    const joined: Node[] = [];
    for (let first = 0; first < level.length; first += mostParts)
      joined.push(cat(level.slice(first, first + mostParts), dim));
    level = joined;
  }
  return cat(level, dim);
}
