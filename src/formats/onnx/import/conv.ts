// Convolutions over any number of spatial dims, their transposes, and sums of columns.

import { apply } from "../../../graph/apply.ts";
import { at } from "../../../graph/at.ts";
import { convolutionOp } from "../../../graph/ops/conv.ts";
import { functional } from "../../../nn/index.ts";
import { cat, Tensor } from "../../../tensor/index.ts";
import { int, maybeInts, string } from "./attributes.ts";
import { foldWindows } from "./nodes.ts";
import { padded } from "./padding.ts";
import { type Call, type Operators, rule, typed } from "./rule.ts";
import { type Geometry, geometryOf, type WindowAttributes, windowKinds } from "./windows.ts";

const none: readonly [number, number] = [0, 0];

/** Cross-correlation of [N, C, ...size] with [O, C / groups, ...kernel], and a bias [O]. */
export function convolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  { stride, dilation, pads }: Geometry,
  groups: number,
): Tensor {
  const rank = pads.length;
  const even = pads.every(([before, after]) => before === after && before >= 0);
  if (rank <= 2 && even) {
    const options = { stride, dilation, groups, padding: pads.map(([before]) => before) };
    return rank === 1 ? functional.conv1d(x, weight, bias, options) : functional.conv2d(x, weight, bias, options);
  }
  const wide = padded(x, [none, none, ...pads], "constant", 0);
  const [n, c, o] = [at(x.shape, 0), at(x.shape, 1), at(weight.shape, 0)];
  const input = wide.reshape([n, groups, c / groups, ...wide.shape.slice(2)]);
  const filters = weight.reshape([groups, o / groups, ...weight.shape.slice(1)]);
  const product = Tensor.from(apply(convolutionOp, [filters.node, input.node], { stride, dilation }), [filters, input]);
  const out = product.reshape([n, o, ...product.shape.slice(3)]);
  return bias === undefined ? out : out.add(bias.reshape([o, ...pads.map(() => 1)]));
}

/** A convolution with its geometry from the node. Checks that channels and groups fit. */
export function convolve(
  call: Call<WindowAttributes & { readonly group: number }>,
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
): Tensor {
  const { group } = call.attributes;
  const [c, o, own] = [x.shape[1], weight.shape[0], weight.shape[1]];
  if (
    x.rank < 3 ||
    weight.rank !== x.rank ||
    c === undefined ||
    o === undefined ||
    own === undefined ||
    group < 1 ||
    own * group !== c ||
    o % group !== 0
  )
    throw call.fail(
      `input [${x.shape.join(", ")}], weight [${weight.shape.join(", ")}] and ${group} groups do not fit`,
    );
  const kernel = weight.shape.slice(2);
  if (call.attributes.kernel_shape !== undefined && call.attributes.kernel_shape.join() !== kernel.join())
    throw call.fail(
      `kernel_shape [${call.attributes.kernel_shape.join(", ")}] is not that of the weight, [${kernel.join(", ")}]`,
    );
  return convolution(x, weight, bias, geometryOf(call, x.shape.slice(2), kernel), group);
}

/** Inserts `step` − 1 zeros between the elements of a dim. */
function spread(x: Tensor, dim: number, step: number): Tensor {
  if (step === 1) return x;
  const size = at(x.shape, dim);
  const apart = x.unsqueeze(dim + 1);
  const wide = apart.pad(apart.shape.map((_, one): [number, number] => (one === dim + 1 ? [0, step - 1] : [0, 0])));
  const shape = x.shape.map((own, one) => (one === dim ? size * step : own));
  return wide.reshape(shape).narrow(dim, 0, (size - 1) * step + 1);
}

/** The full transpose: [N, C, ...size] with [C, O / groups, ...kernel] → [N, O, ...(size − 1)·stride + reach]. */
function transposed(x: Tensor, weight: Tensor, { stride, dilation }: Geometry, groups: number): Tensor {
  const rank = stride.length;
  const options = { stride, dilation, groups };
  if (rank === 1) return functional.convTranspose1d(x, weight, undefined, options);
  if (rank === 2) return functional.convTranspose2d(x, weight, undefined, options);
  let wide = x;
  for (const [dim, step] of stride.entries()) wide = spread(wide, dim + 2, step);
  const [c = 0, own = 0, ...kernel] = weight.shape;
  const spatial = kernel.map((_, dim) => dim + 3);
  // Swaps input and output channels within each group, and flips the kernel.
  const filters = weight
    .reshape([groups, c / groups, own, ...kernel])
    .permute([0, 2, 1, ...spatial])
    .flip(spatial)
    .reshape([groups * own, c / groups, ...kernel]);
  const pads = kernel.map((size, dim): [number, number] => {
    const reach = (size - 1) * at(dilation, dim);
    return [reach, reach];
  });
  return convolution(wide, filters, undefined, { kernel, stride: kernel.map(() => 1), dilation, pads }, groups);
}

const transposeKinds = { ...windowKinds, group: int(1), output_padding: maybeInts, output_shape: maybeInts };

function transpose(
  call: Call<
    WindowAttributes & {
      readonly group: number;
      readonly output_padding?: readonly number[] | undefined;
      readonly output_shape?: readonly number[] | undefined;
    }
  >,
): Tensor {
  const [x, weight] = [call.tensor(0), call.tensor(1)];
  const { group, output_padding, output_shape, auto_pad } = call.attributes;
  if (
    x.rank < 3 ||
    weight.rank !== x.rank ||
    weight.shape[0] !== x.shape[1] ||
    group < 1 ||
    at(x.shape, 1) % group !== 0
  )
    throw call.fail(
      `input [${x.shape.join(", ")}], weight [${weight.shape.join(", ")}] and ${group} groups do not fit`,
    );
  const sizes = x.shape.slice(2);
  const geometry = geometryOf(call, sizes, weight.shape.slice(2));
  const whole = sizes.map(
    (size, dim) =>
      (size - 1) * at(geometry.stride, dim) + (at(weight.shape, dim + 2) - 1) * at(geometry.dilation, dim) + 1,
  );
  call.size(whole.reduce((product, size) => product * Math.max(0, size), at(x.shape, 0)));
  let out = transposed(x, weight, geometry, group);
  for (const dim of sizes.keys()) {
    const full = at(out.shape, dim + 2);
    const extra = output_padding === undefined ? 0 : at(output_padding, dim);
    let [before, after] = at(geometry.pads, dim);
    const target =
      output_shape?.at(dim - sizes.length) ??
      (auto_pad.startsWith("SAME") ? at(sizes, dim) * at(geometry.stride, dim) : undefined);
    if (target !== undefined) {
      const total = full + extra - target;
      // A target larger than the full output is padded at the end.
      before = total < 0 ? 0 : auto_pad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    }
    const pads = out.shape.map((_, one): [number, number] => (one === dim + 2 ? [-before, extra - after] : [0, 0]));
    out = padded(out, pads, "constant", 0);
  }
  const bias = call.maybe(2);
  return bias === undefined ? out : out.add(bias.reshape([bias.size, ...sizes.map(() => 1)]));
}

export const convolutions: Operators = {
  Conv: rule({ ...windowKinds, group: int(1) }, (call) =>
    convolve(call, call.tensor(0), call.tensor(1), call.maybe(2)),
  ),
  ConvTranspose: rule(transposeKinds, transpose),
  CausalConvWithState: rule({ activation: string("none") }, (call) => {
    const x = call.tensor(0);
    const weight = call.tensor(1);
    const channels = at(x.shape, 1);
    const past = at(weight.shape, 2) - 1;
    const state = call.maybe(3);
    const wide = padded(x, [none, none, [past, 0]], "constant", 0);
    const input = state === undefined ? wide : cat([state, x], 2);
    const out = functional.conv1d(input, weight, call.maybe(2), { groups: channels });
    const active = call.attributes.activation === "none" ? out : functional.silu(out);
    return [
      typed(active, call.value(0).type),
      typed(input.narrow(2, at(input.shape, 2) - past, past), call.value(0).type),
    ];
  }),
  Col2Im: rule(
    { dilations: maybeInts, pads: maybeInts, strides: maybeInts },
    (call) => {
      const x = call.tensor(0);
      const [image, kernel] = [call.numbers(1), call.numbers(2)];
      const rank = image.length;
      const {
        dilations: dilation = kernel.map(() => 1),
        strides: stride = kernel.map(() => 1),
        pads = new Array<number>(2 * rank).fill(0),
      } = call.attributes;
      const wide = image.map((size, dim) => size + at(pads, dim) + at(pads, dim + rank));
      const counts = wide.map(
        (size, dim) => Math.floor((size - (at(kernel, dim) - 1) * at(dilation, dim) - 1) / at(stride, dim)) + 1,
      );
      const block = kernel.reduce((product, size) => product * size, 1);
      const [n, channels] = [at(x.shape, 0), at(x.shape, 1) / block];
      const spatial = kernel.map((_, dim) => dim + 2);
      const columns = x
        .reshape([n, channels, ...kernel, ...counts])
        .permute([0, 1, ...spatial.map((dim) => dim + rank), ...spatial]);
      const out = foldWindows(columns, { kernel, stride, dilation }, wide);
      return padded(
        out,
        [none, none, ...image.map((_, dim): [number, number] => [-at(pads, dim), -at(pads, dim + rank)])],
        "constant",
        0,
      );
    },
    { fixed: [1, 2] },
  ),
};
