// Names the composite that a function of tensors computes, so that exports and listings can use the name.

import { settle, unroundedWithin } from "../graph/apply.ts";
import { note } from "../graph/compose.ts";
import type { CompositeName, CompositeTable } from "../graph/composites.ts";
import type { Composite } from "../graph/node.ts";
import { evaluations } from "./lazy.ts";
import type { Tensor } from "./tensor.ts";

/** Runs the body and notes on its result the composite and its inputs. */
export const composed = <K extends CompositeName>(
  name: K,
  inputs: CompositeTable<Tensor>[K]["inputs"],
  attributes: CompositeTable<Tensor>[K]["attributes"],
  body: () => Tensor,
): Tensor => composedResults(name, inputs, attributes, body, (result) => [result]);

/**
 * The same for several results. Nothing is noted if a part of the body was already evaluated: the note would keep alive memory that the evaluation
 * has released.
 */
export function composedResults<K extends CompositeName, R>(
  name: K,
  inputs: CompositeTable<Tensor>[K]["inputs"],
  attributes: CompositeTable<Tensor>[K]["attributes"],
  body: () => R,
  resultsOf: (made: R) => readonly [Tensor, ...Tensor[]],
): R {
  const before = evaluations();
  // The body may assign to its inputs.
  const nodes = inputs.map((input) => input?.node);
  const made = unroundedWithin(body);
  const [first, ...others] = resultsOf(made);
  for (const { node } of [first, ...others]) settle(node);
  if (evaluations() !== before) return made;
  note({ name, inputs: nodes, attributes } as Composite, [first.node, ...others.map(({ node }) => node)]);
  return made;
}
