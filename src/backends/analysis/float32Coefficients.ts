// Coefficients of the float32 functions of C, WebAssembly and WGSL: least-squares fits over the reduced range, made in
// 40-digit arithmetic and rounded to float32.

/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2, within 4e-9 of e^r. */
export const expTail = [0.5, 0.166665167, 0.0416662619, 0.0083691515, 0.00139464461];

/** ln 2 in two parts; the first has 15 bits, so that its product with an exponent is exact. */
export const ln2High = 0.693145751953125;
export const ln2Low = 1.4286068203094173e-6;

/** (ln(1 + f) - f + f²/2) / f³ for √½ - 1 ≤ f ≤ √2 - 1. */
export const logTail = [
  0.333333105, -0.25, 0.200022459, -0.166685119, 0.142177626, -0.123964451, 0.118909895, -0.117266051, 0.0680091232,
];
/** The float32 √½: less its bits, those of x begin with k for x = 2ᵏ m, where m is in [√½, √2). */
export const bitsOfRootHalf = 0x3f3504f3;

/** erf(x)/x - 1 in x², for |x| ≤ 1. */
export const erfSmall = [
  0.128379166, -0.37612626, 0.112835974, -0.0268543288, 0.00518931216, -0.000801885501, 7.88249745e-5,
];
/** -ln(1 - erf t) for 0.95 ≤ t ≤ 4. */
export const erfLarge = [
  -0.000194613778, 1.12961733, 0.633122146, 0.108555414, -0.0253248941, 0.00426656893, -0.000461419258, 2.53106318e-5,
  -2.78968315e-7,
];
