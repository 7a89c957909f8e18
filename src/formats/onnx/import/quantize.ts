// Quantised values: a scale and a zero point per tensor, axis or block.
import { at } from "../../../graph/at.ts";
import { type Tensor, where } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType, elementTypeOf } from "../elementTypes.ts";
import { isSmallFloat } from "../smallFloats.ts";
import { int } from "./attributes.ts";
import { convolve } from "./conv.ts";
import { exactMatmul } from "./matrix.ts";
import { rounded } from "./rounding.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";
import type { TensorValue } from "./values.ts";
import { windowKinds } from "./windows.ts";

/** The range of an integer type. */
function rangeOf(type: ElementType): readonly [number, number] {
  const [, unsigned = "", bits = "8"] = /^(u?)int(\d+)$/.exec(type) ?? [];
  const count = 2 ** Number(bits);
  return unsigned === "u" ? [0, count - 1] : [-count / 2, count / 2 - 1];
}

/** A scale or zero point broadcast over x: a scalar, along an axis, or by blocks of it. */
function spread(call: Call<unknown>, values: Tensor, shape: readonly number[], axis: number, block: number): Tensor {
  if (values.rank === 0 || (values.size === 1 && block === 0)) return values.reshape([]);
  const dim = call.axis(axis, shape.length);
  if (block === 0) return values.reshape(shape.map((size, one) => (one === dim ? size : 1)));
  const wide = values.unsqueeze(dim + 1);
  const repeated = wide.expand(wide.shape.map((size, one) => (one === dim + 1 ? block : size)));
  const joined = repeated.reshape(values.shape.map((size, one) => (one === dim ? size * block : size)));
  return joined.narrow(dim, 0, at(shape, dim));
}

/** Rounds to the nearest, ties to even, and clamps to the range of the type. */
function quantised(x: Tensor, scale: Tensor, zero: Tensor | undefined, type: ElementType, saturate: boolean): Tensor {
  const parts = x.to("float64").div(scale.to("float64"));
  if (isSmallFloat(type)) return rounded((zero === undefined ? parts : parts.add(zero)).to("float32"), type, saturate);
  const [low, high] = rangeOf(type);
  // Computes the quotient in float32, so that its ties are the standard's.
  const whole = parts.to("float32").to("float64").round();
  return (zero === undefined ? whole : whole.add(zero.to("float64"))).clamp(low, high).to(dtypeOf(type) ?? "int32");
}

interface QuantizeAttributes {
  readonly axis: number;
  readonly block_size: number;
}

function quantize(
  call: Call<QuantizeAttributes & { readonly output_dtype: number; readonly saturate: number }>,
): Output {
  const x = call.value(0);
  const { axis, block_size, output_dtype, saturate } = call.attributes;
  const type = call.maybeValue(2)?.type ?? (output_dtype === 0 ? "uint8" : elementTypeOf(output_dtype, call.where));
  const scale = spread(call, call.tensor(1), x.shape, axis, block_size);
  const zero = call.maybe(2);
  return typed(
    quantised(x.tensor, scale, zero && spread(call, zero, x.shape, axis, block_size), type, saturate === 1),
    type,
  );
}

function dequantize(call: Call<QuantizeAttributes & { readonly output_dtype: number }>): Output {
  const x = call.value(0);
  const { axis, block_size, output_dtype } = call.attributes;
  const scale = call.value(1);
  const zero = call.maybe(2);
  const centred =
    zero === undefined
      ? x.tensor.to("float32")
      : x.tensor.to("float32").sub(spread(call, zero.to("float32"), x.shape, axis, block_size));
  const type = output_dtype === 0 ? scale.type : elementTypeOf(output_dtype, call.where);
  return typed(centred.mul(spread(call, scale.tensor, x.shape, axis, block_size)).to(dtypeOf(type) ?? "float32"), type);
}

/** Whole numbers minus their zero point, in int32; per index of a dim if there are several. */
function centred(value: TensorValue, zero: Tensor | undefined, dim: number): Tensor {
  const x = value.tensor.to("int32");
  if (zero === undefined) return x;
  const z = zero.to("int32");
  if (z.size === 1) return x.sub(z.reshape([]));
  return x.sub(z.rank > 1 ? z : z.reshape(x.shape.map((size, one) => (one === dim ? size : 1))));
}

/** A scale per row, per column, or a scalar, shaped to multiply a product. */
const factor = (scale: Tensor, rank: number, dim: number): Tensor =>
  scale.size === 1
    ? scale.reshape([])
    : scale.rank > 1
      ? scale
      : scale.reshape(Array.from({ length: rank }, (_, one) => (one === dim ? scale.size : 1)));

function qLinearMatMul(call: Call<unknown>): Output {
  const [a, b] = [call.value(0), call.value(3)];
  const product = exactMatmul(centred(a, call.maybe(2), a.rank - 2), centred(b, call.maybe(5), b.rank - 1));
  const rank = product.rank;
  const scale = factor(call.tensor(1).to("float32"), rank, rank - 2)
    .mul(factor(call.tensor(4).to("float32"), rank, rank - 1))
    .div(call.tensor(6).to("float32"));
  const zero = call.value(7);
  const [low, high] = rangeOf(zero.type);
  const whole = product.to("float32").mul(scale).round().add(zero.tensor.to("float32"));
  return typed(whole.clamp(low, high).to(dtypeOf(zero.type) ?? "int32"), zero.type);
}

const convKinds = { ...windowKinds, group: int(1) };

export const quantisations: Operators = {
  QuantizeLinear: rule(
    { axis: int(1), block_size: int(0), output_dtype: int(0), precision: int(0), saturate: int(1) },
    quantize,
  ),
  DequantizeLinear: rule({ axis: int(1), block_size: int(0), output_dtype: int(0) }, dequantize),
  DynamicQuantizeLinear: rule({}, (call): Output[] => {
    const x = call.tensor(0);
    const [high, low] = [x.amax().maximum(0), x.amin().minimum(0)];
    const scale = high.sub(low).div(255);
    const safe = where(scale.eq(0), 1, scale);
    const zero = low.neg().div(safe).round().clamp(0, 255).to("uint8");
    return [typed(quantised(x, safe, zero, "uint8", true), "uint8"), typed(scale, "float"), typed(zero, "uint8")];
  }),
  MatMulInteger: rule({}, (call) => {
    const [a, b] = [call.value(0), call.value(1)];
    return typed(exactMatmul(centred(a, call.maybe(2), a.rank - 2), centred(b, call.maybe(3), b.rank - 1)), "int32");
  }),
  ConvInteger: rule(convKinds, (call) => {
    const x = centred(call.value(0), call.maybe(2), 1).to("float64");
    return typed(convolve(call, x, centred(call.value(1), call.maybe(3), 0).to("float64")).to("int32"), "int32");
  }),
  QLinearMatMul: rule({}, qLinearMatMul),
  QLinearConv: rule(convKinds, (call) => {
    const x = centred(call.value(0), call.maybe(2), 1).to("float64");
    const w = call.value(3);
    const bias = call.maybe(8)?.to("float64");
    const sums = convolve(call, x, centred(w, call.maybe(5), 0).to("float64"), bias);
    const scale = call
      .tensor(1)
      .to("float32")
      .reshape([])
      .mul(factor(call.tensor(4).to("float32"), sums.rank, 1))
      .div(call.tensor(6).to("float32").reshape([]));
    const zero = call.value(7);
    const [low, high] = rangeOf(zero.type);
    const whole = sums.to("float32").mul(scale).round().add(zero.tensor.to("float32").reshape([]));
    return typed(whole.clamp(low, high).to(dtypeOf(zero.type) ?? "int32"), zero.type);
  }),
};
