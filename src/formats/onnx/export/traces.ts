// Traces of a function at several sizes, side by side: the same operations node by node, with sizes that may differ.
import { at } from "../../../graph/at.ts";
import type { DType } from "../../../graph/dtype.ts";
import { HebbError } from "../../../graph/errors.ts";
import type { Node } from "../../../graph/node.ts";
import { formatShape } from "../../../graph/shape.ts";
import { topologicalOrder } from "../../../graph/walk.ts";
import { callTraced, refusePromises } from "../../../tensor/results.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { Trace, withTrace } from "../../../tensor/trace.ts";
import { tensorTree } from "../../../tensor/trees.ts";
import { type Size, sizeOf } from "./sizes.ts";

export interface InputType {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** One trace: the inputs, and the results with their paths in the function's return value. */
export interface Traced {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  readonly paths: readonly string[];
  /** The states that the function assigned to. */
  readonly writes: readonly string[];
}

export type Forward = (...inputs: readonly unknown[]) => unknown;

/** Calls the function with symbolic inputs and returns the graph of its results. */
export function traceAt(fn: Forward, types: readonly InputType[]): Traced {
  const trace = new Trace();
  const inputs = types.map((type) => trace.argument(type));
  return withTrace(trace, () => {
    const given = inputs.map((node) => Tensor.of(node));
    const result = callTraced("exportOnnx", fn, given);
    refusePromises("exportOnnx", result);
    for (const finish of trace.finishers) finish();
    const { tensors, paths } = tensorTree("exportOnnx", "the result", result);
    if (tensors.length === 0) throw new HebbError("exportOnnx: the function returns no tensor");
    const writes = [...trace.writes.keys()].map(({ name }) => name);
    return { inputs, outputs: tensors.map(({ node }) => node), paths, writes };
  });
}

/** Several traces of one function. The first represents all; `sizes` holds the differences in the others. */
export class Traces {
  readonly first: Traced;
  readonly #variants = new Map<Node, readonly Node[]>();

  constructor(traced: readonly Traced[]) {
    this.first = at(traced, 0);
    this.#pair(traced.map(({ outputs }) => topologicalOrder(outputs)));
    // Unused inputs are not in the graph.
    this.first.inputs.forEach((input, place) => {
      if (!this.#variants.has(input))
        this.#variants.set(
          input,
          traced.map(({ inputs }) => at(inputs, place)),
        );
    });
  }

  #pair(orders: readonly (readonly Node[])[]): void {
    const base = at(orders, 0);
    for (const order of orders) if (order.length !== base.length) throw new DifferentTraces(at(base, base.length - 1));
    for (const [place, node] of base.entries()) {
      if (this.#variants.has(node)) continue;
      const variants = orders.map((order) => at(order, place));
      for (const other of variants) {
        const same =
          other.op.name === node.op.name && other.dtype === node.dtype && other.shape.length === node.shape.length;
        if (!same) throw new DifferentTraces(node);
      }
      this.#variants.set(node, variants);
      if (node.body === undefined) continue;
      const bodies = variants.map(({ body }) => body?.order ?? []);
      this.#pair(bodies);
    }
  }

  /** The corresponding node in each trace. */
  variants(node: Node): readonly Node[] {
    return this.#variants.get(node) ?? [node];
  }

  /** A number of the node, in each trace. */
  size(node: Node, read: (node: Node) => number | undefined): Size {
    return sizeOf(this.variants(node).map((variant) => read(variant) ?? 0));
  }

  shape(node: Node): readonly Size[] {
    return node.shape.map((_, axis) => this.size(node, ({ shape }) => shape[axis]));
  }

  /** Whether the attributes of the node are the same in all traces. */
  isFixed(node: Node): boolean {
    const variants = this.variants(node);
    if (variants.length === 1) return true;
    const text = JSON.stringify([node.attributes, node.shape]);
    return variants.every(({ attributes, shape }) => JSON.stringify([attributes, shape]) === text);
  }
}

/** Two traces with different operations. */
export class DifferentTraces extends Error {
  constructor(node: Node) {
    super(`${node.op.name}${formatShape(node.shape)}${node.scope === "" ? "" : ` in "${node.scope}"`}`);
  }
}
