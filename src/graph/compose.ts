// Marks the results of a composite with its name. The note does not affect the computation.
import type { CompositeName, CompositeTable } from "./composites.ts";
import type { Composite, Node } from "./node.ts";

/** Readonly for everybody else: a note is written once, on a node that was just made. */
interface Noted {
  composite?: Composite | undefined;
  compositeResult?: number | undefined;
}

/** Notes on the results what they are, and returns the first. An input that came out as it went in stays what it was. */
export function note(composite: Composite, results: readonly [Node, ...Node[]]): Node {
  for (const [place, result] of results.entries()) {
    if (result.source !== undefined || composite.inputs.some((input) => input === result)) continue;
    const noted: Noted = result;
    noted.composite = composite;
    noted.compositeResult = place;
  }
  return results[0];
}

/** `composed("softmax", [x], { dim }, result)`: notes on the result what it is, and returns it. */
export const composed = <K extends CompositeName>(
  name: K,
  inputs: CompositeTable<Node>[K]["inputs"],
  attributes: CompositeTable<Node>[K]["attributes"],
  ...results: readonly [Node, ...Node[]]
): Node => note({ name, inputs, attributes } as Composite, results);

/**
 * Notes on stand-ins the composites of what they stand for, over what stands for the inputs of those. For rewrites that replace leaves by their
 * values; others drop the notes (see `withInputs`).
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
