// The rule for a composite: it says whether the opset has an operator for it, and then emits that operator.
import type { CompositeName, CompositeTable } from "../../../../graph/composites.ts";
import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";

/** A composite of the graph, the node that is asked for, and where to emit. */
export interface Asked<K extends CompositeName> {
  readonly composite: CompositeTable<Node>[K];
  readonly node: Node;
  readonly out: Emitter;
}

/** Emits the composite and returns the names of its results. */
export type Emission = () => readonly string[];

/** Undefined where the composite is emitted as what it is made of. */
export type CompositeRule<K extends CompositeName> = (asked: Asked<K>) => Emission | undefined;
export type CompositeRules = { readonly [K in CompositeName]?: CompositeRule<K> };

/** One result, where the asked one is the first. */
export const single = (node: Node, emit: () => string): Emission | undefined =>
  node.compositeResult === 0 ? () => [emit()] : undefined;

/** Whether a float goes in and the same kind comes out. Runtimes have most operators for float32 alone. */
export const keepsFloat = (x: Node, node: Node, dtype: DType | "any" = "float32"): boolean =>
  x.dtype === node.dtype && (dtype === "any" ? isFloat(x.dtype) : x.dtype === dtype);
