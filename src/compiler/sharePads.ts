// Replaces several paddings of one value by views of the widest, so that it is written once, for example for the phases of a strided gradient.
import { at } from "../graph/at.ts";
import { attributesKey } from "../graph/key.ts";
import { isOp, type Node, withScope } from "../graph/node.ts";
import { type Pad, type PadAttributes, pad, padOp, slice } from "../graph/ops/movement.ts";
import { sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";

type Padded = Node<PadAttributes>;

/** For each output, an equal node. */
export function sharePads(outputs: readonly Node[]): readonly Node[] {
  const order = topologicalOrder(outputs);
  const families = new Map<string, Padded[]>();
  for (const node of order) {
    if (!isPlain(node)) continue;
    const key = `${(node.inputs[0] as Node).id} ${attributesKey({ value: node.attributes.value })}`;
    const family = families.get(key);
    if (family === undefined) families.set(key, [node]);
    else family.push(node);
  }
  const widest = new Map<Node, { readonly pads: readonly Pad[]; readonly node: Padded }>();
  for (const family of families.values()) {
    const widestPad = (dim: number, side: 0 | 1): number =>
      family.reduce((most, node) => Math.max(most, at(node.attributes.pads, dim)[side]), 0);
    const padded = (family[0] as Node).inputs[0] as Node;
    const pads = padded.shape.map((_, dim): Pad => [widestPad(dim, 0), widestPad(dim, 1)]);
    const size = sizeOf(padded.shape.map((extent, dim) => extent + widestPad(dim, 0) + widestPad(dim, 1)));
    if (family.length > 1 && size < family.reduce((sum, node) => sum + sizeOf(node.shape), 0))
      for (const node of family) widest.set(node, { pads, node });
  }
  if (widest.size === 0) return outputs;
  const shared = new Map<readonly Pad[], Node>();
  return rewriteGraph(order, outputs, (node, inputs) => {
    const known = widest.get(node);
    if (known === undefined) return overInputs(node, inputs);
    const { pads, node: padded } = known;
    return withScope(node.scope, () => {
      const whole = shared.get(pads) ?? pad(at(inputs, 0), pads, padded.attributes.value);
      shared.set(pads, whole);
      return window(whole, pads, padded);
    });
  });
}

/** Padding that only adds elements, and only at the edges. */
const isPlain = (node: Node): node is Padded =>
  isOp(node, padOp) &&
  node.attributes.pads.every(([before, after, between = 0]) => before >= 0 && after >= 0 && between === 0);

/** The part of the wider padding that equals the node. */
function window(whole: Node, pads: readonly Pad[], node: Padded): Node {
  return node.shape.reduce((part, extent, dim) => {
    const start = at(pads, dim)[0] - at(node.attributes.pads, dim)[0];
    return start === 0 && extent === part.shape[dim] ? part : slice(part, dim, start, start + extent, 1);
  }, whole);
}
