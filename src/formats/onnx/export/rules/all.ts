// The rules of the export: one for every op of the graph.
import type { Node } from "../../../../graph/node.ts";
import { aliases, type Emitter } from "../emitter.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { loopRules } from "./loops.ts";
import { movement } from "./movement.ts";
import { products } from "./products.ts";
import { randomness } from "./random.ts";
import { reductions } from "./reduce.ts";
import type { Rule, RuleTable } from "./rule.ts";
import { windows } from "./windows.ts";

const rules: RuleTable = {
  ...Object.fromEntries(
    [...aliases].map((name): [string, Rule] => [name, (node, out) => out.value(node.inputs[0] as Node)]),
  ),
  ...elementwise,
  ...movement,
  ...reductions,
  ...products,
  ...indexing,
  ...windows,
  ...randomness,
  ...loopRules,
};

/** The names of all ops with a rule. */
export const ruledOps = (): readonly string[] => Object.keys(rules);

export function ruleOf(node: Node): Rule {
  const rule = Object.hasOwn(rules, node.op.name) ? rules[node.op.name] : undefined;
  return (
    rule ??
    ((of: Node, out: Emitter) => {
      throw out.refuse(of, "there is no rule for this operation");
    })
  );
}
