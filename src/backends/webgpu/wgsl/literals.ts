// Numbers as WGSL literals. NaN, infinities and overflow are errors in constant expressions, so those are passed as bits at run time.

const bytes = new DataView(new ArrayBuffer(8));
const hexadecimal = (word: number | bigint): string => `0x${word.toString(16)}u`;

/** The 32 bits of a float. */
export function bitsOf(value: number): number {
  bytes.setFloat32(0, value);
  return bytes.getUint32(0);
}

const smallestNormal = 2 ** -126;

/** A float32, as a decimal number if WGSL reads back the same value. */
export function floatLiteral(given: number): string {
  const value = Math.fround(given);
  const plain = Number.isFinite(value) && !Object.is(value, -0) && (value === 0 || Math.abs(value) >= smallestNormal);
  if (!plain) return `floatOf(${hexadecimal(bitsOf(value))})`;
  const text = String(value);
  const literal = /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
  return value < 0 ? `(${literal})` : literal;
}

/** A float64 in the representation of float64.ts. */
export function doubleLiteral(value: number): string {
  bytes.setFloat64(0, value);
  return `vec2<u32>(${hexadecimal(bytes.getUint32(4))}, ${hexadecimal(bytes.getUint32(0))})`;
}

export const intLiteral = (value: number): string =>
  value === -2147483648 ? "i32(-2147483648)" : value < 0 ? `(${value}i)` : `${value}i`;

/** A table of words. */
export const wordTable = (words: readonly bigint[]): string =>
  `array<u32, ${words.length}>(${words.map(hexadecimal).join(", ")})`;
