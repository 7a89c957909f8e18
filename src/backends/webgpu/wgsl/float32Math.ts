// float32 functions in WGSL, with our own accuracy: WGSL guarantees little and may assume that NaN and infinity never occur; tests use their bits.
import {
  bitsOfRootHalf,
  erfLarge,
  erfSmall,
  expTail,
  ln2High,
  ln2Low,
  logTail,
} from "../../analysis/float32Coefficients.ts";
import { twoOverPi } from "../../analysis/twoOverPi.ts";
import { floatLiteral as f, wordTable } from "./literals.ts";

/** c₀ + x (c₁ + x (c₂ + …)). */
const horner = (x: string, coefficients: readonly number[]): string =>
  coefficients
    .slice(0, -1)
    .reduceRight((inner, value) => `(${f(value)} + ${x} * ${inner})`, f(coefficients.at(-1) ?? 0));

/** Taylor's series of sin(x)/x - 1 over x², of (cos x - 1 + x²/2) / x⁴, and of atan(x)/x - 1 over x², each in x². */
const sinTail = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880];
const cosTail = [1 / 24, -1 / 720, 1 / 40320, -1 / 3628800];
const atanTail = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? -1 : 1) / (2 * n + 3));

/** 2/π after 160 zero bits, so that its bits can be extracted for any exponent. */
const twoOverPiTable = wordTable([0n, 0n, 0n, 0n, 0n, ...twoOverPi(9, 32)]);

export const float32Functions: Readonly<Record<string, string>> = {
  floatOf: "fn floatOf(bits: u32) -> f32 { return bitcast<f32>(bits); }",
  runtimeFloat: "fn runtimeFloat(x: f32) -> f32 { return x; }",
  isNaN: "fn isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  isInfinite: "fn isInfinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }",
  floatNeg: "fn floatNeg(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }",
  floatAbs: "fn floatAbs(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }",
  isNegative: "fn isNegative(x: f32) -> bool { return bitcast<u32>(x) >= 0x80000000u; }",
  withSign:
    "fn withSign(size: f32, x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(size) | (bitcast<u32>(x) & 0x80000000u)); }",
  floatLess: "fn floatLess(a: f32, b: f32) -> bool { return !isNaN(a) && !isNaN(b) && a < b; }",
  floatLessEqual: "fn floatLessEqual(a: f32, b: f32) -> bool { return !isNaN(a) && !isNaN(b) && a <= b; }",
  floatEqual: "fn floatEqual(a: f32, b: f32) -> bool { return !isNaN(a) && !isNaN(b) && a == b; }",
  floatMax: `fn floatMax(a: f32, b: f32) -> f32 {
  if (isNaN(a)) { return a; }
  if (isNaN(b) || b > a) { return b; }
  return select(a, bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b)), a == b);
}`,
  floatMin: `fn floatMin(a: f32, b: f32) -> f32 {
  if (isNaN(a)) { return a; }
  if (isNaN(b) || b < a) { return b; }
  return select(a, bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b)), a == b);
}`,
  floatSign: `fn floatSign(x: f32) -> f32 {
  if (isNaN(x) || x == 0.0f) { return 0.0f; }
  return withSign(1.0f, x);
}`,
  // NaN, infinities and numbers without a fraction are unchanged.
  floatTrunc: `fn floatTrunc(x: f32) -> f32 {
  let e = i32((bitcast<u32>(x) >> 23u) & 0xffu) - 127;
  if (e < 0) { return withSign(0.0f, x); }
  if (e >= 23) { return x; }
  return bitcast<f32>(bitcast<u32>(x) & (0xffffffffu << u32(23 - e)));
}`,
  floatFloor: `fn floatFloor(x: f32) -> f32 {
  let t = floatTrunc(x);
  if (t > x) { return t - 1.0f; }
  return t;
}`,
  floatCeil: "fn floatCeil(x: f32) -> f32 { return floatNeg(floatFloor(floatNeg(x))); }",
  // Half to even.
  floatRound: `fn floatRound(x: f32) -> f32 {
  let size = floatAbs(x);
  if (bitcast<u32>(size) >= 0x4b000000u) { return x; }
  let t = floatTrunc(size);
  let rest = size - t;
  let up = rest > 0.5f || (rest == 0.5f && (u32(t) & 1u) == 1u);
  return withSign(select(t, t + 1.0f, up), x);
}`,
  i32FromFloat: `fn i32FromFloat(x: f32) -> i32 {
  if (isNaN(x)) { return 0; }
  if (x >= 2147483648.0f) { return 2147483647; }
  if (x <= -2147483648.0f) { return i32(-2147483648); }
  return i32(x);
}`,
  floatDiv: "fn floatDiv(a: f32, b: f32) -> f32 { return a / b; }",
  floatSqrt: "fn floatSqrt(x: f32) -> f32 { return sqrt(x); }",
  // The remainder with the sign of the divisor, from the significands of both.
  floatMod: `fn floatMod(x: f32, y: f32) -> f32 {
  if (isNaN(x) || isNaN(y) || isInfinite(x) || y == 0.0f) { return floatOf(0x7fc00000u); }
  var r = x;
  let a = bitcast<u32>(x) & 0x7fffffffu;
  let b = bitcast<u32>(y) & 0x7fffffffu;
  if (a >= b && a != 0u) {
    let ea = max(a >> 23u, 1u);
    let eb = max(b >> 23u, 1u);
    var rest = select((a & 0x7fffffu) | 0x800000u, a, a < 0x800000u);
    let divisor = select((b & 0x7fffffu) | 0x800000u, b, b < 0x800000u);
    for (var e = ea; e > eb; e--) { rest = (rest % divisor) << 1u; }
    rest = rest % divisor;
    if (rest == 0u) { return withSign(0.0f, x); }
    let up = min(countLeadingZeros(rest) - 8u, eb - 1u);
    rest = rest << up;
    r = withSign(bitcast<f32>(select(((eb - up) << 23u) | (rest & 0x7fffffu), rest, rest < 0x800000u)), x);
  }
  if (x == 0.0f || isNegative(x) == isNegative(y)) { return r; }
  return r + y;
}`,
  // x = n ln 2 + r: r, and n.
  reduceByLn2: `fn reduceByLn2(x: f32) -> vec2<f32> {
  let n = floatRound(x * ${f(Math.LOG2E)});
  return vec2<f32>((x - n * ${f(ln2High)}) - n * ${f(ln2Low)}, n);
}`,
  expm1Reduced: `fn expm1Reduced(r: f32) -> f32 { return r + r * r * ${horner("r", expTail)}; }`,
  // y · 2ⁿ in two steps, so that the result may be subnormal or overflow.
  scaleBy: `fn scaleBy(y: f32, n: f32) -> f32 {
  let whole = i32(n);
  let half = whole >> 1u;
  return y * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((whole - half + 127) << 23u);
}`,
  floatExp: `fn floatExp(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  if (x > 89.0f) { return floatOf(0x7f800000u); }
  let d = reduceByLn2(max(x, -104.5f));
  return scaleBy(expm1Reduced(d.x) + 1.0f, d.y);
}`,
  // 2ⁿ(e^r - 1) + (2ⁿ - 1), computed at half its size so that it overflows only when the result does.
  floatExpm1: `fn floatExpm1(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  if (x > 89.0f) { return floatOf(0x7f800000u); }
  let d = reduceByLn2(max(x, -20.0f));
  let half = scaleBy(0.5f, d.y);
  let r = half * expm1Reduced(d.x) + (half - 0.5f);
  return withSign(r + r, x);
}`,
  // t / (t + 2) with t = e^2|x| - 1.
  floatTanh: `fn floatTanh(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let size = floatAbs(x);
  let d = reduceByLn2(min(size + size, 40.0f));
  let power = scaleBy(1.0f, d.y);
  let t = power * expm1Reduced(d.x) + (power - 1.0f);
  return withSign(t / (t + 2.0f), x);
}`,
  // e / (1 + e) on the left and 1 / (1 + e) on the right, with e = e^-|x|.
  floatSigmoid: `fn floatSigmoid(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let e = floatExp(-floatAbs(x));
  return select(1.0f, e, x < 0.0f) / (e + 1.0f);
}`,
  // ln(2ᵏ(1 + f)) + correction.
  logReduced: `fn logReduced(k: f32, f: f32, correction: f32) -> f32 {
  let square = f * f;
  let tail = square * f * ${horner("f", logTail)} + k * ${f(ln2Low)} + correction;
  return k * ${f(ln2High)} + (f + (tail - square * 0.5f));
}`,
  // x = 2ᵏ m with m in [√½, √2), for a normal x: m, and k.
  splitExponent: `fn splitExponent(x: f32) -> vec2<f32> {
  let exponent = (bitcast<i32>(x) - 0x${bitsOfRootHalf.toString(16)}) >> 23u;
  return vec2<f32>(bitcast<f32>(bitcast<i32>(x) - (exponent << 23u)), f32(exponent));
}`,
  // The results for 0, ∞, NaN and negative numbers.
  logEdge: `fn logEdge(x: f32) -> f32 {
  if (x == 0.0f) { return floatOf(0xff800000u); }
  if (isNaN(x) || x < 0.0f) { return floatOf(0x7fc00000u); }
  return x;
}`,
  floatLog: `fn floatLog(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (bits == 0u || bits >= 0x7f800000u) { return logEdge(x); }
  if (bits < 0x800000u) {
    let zeros = countLeadingZeros(bits) - 8u;
    let d = splitExponent(bitcast<f32>(bits << zeros));
    return logReduced(d.y - f32(zeros), d.x - 1.0f, 0.0f);
  }
  let d = splitExponent(x);
  return logReduced(d.y, d.x - 1.0f, 0.0f);
}`,
  // ln u with u = 1 + x, plus the rounding error of u.
  floatLog1p: `fn floatLog1p(x: f32) -> f32 {
  if (floatAbs(x) < 1e-9f) { return x; }
  let u = x + 1.0f;
  if (bitcast<u32>(u) == 0u || bitcast<u32>(u) >= 0x7f800000u) { return logEdge(u); }
  let d = splitExponent(u);
  if (d.y == 0.0f) { return logReduced(0.0f, x, 0.0f); }
  let lost = select(x - (u - 1.0f), 1.0f - (u - x), d.y > 0.0f);
  return logReduced(d.y, d.x - 1.0f, lost / u);
}`,
  floatErf: `fn floatErf(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let size = floatAbs(x);
  if (size <= 1.0f) {
    let square = x * x;
    return x + x * ${horner("square", erfSmall)};
  }
  let bound = min(size, 4.0f);
  return withSign(1.0f - floatExp(-${horner("bound", erfLarge)}), x);
}`,
  // x = n π/2 + r: r, and n modulo 4. Multiplies the significand of x by the bits of 2/π selected by its exponent.
  reduceByHalfPi: `fn reduceByHalfPi(x: f32) -> vec2<f32> {
  var table = ${twoOverPiTable};
  let bits = bitcast<u32>(x);
  let digits = (bits & 0x7fffffu) | 0x800000u;
  let first = u32(i32((bits >> 23u) & 0xffu) + 8);
  let word = first >> 5u;
  let shift = first & 31u;
  let a = (table[word] << shift) | select(table[word + 1u] >> (32u - shift), 0u, shift == 0u);
  let b = (table[word + 1u] << shift) | select(table[word + 2u] >> (32u - shift), 0u, shift == 0u);
  let c = (table[word + 2u] << shift) | select(table[word + 3u] >> (32u - shift), 0u, shift == 0u);
  let low = u32Product(c, digits);
  let middle = u32Product(b, digits);
  let sum = u64Add(middle, vec2<u32>(low.y, 0u));
  let high = a * digits + sum.y;
  var n = high >> 30u;
  var rest = u64Left(vec2<u32>(sum.x, high), 2u);
  rest.x |= low.x >> 30u;
  var sign = bits & 0x80000000u;
  if (rest.y >= 0x80000000u) {
    n += 1u;
    rest = u64Sub(vec2<u32>(0u, 0u), rest);
    sign ^= 0x80000000u;
  }
  if ((bits & 0x80000000u) != 0u) { n = 4u - n; }
  if (u64IsZero(rest)) { return vec2<f32>(0.0f, f32(n & 3u)); }
  let zeros = u64LeadingZeros(rest);
  let r = u64HighProduct(u64Left(rest, zeros), vec2<u32>(0x2168c234u, 0xc90fdaa2u));
  let size = f32(r.y) * bitcast<f32>((127u - 31u - zeros) << 23u);
  return vec2<f32>(bitcast<f32>(bitcast<u32>(size) ^ sign), f32(n & 3u));
}`,
  sinReduced: `fn sinReduced(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * ${horner("z", sinTail)};
}`,
  cosReduced: `fn cosReduced(r: f32) -> f32 {
  let z = r * r;
  let half = z * 0.5f;
  let top = 1.0f - half;
  return top + (((1.0f - top) - half) + z * z * ${horner("z", cosTail)});
}`,
  // The quadrant and the remainder. Angles below π/4 are their own remainder.
  quadrantOf: `fn quadrantOf(x: f32) -> vec2<f32> {
  if (floatAbs(x) < 0.78539816f) { return vec2<f32>(x, 0.0f); }
  return reduceByHalfPi(x);
}`,
  floatSin: `fn floatSin(x: f32) -> f32 {
  if (isNaN(x) || isInfinite(x)) { return floatOf(0x7fc00000u); }
  if (x == 0.0f) { return x; }
  let d = quadrantOf(x);
  let n = u32(d.y);
  let value = select(sinReduced(d.x), cosReduced(d.x), (n & 1u) == 1u);
  return select(value, -value, n >= 2u);
}`,
  floatCos: `fn floatCos(x: f32) -> f32 {
  if (isNaN(x) || isInfinite(x)) { return floatOf(0x7fc00000u); }
  let d = quadrantOf(x);
  let n = u32(d.y);
  let value = select(cosReduced(d.x), sinReduced(d.x), (n & 1u) == 1u);
  return select(value, -value, n == 1u || n == 2u);
}`,
  floatTan: `fn floatTan(x: f32) -> f32 {
  if (isNaN(x) || isInfinite(x)) { return floatOf(0x7fc00000u); }
  if (x == 0.0f) { return x; }
  let d = quadrantOf(x);
  let s = sinReduced(d.x);
  let c = cosReduced(d.x);
  return select(s / c, -c / s, (u32(d.y) & 1u) == 1u);
}`,
  // For 0 ≤ t ≤ 1. Above tan(π/8), from the angle that remains to π/4.
  atanOfUnit: `fn atanOfUnit(t: f32) -> f32 {
  let large = t > 0.41421356f;
  let x = select(t, (t - 1.0f) / (t + 1.0f), large);
  let z = x * x;
  let small = x * z * ${horner("z", atanTail)};
  return select(x + small, 0.78539816f + (x + (small - 2.18556941e-8f)), large);
}`,
  floatAtan: `fn floatAtan(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  let size = floatAbs(x);
  if (size <= 1.0f) { return withSign(atanOfUnit(size), x); }
  if (isInfinite(x)) { return withSign(1.57079633f, x); }
  return withSign(1.57079633f - (atanOfUnit(1.0f / size) + 4.37113883e-8f), x);
}`,
  floatAtan2: `fn floatAtan2(y: f32, x: f32) -> f32 {
  if (isNaN(x) || isNaN(y)) { return floatOf(0x7fc00000u); }
  let a = floatAbs(y);
  let b = floatAbs(x);
  var angle = 0.0f;
  if (isInfinite(x) && isInfinite(y)) { angle = 0.78539816f; }
  else if (a <= b) {
    if (a != 0.0f && !isInfinite(x)) { angle = atanOfUnit(a / b); }
  } else if (isInfinite(y)) { angle = 1.57079633f; }
  else { angle = 1.57079633f - (atanOfUnit(b / a) + 4.37113883e-8f); }
  if (isNegative(x)) { angle = 3.14159274f - (angle + 8.74227766e-8f); }
  return withSign(angle, y);
}`,
  // The upper twelve bits: the product of two such numbers is exact.
  floatHead: "fn floatHead(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }",
  // e^(y ln x) for finite positive x and finite y, the logarithm and the product in two floats each.
  positivePower: `fn positivePower(x: f32, y: f32) -> f32 {
  var bits = bitcast<u32>(x);
  var down = 0.0f;
  if (bits < 0x800000u) {
    let zeros = countLeadingZeros(bits) - 8u;
    bits = bits << zeros;
    down = f32(zeros);
  }
  let d = splitExponent(bitcast<f32>(bits));
  let k = d.y - down;
  let f = d.x - 1.0f;
  let bottom = d.x + 1.0f;
  let bottomHead = floatHead(bottom);
  let bottomTail = d.x - (bottomHead - 1.0f);
  let s = f / bottom;
  let head = floatHead(s);
  let tail = ((f - head * bottomHead) - head * bottomTail) / bottom;
  let z = s * s;
  let bend = s * z * ${horner("z", [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13])};
  let large = k * ${f(ln2High)};
  let high = large + (head + head);
  let low = ((large - high) + (head + head)) + (k * ${f(ln2Low)} + (tail + tail) + bend);
  let logHead = floatHead(high);
  let logTail = (high - logHead) + low;
  let yHead = floatHead(y);
  let yTail = y - yHead;
  let product = yHead * logHead;
  if (product > 1000.0f) { return floatOf(0x7f800000u); }
  if (product < -1000.0f) { return 0.0f; }
  let rest = yHead * logTail + yTail * logHead + yTail * logTail;
  let n = floatRound(product * ${f(Math.LOG2E)});
  let r = ((product - n * ${f(ln2High)}) - n * ${f(ln2Low)}) + rest;
  if (n > 130.0f) { return floatOf(0x7f800000u); }
  if (n < -152.0f) { return 0.0f; }
  return scaleBy(expm1Reduced(r) + 1.0f, n);
}`,
  floatPow: `fn floatPow(x: f32, y: f32) -> f32 {
  if (y == 2.0f) { return x * x; }
  if (y == 0.0f || x == 1.0f) { return 1.0f; }
  if (isNaN(x) || isNaN(y)) { return floatOf(0x7fc00000u); }
  let size = floatAbs(x);
  if (isInfinite(y) && size == 1.0f) { return 1.0f; }
  let whole = floatTrunc(y) == y;
  let odd = whole && floatAbs(y) < 16777216.0f && (u32(floatAbs(y)) & 1u) == 1u;
  let sign = select(0u, bitcast<u32>(x) & 0x80000000u, odd);
  if (size == 0.0f || isInfinite(x) || isInfinite(y)) {
    let grows = (size >= 1.0f) == (y > 0.0f);
    return bitcast<f32>(sign | select(0u, 0x7f800000u, grows));
  }
  if (isNegative(x) && !whole) { return floatOf(0x7fc00000u); }
  return bitcast<f32>(bitcast<u32>(positivePower(size, y)) | sign);
}`,
};
