// Chooses the rule that emits a node: a constant, the operator of a composite, or the rule of its op.
import { at } from "../../../graph/at.ts";
import type { Node } from "../../../graph/node.ts";
import { compositeRuleOf } from "./composites/all.ts";
import type { Emitter } from "./emitter.ts";
import { ruleOf } from "./rules/all.ts";
import { progressionRule } from "./rules/movement.ts";

/** Emits the node and returns the name of its value. */
export function emit(node: Node, out: Emitter): string {
  const data = out.context.folded.get(node);
  if (data !== undefined) return out.writer.constant(data, node.shape, node.dtype);
  const progression = out.context.progressions.get(node);
  if (progression !== undefined) return progressionRule(node, out, progression);
  const composite = compositeRuleOf(node, out);
  if (composite === undefined) return ruleOf(node)(node, out);
  return at(out.once(composite.of, composite.emit), composite.result);
}
