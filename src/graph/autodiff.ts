// Reverse-mode differentiation, graph to graph: the gradient of a program is a program.
import { isFloat } from "./dtype.ts";
import { HebbError, ShapeError } from "./errors.ts";
import { describeType, type Node } from "./node.ts";
import { alias } from "./ops/alias.ts";
import { full } from "./ops/creation.ts";
import { add } from "./ops/elementwise.ts";
import { sameShape, sizeOf } from "./shape.ts";
import { topologicalOrder } from "./walk.ts";

export { withGradient } from "./ops/alias.ts";

/**
 * ∂output/∂w for each w of `wrt`, as graphs; undefined where none flows. `seed` is the gradient of the output, 1 by default
 * when the output is a single number.
 */
export function gradients(output: Node, wrt: readonly Node[], seed?: Node): (Node | undefined)[] {
  if (seed === undefined && sizeOf(output.shape) !== 1)
    throw new ShapeError(`gradients: the output is ${describeType(output)}; only a scalar may leave out its gradient`);
  if (seed !== undefined && !sameShape(seed.shape, output.shape))
    throw new ShapeError(
      `gradients: the gradient ${describeType(seed)} does not fit the output ${describeType(output)}`,
    );
  const targets = new Set(wrt);
  // The order in which a value's gradients are added is part of the result, to the bit.
  const order = topologicalOrder([output], { lastInputFirst: true });
  const needed = new Set<Node>();
  for (const node of order) {
    if (targets.has(node) || node.inputs.some((input) => needed.has(input))) needed.add(node);
  }
  const grads = new Map<Node, Node>([[output, seed ?? full(output.shape, 1, output.dtype)]]);
  for (let place = order.length - 1; place >= 0; place--) {
    const node = order[place] as Node;
    const grad = grads.get(node);
    if (grad === undefined || !needed.has(node) || !node.inputs.some((input) => needed.has(input))) continue;
    propagate(node, grad, needed, grads);
  }
  return wrt.map((node) => (needed.has(node) ? grads.get(node) : undefined));
}

function propagate(node: Node, grad: Node, needed: ReadonlySet<Node>, grads: Map<Node, Node>): void {
  const rule = node.op.gradient;
  if (rule.kind === "notDifferentiable") {
    if (!isFloat(node.dtype)) return;
    throw new HebbError(
      `${node.op.name} has no gradient: ${rule.reason}${node.scope === "" ? "" : ` (in "${node.scope}")`}`,
    );
  }
  const parts = rule.of({ node, grad, needs: (k) => needed.has(node.inputs[k] as Node) });
  node.inputs.forEach((input, k) => {
    const part = parts[k];
    if (part === undefined || !needed.has(input) || !isFloat(input.dtype)) return;
    if (!sameShape(part.shape, input.shape) || part.dtype !== input.dtype) {
      throw new ShapeError(
        `gradient of ${node.op.name}: input ${k} is ${describeType(input)}, but its gradient is ${describeType(part)}; they must agree`,
      );
    }
    const before = grads.get(input);
    grads.set(input, before === undefined ? part : add(before, part));
  });
}

/**
 * The derivative of `output` along `tangents` of `inputs` (forward mode): the reverse pass is linear in its seed, so its
 * gradient in the seed, along the tangents, is what is asked for, whatever the seed is.
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
