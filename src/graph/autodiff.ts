// Reverse-mode differentiation, graph to graph: the gradient of a program is a program.
import { readingRounded, withPrecision } from "./apply.ts";
import { isFloat } from "./dtype.ts";
import { HebbError, ShapeError } from "./errors.ts";
import { describeType, type Node, type ResultGradient } from "./node.ts";
import { alias } from "./ops/alias.ts";
import { full } from "./ops/creation.ts";
import { add } from "./ops/elementwise.ts";
import { sameShape, sizeOf } from "./shape.ts";
import { dependents, topologicalOrder } from "./walk.ts";

export { withGradient } from "./ops/alias.ts";

/**
 * ∂output/∂w for each w of `wrt`, as graphs; undefined where none flows. `seed` is the gradient of the output; default: 1
 * if the output is a single number.
 */
export function gradients(output: Node, wrt: readonly Node[], seed?: Node): (Node | undefined)[] {
  if (seed === undefined && sizeOf(output.shape) !== 1)
    throw new ShapeError(`gradients: the output is ${describeType(output)}; only a scalar may leave out its gradient`);
  if (seed !== undefined && !sameShape(seed.shape, output.shape))
    throw new ShapeError(
      `gradients: the gradient ${describeType(seed)} does not fit the output ${describeType(output)}`,
    );
  return pullback([{ node: output, grad: seed ?? full(output.shape, 1, output.dtype) }], wrt);
}

/** A value and its initial gradient. */
export interface Seed {
  readonly node: Node;
  readonly grad: Node;
}

const nothing: ReadonlySet<Node> = new Set();

/**
 * The gradient of each w of `wrt` from those of several values: Σ grad · ∂node/∂w. The inputs of `leaves` are ignored. A gradient has the
 * dtype of its value, also under mixed precision.
 */
export const pullback = (seeds: readonly Seed[], wrt: readonly Node[], leaves = nothing): (Node | undefined)[] =>
  withPrecision(undefined, () => pulledBack(seeds, wrt, leaves));

function pulledBack(seeds: readonly Seed[], wrt: readonly Node[], leaves: ReadonlySet<Node>): (Node | undefined)[] {
  const targets = new Set(wrt);
  const inputsOf = (node: Node): readonly Node[] => (leaves.has(node) ? [] : node.inputs);
  // The order in which a value's gradients are added affects the bits of the result.
  const order = topologicalOrder(
    seeds.map(({ node }) => node),
    { lastInputFirst: true, inputsOf },
  );
  const needed = dependents(order, targets, inputsOf);
  const grads = new Map<Node, Node>();
  for (const { node, grad } of seeds) accumulate(grads, node, grad);
  const ofResults = new Map<Node, ResultGradient[]>();
  for (let place = order.length - 1; place >= 0; place--) {
    const node = order[place] as Node;
    if (!inputsOf(node).some((input) => needed.has(input))) continue;
    propagate(node, { needed, grads, ofResults });
  }
  return wrt.map((node) => (needed.has(node) ? grads.get(node) : undefined));
}

function accumulate(grads: Map<Node, Node>, node: Node, part: Node): void {
  const before = grads.get(node);
  grads.set(node, before === undefined ? part : add(before, part));
}

/** A reverse pass in progress: the nodes that need a gradient, the gradients so far, and those of results that wait for the others. */
interface Pass {
  readonly needed: ReadonlySet<Node>;
  readonly grads: Map<Node, Node>;
  readonly ofResults: Map<Node, ResultGradient[]>;
}

function propagate(node: Node, pass: Pass): void {
  const grad = pass.grads.get(node);
  const rule = node.op.gradient;
  const needs = (k: number): boolean => pass.needed.has(node.inputs[k] as Node);
  switch (rule.kind) {
    case "notDifferentiable":
      if (grad === undefined || !isFloat(node.dtype)) return;
      throw new HebbError(
        `${node.op.name} has no gradient: ${rule.reason}${node.scope === "" ? "" : ` (in "${node.scope}")`}`,
      );
    case "gradient":
      if (grad !== undefined)
        passOn(
          node,
          readingRounded(() => rule.of({ node, grad, needs })),
          pass,
        );
      return;
    case "result": {
      if (grad === undefined) return;
      const whole = node.inputs[0] as Node;
      const others = pass.ofResults.get(whole);
      if (others === undefined) pass.ofResults.set(whole, [{ result: node, grad }]);
      else others.push({ result: node, grad });
      return;
    }
    case "joint": {
      const results = pass.ofResults.get(node);
      if (results !== undefined) passOn(node, rule.of(node, results, needs), pass);
      return;
    }
  }
}

function passOn(node: Node, parts: readonly (Node | undefined)[], { needed, grads }: Pass): void {
  node.inputs.forEach((input, k) => {
    const part = parts[k];
    if (part === undefined || !needed.has(input) || !isFloat(input.dtype)) return;
    if (!sameShape(part.shape, input.shape) || part.dtype !== input.dtype) {
      throw new ShapeError(
        `gradient of ${node.op.name}: input ${k} is ${describeType(input)}, but its gradient is ${describeType(part)}; they must agree`,
      );
    }
    accumulate(grads, input, part);
  });
}

/**
 * The derivative of `output` along `tangents` of `inputs` (forward mode). The reverse pass is linear in its seed, so the requested
 * derivative is the gradient with respect to the seed, along the tangents, for any seed.
 */
export function jvp(output: Node, inputs: readonly Node[], tangents: readonly Node[]): Node {
  const seed = alias(full(output.shape, 1, output.dtype));
  let total: Node | undefined;
  gradients(output, inputs, seed).forEach((grad, place) => {
    const tangent = tangents[place];
    if (grad === undefined || tangent === undefined) return;
    const part = gradients(grad, [seed], tangent)[0];
    if (part !== undefined) total = total === undefined ? part : add(total, part);
  });
  return total ?? full(output.shape, 0, output.dtype);
}
