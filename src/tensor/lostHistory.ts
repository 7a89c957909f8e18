// Results of compiled functions have no history. Those that would have one outside compile are marked, so that backward can refuse to leave gradients
// out.
import { gradients } from "../graph/autodiff.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { type Node, type Op, resultSource } from "../graph/node.ts";
import { stopGradientOp } from "../graph/ops/elementwise.ts";
import { dependents, topologicalOrder } from "../graph/walk.ts";
import { Argument } from "../runtime/index.ts";

const none: readonly Node[] = [];

/** The inputs that a gradient of the node can flow to. */
function inputsWithGradient(node: Node): readonly Node[] {
  const { op, inputs } = node;
  if (op.rule.kind === "loop") return inputs;
  if (!isFloat(node.dtype) || op === stopGradientOp || op.gradient.kind === "notDifferentiable") return none;
  return op.traits?.ownGradient === true ? inputs.slice(1) : inputs;
}

/** Whether each node depends on a target along a path that gradients flow along. */
function reaching(nodes: readonly Node[], isTarget: (node: Node) => boolean): readonly boolean[] {
  const order = topologicalOrder(nodes, { inputsOf: inputsWithGradient });
  const found = dependents(order, new Set(order.filter(isTarget)), inputsWithGradient);
  return nodes.map((node) => found.has(node));
}

interface Returned {
  readonly node: Node;
  readonly requiresGrad: boolean;
  readonly lostHistory: Op | undefined;
}

/** Which results of one traced program would have had a history. */
export class LostHistories {
  readonly #source: Op;
  /** The mark of each result's source; undefined: none. */
  readonly #marks: readonly (Op | undefined)[];
  /** Which results depend on an argument, by its place. Computed when a marked argument is first passed. */
  readonly #ofArgument = new Map<number, readonly boolean[]>();

  /** Created while tracing. `isLeaf`: the nodes outside the function that `backward` would deliver to. */
  constructor(name: string, returned: readonly Returned[], isLeaf: (node: Node) => boolean) {
    this.#source = resultSource(name);
    const candidates = returned.filter((tensor) => tensor.requiresGrad || tensor.lostHistory !== undefined);
    const found = reaching(
      candidates.map(({ node }) => node),
      (node) => node.op.resultOf !== undefined || isLeaf(node),
    );
    const marked = new Set(candidates.filter((_, place) => found[place]));
    this.#marks = returned.map((tensor) => (marked.has(tensor) ? this.#source : undefined));
  }

  /** The marks of the results' sources after a call. `results` are the result nodes of the program. */
  marks(args: readonly Returned[], results: () => readonly Node[]): readonly (Op | undefined)[] {
    let marks = this.#marks;
    for (let place = 0; place < args.length; place++) {
      if (args[place]?.lostHistory === undefined || !marks.includes(undefined)) continue;
      let depends = this.#ofArgument.get(place);
      if (depends === undefined) {
        depends = reaching(results(), ({ source }) => source instanceof Argument && source.place === place);
        this.#ofArgument.set(place, depends);
      }
      const found = depends;
      marks = marks.map((mark, k) => mark ?? (found[k] === true ? this.#source : undefined));
    }
    return marks;
  }
}

/** Refuses a gradient that would have to flow into a compiled function. */
export function refuseLostHistory(output: Node, order: readonly Node[], seed: Node | undefined): void {
  const results = order.filter(({ op }) => op.resultOf !== undefined);
  if (results.length === 0) return;
  const found = gradients(output, results, seed);
  const lost = results.find((_, place) => found[place] !== undefined);
  if (lost === undefined) return;
  const name = lost.op.resultOf === "" ? "a compiled function" : `the compiled function "${lost.op.resultOf}"`;
  throw new HebbError(
    `backward: a result of ${name} has no history outside it, so its gradient would be lost; call backward inside the function, or use the result as a constant with .detach()`,
  );
}
