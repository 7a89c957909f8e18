// Floats of 16 bits as their bits: to and from float32, as expressions of kernels and as arrays of the host.

import { type DType, type HalfDType, isHalf, storedAs, type TypedArray } from "./dtype.ts";
import { add, binary, bitcast, cast, constant, int, load, mul, type Scalar, select, sub, unary } from "./scalar.ts";
import { bfloat16, decodeFloat, encodeFloat, float16, type SmallFloat, tableOf } from "./smallFloats.ts";

// A float16 has 10 bits of fraction, a float32 23; their exponents are biased by 15 and 127.
const dropped = 13;
const rebias = (127 - 15) << 23;
/** The spacing of float16 numbers below the least normal one, 2^-14. */
const step16 = 2 ** -24;

const shl = (x: Scalar, by: number): Scalar => binary("shl", x, int(by));
const shr = (x: Scalar, by: number): Scalar => binary("shr", x, int(by));
const masked = (x: Scalar, mask: number): Scalar => binary("and", x, int(mask));
const float = (value: number): Scalar => constant(value, "float32");

/** The value that the bits stand for, exactly. */
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

/** Half of the last kept place, less one, and one more where that place is odd: adding it rounds to nearest, ties to even. */
const roundingAt = (bits: Scalar, place: number): Scalar =>
  add(int((1 << (place - 1)) - 1), masked(shr(bits, place), 1));

/** The bits of the nearest number of the dtype, of two equally near ones the even; a float32 as an int32 from 0 to 65535. */
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
  // From half a step past the largest, 65504, on.
  const isLarge = binary("ge", size, float(65520));
  const rounded = select(isLarge, int(0x7c00), select(isTiny, tiny, normal));
  return select(isNaN, int(0x7e00), binary("or", rounded, sign));
}

/** A float32 rounded to what the dtype holds. */
export const roundedTo = (value: Scalar, dtype: HalfDType): Scalar => valueOfBits(bitsOfValue(value, dtype), dtype);

/** An element of a buffer that holds the dtype, as kernels compute it. */
export function loadElement(buffer: number, index: Scalar, dtype: DType): Scalar {
  const element = load(buffer, index, storedAs(dtype));
  return isHalf(dtype) ? valueOfBits(element, dtype) : element;
}

/** What a buffer of the dtype takes of a value that the dtype holds. */
export const storedElement = (value: Scalar, dtype: DType): Scalar =>
  isHalf(dtype) ? cast(bitsOfExact(value, dtype), "uint16") : value;

/** The bits of a number that the dtype holds: nothing is left to round. */
function bitsOfExact(value: Scalar, dtype: HalfDType): Scalar {
  const x = bitcast(value, "int32");
  if (dtype === "bfloat16") return shr(x, 16);
  const magnitude = masked(x, 0x7fffffff);
  const size = bitcast(magnitude, "float32");
  const tiny = cast(mul(size, float(1 / step16)), "int32");
  const normal = sub(shr(magnitude, dropped), int(rebias >> dropped));
  // What follows the finite numbers is infinity and NaN, whose exponent is all ones in both.
  const special = binary("or", masked(shr(magnitude, dropped), 0x3ff), int(0x7c00));
  const finite = select(binary("lt", size, float(2 ** -14)), tiny, normal);
  const bits = select(binary("ge", magnitude, int(0x7f800000)), special, finite);
  return binary("or", bits, masked(shr(x, 16), 0x8000));
}

// ---- on the host

const formatOf = (dtype: HalfDType): SmallFloat => (dtype === "float16" ? float16 : bfloat16);
/** From this many elements on, a table of all numbers pays. */
const manyElements = 4096;

/** What memory holds, as the numbers that it stands for: floats of 16 bits as a Float32Array. */
export function numbersOf(dtype: DType, stored: TypedArray): TypedArray {
  if (!isHalf(dtype)) return stored;
  const format = formatOf(dtype);
  const table = stored.length < manyElements ? undefined : tableOf(format);
  return Float32Array.from(stored, (code) => table?.[code] ?? decodeFloat(format, code));
}

/** Numbers as memory holds them: of floats of 16 bits the nearest, ties to even. */
export function storedNumbers(dtype: DType, numbers: TypedArray): TypedArray {
  return isHalf(dtype) ? Uint16Array.from(numbers, (value) => storedNumber(dtype, value)) : numbers;
}

/** One number as memory holds it. */
export const storedNumber = (dtype: DType, value: number): number =>
  isHalf(dtype) ? encodeFloat(formatOf(dtype), value) : value;
