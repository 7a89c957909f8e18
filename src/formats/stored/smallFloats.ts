// Stored floats of 4 to 16 bits: converts every bit pattern to its number, and a number to the nearest pattern.

/** The bit layout of a float, and the meaning of its last exponent. */
export interface SmallFloat {
  readonly bits: number;
  /** Bits of the exponent and of the fraction; the rest is the sign. */
  readonly exponent: number;
  readonly fraction: number;
  readonly bias: number;
  /**
   * ieee: the last exponent is for infinity and NaN. fn: only the pattern of all ones is NaN, and there is no infinity. fnuz: minus zero is
   * NaN. finite: every pattern is a number.
   */
  readonly special: "ieee" | "fn" | "fnuz" | "finite";
}

/** IEEE 754 binary16. */
export const float16: SmallFloat = { bits: 16, exponent: 5, fraction: 10, bias: 15, special: "ieee" };
/** The upper half of a float32. */
export const bfloat16: SmallFloat = { bits: 16, exponent: 8, fraction: 7, bias: 127, special: "ieee" };
/** OCP 8-bit floating point, and the variants without minus zero. */
export const float8e4m3: SmallFloat = { bits: 8, exponent: 4, fraction: 3, bias: 7, special: "fn" };
export const float8e5m2: SmallFloat = { bits: 8, exponent: 5, fraction: 2, bias: 15, special: "ieee" };
export const float8e4m3fnuz: SmallFloat = { bits: 8, exponent: 4, fraction: 3, bias: 8, special: "fnuz" };
export const float8e5m2fnuz: SmallFloat = { bits: 8, exponent: 5, fraction: 2, bias: 16, special: "fnuz" };
/** OCP microscaling elements. */
export const float6e2m3: SmallFloat = { bits: 6, exponent: 2, fraction: 3, bias: 1, special: "finite" };
export const float6e3m2: SmallFloat = { bits: 6, exponent: 3, fraction: 2, bias: 3, special: "finite" };
export const float4e2m1: SmallFloat = { bits: 4, exponent: 2, fraction: 1, bias: 1, special: "finite" };

/** The number of a bit pattern. */
export function decodeFloat(format: SmallFloat, code: number): number {
  const { bits, exponent, fraction, bias, special } = format;
  const signBit = 1 << (bits - 1);
  const magnitude = code & (signBit - 1);
  const negative = (code & signBit) !== 0;
  if (special === "fnuz" && magnitude === 0 && negative) return Number.NaN;
  if (special === "fn" && magnitude === signBit - 1) return Number.NaN;
  const high = magnitude >> fraction;
  const low = magnitude & ((1 << fraction) - 1);
  const sign = negative ? -1 : 1;
  if (special === "ieee" && high === (1 << exponent) - 1)
    return low === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return high === 0
    ? sign * low * 2 ** (1 - bias - fraction)
    : sign * (low + 2 ** fraction) * 2 ** (high - bias - fraction);
}

const word = new Float64Array(1);
const halves = new Uint32Array(word.buffer);
const highHalf = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The binary exponent of a positive finite number, rounded down. */
function exponentOf(value: number): number {
  word[0] = value;
  return (((halves[highHalf] as number) >>> 20) & 0x7ff) - 1023;
}

/** Rounds to the nearest whole number, ties to even. */
function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

const nanOf = ({ bits, exponent, fraction, special }: SmallFloat): number =>
  special === "fnuz"
    ? 1 << (bits - 1)
    : special === "fn"
      ? (1 << (bits - 1)) - 1
      : (((1 << exponent) - 1) << fraction) | (1 << (fraction - 1));

/**
 * The pattern of the nearest number; ties go to the even fraction. Overflow becomes infinite in formats with infinities (ieee), NaN in
 * fnuz, and the largest number in the others, as PyTorch 2.13 converts. In a format without NaN, NaN becomes the largest number.
 */
export function encodeFloat(format: SmallFloat, value: number): number {
  const { bits, exponent, fraction, bias, special } = format;
  const signBit = 1 << (bits - 1);
  const sign = value < 0 || Object.is(value, -0) ? signBit : 0;
  const infinity = ((1 << exponent) - 1) << fraction;
  const largest = special === "ieee" ? infinity - 1 : special === "fn" ? signBit - 2 : signBit - 1;
  const overflow = special === "ieee" ? sign | infinity : special === "fnuz" ? signBit : sign | largest;
  if (Number.isNaN(value)) return special === "finite" ? signBit - 1 : nanOf(format);
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return overflow;
  const least = 1 - bias;
  const power = size === 0 ? least : Math.max(exponentOf(size), least);
  // Rounding up may carry into the exponent, which gives the right pattern.
  const code = (power - least) * 2 ** fraction + roundToEven(size * 2 ** (fraction - power));
  if (code > largest) return overflow;
  return special === "fnuz" && code === 0 ? 0 : sign | code;
}

const tables = new Map<SmallFloat, Float32Array>();

/** The numbers of all patterns. */
export function tableOf(format: SmallFloat): Float32Array {
  const known = tables.get(format);
  if (known !== undefined) return known;
  const table = Float32Array.from({ length: 2 ** format.bits }, (_, code) => decodeFloat(format, code));
  tables.set(format, table);
  return table;
}

/** The numbers of all patterns of float8 E8M0 (OCP microscaling): an exponent without sign or fraction. */
export const powersOfTwo = Float32Array.from({ length: 256 }, (_, code) =>
  code === 255 ? Number.NaN : 2 ** (code - 127),
);
