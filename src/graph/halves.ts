// 16-bit floats as bits: conversions to and from float32, as kernel expressions and as host arrays.

import { type DType, type HalfDType, isHalf, storedAs, type TypedArray } from "./dtype.ts";
import { add, binary, bitcast, cast, constant, int, load, mul, type Scalar, select, sub, unary } from "./scalar.ts";

// A float16 has 10 bits of fraction, a float32 23; their exponent biases are 15 and 127.
const dropped = 13;
const rebias = (127 - 15) << 23;
/** The spacing of subnormal float16 numbers, those below 2^-14. */
const step16 = 2 ** -24;

const shl = (x: Scalar, by: number): Scalar => binary("shl", x, int(by));
const shr = (x: Scalar, by: number): Scalar => binary("shr", x, int(by));
const masked = (x: Scalar, mask: number): Scalar => binary("and", x, int(mask));
const float = (value: number): Scalar => constant(value, "float32");

/** The exact value of the bits. */
export function valueOfBits(bits: Scalar, dtype: HalfDType): Scalar {
  const x = cast(bits, "int32");
  if (dtype === "bfloat16") return bitcast(shl(x, 16), "float32");
  const sign = shl(masked(x, 0x8000), 16);
  const shifted = shl(masked(x, 0x7fff), dropped);
  const normal = add(shifted, int(rebias));
  const tiny = bitcast(mul(cast(masked(x, 0x3ff), "float32"), float(step16)), "int32");
  const exponent = masked(x, 0x7c00);
  const special = binary("or", shifted, int(0x7f800000));
  const magnitude = select(
    binary("eq", exponent, int(0)),
    tiny,
    select(binary("eq", exponent, int(0x7c00)), special, normal),
  );
  return bitcast(binary("or", magnitude, sign), "float32");
}

/** Half of the last kept place minus one, plus one if that place is odd: adding it rounds to nearest, ties to even. */
const roundingAt = (bits: Scalar, place: number): Scalar =>
  add(int((1 << (place - 1)) - 1), masked(shr(bits, place), 1));

/** The bits of the nearest number of the dtype, ties to even, as an int32 from 0 to 65535; the value is a float32. */
export function bitsOfValue(value: Scalar, dtype: HalfDType): Scalar {
  const x = bitcast(value, "int32");
  const isNaN = unary("isNaN", value);
  if (dtype === "bfloat16") return select(isNaN, int(0x7fc0), shr(add(x, roundingAt(x, 16)), 16));
  const sign = masked(shr(x, 16), 0x8000);
  const magnitude = masked(x, 0x7fffffff);
  const normal = sub(shr(add(magnitude, roundingAt(magnitude, dropped)), dropped), int(rebias >> dropped));
  const size = bitcast(magnitude, "float32");
  const tiny = cast(unary("round", mul(size, float(1 / step16))), "int32");
  const isTiny = binary("lt", size, float(2 ** -14));
  // From half a step above the largest, 65504.
  const isLarge = binary("ge", size, float(65520));
  const rounded = select(isLarge, int(0x7c00), select(isTiny, tiny, normal));
  return select(isNaN, int(0x7e00), binary("or", rounded, sign));
}

/** A float32 rounded to the dtype. */
export const roundedTo = (value: Scalar, dtype: HalfDType): Scalar => valueOfBits(bitsOfValue(value, dtype), dtype);

/** An element of a buffer of the dtype, in the type that kernels compute with. */
export function loadElement(buffer: number, index: Scalar, dtype: DType): Scalar {
  const element = load(buffer, index, storedAs(dtype));
  return isHalf(dtype) ? valueOfBits(element, dtype) : element;
}

/** The stored form of a value of the dtype. */
export function storedElement(value: Scalar, dtype: DType): Scalar {
  if (!isHalf(dtype)) return value;
  return cast(dtype === "bfloat16" ? shr(bitcast(value, "int32"), 16) : bitsOfValue(value, dtype), "uint16");
}

// ---- on the host; formats/stored/smallFloats.ts does the same for any small float, with more code than a page should load

const float32 = new Float32Array(1);
const word = new Uint32Array(float32.buffer);

/** One number in its stored form: a 16-bit float is the nearest to its float32, ties to even, as PyTorch converts. */
export function storedNumber(dtype: DType, value: number): number {
  if (!isHalf(dtype)) return value;
  float32[0] = value;
  return bitsOfWord(word[0] as number, dtype);
}

/** The nearest 16-bit float to the float32 with these bits. */
function bitsOfWord(x: number, dtype: HalfDType): number {
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return dtype === "bfloat16" ? 0x7fc0 : 0x7e00;
  if (dtype === "bfloat16") return (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  const sign = (x >>> 16) & 0x8000;
  // 65520 and 2^-14 as bits; magnitudes are ordered like their bits.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | ((magnitude - rebias + 0xfff + ((magnitude >>> dropped) & 1)) >>> dropped);
  word[0] = magnitude;
  // Adding and subtracting 2^52 rounds to an integer, ties to even.
  return sign | ((float32[0] as number) / step16 + 2 ** 52 - 2 ** 52);
}

/** Stored values as numbers; 16-bit floats as a Float32Array. A plain loop over words, because `from` with a function takes a hundred times as long. */
export function numbersOf(dtype: DType, stored: TypedArray): TypedArray {
  if (!isHalf(dtype)) return stored;
  const numbers = new Float32Array(stored.length);
  const words = new Uint32Array(numbers.buffer);
  for (let i = 0; i < stored.length; i++) {
    const bits = stored[i] as number;
    if (dtype === "bfloat16") words[i] = bits << 16;
    else {
      words[i] = (bits & 0x7fff) << dropped;
      // The shifted exponent lacks the difference of the biases, except in infinity and NaN.
      if ((bits & 0x7c00) === 0x7c00) words[i] = (words[i] as number) | 0x7f800000;
      else numbers[i] = (numbers[i] as number) * 2 ** (127 - 15);
      if (bits & 0x8000) words[i] = (words[i] as number) | 0x80000000;
    }
  }
  return numbers;
}

/** Numbers in their stored form. */
export function storedNumbers(dtype: DType, numbers: TypedArray): TypedArray {
  if (!isHalf(dtype)) return numbers;
  const { buffer, byteOffset, length } = numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
  const words = new Uint32Array(buffer, byteOffset, length);
  const stored = new Uint16Array(length);
  for (let i = 0; i < length; i++) stored[i] = bitsOfWord(words[i] as number, dtype);
  return stored;
}
