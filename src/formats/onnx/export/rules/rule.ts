// The type of an export rule: from a node to the name of its value.
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";

/** Emits the computation of the node and returns the name of the result. */
export type Rule = (node: Node, out: Emitter) => string;
/** Rules by the names of ops. */
export type RuleTable = Readonly<Record<string, Rule>>;
