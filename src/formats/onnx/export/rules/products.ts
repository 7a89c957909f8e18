// Contractions: matrix products over any dims, and convolutions.
import { at } from "../../../../graph/at.ts";
import { isFloat } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import { plain } from "../emitter.ts";
import { isFixed, type Size } from "../sizes.ts";
import type { Rule, RuleTable } from "./rule.ts";

const letters = "abcdefghijklmnopqrstuvwxyz";

const matmul: Rule = (node, out) => {
  const [a, b] = node.inputs as [Node, Node];
  const { batch, inner } = node.attributes as { readonly batch: number; readonly inner: number };
  const names = [out.value(a), out.value(b)];
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  // Products that MatMul computes directly: [.., m, k] @ [k, n], and batches of matrices.
  const plain =
    inner === 1 &&
    ((batch === 0 && rankA >= 1 && (rankB === 2 || rankB === 1)) || (rankA === batch + 2 && rankB === batch + 2));
  if (plain) return out.op("MatMul", names);
  const take = (count: number, from: number): string => letters.slice(from, from + count);
  const m = rankA - batch - inner;
  const n = rankB - batch - inner;
  const [B, M, K, N] = [take(batch, 0), take(m, batch), take(inner, batch + m), take(n, batch + m + inner)];
  return out.op("Einsum", names, { equation: `${B}${M}${K},${B}${K}${N}->${B}${M}${N}` });
};

const convolution: Rule = (node, out) => {
  if (!isFloat(node.dtype))
    throw out.refuse(node, `ONNX has convolutions of floats only; convert what it takes with .to("float32")`);
  const [weight, input] = node.inputs as [Node, Node];
  const { stride, dilation } = node.attributes as Record<string, readonly number[]>;
  const [groups, outputs, channels, ...kernel] = out.shape(weight) as [Size, Size, Size, ...Size[]];
  const [images, , , ...size] = out.shape(input) as [Size, Size, Size, ...Size[]];
  const group = out.fixed(groups, node, "the number of groups");
  const times = (count: Size): Size => (isFixed(count) ? count * group : count.map((one) => one * group));
  // A weight in its original shape stays unchanged.
  const filters = out.reshaped(plain(weight), [times(outputs), channels, ...kernel], node);
  const pixels = out.reshaped(plain(input), [images, times(channels), ...size], node);
  const result = out.op("Conv", [pixels, filters], {
    strides: stride,
    dilations: dilation,
    group,
    ...(kernel.every(isFixed) ? { kernel_shape: kernel } : {}),
  });
  const shape = out.shape(node);
  return out.reshape(
    result,
    [at(shape as readonly Size[] as readonly number[], 0), times(outputs), ...shape.slice(3)],
    shape,
    node,
  );
};

/** Products with matrices of cosines and sines, plane by plane. */
const butterfly: Rule = (node, out) => {
  const [x, turns] = node.inputs as [Node, Node | undefined];
  const lead = x.shape.length - 4;
  const n = out.fixed(out.extent(x, lead + 2), node, "the length of a transform");
  const sign = Number(node.attributes.sign);
  const parts = (name: string): readonly [string, string] => {
    const part = (which: number): string => out.op("Gather", [name, out.writer.ints([which], [])], { axis: lead });
    return [part(0), part(1)];
  };
  const wave = (of: (angle: number) => number): string => {
    const angles = Array.from({ length: n * n }, (_, place) => ((place % n) * Math.floor(place / n)) % n);
    return out.constant(
      angles.map((step) => of((2 * Math.PI * step) / n)),
      [n, n],
      node.dtype,
    );
  };
  const [cos, sin] = [wave(Math.cos), wave((angle) => sign * Math.sin(angle))];
  const times = (a: string, b: string, type: string): string => out.op(type, [a, b]);
  const complex = ([a, b]: readonly [string, string], [c, d]: readonly [string, string], type: string) =>
    [
      out.op("Sub", [times(a, c, type), times(b, d, type)]),
      out.op("Add", [times(a, d, type), times(b, c, type)]),
    ] as const;
  const dims = Array.from({ length: lead }, (_, dim) => dim);
  const swapped = complex([cos, sin], parts(out.value(x)), "MatMul").map((part) =>
    out.permute(part, [...dims, lead + 1, lead, lead + 2]),
  ) as [string, string];
  const wide = (part: string): string => out.op("Unsqueeze", [part, out.writer.ints([lead + 1])]);
  const [c, d] = turns === undefined ? ["", ""] : parts(out.value(turns)).map(wide);
  const turned = turns === undefined ? swapped : complex(swapped, [c as string, d as string], "Mul");
  const axis = node.attributes.pairs === true ? lead + 3 : lead;
  return out.op(
    "Concat",
    turned.map((part) => out.op("Unsqueeze", [part, out.writer.ints([axis])])),
    { axis },
  );
};

export const products: RuleTable = { matmul, convolution, butterfly };
