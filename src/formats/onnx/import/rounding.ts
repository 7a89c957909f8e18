// Rounds values to narrower types: wrapped integers, floats with fewer bits.
import { type Tensor, tensor, where } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType } from "../elementTypes.ts";
import { isSmallFloat, limitsOf, type SmallFloat } from "../smallFloats.ts";
import { bitwiseAnd } from "./nodes.ts";

const bits: Partial<Readonly<Record<ElementType, number>>> = {
  int8: 8,
  int16: 16,
  uint16: 16,
  int4: 4,
  uint4: 4,
  int2: 2,
  uint2: 2,
};

/** The int32 values modulo 2^bits, as in an integer type of fewer bits. */
export function wrapped(x: Tensor, type: ElementType): Tensor {
  const width = bits[type];
  if (width === undefined || x.dtype !== "int32") return x;
  const half = type.startsWith("u") ? 0 : 2 ** (width - 1);
  const mask = tensor(Int32Array.of(2 ** width - 1), { shape: [] });
  return half === 0 ? bitwiseAnd(x, mask) : bitwiseAnd(x.add(half), mask).sub(half);
}

/** Rounds floats to the nearest value of a type, ties to even. With `saturate`, overflow becomes the largest value. */
export function rounded(x: Tensor, type: SmallFloat, saturate: boolean): Tensor {
  if (type === "float8e8m0") return powerOfTwo(x);
  const { fractionBits, minExponent, max, hasInfinity, hasNaN, hasNegativeZero } = limitsOf(type);
  const wide = x.to("float64");
  // Veltkamp's splitting, which is exact because float64 has bits to spare.
  const scaled = wide.mul(2 ** (52 - fractionBits) + 1);
  const split = scaled.sub(scaled.sub(wide));
  const unit = 2 ** (minExponent - fractionBits);
  const tiny = wide.div(unit).round().mul(unit);
  let out = where(wide.abs().lt(2 ** minExponent), tiny, where(wide.isfinite(), split, wide));
  const over = out.abs().gt(max);
  const sign = where(wide.lt(0), -1, 1).to("float64");
  if (saturate || !hasNaN)
    out = where(over.logicalAnd(saturate && hasInfinity ? wide.isinf().logicalNot() : over), sign.mul(max), out);
  else out = where(over, hasInfinity ? sign.mul(Number.POSITIVE_INFINITY) : Number.NaN, out);
  if (saturate) out = where(wide.isinf(), sign.mul(max), out);
  if (!hasNaN) out = where(wide.isnan(), type === "float4e2m1" ? 0 : max, out);
  if (!hasNegativeZero) out = where(out.eq(0), 0, out);
  // Gradients ignore the rounding.
  const value = out.to("float32");
  return x.requiresGrad
    ? where(value.isfinite().logicalAnd(x.isfinite()), x.add(value.sub(x).detach()), value).to("float32")
    : value;
}

/** Rounds positive values to a power of two (float8e8m0 has no other values). */
function powerOfTwo(x: Tensor): Tensor {
  let out = x
    .to("float64")
    .mul(0)
    .add(2 ** -127);
  const wide = x.to("float64");
  for (let exponent = -126; exponent <= 127; exponent++) out = where(wide.gt(2 ** (exponent - 1)), 2 ** exponent, out);
  return where(wide.isnan().logicalOr(wide.lt(0)), Number.NaN, out).to("float32");
}

/** Converts between types like Cast: fractions are truncated, whole numbers wrap. */
export function converted(x: Tensor, from: ElementType, to: ElementType, saturate: boolean): Tensor {
  if (from === to) return x;
  const dtype = dtypeOf(to) ?? "float32";
  if (isSmallFloat(to)) return rounded(x, to, saturate && to.startsWith("float8"));
  if (dtype === "bool") return x.ne(0);
  if (dtype === "uint8" && x.dtype !== "bool")
    return bitwiseAnd(x.to("int32"), tensor(Int32Array.of(255), { shape: [] })).to("uint8");
  return wrapped(x.to(dtype), to);
}
