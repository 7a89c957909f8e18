// The rule for a composite: checks whether the opset has an operator for it, then emits that operator.
import type { CompositeName, CompositeTable } from "../../../../graph/composites.ts";
import { type DType, isFloat } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";

/** A composite of the graph, the requested node, and the emitter. */
export interface Asked<K extends CompositeName> {
  readonly composite: CompositeTable<Node>[K];
  readonly node: Node;
  readonly out: Emitter;
}

/** Emits the composite and returns the names of its results. */
export type Emission = () => readonly string[];

/** Undefined if the composite is to be emitted as its parts. */
export type CompositeRule<K extends CompositeName> = (asked: Asked<K>) => Emission | undefined;
export type CompositeRules = { readonly [K in CompositeName]?: CompositeRule<K> };

/** Emits a single result, if the first one is requested. */
export const single = (node: Node, emit: () => string): Emission | undefined =>
  node.compositeResult === 0 ? () => [emit()] : undefined;

/** Whether the input is a float and the output has the same dtype. Runtimes support most operators only for float32. */
export const keepsFloat = (x: Node, node: Node, dtype: DType | "any" = "float32"): boolean =>
  x.dtype === node.dtype && (dtype === "any" ? isFloat(x.dtype) : x.dtype === dtype);
