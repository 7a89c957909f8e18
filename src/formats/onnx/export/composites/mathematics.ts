// Reductions, sorting and other whole-tensor functions with an operator in ONNX.

import { at } from "../../../../graph/at.ts";
import { isNarrow } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import { isFixed } from "../sizes.ts";
import { type Asked, type CompositeRule, type CompositeRules, type Emission, keepsFloat, single } from "./rule.ts";

function reduction(type: string): CompositeRule<"logsumexp" | "mean" | "norm"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { dims, keepdim } = attributes;
    if (!keepsFloat(x, node) || dims.length === 0 || x.shape.includes(0)) return undefined;
    return single(node, () => {
      const keepdims = keepdim ? 1 : 0;
      return out.opset >= 18
        ? out.op(type, [out.value(x), out.writer.ints(dims)], { keepdims })
        : out.op(type, [out.value(x)], { axes: dims, keepdims });
    });
  };
}

/** ArgMax and ArgMin, which return int64 indices. */
function extreme(type: string): CompositeRule<"argmax" | "argmin"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { dim, keepdim } = attributes;
    if (x.dtype === "bool" || dim === null || x.shape.length === 0) return undefined;
    return single(node, () => {
      const place = out.op(type, [out.value(x)], { axis: dim, keepdims: keepdim ? 1 : 0 });
      return out.cast(place, "int32");
    });
  };
}

function ordered(
  { node, out }: Pick<Asked<"topk">, "node" | "out">,
  x: Node,
  how: { readonly k: number; readonly dim: number; readonly largest: boolean },
): Emission | undefined {
  if (x.shape.length === 0 || x.shape.includes(0) || how.k === 0) return undefined;
  if (!isFixed(out.shape(x)[how.dim]) || (node.compositeResult ?? 0) > 1) return undefined;
  return () => {
    // onnxruntime sorts none of these types.
    const isCast = isNarrow(x.dtype);
    const given = isCast ? out.cast(out.value(x), "int32") : out.value(x);
    const [values, places] = [
      ...out.ops("TopK", [given, out.writer.ints([how.k])], 2, {
        axis: how.dim,
        largest: how.largest ? 1 : 0,
        sorted: 1,
      }),
    ] as [string, string];
    return [isCast ? out.cast(values, x.dtype) : values, out.cast(places, "int32")];
  };
}

/** A full sort; the number of values must be known. */
function sorted(
  { node, out }: Pick<Asked<"sort">, "node" | "out">,
  x: Node,
  { dim, descending }: { readonly dim: number; readonly descending: boolean },
): Emission | undefined {
  const k = x.shape.length === 0 ? 0 : out.fixed(out.extent(x, dim), node, "the number of values to sort");
  return ordered({ node, out }, x, { k, dim, largest: descending });
}

function triangle(upper: 0 | 1): CompositeRule<"tril" | "triu"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    if (out.opset < 14 || !keepsFloat(x, node, "any")) return undefined;
    return single(node, () => out.op("Trilu", [out.value(x), out.writer.ints([attributes.diagonal], [])], { upper }));
  };
}

export const mathematics: CompositeRules = {
  logsumexp: reduction("ReduceLogSumExp"),
  mean: reduction("ReduceMean"),
  norm: reduction("ReduceL2"),
  argmax: extreme("ArgMax"),
  argmin: extreme("ArgMin"),
  argsort: ({ composite: { inputs, attributes }, node, out }) => {
    const all = sorted({ node, out }, inputs[0], attributes);
    return all && single(node, () => at(all(), 1));
  },
  einsum: ({ composite: { inputs, attributes }, node, out }) => {
    const first = at(inputs, 0).dtype;
    if (inputs.some(({ dtype }) => dtype !== first) || !keepsFloat(at(inputs, 0), node, "any")) return undefined;
    return single(node, () =>
      out.op(
        "Einsum",
        inputs.map((input) => out.value(input)),
        { equation: attributes.equation },
      ),
    );
  },
  oneHot: ({ composite: { inputs, attributes }, node, out }) => {
    const [index] = inputs;
    if (index.dtype !== "int32") return undefined;
    return single(node, () => {
      const values = out.constant([0, 1], [2], "float32");
      const ones = out.op("OneHot", [out.value(index), out.number(attributes.classes, "int32"), values], { axis: -1 });
      return node.dtype === "float32" ? ones : out.cast(ones, node.dtype);
    });
  },
  placeOfRank: ({ composite: { inputs, attributes }, node, out }) => {
    const [x, rank] = inputs;
    const count = x.shape.length === 0 ? 0 : at(x.shape, attributes.dim);
    const all = ordered({ node, out }, x, { k: count, dim: attributes.dim, largest: false });
    return (
      all && single(node, () => out.op("GatherElements", [at(all(), 1), out.value(rank)], { axis: attributes.dim }))
    );
  },
  repeat: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    if (attributes.sizes.length !== x.shape.length) return undefined;
    return single(node, () => out.op("Tile", [out.value(x), out.writer.ints(attributes.sizes)]));
  },
  sort: ({ composite: { inputs, attributes }, node, out }) => sorted({ node, out }, inputs[0], attributes),
  topk: ({ composite: { inputs, attributes }, node, out }) => ordered({ node, out }, inputs[0], attributes),
  tril: triangle(0),
  triu: triangle(1),
};
