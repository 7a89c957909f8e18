// Pools, padding, resizing and other changes of size with an operator in ONNX.
import { at } from "../../../../graph/at.ts";
import type { CompositeTable } from "../../../../graph/composites.ts";
import type { Node } from "../../../../graph/node.ts";
import { float } from "../writer.ts";
import { type CompositeRule, type CompositeRules, keepsFloat, single } from "./rule.ts";

/** Whether the shape has image and channel dims in front. */
const isBatched = (x: Node, rank: number): boolean => x.shape.length === rank + 2;

function maxPool(rank: number): CompositeRule<"maxPool1d" | "maxPool2d"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { kernelSize, stride, padding, dilation, ceilMode } = attributes;
    if (!keepsFloat(x, node) || !isBatched(x, rank) || ceilMode) return undefined;
    return single(node, () =>
      out.op("MaxPool", [out.value(x)], {
        kernel_shape: kernelSize,
        strides: stride,
        pads: [...padding, ...padding],
        dilations: dilation,
      }),
    );
  };
}

function avgPool(rank: number): CompositeRule<"avgPool1d" | "avgPool2d"> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = attributes;
    if (!keepsFloat(x, node) || !isBatched(x, rank) || ceilMode || divisorOverride !== null) return undefined;
    return single(node, () =>
      out.op("AveragePool", [out.value(x)], {
        kernel_shape: kernelSize,
        strides: stride,
        pads: [...padding, ...padding],
        count_include_pad: countIncludePad ? 1 : 0,
      }),
    );
  };
}

type AdaptiveName = "adaptiveAvgPool1d" | "adaptiveAvgPool2d" | "adaptiveMaxPool1d" | "adaptiveMaxPool2d";

/** A pool to one element becomes a global one. */
function adaptive(rank: number, type: string): CompositeRule<AdaptiveName> {
  return ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    if (!keepsFloat(x, node) || !isBatched(x, rank) || attributes.outputSize.some((size) => size !== 1))
      return undefined;
    return single(node, () => out.op(type, [out.value(x)]));
  };
}

type Interpolate = CompositeTable<Node>["interpolate"]["attributes"];

/** Resize's attributes for the mode; undefined if Resize has no equivalent. */
function resizeOf({ mode, alignCorners }: Interpolate): Readonly<Record<string, string>> | undefined {
  const coordinates = { coordinate_transformation_mode: alignCorners ? "align_corners" : "half_pixel" };
  switch (mode) {
    case "nearest":
      return { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    case "bilinear":
      return { mode: "linear", ...coordinates };
    case "bicubic":
      return { mode: "cubic", ...coordinates };
    case "nearest-exact":
    case "linear":
    case "area":
      return undefined;
  }
}

const padModes = { constant: "constant", reflect: "reflect", replicate: "edge", circular: "wrap" } as const;

export const sizeChanges: CompositeRules = {
  maxPool1d: maxPool(1),
  maxPool2d: maxPool(2),
  avgPool1d: avgPool(1),
  avgPool2d: avgPool(2),
  adaptiveAvgPool1d: adaptive(1, "GlobalAveragePool"),
  adaptiveAvgPool2d: adaptive(2, "GlobalAveragePool"),
  adaptiveMaxPool1d: adaptive(1, "GlobalMaxPool"),
  adaptiveMaxPool2d: adaptive(2, "GlobalMaxPool"),
  pad: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { padding, mode, value } = attributes;
    const crops = padding.some(([before, after]) => before < 0 || after < 0);
    if (!keepsFloat(x, node) || crops || (mode === "circular" && out.opset < 19)) return undefined;
    return single(node, () => {
      const amounts = out.writer.ints([...padding.map(([before]) => before), ...padding.map(([, after]) => after)]);
      const fill = mode === "constant" ? [out.number(value, node.dtype)] : [];
      return out.op("Pad", [out.value(x), amounts, ...fill], { mode: padModes[mode] });
    });
  },
  pixelShuffle: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    if (!keepsFloat(x, node) || x.shape.length !== 4) return undefined;
    return single(node, () =>
      out.op("DepthToSpace", [out.value(x)], { blocksize: attributes.upscaleFactor, mode: "CRD" }),
    );
  },
  interpolate: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { size, scales } = attributes;
    const resize = resizeOf(attributes);
    const asSized = scales.every((scale, dim) => scale === at(size, dim) / at(x.shape, dim + 2));
    if (!keepsFloat(x, node) || resize === undefined || !asSized) return undefined;
    return single(node, () =>
      out.op("Resize", [out.value(x), "", "", out.sizeList(out.shape(node), node)], {
        ...resize,
        ...(resize.mode === "cubic" ? { cubic_coeff_a: float(-0.75) } : {}),
      }),
    );
  },
  fold: ({ composite: { inputs, attributes }, node, out }) => {
    const [x] = inputs;
    const { outputSize, kernelSize, dilation, padding, stride } = attributes;
    if (out.opset < 18 || !keepsFloat(x, node) || x.shape.length !== 3) return undefined;
    return single(node, () =>
      out.op("Col2Im", [out.value(x), out.writer.ints(outputSize), out.writer.ints(kernelSize)], {
        dilations: dilation,
        pads: [...padding, ...padding],
        strides: stride,
      }),
    );
  },
};
