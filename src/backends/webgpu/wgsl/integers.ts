// Integer functions in WGSL, with the edge cases that the kernel language defines.

export const integerFunctions: Readonly<Record<string, string>> = {
  intDiv: "fn intDiv(a: i32, b: i32) -> i32 { return select(a / select(b, 1i, b == 0i), 0i, b == 0i); }",
  // The remainder with the sign of the divisor; 0 for a divisor of 0.
  intMod: `fn intMod(a: i32, b: i32) -> i32 {
  if (b == 0i || b == -1i) { return 0i; }
  let rest = a - (a / b) * b;
  return select(rest, rest + b, rest != 0i && (rest < 0i) != (b < 0i));
}`,
  // Wraps like repeated multiplication. A negative exponent truncates the fraction to 0, except for ±1.
  intPow: `fn intPow(base: i32, exponent: i32) -> i32 {
  if (exponent < 0i) {
    if (base == 1i) { return 1i; }
    if (base == -1i) { return select(-1i, 1i, (exponent & 1i) == 0i); }
    return 0i;
  }
  var result = 1i;
  var square = base;
  for (var bits = u32(exponent); bits > 0u; bits >>= 1u) {
    if ((bits & 1u) == 1u) { result *= square; }
    square *= square;
  }
  return result;
}`,
  intSign: "fn intSign(a: i32) -> i32 { return select(select(0i, 1i, a > 0i), -1i, a < 0i); }",
  // Two float16 numbers in a word: packed from their bits, and unpacked as numbers.
  pairOf: "fn pairOf(low: i32, high: i32) -> u32 { return u32(low) | (u32(high) << 16u); }",
  halvesOf: "fn halvesOf(pair: u32) -> vec2<f16> { return bitcast<vec2<f16>>(pair); }",
  runtimeInt: "fn runtimeInt(a: i32) -> i32 { return a; }",
};
