// float64 in WGSL, which has none: the 64 bits in two words, computed with integers as in IEEE 754. For scalars: slow but exact.

import { twoOverPi } from "../../analysis/twoOverPi.ts";
import { wordTable } from "./literals.ts";

/** 2/π after 64 zero bits, so that its bits can be extracted for any exponent. */
const twoOverPiTable = wordTable([0n, 0n, ...twoOverPi(40, 32)]);

/** A 64-bit integer or a double is two words; x is the lower. Functions of unsigned 64-bit integers begin with `u64`. */
export const float64Functions: Readonly<Record<string, string>> = {
  u64Add: `fn u64Add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}`,
  u64Sub: `fn u64Sub(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}`,
  u64Less: `fn u64Less(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}`,
  u64IsZero: `fn u64IsZero(a: vec2<u32>) -> bool {
  return (a.x | a.y) == 0u;
}`,
  u64Left: `fn u64Left(a: vec2<u32>, n: u32) -> vec2<u32> {
  if (n == 0u) { return a; }
  if (n >= 64u) { return vec2<u32>(0u, 0u); }
  if (n >= 32u) { return vec2<u32>(0u, a.x << (n - 32u)); }
  return vec2<u32>(a.x << n, (a.y << n) | (a.x >> (32u - n)));
}`,
  // Bits shifted out set the lowest bit (sticky).
  u64RightSticky: `fn u64RightSticky(a: vec2<u32>, n: u32) -> vec2<u32> {
  if (n == 0u) { return a; }
  if (n >= 64u) { return vec2<u32>(select(1u, 0u, u64IsZero(a)), 0u); }
  let back = u64Left(a, 64u - n);
  let sticky = select(1u, 0u, u64IsZero(back));
  if (n >= 32u) { return vec2<u32>((a.y >> (n - 32u)) | sticky, 0u); }
  return vec2<u32>((a.x >> n) | (a.y << (32u - n)) | sticky, a.y >> n);
}`,
  u64LeadingZeros: `fn u64LeadingZeros(a: vec2<u32>) -> u32 {
  return select(countLeadingZeros(a.y), 32u + countLeadingZeros(a.x), a.y == 0u);
}`,
  u32Product: `fn u32Product(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let one = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let two = (a & 0xffffu) * (b >> 16u) + (one & 0xffffu);
  return vec2<u32>((two << 16u) | (low & 0xffffu), (a >> 16u) * (b >> 16u) + (one >> 16u) + (two >> 16u));
}`,
  // The upper half of a product of two 64-bit integers; a nonzero lower half sets the lowest bit.
  u64HighProduct: `fn u64HighProduct(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = u32Product(a.x, b.x);
  let one = u64Add(u32Product(a.y, b.x), vec2<u32>(low.y, 0u));
  let two = u64Add(u32Product(a.x, b.y), vec2<u32>(one.x, 0u));
  let high = u64Add(u64Add(u32Product(a.y, b.y), vec2<u32>(one.y, 0u)), vec2<u32>(two.y, 0u));
  return vec2<u32>(high.x | select(0u, 1u, (low.x | two.x) != 0u), high.y);
}`,
  // An unpacked double. kind: 0 zero, 1 finite, 2 infinite, 3 NaN; the value is m / 2⁶³ · 2ᵉ, with the highest bit of m set. In a result,
  // 4 means that m is the double itself; otherwise m may have any bits, which doubleFrom still has to round.
  DoubleParts: "struct DoubleParts { kind: u32, sign: u32, e: i32, m: vec2<u32> }",
  rawDouble: "fn rawDouble(x: vec2<u32>) -> DoubleParts { return DoubleParts(4u, 0u, 0, x); }",
  doubleFrom: `fn doubleFrom(a: DoubleParts) -> vec2<u32> {
  if (a.kind == 4u) { return a.m; }
  return normalDouble(a.sign, a.e, a.m);
}`,
  partsOf: `fn partsOf(a: vec2<u32>) -> DoubleParts {
  let sign = a.y >> 31u;
  let biased = (a.y >> 20u) & 0x7ffu;
  let top = a.y & 0xfffffu;
  if (biased == 0x7ffu) { return DoubleParts(select(3u, 2u, (top | a.x) == 0u), sign, 0, vec2<u32>(0u, 0u)); }
  if (biased == 0u) {
    if ((top | a.x) == 0u) { return DoubleParts(0u, sign, 0, vec2<u32>(0u, 0u)); }
    let zeros = u64LeadingZeros(vec2<u32>(a.x, top));
    return DoubleParts(1u, sign, -1011 - i32(zeros), u64Left(vec2<u32>(a.x, top), zeros));
  }
  return DoubleParts(1u, sign, i32(biased) - 1023, u64Left(vec2<u32>(a.x, top | 0x100000u), 11u));
}`,
  // Rounds half to even. m is normalised.
  doubleOf: `fn doubleOf(sign: u32, e: i32, given: vec2<u32>) -> vec2<u32> {
  var biased = e + 1023;
  if (biased >= 2047) { return vec2<u32>(0u, (sign << 31u) | 0x7ff00000u); }
  var m = given;
  if (biased <= 0) {
    m = u64RightSticky(m, u32(1 - biased));
    biased = 1;
  }
  let rest = m.x & 0x7ffu;
  var r = vec2<u32>((m.x >> 11u) | (m.y << 21u), m.y >> 11u);
  if (rest > 0x400u || (rest == 0x400u && (r.x & 1u) == 1u)) { r = u64Add(r, vec2<u32>(1u, 0u)); }
  return vec2<u32>(r.x, (r.y + (u32(biased - 1) << 20u)) | (sign << 31u));
}`,
  normalDouble: `fn normalDouble(sign: u32, e: i32, m: vec2<u32>) -> vec2<u32> {
  if (u64IsZero(m)) { return vec2<u32>(0u, 0u); }
  let zeros = u64LeadingZeros(m);
  return doubleOf(sign, e - i32(zeros), u64Left(m, zeros));
}`,
  doubleNaN: "const doubleNaN = vec2<u32>(0u, 0x7ff80000u);",
  doubleNeg: "fn doubleNeg(a: vec2<u32>) -> vec2<u32> { return vec2<u32>(a.x, a.y ^ 0x80000000u); }",
  doubleAbs: "fn doubleAbs(a: vec2<u32>) -> vec2<u32> { return vec2<u32>(a.x, a.y & 0x7fffffffu); }",
  doubleIsNaN: `fn doubleIsNaN(a: vec2<u32>) -> bool {
  let top = a.y & 0x7fffffffu;
  return top > 0x7ff00000u || (top == 0x7ff00000u && a.x != 0u);
}`,
  addParts: `fn addParts(x: vec2<u32>, y: vec2<u32>, a: DoubleParts, b: DoubleParts) -> DoubleParts {
  if (a.kind == 3u || b.kind == 3u) { return rawDouble(doubleNaN); }
  if (a.kind == 2u) {
    if (b.kind == 2u && a.sign != b.sign) { return rawDouble(doubleNaN); }
    return rawDouble(x);
  }
  if (b.kind == 2u) { return rawDouble(y); }
  if (a.kind == 0u && b.kind == 0u) { return rawDouble(vec2<u32>(0u, x.y & y.y)); }
  if (a.kind == 0u) { return rawDouble(y); }
  if (b.kind == 0u) { return rawDouble(x); }
  let swapped = b.e > a.e || (b.e == a.e && u64Less(a.m, b.m));
  let e = select(a.e, b.e, swapped);
  let distance = u32(abs(a.e - b.e));
  let large = u64RightSticky(select(a.m, b.m, swapped), 1u);
  let small = u64RightSticky(select(b.m, a.m, swapped), 1u + distance);
  let sign = select(a.sign, b.sign, swapped);
  if (a.sign == b.sign) { return DoubleParts(1u, sign, e + 1, u64Add(large, small)); }
  return DoubleParts(1u, sign, e + 1, u64Sub(large, small));
}`,
  doubleAdd: `fn doubleAdd(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  return doubleFrom(addParts(x, y, partsOf(x), partsOf(y)));
}`,
  doubleSub: "fn doubleSub(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> { return doubleAdd(x, doubleNeg(y)); }",
  mulParts: `fn mulParts(a: DoubleParts, b: DoubleParts) -> DoubleParts {
  let sign = a.sign ^ b.sign;
  if (a.kind == 3u || b.kind == 3u) { return rawDouble(doubleNaN); }
  if (a.kind == 2u || b.kind == 2u) {
    if (a.kind == 0u || b.kind == 0u) { return rawDouble(doubleNaN); }
    return rawDouble(vec2<u32>(0u, (sign << 31u) | 0x7ff00000u));
  }
  if (a.kind == 0u || b.kind == 0u) { return rawDouble(vec2<u32>(0u, sign << 31u)); }
  return DoubleParts(1u, sign, a.e + b.e + 1, u64HighProduct(a.m, b.m));
}`,
  doubleMul: `fn doubleMul(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  return doubleFrom(mulParts(partsOf(x), partsOf(y)));
}`,
  divParts: `fn divParts(a: DoubleParts, b: DoubleParts) -> DoubleParts {
  let sign = a.sign ^ b.sign;
  if (a.kind == 3u || b.kind == 3u || (a.kind == b.kind && a.kind != 1u)) { return rawDouble(doubleNaN); }
  if (a.kind == 2u || b.kind == 0u) { return rawDouble(vec2<u32>(0u, (sign << 31u) | 0x7ff00000u)); }
  if (a.kind == 0u || b.kind == 2u) { return rawDouble(vec2<u32>(0u, sign << 31u)); }
  var rest = u64RightSticky(a.m, 11u);
  let divisor = u64RightSticky(b.m, 11u);
  var e = a.e - b.e;
  if (u64Less(rest, divisor)) {
    e -= 1;
    rest = u64Left(rest, 1u);
  }
  var q = vec2<u32>(0u, 0u);
  for (var i = 0; i < 64; i++) {
    q = u64Left(q, 1u);
    if (!u64Less(rest, divisor)) {
      rest = u64Sub(rest, divisor);
      q.x |= 1u;
    }
    rest = u64Left(rest, 1u);
  }
  q.x |= select(1u, 0u, u64IsZero(rest));
  return DoubleParts(1u, sign, e, q);
}`,
  doubleDiv: `fn doubleDiv(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  return doubleFrom(divParts(partsOf(x), partsOf(y)));
}`,
  sqrtParts: `fn sqrtParts(x: vec2<u32>, a: DoubleParts) -> DoubleParts {
  if (a.kind == 0u || a.kind == 3u) { return rawDouble(x); }
  if (a.sign == 1u) { return rawDouble(doubleNaN); }
  if (a.kind == 2u) { return rawDouble(x); }
  let odd = (a.e & 1) == 1;
  var bits = a.m;
  if (!odd) { bits = u64RightSticky(a.m, 1u); }
  var rest = vec2<u32>(0u, 0u);
  var q = vec2<u32>(0u, 0u);
  for (var i = 0; i < 55; i++) {
    rest = u64Left(rest, 2u);
    rest.x |= bits.y >> 30u;
    bits = u64Left(bits, 2u);
    var t = u64Left(q, 2u);
    t.x |= 1u;
    q = u64Left(q, 1u);
    if (!u64Less(rest, t)) {
      rest = u64Sub(rest, t);
      q.x |= 1u;
    }
  }
  q = u64Left(q, 9u);
  q.x |= select(1u, 0u, u64IsZero(rest));
  return DoubleParts(1u, 0u, (a.e - select(0, 1, odd)) / 2, q);
}`,
  doubleSqrt: "fn doubleSqrt(x: vec2<u32>) -> vec2<u32> { return doubleFrom(sqrtParts(x, partsOf(x))); }",
  // Ordered like integers, except for NaN.
  doubleOrder: `fn doubleOrder(a: vec2<u32>) -> vec2<u32> {
  if (((a.y & 0x7fffffffu) | a.x) == 0u) { return vec2<u32>(0u, 0x80000000u); }
  if (a.y >= 0x80000000u) { return vec2<u32>(~a.x, ~a.y); }
  return vec2<u32>(a.x, a.y | 0x80000000u);
}`,
  doubleLess: `fn doubleLess(a: vec2<u32>, b: vec2<u32>) -> bool {
  return !doubleIsNaN(a) && !doubleIsNaN(b) && u64Less(doubleOrder(a), doubleOrder(b));
}`,
  doubleEqual: `fn doubleEqual(a: vec2<u32>, b: vec2<u32>) -> bool {
  let x = doubleOrder(a);
  let y = doubleOrder(b);
  return !doubleIsNaN(a) && !doubleIsNaN(b) && x.x == y.x && x.y == y.y;
}`,
  doubleLessEqual: `fn doubleLessEqual(a: vec2<u32>, b: vec2<u32>) -> bool {
  return !doubleIsNaN(a) && !doubleIsNaN(b) && !u64Less(doubleOrder(b), doubleOrder(a));
}`,
  doubleMax: `fn doubleMax(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  if (doubleIsNaN(a) || doubleIsNaN(b)) { return doubleNaN; }
  return select(a, b, doubleLess(a, b));
}`,
  doubleMin: `fn doubleMin(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  if (doubleIsNaN(a) || doubleIsNaN(b)) { return doubleNaN; }
  return select(a, b, doubleLess(b, a));
}`,
  doubleSign: `fn doubleSign(a: vec2<u32>) -> vec2<u32> {
  if (doubleIsNaN(a) || ((a.y & 0x7fffffffu) | a.x) == 0u) { return vec2<u32>(0u, 0u); }
  return vec2<u32>(0u, (a.y & 0x80000000u) | 0x3ff00000u);
}`,
  doubleTrunc: `fn doubleTrunc(a: vec2<u32>) -> vec2<u32> {
  let e = i32((a.y >> 20u) & 0x7ffu) - 1023;
  if (e < 0) { return vec2<u32>(0u, a.y & 0x80000000u); }
  if (e >= 52) { return a; }
  if (e > 20) { return vec2<u32>(a.x & (0xffffffffu << u32(52 - e)), a.y); }
  return vec2<u32>(0u, a.y & (0xffffffffu << u32(20 - e)));
}`,
  // Half to even, on the bits: rounding up carries into the exponent.
  doubleRound: `fn doubleRound(a: vec2<u32>) -> vec2<u32> {
  let sign = a.y & 0x80000000u;
  let bits = doubleAbs(a);
  let e = i32(bits.y >> 20u) - 1023;
  if (e >= 52) { return a; }
  if (e < 0) {
    let up = e == -1 && !(bits.x == 0u && bits.y == 0x3fe00000u);
    return vec2<u32>(0u, select(0u, 0x3ff00000u, up) | sign);
  }
  let unit = u64Left(vec2<u32>(1u, 0u), u32(52 - e));
  let half = u64Left(vec2<u32>(1u, 0u), u32(51 - e));
  let low = u64Sub(unit, vec2<u32>(1u, 0u));
  let rest = bits & low;
  let down = bits - rest;
  let odd = !u64IsZero(down & unit);
  let up = u64Less(half, rest) || (all(half == rest) && odd);
  let r = u64Add(down, select(vec2<u32>(0u, 0u), unit, up));
  return vec2<u32>(r.x, r.y | sign);
}`,
  // The remainder with the sign of the divisor.
  doubleMod: `fn doubleMod(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  let a = partsOf(x);
  let b = partsOf(y);
  if (a.kind >= 2u || b.kind == 3u || b.kind == 0u) { return doubleNaN; }
  var r = x;
  if (a.kind == 1u && b.kind == 1u && a.e >= b.e) {
    var rest = u64RightSticky(a.m, 11u);
    let divisor = u64RightSticky(b.m, 11u);
    for (var e = a.e; e >= b.e; e--) {
      if (!u64Less(rest, divisor)) { rest = u64Sub(rest, divisor); }
      if (e > b.e) { rest = u64Left(rest, 1u); }
    }
    if (u64IsZero(rest)) { return vec2<u32>(0u, a.sign << 31u); }
    r = normalDouble(a.sign, b.e, u64Left(rest, 11u));
  }
  if (a.kind == 0u || a.sign == b.sign) { return r; }
  return doubleAdd(r, y);
}`,
  partsOfI32: `fn partsOfI32(a: i32) -> DoubleParts {
  return DoubleParts(1u, u32(a) >> 31u, 63, vec2<u32>(select(u32(a), 0u - u32(a), a < 0), 0u));
}`,
  doubleFromI32: "fn doubleFromI32(a: i32) -> vec2<u32> { return doubleFrom(partsOfI32(a)); }",
  doubleFromF32: `fn doubleFromF32(a: f32) -> vec2<u32> {
  let bits = bitcast<u32>(a);
  let sign = bits >> 31u;
  let biased = (bits >> 23u) & 0xffu;
  let rest = bits & 0x7fffffu;
  if (biased == 0xffu) { return select(doubleNaN, vec2<u32>(0u, (sign << 31u) | 0x7ff00000u), vec2<bool>(rest == 0u)); }
  if (biased == 0u) {
    if (rest == 0u) { return vec2<u32>(0u, sign << 31u); }
    return normalDouble(sign, -86, vec2<u32>(rest, 0u));
  }
  return vec2<u32>(rest << 29u, (sign << 31u) | ((biased + 896u) << 20u) | (rest >> 3u));
}`,
  f32FromParts: `fn f32FromParts(a: DoubleParts) -> f32 {
  if (a.kind == 3u) { return floatOf(0x7fc00000u); }
  if (a.kind == 0u) { return floatOf(a.sign << 31u); }
  var biased = a.e + 127;
  if (a.kind == 2u || biased >= 255) { return floatOf((a.sign << 31u) | 0x7f800000u); }
  var m = a.m;
  if (biased <= 0) {
    m = u64RightSticky(m, u32(1 - biased));
    biased = 1;
  }
  var r = m.y >> 8u;
  let rest = m.y & 0xffu;
  if (rest > 0x80u || (rest == 0x80u && (m.x != 0u || (r & 1u) == 1u))) { r += 1u; }
  return floatOf((a.sign << 31u) | (r + (u32(biased - 1) << 23u)));
}`,
  f32FromDouble: "fn f32FromDouble(x: vec2<u32>) -> f32 { return f32FromParts(partsOf(x)); }",
  i32FromParts: `fn i32FromParts(a: DoubleParts) -> i32 {
  if (a.kind == 3u || a.kind == 0u || (a.kind == 1u && a.e < 0)) { return 0; }
  if (a.kind == 2u || a.e >= 31) { return select(0x7fffffff, i32(-2147483648), a.sign == 1u); }
  let size = i32(a.m.y >> u32(31 - a.e));
  return select(size, -size, a.sign == 1u);
}`,
  i32FromDouble: "fn i32FromDouble(x: vec2<u32>) -> i32 { return i32FromParts(partsOf(x)); }",
  doubleTruth: "fn doubleTruth(a: bool) -> vec2<u32> { return vec2<u32>(select(0u, 1u, a), 0u); }",
  // y · 2ⁿ.
  scaleParts: `fn scaleParts(y: vec2<u32>, a: DoubleParts, n: i32) -> DoubleParts {
  if (a.kind != 1u) { return rawDouble(y); }
  return DoubleParts(1u, a.sign, a.e + n, a.m);
}`,
  // x = 2ᵏ m with m in [√½, √2), for a positive x: the number to add to its exponent to get k.
  splitsUp:
    "fn splitsUp(a: DoubleParts) -> i32 { return select(1, 0, u64Less(a.m, vec2<u32>(0xf9de6484u, 0xb504f333u))); }",
  // The logarithm of x; r is the result for a positive number.
  doubleLogEdge: `fn doubleLogEdge(x: vec2<u32>, r: vec2<u32>) -> vec2<u32> {
  if (((x.y & 0x7fffffffu) | x.x) == 0u) { return vec2<u32>(0u, 0xfff00000u); }
  if (doubleIsNaN(x) || x.y >= 0x80000000u) { return doubleNaN; }
  if (x.y == 0x7ff00000u) { return x; }
  return r;
}`,
  // x to the power y; r is |x| to the power y for finite numbers.
  doublePowEdge: `fn doublePowEdge(x: vec2<u32>, y: vec2<u32>, r: vec2<u32>) -> vec2<u32> {
  let one = vec2<u32>(0u, 0x3ff00000u);
  let size = doubleAbs(x);
  let power = doubleAbs(y);
  if ((power.x | power.y) == 0u || doubleEqual(x, one)) { return one; }
  if (doubleIsNaN(x) || doubleIsNaN(y)) { return doubleNaN; }
  let endless = (power.y == 0x7ff00000u) && power.x == 0u;
  if (endless && doubleEqual(size, one)) { return one; }
  let whole = doubleEqual(doubleTrunc(y), y);
  let b = partsOf(y);
  let odd = whole && b.kind == 1u && b.e >= 0 && b.e <= 52 && (u64RightSticky(b.m, u32(63 - b.e)).x & 1u) == 1u;
  let sign = select(0u, x.y & 0x80000000u, odd);
  if (partsOf(x).kind != 1u || endless) {
    let grows = !doubleLess(size, one) == (y.y < 0x80000000u);
    return vec2<u32>(0u, sign | select(0u, 0x7ff00000u, grows));
  }
  if (x.y >= 0x80000000u && !whole) { return doubleNaN; }
  return vec2<u32>(r.x, r.y | sign);
}`,
  // The quadrant of the last angle.
  doubleQuadrant: "var<private> doubleQuadrant: i32;",
  // x = n π/2 + r with |r| ≤ π/4: returns r; doubleQuadrant gets n modulo 4. Multiplies x by 192 bits of 2/π selected by its exponent.
  angleParts: `fn angleParts(x: vec2<u32>, a: DoubleParts) -> DoubleParts {
  doubleQuadrant = 0;
  if (a.kind >= 2u) { return rawDouble(doubleNaN); }
  if (a.kind == 0u || u64Less(doubleAbs(x), vec2<u32>(0x54442d18u, 0x3fe921fbu))) { return rawDouble(x); }
  var table = ${twoOverPiTable};
  let digits = u64RightSticky(a.m, 11u);
  let first = u32(a.e + 10);
  let shift = first & 31u;
  var w: array<u32, 6>;
  for (var i = 0u; i < 6u; i++) {
    let word = (first >> 5u) + i;
    w[i] = (table[word] << shift) | select(table[word + 1u] >> (32u - shift), 0u, shift == 0u);
  }
  var p: array<u32, 6>;
  var carry = 0u;
  for (var i = 5; i >= 0; i--) {
    let t = u64Add(u32Product(w[i], digits.x), vec2<u32>(carry, 0u));
    p[i] = t.x;
    carry = t.y;
  }
  carry = 0u;
  for (var i = 5; i >= 1; i--) {
    let t = u64Add(u64Add(u32Product(w[i], digits.y), vec2<u32>(carry, 0u)), vec2<u32>(p[i - 1], 0u));
    p[i - 1] = t.x;
    carry = t.y;
  }
  var n = i32(p[0] >> 30u);
  var sign = a.sign;
  let up = (p[0] & 0x20000000u) != 0u;
  for (var i = 0; i < 6; i++) {
    var word = p[i] << 2u;
    if (i < 5) { word |= p[i + 1] >> 30u; }
    p[i] = select(word, ~word, up);
  }
  if (up) {
    n += 1;
    sign ^= 1u;
  }
  doubleQuadrant = select(n, 4 - n, a.sign == 1u) & 3;
  var top = 0;
  while (top < 3 && p[top] == 0u) { top++; }
  let zeros = countLeadingZeros(p[top]);
  var m = u64Left(vec2<u32>(p[top + 1], p[top]), zeros);
  if (zeros > 0u) { m.x |= p[top + 2] >> (32u - zeros); }
  return DoubleParts(1u, sign, -(32 * top + i32(zeros)), u64HighProduct(m, vec2<u32>(0x2168c235u, 0xc90fdaa2u)));
}`,
};
