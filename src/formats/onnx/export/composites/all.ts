// The composites with an operator in ONNX. Those without a rule are emitted as their parts.
import type { CompositeName, CompositeTable } from "../../../../graph/composites.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { activations } from "./activations.ts";
import { layers } from "./layers.ts";
import { mathematics } from "./mathematics.ts";
import { recurrentLayers } from "./recurrent.ts";
import type { CompositeRule, CompositeRules, Emission } from "./rule.ts";
import { sizeChanges } from "./sizes.ts";

const rules: CompositeRules = { ...activations, ...layers, ...recurrentLayers, ...sizeChanges, ...mathematics };

/** The emission of a node's composite. */
export interface CompositeEmission {
  /** The composite, shared by its results. */
  readonly of: object;
  readonly result: number;
  /** The inputs of the composite. */
  readonly inputs: readonly Node[];
  readonly emit: Emission;
}

const ruleFor = <K extends CompositeName>(name: K): CompositeRule<K> | undefined => rules[name];

type Named<K extends CompositeName> = { readonly name: K } & CompositeTable<Node>[K];

/** The emission of one composite, with the types of its inputs and attributes. */
function emissionOf<K extends CompositeName>(composite: Named<K>, node: Node, out: Emitter): Emission | undefined {
  return ruleFor(composite.name)?.({ composite, node, out });
}

/** The rule for the composite whose result the node is, if the opset has an operator for it. */
export function compositeRuleOf(node: Node, out: Emitter): CompositeEmission | undefined {
  const { composite, compositeResult } = node;
  if (composite === undefined || compositeResult === undefined || !hasFixedAttributes(node, out)) return undefined;
  const given: readonly (Node | undefined)[] = composite.inputs;
  const inputs = given.filter((input) => input !== undefined);
  // An empty result has nothing to compute, and operators of some runtimes refuse it.
  if ([node, ...inputs].some(({ shape }) => shape.includes(0))) return undefined;
  const emit = emissionOf(composite, node, out);
  return emit === undefined ? undefined : { of: composite, result: compositeResult, inputs, emit };
}

/** Whether the attributes are independent of named sizes. Resizing expresses its target size in another way. */
function hasFixedAttributes(node: Node, out: Emitter): boolean {
  const text = ({ composite }: Node): string =>
    JSON.stringify(composite?.name === "interpolate" ? { ...composite.attributes, size: 0 } : composite?.attributes);
  const own = text(node);
  return out.context.traces.variants(node).every((variant) => text(variant) === own);
}
