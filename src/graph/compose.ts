// Labels the results of a composite with its name. The label does not affect the computation.
import type { CompositeName, CompositeTable } from "./composites.ts";
import type { Composite, Node } from "./node.ts";

/** Writable here only: a label is written once, on a node that was just made. */
interface Noted {
  composite?: Composite | undefined;
  compositeResult?: number | undefined;
}

/** Labels the results and returns the first. An input that is returned unchanged keeps its own label. */
export function note(composite: Composite, results: readonly [Node, ...Node[]]): Node {
  for (const [place, result] of results.entries()) {
    if (result.source !== undefined || composite.inputs.some((input) => input === result)) continue;
    const noted: Noted = result;
    noted.composite = composite;
    noted.compositeResult = place;
  }
  return results[0];
}

/** `composed("softmax", [x], { dim }, result)`: labels the result and returns it. */
export const composed = <K extends CompositeName>(
  name: K,
  inputs: CompositeTable<Node>[K]["inputs"],
  attributes: CompositeTable<Node>[K]["attributes"],
  ...results: readonly [Node, ...Node[]]
): Node => note({ name, inputs, attributes } as Composite, results);

/**
 * Copies composite labels from nodes to their replacements, with the replacements of the composite's inputs. For rewrites that replace
 * leaves by their values; other rewrites drop the labels (see `withInputs`).
 */
export class CompositeMover {
  readonly #moved = new Map<Composite, Composite>();

  move(from: Node, to: Node, standIn: (node: Node) => Node): Node {
    const { composite } = from;
    if (composite === undefined || to === from) return to;
    let moved = this.#moved.get(composite);
    if (moved === undefined) {
      const inputs = composite.inputs.map((input) => (input === undefined ? undefined : standIn(input)));
      moved = { ...composite, inputs } as Composite;
      this.#moved.set(composite, moved);
    }
    const noted: Noted = to;
    noted.composite = moved;
    noted.compositeResult = from.compositeResult;
    return to;
  }
}
