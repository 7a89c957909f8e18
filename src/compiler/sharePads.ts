// Replaces several paddings of one value by windows of the widest, so that it is written once. The phases of a strided gradient need this.
import { type Node, type Op, withScope } from "../graph/node.ts";
import { type Pad, pad, padOp, slice } from "../graph/ops/movement.ts";
import { sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";

interface Padding {
  readonly pads: readonly Pad[];
  readonly value: number;
}

/** For each output, an equal node. */
export function sharePads(outputs: readonly Node[]): readonly Node[] {
  const order = topologicalOrder(outputs);
  const families = new Map<string, Node[]>();
  for (const node of order) {
    if (!isPlain(node)) continue;
    const key = `${(node.inputs[0] as Node).id} ${Object.is(paddingOf(node).value, -0) ? "-0" : paddingOf(node).value}`;
    const family = families.get(key);
    if (family === undefined) families.set(key, [node]);
    else family.push(node);
  }
  const widest = new Map<Node, readonly Pad[]>();
  for (const family of families.values()) {
    const most = (dim: number, side: 0 | 1): number =>
      family.reduce((widest, node) => Math.max(widest, paddingOf(node).pads[dim]?.[side] ?? 0), 0);
    const padded = (family[0] as Node).inputs[0] as Node;
    const pads = padded.shape.map((_, dim): Pad => [most(dim, 0), most(dim, 1)]);
    const size = sizeOf(padded.shape.map((extent, dim) => extent + most(dim, 0) + most(dim, 1)));
    if (family.length > 1 && size < family.reduce((sum, node) => sum + sizeOf(node.shape), 0))
      for (const node of family) widest.set(node, pads);
  }
  if (widest.size === 0) return outputs;
  const shared = new Map<readonly Pad[], Node>();
  return rewriteGraph(order, outputs, (node, inputs) => {
    const pads = widest.get(node);
    if (pads === undefined) return overInputs(node, inputs);
    return withScope(node.scope, () => {
      const whole = shared.get(pads) ?? pad(inputs[0] as Node, pads, paddingOf(node).value);
      shared.set(pads, whole);
      return window(whole, pads, node);
    });
  });
}

const paddingOf = (node: Node): Padding => node.attributes as object as Padding;

/** Padding that only adds, and only outside. */
const isPlain = (node: Node): boolean =>
  node.op === (padOp as Op) &&
  paddingOf(node).pads.every(([before, after, between = 0]) => before >= 0 && after >= 0 && between === 0);

/** The part of the wider padding that is the node. */
function window(whole: Node, pads: readonly Pad[], node: Node): Node {
  return node.shape.reduce((part, extent, dim) => {
    const start = (pads[dim]?.[0] ?? 0) - (paddingOf(node).pads[dim]?.[0] ?? 0);
    return start === 0 && extent === part.shape[dim] ? part : slice(part, dim, start, start + extent, 1);
  }, whole);
}
