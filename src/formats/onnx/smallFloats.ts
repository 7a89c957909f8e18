// ONNX's floats of 4 to 16 bits: their storage format, and the rounding of arithmetic to them.
import {
  bfloat16,
  type SmallFloat as Format,
  float4e2m1,
  float6e2m3,
  float6e3m2,
  float8e4m3,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float16,
  powersOfTwo,
  tableOf,
} from "../stored/smallFloats.ts";
import type { ElementType } from "./elementTypes.ts";

const formats = {
  float16,
  bfloat16,
  float8e4m3fn: float8e4m3,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float4e2m1,
  float6e2m3,
  float6e3m2,
} as const satisfies Partial<Readonly<Record<ElementType, Format>>>;

export type SmallFloat = keyof typeof formats | "float8e8m0";

export const isSmallFloat = (type: ElementType): type is SmallFloat => type in formats || type === "float8e8m0";

/** The numbers of all bit patterns. */
export const numbersOf = (type: SmallFloat): Float32Array =>
  type === "float8e8m0" ? powersOfTwo : tableOf(formats[type]);

/** The limits of a format, for rounding to it. */
export function limitsOf(type: Exclude<SmallFloat, "float8e8m0">): {
  readonly fractionBits: number;
  /** The exponent of the smallest normal number. */
  readonly minExponent: number;
  readonly max: number;
  readonly hasInfinity: boolean;
  readonly hasNaN: boolean;
  readonly hasNegativeZero: boolean;
} {
  const { exponent, fraction, bias, special } = formats[type];
  const top = 2 ** exponent - 1 - (special === "ieee" ? 1 : 0);
  const largest = 2 - 2 ** -fraction - (special === "fn" ? 2 ** -fraction : 0);
  return {
    fractionBits: fraction,
    minExponent: 1 - bias,
    max: largest * 2 ** (top - bias),
    hasInfinity: special === "ieee",
    hasNaN: special !== "finite",
    hasNegativeZero: special !== "fnuz",
  };
}
