// Layers with an operator in ONNX: normalisations, convolutions, products, embeddings, attention, dropout.

import { at } from "../../../../graph/at.ts";
import type { CompositeTable } from "../../../../graph/composites.ts";
import { isNarrow } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { isFixed } from "../sizes.ts";
import { float } from "../writer.ts";
import { type CompositeRule, type CompositeRules, type Emission, keepsFloat, single } from "./rule.ts";

/** A weight, or ones of its shape (zeros for a bias). */
function orConstant(out: Emitter, weight: Node | undefined, shape: readonly number[], value: number): string {
  if (weight !== undefined) return out.value(weight);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return out.constant(new Float64Array(size).fill(value), shape, "float32");
}

/** Whether the node is the result of a loop, ignoring views of it. */
function isTiled(node: Node): boolean {
  let inner = node;
  while (inner.op.rule.kind === "element" && inner.inputs[0] !== undefined) inner = inner.inputs[0];
  return inner.op.rule.kind === "result";
}

/** Attention as products and a softmax: runtimes recognise the pattern and fuse it, unlike loops. */
function attentionInWhole(
  { inputs, attributes }: CompositeTable<Node>["scaledDotProductAttention"],
  node: Node,
  out: Emitter,
): Emission | undefined {
  const [query, key, value] = inputs;
  const { isCausal, scale, enableGqa } = attributes;
  const rank = key.shape.length;
  const [length, sources] = [out.shape(query).at(-2), out.shape(key).at(-2)];
  if (out.opset < 13 || enableGqa || !isFixed(length) || !isFixed(sources)) return undefined;
  return single(node, () => {
    const last = [rank - 1, rank - 2];
    const perm = [...Array(rank - 2).keys(), ...last];
    const scaled = out.op("Mul", [out.value(query), out.number(scale, query.dtype)]);
    const scores = out.op("MatMul", [scaled, out.op("Transpose", [out.value(key)], { perm })]);
    const places = (extent: number, shape: readonly number[]): string =>
      out.constant([...Array(extent).keys()], shape, "int32");
    const hidden = (): string => out.op("Less", [places(length, [length, 1]), places(sources, [1, sources])]);
    const seen = isCausal
      ? out.op("Where", [hidden(), out.number(Number.NEGATIVE_INFINITY, query.dtype), scores])
      : scores;
    return out.op("MatMul", [out.op("Softmax", [seen], { axis: -1 }), out.value(value)]);
  });
}

function convolution(rank: number): CompositeRule<"conv1d" | "conv2d"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias] = inputs;
    const { stride, padding, paddingMode, dilation, groups } = attributes;
    if (!keepsFloat(x, node, "any") || x.shape.length !== rank + 2 || paddingMode !== "zeros") return undefined;
    return single(node, () =>
      out.op(
        "Conv",
        [x, weight, ...(bias === undefined ? [] : [bias])].map((input) => out.value(input)),
        {
          kernel_shape: weight.shape.slice(2),
          strides: stride,
          pads: [...padding.map(([before]) => before), ...padding.map(([, after]) => after)],
          dilations: dilation,
          group: groups,
        },
      ),
    );
  };
}

function transposed(rank: number): CompositeRule<"convTranspose1d" | "convTranspose2d"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias] = inputs;
    const { stride, padding, outputPadding, dilation, groups } = attributes;
    if (!keepsFloat(x, node, "any") || x.shape.length !== rank + 2) return undefined;
    return single(node, () =>
      out.op(
        "ConvTranspose",
        [x, weight, ...(bias === undefined ? [] : [bias])].map((input) => out.value(input)),
        {
          kernel_shape: weight.shape.slice(2),
          strides: stride,
          pads: [...padding, ...padding],
          output_padding: outputPadding,
          dilations: dilation,
          group: groups,
        },
      ),
    );
  };
}

export const layers: CompositeRules = {
  conv1d: convolution(1),
  conv2d: convolution(2),
  convTranspose1d: transposed(1),
  convTranspose2d: transposed(2),
  linear: ({ composite: { inputs }, node, out }) => {
    const [x, weight, bias] = inputs;
    if (!keepsFloat(x, node, "any")) return undefined;
    return single(node, () => {
      const names = [out.value(x), out.value(weight)];
      if (x.shape.length === 2)
        return out.op("Gemm", [...names, ...(bias === undefined ? [] : [out.value(bias)])], { transB: 1 });
      const product = out.op("MatMul", [at(names, 0), out.op("Transpose", [at(names, 1)], { perm: [1, 0] })]);
      return bias === undefined ? product : out.op("Add", [product, out.value(bias)]);
    });
  },
  matmul: ({ composite: { inputs }, node, out }) => {
    const [a, b] = inputs;
    if (a.dtype !== b.dtype || isNarrow(a.dtype)) return undefined;
    return single(node, () => out.op("MatMul", [out.value(a), out.value(b)]));
  },
  embedding: ({ composite: { inputs }, node, out }) => {
    const [index, weight] = inputs;
    if (index.dtype !== "int32") return undefined;
    return single(node, () => out.op("Gather", [out.value(weight), out.value(index)], { axis: 0 }));
  },
  dropout: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    if (!out.context.random || !keepsFloat(x, node)) return undefined;
    return single(node, () => {
      out.context.notes.add(
        "The runtime draws random numbers of its own: they differ from hebb's and from run to run.",
      );
      const training = out.constant([1], [], "bool");
      return out.op("Dropout", [out.value(x), out.number(attributes.p, "float32"), training]);
    });
  },
  layerNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias] = inputs;
    const { normalizedShape, eps } = attributes;
    if (out.opset < 17 || !keepsFloat(x, node)) return undefined;
    return single(node, () =>
      out.op(
        "LayerNormalization",
        [out.value(x), orConstant(out, weight, normalizedShape, 1), ...(bias === undefined ? [] : [out.value(bias)])],
        { axis: -normalizedShape.length, epsilon: float(eps) },
      ),
    );
  },
  rmsNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight] = inputs;
    const { normalizedShape, eps } = attributes;
    if (out.opset < 23 || !keepsFloat(x, node)) return undefined;
    return single(node, () =>
      out.op("RMSNormalization", [out.value(x), orConstant(out, weight, normalizedShape, 1)], {
        axis: -normalizedShape.length,
        epsilon: float(eps),
      }),
    );
  },
  batchNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias, mean, variance] = inputs;
    if (!keepsFloat(x, node) || mean === undefined || variance === undefined) return undefined;
    return single(node, () => {
      const channels = mean.shape;
      const affine = [orConstant(out, weight, channels, 1), orConstant(out, bias, channels, 0)];
      return out.op("BatchNormalization", [out.value(x), ...affine, out.value(mean), out.value(variance)], {
        epsilon: float(attributes.eps),
      });
    });
  },
  groupNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias] = inputs;
    if (out.opset < 21 || !keepsFloat(x, node) || x.shape.length < 3) return undefined;
    return single(node, () => {
      const channels = [at(x.shape, 1)];
      const affine = [orConstant(out, weight, channels, 1), orConstant(out, bias, channels, 0)];
      return out.op("GroupNormalization", [out.value(x), ...affine], {
        num_groups: attributes.numGroups,
        epsilon: float(attributes.eps),
      });
    });
  },
  instanceNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, weight, bias] = inputs;
    if (!attributes.useInputStats || !keepsFloat(x, node) || x.shape.length < 3) return undefined;
    return single(node, () => {
      const channels = [at(x.shape, 1)];
      const affine = [orConstant(out, weight, channels, 1), orConstant(out, bias, channels, 0)];
      return out.op("InstanceNormalization", [out.value(x), ...affine], { epsilon: float(attributes.eps) });
    });
  },
  localResponseNorm: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { size, alpha, beta, k } = attributes;
    // An even window reaches further back here, but further forward in ONNX.
    if (!keepsFloat(x, node) || x.shape.length !== 4 || size % 2 === 0) return undefined;
    return single(node, () =>
      out.op("LRN", [out.value(x)], { size, alpha: float(alpha), beta: float(beta), bias: float(k) }),
    );
  },
  scaledDotProductAttention: ({ composite, node, out }) => {
    const { inputs, attributes } = composite;
    const [query, key, value, attnMask] = inputs;
    const { dropoutP, isCausal, scale } = attributes;
    const fits = [query, key, value].every(({ shape, dtype }) => shape.length === 4 && dtype === "float32");
    // A fully masked row is 0 here but NaN there, so masked attention uses simpler operators.
    if (attnMask !== undefined || dropoutP > 0) return undefined;
    if (out.opset < 23 || !fits) return isTiled(node) ? attentionInWhole(composite, node, out) : undefined;
    return single(node, () =>
      out.op(
        "Attention",
        [query, key, value].map((input) => out.value(input)),
        { is_causal: isCausal ? 1 : 0, scale: float(scale) },
      ),
    );
  },
};
