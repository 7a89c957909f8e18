// Results of compiled functions have no history. Those that would have had one outside compile are marked, so that backward refuses to leave gradients out.
import { gradients } from "../graph/autodiff.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { type Node, type Op, resultSource } from "../graph/node.ts";
import { stopGradientOp } from "../graph/ops/elementwise.ts";
import { dependents, topologicalOrder } from "../graph/walk.ts";
import { Argument } from "../runtime/index.ts";

const none: readonly Node[] = [];

/** The inputs to which a gradient of the node may go on. */
function inputsWithGradient(node: Node): readonly Node[] {
  const { op, inputs } = node;
  if (op.rule.kind === "loop") return inputs;
  if (!isFloat(node.dtype) || op === stopGradientOp || op.gradient.kind === "notDifferentiable") return none;
  return op.traits?.ownGradient === true ? inputs.slice(1) : inputs;
}

/** Which of the nodes depend on a target by a way that gradients go. */
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

/** What the results of one traced program would have had a history of. */
export class LostHistories {
  readonly #source: Op;
  /** For each result how its source is marked; undefined: not at all. */
  readonly #marks: readonly (Op | undefined)[];
  /** By the place of an argument: which results depend on it. Found out when an argument comes that is marked itself. */
  readonly #ofArgument = new Map<number, readonly boolean[]>();

  /** While tracing. `isLeaf` knows the nodes outside the function to which `backward` would deliver. */
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

  /** How the sources of the results are marked after a call. `results` are the nodes of the program that gives them. */
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

/** Refuses a gradient that would have to go on inside a compiled function, where it cannot. */
export function refuseLostHistory(output: Node, order: readonly Node[], seed: Node | undefined): void {
  const results = order.filter(({ op }) => op.resultOf !== undefined);
  if (results.length === 0) return;
  const found = gradients(output, results, seed);
  const lost = results.find((_, place) => found[place] !== undefined);
  if (lost === undefined) return;
  const name = lost.op.resultOf;
  throw new HebbError(
    `backward: the value depends on a result of the compiled function "${name}", which has no history outside it, so what it was computed from would get no gradient; call backward inside "${name}", or use its result as a constant with .detach()`,
  );
}
