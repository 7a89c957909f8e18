// Activations with an operator in ONNX.
import type { CompositeName, CompositeTable } from "../../../../graph/composites.ts";
import type { Node } from "../../../../graph/node.ts";
import { sizeOf } from "../../../../graph/shape.ts";
import { type Attributes, float } from "../writer.ts";
import { type CompositeRule, type CompositeRules, keepsFloat, single } from "./rule.ts";

/** The names of composites with one input. */
type UnaryName = {
  [K in CompositeName]: CompositeTable<Node>[K]["inputs"] extends readonly [Node] ? K : never;
}[CompositeName];

interface Operator<K extends UnaryName> {
  readonly type: string;
  /** The opset that introduced it. */
  readonly since?: number;
  readonly dtype?: "any";
  readonly attributes?: (given: CompositeTable<Node>[K]["attributes"]) => Attributes;
  readonly accepts?: (given: CompositeTable<Node>[K]["attributes"]) => boolean;
}

function unary<K extends UnaryName>({ type, since = 13, dtype, attributes, accepts }: Operator<K>): CompositeRule<K> {
  return ({ composite, node, out }) => {
    const [x] = composite.inputs as readonly [Node];
    const given = composite.attributes;
    if (out.opset < since || !keepsFloat(x, node, dtype) || accepts?.(given) === false) return undefined;
    return single(node, () => out.op(type, [out.value(x)], attributes?.(given)));
  };
}

/** min ≤ x ≤ max by Clip; null means no bound. */
function clip<K extends UnaryName>(
  bounds: (given: CompositeTable<Node>[K]["attributes"]) => readonly [min: number | null, max: number | null],
): CompositeRule<K> {
  return ({ composite, node, out }) => {
    const [x] = composite.inputs as readonly [Node];
    if (!keepsFloat(x, node, "any")) return undefined;
    const [min, max] = bounds(composite.attributes);
    const bound = (value: number | null): string => (value === null ? "" : out.number(value, node.dtype));
    return single(node, () => out.op("Clip", [out.value(x), bound(min), ...(max === null ? [] : [bound(max)])]));
  };
}

const axis = ({ dim }: { readonly dim: number }): Attributes => ({ axis: dim });

export const activations: CompositeRules = {
  celu: unary<"celu">({ type: "Celu", attributes: ({ alpha }) => ({ alpha: float(alpha) }) }),
  elu: unary<"elu">({ type: "Elu", attributes: ({ alpha }) => ({ alpha: float(alpha) }) }),
  gelu: unary<"gelu">({ type: "Gelu", since: 20, attributes: ({ approximate }) => ({ approximate }) }),
  hardshrink: unary<"hardshrink">({ type: "Shrink", attributes: ({ lambda }) => ({ lambd: float(lambda) }) }),
  softshrink: unary<"softshrink">({
    type: "Shrink",
    attributes: ({ lambda }) => ({ lambd: float(lambda), bias: float(lambda) }),
  }),
  hardsigmoid: unary<"hardsigmoid">({
    type: "HardSigmoid",
    attributes: () => ({ alpha: float(1 / 6), beta: float(0.5) }),
  }),
  hardswish: unary<"hardswish">({ type: "HardSwish", since: 14 }),
  leakyRelu: unary<"leakyRelu">({
    type: "LeakyRelu",
    attributes: ({ negativeSlope }) => ({ alpha: float(negativeSlope) }),
  }),
  logSoftmax: unary<"logSoftmax">({ type: "LogSoftmax", dtype: "any", attributes: axis }),
  softmax: unary<"softmax">({ type: "Softmax", dtype: "any", attributes: axis }),
  mish: unary<"mish">({ type: "Mish", since: 18 }),
  selu: unary<"selu">({ type: "Selu" }),
  softplus: unary<"softplus">({ type: "Softplus", accepts: ({ beta, threshold }) => beta === 1 && threshold >= 20 }),
  softsign: unary<"softsign">({ type: "Softsign" }),
  clamp: clip<"clamp">(({ min, max }) => [min, max]),
  hardtanh: clip<"hardtanh">(({ minVal, maxVal }) => [minVal, maxVal]),
  relu6: clip<"relu6">(() => [0, 6]),
  prelu: ({ composite: { inputs }, node, out }) => {
    const [x, weight] = inputs;
    if (!keepsFloat(x, node)) return undefined;
    return single(node, () => {
      const size = sizeOf(weight.shape);
      const wide = size === 1 ? [1] : [size, ...new Array<number>(Math.max(0, x.shape.length - 2)).fill(1)];
      return out.op("PRelu", [out.value(x), out.reshape(out.value(weight), weight.shape, wide, node)]);
    });
  },
};
