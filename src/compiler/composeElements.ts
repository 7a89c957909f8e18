// Composes element rules down to loads and to values bound in the same kernel: this is how fusion works.
import { InternalError } from "../graph/errors.ts";
import { loadElement } from "../graph/halves.ts";
import type { Node } from "../graph/node.ts";
import { localValue, type Scalar } from "../graph/scalar.ts";
import type { BufferIds, Group } from "./groups.ts";
import { canonical, flatten, indexKey } from "./indexing.ts";
import type { Schedule } from "./schedule.ts";
import type { Stages } from "./stages.ts";

/** For one expression: equal subexpressions are shared. */
export class ElementComposer {
  readonly #realized: ReadonlySet<Node>;
  readonly #buffers: BufferIds;
  readonly #stages: Stages | undefined;
  readonly #memo = new Map<Node, Map<string, Scalar>>();
  #aligned = true;
  #watched: Node | undefined;
  #seen: readonly Scalar[] | undefined;

  constructor({ realized }: Schedule, buffers: BufferIds, group: Group | undefined) {
    this.#realized = realized;
    this.#buffers = buffers;
    this.#stages = group?.kind === "loops" || group?.kind === "contraction" ? group.stages : undefined;
  }

  /** The index at which the rule of `node`, evaluated at `index`, first reads `target`, if it does. */
  placeOf(target: Node, node: Node, index: readonly Scalar[]): readonly Scalar[] | undefined {
    this.#watched = target;
    this.#inline(node, index);
    return this.#seen;
  }

  /** The element of `node` itself, whether or not it is realised. Undefined if a value of the same kernel is read at another index. */
  element(node: Node, index: readonly Scalar[]): Scalar | undefined {
    const value = this.#inline(node, index);
    return this.#aligned ? value : undefined;
  }

  /** The same element, read by another node. */
  read(node: Node, index: readonly Scalar[]): Scalar | undefined {
    const value = this.#at(node, index);
    return this.#aligned ? value : undefined;
  }

  #at(node: Node, index: readonly Scalar[]): Scalar {
    const buffer = this.#buffers.get(node);
    const stored = node.op.rule.kind === "source" || this.#realized.has(node);
    if (node === this.#watched) this.#seen ??= index.map(canonical);
    const flat = flatten(index, node.shape);
    if (stored) {
      const stage = this.#stages?.of(node);
      if (stage === undefined) {
        if (buffer === undefined) throw new InternalError(`${node.op.name} has no buffer`);
        if (this.#stages?.unfinished.has(node)) this.#aligned = false;
        return this.#shared(node, indexKey(flat), () => loadElement(buffer, flat, node.dtype));
      }
      if (indexKey(flat) !== indexKey(flatten(stage.index, node.shape))) this.#aligned = false;
      return localValue(stage.local);
    }
    return this.#shared(node, indexKey(flat), () => this.#inline(node, index));
  }

  #shared(node: Node, key: string, make: () => Scalar): Scalar {
    const known = this.#memo.get(node) ?? new Map<string, Scalar>();
    this.#memo.set(node, known);
    const value = known.get(key) ?? make();
    known.set(key, value);
    return value;
  }

  #inline(node: Node, index: readonly Scalar[]): Scalar {
    const { rule } = node.op;
    if (rule.kind !== "element") throw new InternalError(`${node.op.name} cannot be inlined`);
    return rule.element({
      attributes: node.attributes,
      type: node,
      inputTypes: node.inputs,
      // Canonical parts, so that conditions on them (of a pad or a cat) are as simple as the strides.
      index: index.map(canonical),
      input: (k, at) => this.#at(node.inputs[k] as Node, at),
    });
  }
}
