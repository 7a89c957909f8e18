// Turns a graph for one example into a graph for a batch: every node that depends on an example gets a leading dim.
import { at } from "../at.ts";
import { HebbError, InternalError } from "../errors.ts";
import { isOp, type LoopBody, type Node } from "../node.ts";
import { withGradient } from "../ops/alias.ts";
import { expand } from "../ops/broadcast.ts";
import { reshape } from "../ops/movement.ts";
import { randomBitsOp } from "../ops/random.ts";
import { finalOf, loop, stackOf } from "../ops/scan.ts";
import { stepLeaf } from "../ops/scanBody.ts";
import { bodyOf, scanAttributes, scanInputs, scanResult } from "../ops/scanParts.ts";
import { argsort } from "../ops/sort.ts";
import { overInputs, topologicalOrder } from "../walk.ts";
import { batchingRule, moveDim, type Value, wide } from "./rules.ts";

/** How to treat random numbers in the function: reject them, draw them for each example, or draw once for all. */
export type Randomness = "error" | "different" | "same";

export interface BatchOptions {
  /** The calling function, for errors. */
  readonly by: string;
  readonly size: number;
  readonly randomness: Randomness;
}

/** A loop over all examples, and the batched values of its body. */
interface BatchedLoop {
  readonly loop: Node;
  readonly values: ReadonlyMap<Node, Value>;
}

export class Batcher {
  readonly #options: BatchOptions;
  /** Nodes older than the first leaf depend on no example. */
  readonly #first: number;
  readonly #values = new Map<Node, Value>();
  readonly #loops = new Map<Node, BatchedLoop>();

  /** `leaves` maps each leaf of a single example to its values for all examples. */
  constructor(leaves: ReadonlyMap<Node, Node>, options: BatchOptions) {
    this.#options = options;
    this.#first = Math.min(...[...leaves.keys()].map(({ id }) => id));
    for (const [leaf, node] of leaves) this.#values.set(leaf, { node, batched: true });
  }

  /** The values of nodes for all examples, with the batch dim first. */
  wide(nodes: readonly Node[]): Node[] {
    return this.values(nodes).map((value) => wide(value, this.#options.size));
  }

  values(nodes: readonly Node[]): Value[] {
    const order = topologicalOrder(nodes, {
      inputsOf: (node) => (this.#values.has(node) || node.id < this.#first ? [] : node.inputs),
    });
    for (const node of order) if (!this.#values.has(node)) this.#values.set(node, this.#valueOf(node, this.#values));
    return nodes.map((node) => this.#values.get(node) as Value);
  }

  #valueOf(node: Node, values: ReadonlyMap<Node, Value>): Value {
    const { size } = this.#options;
    if (node.id < this.#first || node.source !== undefined) return { node, batched: false };
    const inputs = node.inputs.map((input) => values.get(input) ?? { node: input, batched: false });
    const { rule, traits } = node.op;
    if (rule.kind === "result") return this.#resultOf(node, at(inputs, 0));
    if (rule.kind === "loop" && (inputs.some(({ batched }) => batched) || drawsIn(node)))
      return this.#loopOf(node, inputs);
    const depends = inputs.some(({ batched }) => batched);
    const draws = isOp(node, randomBitsOp);
    if (draws && depends)
      throw new HebbError(
        `${this.#options.by}: random numbers cannot have a key for each example; use { randomness: "different" }`,
      );
    if (!(draws && this.#drawsApart()) && !depends) {
      const same = inputs.map((input) => input.node);
      return { node: overInputs(node, same), batched: false };
    }
    const order = this.#sortOf(node, values);
    if (order !== undefined) return { node: order, batched: true };
    if (traits?.ownGradient === true) return { node: this.#ownGradient(node, inputs), batched: true };
    const batch = batchingRule(node.op);
    if (batch === undefined)
      throw new HebbError(
        `${this.#options.by}: ${node.op.name} has no batching rule; call the function for each example, or write it over the whole batch`,
      );
    return { node: batch(node, inputs, size), batched: true };
  }

  /** A batched sort stays a sort with its composite, unlike its individually batched steps. */
  #sortOf({ composite }: Node, values: ReadonlyMap<Node, Value>): Node | undefined {
    if (composite?.name !== "argsort") return undefined;
    const value = values.get(composite.inputs[0]);
    const { dim, descending } = composite.attributes;
    return value && argsort(wide(value, this.#options.size), dim + 1, descending);
  }

  #drawsApart(): boolean {
    const { randomness, by } = this.#options;
    if (randomness === "error")
      throw new HebbError(
        `${by}: the function draws random numbers; pass { randomness: "different" } for new ones in each example, or "same" for one draw`,
      );
    return randomness === "different";
  }

  /** A custom gradient for one example holds for all of them; it is batched when it is requested. */
  #ownGradient(node: Node, inputs: readonly Value[]): Node {
    const [output, ...others] = inputs.map((input) => wide(input, this.#options.size));
    const { gradient } = node.op;
    if (output === undefined || gradient.kind !== "gradient")
      throw new InternalError(`${node.op.name} has no gradient`);
    return withGradient(output, others, (grad) => {
      const leaf = stepLeaf(node);
      this.#values.set(leaf, { node: grad, batched: true });
      const [, ...parts] = gradient.of({ node, grad: leaf, needs: () => true });
      return parts.map((part) => (part === undefined ? undefined : this.wide([part])[0]));
    });
  }

  /** A loop over time carries the states of all examples. */
  #loopOf(node: Node, inputs: readonly Value[]): Value {
    const body = bodyOf(node);
    const { size } = this.#options;
    const { steps, reverse } = scanAttributes(node);
    const { constants, initial } = scanInputs(node);
    const ofCarried = inputs.slice(constants.length, constants.length + initial.length);
    const stacked = inputs.slice(constants.length + initial.length);
    const rows = body.rows.map((leaf, place) => leafOf(leaf, stacked[place]?.batched === true, size));
    const carried = body.carried.map((leaf) => leafOf(leaf, true, size));
    const values = new Map<Node, Value>([
      ...body.constants.map((leaf, place) => [leaf, inputs[place] as Value] as const),
      ...body.carried.map((leaf, place) => [leaf, carried[place] as Value] as const),
      ...body.rows.map((leaf, place) => [leaf, rows[place] as Value] as const),
    ]);
    for (const inner of body.order) if (!values.has(inner)) values.set(inner, this.#valueOf(inner, values));
    const next = body.next.map((value) => wide(values.get(value) as Value, size));
    const made = loop(
      {
        carried: carried.map((value) => value.node),
        rows: rows.map((value) => value.node),
        next,
        outputs: body.order.flatMap((value) => (isLoopNode(value) ? [] : [(values.get(value) as Value).node])),
        keeps: body.keeps,
      },
      {
        initial: ofCarried.map((value) => wide(value, size)),
        stacked: stacked.map(({ node: rowsOf, batched }) => (batched ? moveDim(rowsOf, 0, 1) : rowsOf)),
        steps,
        reverse,
      },
    );
    this.#loops.set(node, { loop: made, values });
    return { node: made, batched: true };
  }

  #resultOf(node: Node, unchanged: Value): Value {
    const whole = at(node.inputs, 0);
    const made = this.#loops.get(whole);
    if (made === undefined) return { node: overInputs(node, [unchanged.node]), batched: false };
    const { kind, value } = scanResult(node);
    if (kind === "final") return { node: finalOf(made.loop, value), batched: true };
    const inner = made.values.get(at(bodyOf(whole).order, value)) as Value;
    const stack = this.#stack(made.loop, inner.node);
    return { node: inner.batched ? moveDim(stack, 1, 0) : stack, batched: inner.batched };
  }

  /** A value of the body at every step; one that no step changes is repeated. */
  #stack(whole: Node, value: Node): Node {
    const body: LoopBody = bodyOf(whole);
    const place = body.constants.indexOf(value);
    if (place < 0) return stackOf(whole, value);
    const { steps } = scanAttributes(whole);
    return expand(reshape(value, [1, ...value.shape]), [steps, ...value.shape]);
  }
}

/** Whether a loop draws random numbers in its steps. */
const drawsIn = (node: Node): boolean =>
  bodyOf(node).order.some((value) => isOp(value, randomBitsOp) || (isLoopNode(value) && drawsIn(value)));

const isLoopNode = ({ op }: Node): boolean => op.rule.kind === "loop";

function leafOf(leaf: Node, batched: boolean, size: number): Value {
  const shape = batched ? [size, ...leaf.shape] : leaf.shape;
  return { node: stepLeaf({ shape, dtype: leaf.dtype }), batched };
}
