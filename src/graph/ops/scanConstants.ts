// Gradients of a loop's constants if every use is a product or a broadcast: one product or one sum over all steps, outside the loop.
import { at } from "../at.ts";
import { pullback, type Seed } from "../autodiff.ts";
import { InternalError } from "../errors.ts";
import { isOp, type LoopBody, type Node, sourceNode, withInputs } from "../node.ts";
import { overInputs, rewriteGraph, topologicalOrder, usersOf } from "../walk.ts";
import { expand, expandOp } from "./broadcast.ts";
import { type DotAttributes, dot, dotOp } from "./matmul.ts";
import { permute, permuteOp, reshape, reshapeOp } from "./movement.ts";
import { inputsWithin } from "./scanBody.ts";

/** A use of a constant in the body. */
export interface ConstantUse {
  readonly constant: Node;
  /** Views between the constant and the use. */
  readonly views: readonly Node[];
  /** The product or the broadcast. */
  readonly at: Node;
  /** The side of the product that uses the constant. */
  readonly side: number;
  /** The other side of a product. */
  readonly other: Node | undefined;
}

/** All uses of a constant if they are products or broadcasts; otherwise undefined, and its gradient is summed step by step. */
export function constantUses(
  body: LoopBody,
  constant: Node,
  seeds: readonly Seed[],
): readonly ConstantUse[] | undefined {
  const inputsOf = inputsWithin(body);
  const users = usersOf(body.order, inputsOf);
  const isSeed = (node: Node): boolean => seeds.some((seed) => seed.node === node);
  const isRead = (node: Node): boolean => isSeed(node) || body.next.includes(node);
  const uses: ConstantUse[] = [];
  const open: { node: Node; views: readonly Node[] }[] = [{ node: constant, views: [] }];
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { node, views } = top;
    if (isRead(node)) return undefined;
    for (const at of new Set(users.get(node))) {
      if (isOp(at, reshapeOp) || isOp(at, permuteOp)) open.push({ node: at, views: [...views, at] });
      else if (isOp(at, dotOp)) {
        at.inputs.forEach((input, side) => {
          if (input === node) uses.push({ constant, views, at, side, other: at.inputs[1 - side] });
        });
      } else if (isOp(at, expandOp) && !isRead(at) && (users.get(at) ?? []).every(isElementwise))
        uses.push({ constant, views, at, side: 0, other: undefined });
      else return undefined;
    }
  }
  return uses;
}

/** A broadcast that enters a product is as large as the product: its gradient is not worth keeping for every step. */
const isElementwise = ({ op }: Node): boolean => op.rule.kind === "element" && op.traits?.view !== "all";

/** The gradient of a constant through one of its uses, from the gradients there and the other operands of all steps. */
export function gradientFromUse(use: ConstantUse, constant: Node, others: Node | undefined, grads: Node): Node {
  // Over placeholders, so that the walk does not continue into the loop.
  const own = sourceNode(constant, { sourceKind: "argument" });
  const other = others && sourceNode(others, { sourceKind: "argument" });
  const grad = sourceNode(grads, { sourceKind: "argument" });
  const seen = use.views.reduce((inner, view) => withInputs(view, [inner]), own);
  const all =
    other !== undefined && isOp(use.at, dotOp)
      ? allProducts(use.at.attributes, use.side, seen, other)
      : allBroadcasts(use.at, seen, at(grads.shape, 0));
  const [found] = pullback([{ node: all, grad }], [own]);
  if (found === undefined) throw new InternalError("a constant of a loop has no gradient where it is used");
  const [result] = rewriteGraph(topologicalOrder([found]), [found], (node, inputs) => {
    if (node === own) return constant;
    if (node === other) return others ?? node;
    return node === grad ? grads : overInputs(node, inputs);
  });
  return result as Node;
}

/** The broadcast for all steps: [steps, …]. */
const allBroadcasts = ({ shape }: Node, seen: Node, steps: number): Node =>
  expand(reshape(seen, [1, ...seen.shape]), [steps, ...shape]);

/** The product for all steps, [steps, …]: the steps are an additional dim of the other operand. */
function allProducts({ batch, inner }: DotAttributes, side: number, seen: Node, other: Node): Node {
  const dims = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, place) => from + place);
  const rank = other.shape.length;
  // The step dim follows the dims that the product keeps in front: batch and, on the right side, those summed over.
  const kept = side === 1 ? batch : batch + inner;
  const turned = permute(other, [...dims(1, kept + 1), 0, ...dims(kept + 1, rank)]);
  const product = side === 1 ? dot(turned, seen, batch, inner) : dot(seen, turned, batch, inner);
  const front = side === 1 ? batch : seen.shape.length - inner;
  return permute(product, [front, ...dims(0, front), ...dims(front + 1, product.shape.length)]);
}
