// Special functions as scalar expressions: formulas that keep precision where the plain ones lose it.
import { at } from "../at.ts";
import type { Scalar } from "../scalar.ts";
import * as scalar from "../scalar.ts";

// ── arithmetic in the dtype of the element ──

const num = (value: number, like: Scalar): Scalar => scalar.constant(value, like.dtype);
const plus = (a: Scalar, b: Scalar | number): Scalar => scalar.binary("add", a, typeof b === "number" ? num(b, a) : b);
const less = (a: Scalar | number, b: Scalar): Scalar => scalar.binary("sub", typeof a === "number" ? num(a, b) : a, b);
const times = (a: Scalar, b: Scalar | number): Scalar => scalar.binary("mul", a, typeof b === "number" ? num(b, a) : b);
const over = (a: Scalar | number, b: Scalar): Scalar => scalar.binary("div", typeof a === "number" ? num(a, b) : a, b);
const is = (fn: "lt" | "le" | "gt" | "ge" | "eq", a: Scalar, b: Scalar | number): Scalar =>
  scalar.binary(fn, a, typeof b === "number" ? num(b, a) : b);
const choose = scalar.select;
const { unary, cast } = scalar;
const not = (x: Scalar): Scalar => unary("not", x);
const nan = (like: Scalar): Scalar => num(Number.NaN, like);

/** Σ cₖ xᵏ. */
const polynomial = (x: Scalar, coefficients: readonly number[]): Scalar =>
  coefficients.reduceRight<Scalar>((sum, c) => plus(times(sum, x), c), num(0, x));

/** Computes a function in float64, for those whose terms cancel. */
const wide =
  (fn: (x: Scalar) => Scalar) =>
  (x: Scalar): Scalar =>
    cast(fn(cast(x, "float64")), x.dtype);

/** An odd function from its values at |x|; zeros keep their sign. */
const odd =
  (fn: (size: Scalar) => Scalar) =>
  (x: Scalar): Scalar => {
    const value = fn(unary("abs", x));
    return choose(is("eq", x, 0), x, choose(is("lt", x, 0), unary("neg", value), value));
  };

// ── inverse trigonometric and hyperbolic functions ──

/** √(1 − x²) without cancellation near 1. */
const besideUnit = (x: Scalar): Scalar => unary("sqrt", times(less(1, x), plus(x, 1)));

export const asin = (x: Scalar): Scalar => choose(is("eq", x, 0), x, scalar.binary("atan2", x, besideUnit(x)));
export const acos = (x: Scalar): Scalar => scalar.binary("atan2", besideUnit(x), x);

/** Above this, eˣ approaches the largest float. */
const largestPower = (x: Scalar): number => (x.dtype === "float64" ? 709 : 88);
/** Above this, x² + 1 rounds to x². */
const squareAlone = (x: Scalar): number => (x.dtype === "float64" ? 2 ** 28 : 2 ** 13);

/** eˣ / 2 where eˣ itself would overflow. */
function halfPower(x: Scalar): Scalar {
  const root = unary("exp", times(x, 0.5));
  return times(times(root, 0.5), root);
}

export const sinh = odd((x) => {
  const e = unary("expm1", x);
  return choose(is("lt", x, largestPower(x)), times(plus(e, over(e, plus(e, 1))), 0.5), halfPower(x));
});

export function cosh(x: Scalar): Scalar {
  const size = unary("abs", x);
  const e = unary("exp", size);
  return choose(is("lt", size, largestPower(x)), plus(times(e, 0.5), over(0.5, e)), halfPower(size));
}

export const asinh = odd((x) => {
  const square = times(x, x);
  const near = unary("log1p", plus(x, over(square, plus(unary("sqrt", plus(square, 1)), 1))));
  return choose(is("lt", x, squareAlone(x)), near, plus(unary("log", x), Math.LN2));
});

export function acosh(x: Scalar): Scalar {
  const above = plus(x, -1);
  const near = unary("log1p", plus(above, unary("sqrt", plus(times(above, above), times(above, 2)))));
  const value = choose(is("lt", x, squareAlone(x)), near, plus(unary("log", x), Math.LN2));
  return choose(is("lt", x, 1), nan(x), value);
}

export const atanh = odd((x) => times(unary("log1p", over(times(x, 2), less(1, x))), 0.5));

// ── logarithms and powers of 2 and 10 ──

/** The logarithm to a base, an exact integer for exact powers. */
const logarithm = (base: number) => (x: Scalar) => {
  const near = times(unary("log", x), 1 / Math.log(base));
  const whole = unary("round", near);
  return choose(is("eq", scalar.binary("pow", num(base, x), whole), x), whole, near);
};
export const log2 = logarithm(2);
export const log10 = logarithm(10);
export const exp2 = (x: Scalar): Scalar => scalar.binary("pow", num(2, x), x);

// ── relatives of the error function ──

/** (1 + 2x) · e^(x²) · erfc(x) for x ≥ ½, in u = ((x − 3) / (x + 3) − 1/7) · 7/6: Chebyshev interpolation of order 24. */
const scaledTail = [
  1.2329951186255525, -0.12216847723549216, -0.0034960135133680501, 0.046654585346739334, -0.041806510665024317,
  0.022801799598953521, -0.0080736039381863018, 0.0013920612482483539, 0.00024740376458675844, -0.00019788758755849151,
  1.7479106033066675e-5, 1.8863175582506413e-5, -4.5772670931069834e-6, -1.9134978302605602e-6, 7.2386921457430063e-7,
  2.4075179517811523e-7, -1.0510701831100815e-7, -3.8236916558829223e-8, 1.4474555264394512e-8, 6.7364322434006789e-9,
  -1.7615676194412514e-9, -1.0389267527961607e-9, 1.6052239767552466e-10, 9.3803504471461441e-11,
  -7.5247020344331216e-12,
] as const;

/** e^(x²) · erfc(x) for x ≥ ½. */
function scaledErfc(x: Scalar): Scalar {
  const u = times(plus(over(plus(x, -3), plus(x, 3)), -1 / 7), 7 / 6);
  const finite = scalar.binary("min", u, num(1, u));
  return over(polynomial(choose(unary("isNaN", u), num(1, u), finite), scaledTail), plus(times(x, 2), 1));
}

/** e^(−x²), where rounding x² would lose precision: x is split into a part with few digits and the rest. */
function gauss(x: Scalar): Scalar {
  const head = times(unary("round", times(x, 16)), 1 / 16);
  const rest = times(less(x, head), plus(x, head));
  return times(unary("exp", unary("neg", times(head, head))), unary("exp", unary("neg", rest)));
}

function erfcWide(x: Scalar): Scalar {
  const size = unary("abs", x);
  const tail = choose(
    is("gt", size, 30),
    num(0, x),
    times(gauss(scalar.binary("min", size, num(30, x))), scaledErfc(size)),
  );
  const far = choose(is("lt", x, 0), less(2, tail), tail);
  const value = choose(is("lt", size, 0.5), less(1, unary("erf", x)), far);
  return choose(unary("isNaN", x), x, value);
}
export const erfc = wide(erfcWide);

export const erfcx = wide((x) => {
  const size = unary("abs", x);
  const power = unary("exp", times(x, x));
  const near = times(power, erfcWide(x));
  return choose(is("ge", x, 0.5), scaledErfc(size), near);
});

/** Winitzki's formula, accurate to 2 · 10⁻³, then Halley's steps: each triples the number of correct digits. */
export const erfinv = wide((y) => {
  const size = unary("abs", y);
  const a = 0.147;
  // log(1 − y²) for a magnitude near 1, from its distance to 1, which is exact.
  const rest = less(1, size);
  const l = unary("log", times(rest, plus(size, 1)));
  const t = plus(times(l, 0.5), 2 / (Math.PI * a));
  const guess = unary("sqrt", less(unary("sqrt", less(times(t, t), times(l, 1 / a))), t));
  const step = (x: Scalar): Scalar => {
    const low = less(unary("erf", x), size);
    const high = less(rest, erfcWide(x));
    const error = choose(is("lt", size, 0.5), low, high);
    const ratio = over(error, times(gauss(x), 2 / Math.sqrt(Math.PI)));
    return less(x, over(ratio, plus(times(x, ratio), 1)));
  };
  const found = step(step(guess));
  const inside = choose(is("lt", y, 0), unary("neg", found), found);
  const edge = choose(is("eq", size, 1), times(y, Number.POSITIVE_INFINITY), nan(y));
  return choose(is("lt", size, 1), choose(is("eq", y, 0), y, inside), edge);
});

// ── relatives of the gamma function ──

/** (−1)ᵏ (ζ(k) − 1) / k from k = 2 on: log Γ(2 + z) = (1 − γ) z + Σ. */
const nearTwo = [
  0.32246703342411322, -0.067352301053198095, 0.020580808427784548, -0.0073855510286739853, 0.0028905103307415233,
  -0.001192753911703261, 0.00050966952474304242, -0.00022315475845357938, 9.9457512781808534e-5, -4.4926236738133142e-5,
  2.0507212775670692e-5, -9.4394882752683959e-6, 4.3748667899074878e-6, -2.0392157538013662e-6, 9.5514121304074198e-7,
  -4.492469198764566e-7, 2.1207184805554666e-7, -1.00432248239681e-7, 4.7698101693639806e-8, -2.2711094608943165e-8,
  1.0838659214896954e-8, -5.1834750419700467e-9, 2.4836745438024783e-9, -1.1921401405860912e-9, 5.731367241678862e-10,
  -2.7595228851242331e-10, 1.3304764374244489e-10, -6.4229645638381e-11,
] as const;
const euler = 0.57721566490153286;
/** The Bernoulli numbers B₂, B₄, … */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798] as const;

/** log Γ(y) for large y, by Stirling's series. */
function stirling(y: Scalar): Scalar {
  const inverse = over(1, y);
  const series = times(
    polynomial(
      times(inverse, inverse),
      bernoulli.slice(0, 8).map((b, k) => b / ((2 * k + 2) * (2 * k + 1))),
    ),
    inverse,
  );
  const main = less(times(plus(y, -0.5), unary("log", y)), y);
  return plus(plus(main, series), Math.log(2 * Math.PI) / 2);
}

function lgammaPositive(x: Scalar): Scalar {
  const series = (z: Scalar): Scalar => times(plus(times(polynomial(z, nearTwo), z), 1 - euler), z);
  const z = plus(x, -1);
  const nearOne = less(series(z), unary("log1p", z));
  const nearTwoValue = series(plus(x, -2));
  // Γ(x) = Γ(x + 8) / (x (x + 1) … (x + 7))
  const product = [1, 2, 3, 4, 5, 6, 7].reduce<Scalar>((p, k) => times(p, plus(x, k)), x);
  const shifted = less(stirling(plus(x, 8)), unary("log", product));
  const middle = choose(is("lt", x, 0.5), shifted, choose(is("lt", x, 1.5), nearOne, nearTwoValue));
  return choose(is("lt", x, 2.5), middle, choose(is("lt", x, 10), shifted, stirling(x)));
}

const infinite = (x: Scalar): Scalar => is("eq", unary("abs", x), Number.POSITIVE_INFINITY);

export const lgamma = wide((x) => {
  const reflected = is("lt", x, 0.5);
  const value = lgammaPositive(choose(reflected, less(1, x), x));
  // Γ(x) Γ(1 − x) = π / sin πx, with πx reduced to the nearest integer.
  const near = unary("abs", less(x, unary("round", x)));
  const sine = unary("sin", times(near, Math.PI));
  const mirrored = less(less(Math.log(Math.PI), unary("log", sine)), value);
  return choose(infinite(x), num(Number.POSITIVE_INFINITY, x), choose(reflected, mirrored, value));
});

const digammaSteps = 10;
function digammaPositive(x: Scalar): Scalar {
  const near = (): Scalar =>
    Array.from({ length: digammaSteps }, (_, k) => over(1, k === 0 ? x : plus(x, k))).reduceRight((sum, part) =>
      plus(sum, part),
    );
  const large = is("ge", x, digammaSteps);
  const y = choose(large, x, plus(x, digammaSteps));
  const inverse = over(1, y);
  const square = times(inverse, inverse);
  const series = times(
    polynomial(
      square,
      bernoulli.slice(0, 8).map((b, k) => b / (2 * k + 2)),
    ),
    square,
  );
  const far = less(less(unary("log", y), times(inverse, 0.5)), series);
  return choose(large, far, less(far, near()));
}

export const digamma = wide((x) => {
  const reflected = is("lt", x, 0);
  const value = digammaPositive(choose(reflected, less(1, x), x));
  // cot πx, reduced to the nearest integer so that its pole is exact.
  const part = less(x, unary("round", x));
  const angle = times(part, Math.PI);
  const mirrored = less(value, over(Math.PI, unary("tan", angle)));
  const pole = choose(is("eq", x, 0), unary("neg", over(1, x)), nan(x));
  const atPole = is("eq", part, 0);
  const negative = choose(atPole, nan(x), mirrored);
  const beyond = choose(is("gt", x, 0), x, nan(x));
  return choose(infinite(x), beyond, choose(is("eq", x, 0), pole, choose(reflected, negative, value)));
});

/** ψ⁽ⁿ⁾(x) for n ≥ 1: the terms of its sum up to 10 + n, and the Euler–Maclaurin series for the rest. */
export const polygamma = (n: number) =>
  wide((x: Scalar) => {
    const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1));
    const power = (base: Scalar, k: number): Scalar =>
      Array.from({ length: k - 1 }).reduce<Scalar>((product) => times(product, base), base);
    const sign = n % 2 === 1 ? 1 : -1;
    const positive = (at: Scalar): Scalar => {
      const steps = 10 + n;
      const near = Array.from({ length: steps }, (_, k) => over(1, power(k === 0 ? at : plus(at, k), n + 1)));
      const y = plus(at, steps);
      const inverse = over(1, y);
      const square = times(inverse, inverse);
      const series = polynomial(
        square,
        bernoulli.map((b, j) => (b * factorial(2 * j + 1 + n)) / factorial(2 * j + 2)),
      );
      const head = plus(times(inverse, factorial(n) / 2), factorial(n - 1));
      const far = times(plus(head, times(series, square)), power(inverse, n));
      return plus(
        far,
        times(
          near.reduceRight((sum, part) => plus(sum, part)),
          factorial(n),
        ),
      );
    };
    const value = times(positive(x), sign);
    if (n !== 1) return choose(is("lt", x, 0), nan(x), value);
    // ψ′(x) + ψ′(1 − x) = π² / sin² πx
    const near = less(x, unary("round", x));
    const sine = over(Math.PI, unary("sin", times(near, Math.PI)));
    const reflected = is("lt", x, 0.5);
    const from = positive(choose(reflected, less(1, x), x));
    return choose(reflected, less(times(sine, sine), from), from);
  });

// ── modified Bessel functions ──

/** e^(−|x|) I_order(x), of order 0 or 1: the power series for small x, the asymptotic one for large. */
const scaledBessel = (order: 0 | 1) => (x: Scalar) => {
  const size = unary("abs", x);
  const limit = 18;
  const half = times(scalar.binary("min", size, num(limit, x)), 0.5);
  const terms: number[] = [1];
  for (let k = 1; k <= 42; k++) terms.push(at(terms, k - 1) / (k * (k + order)));
  const series = polynomial(times(half, half), terms);
  const near = times(order === 0 ? series : times(series, half), unary("exp", unary("neg", size)));
  const inverse = over(1, scalar.binary("max", size, num(limit, x)));
  const asymptotic: number[] = [1];
  for (let k = 1; k <= 22; k++)
    asymptotic.push((at(asymptotic, k - 1) * ((2 * k - 1) ** 2 - 4 * order ** 2)) / (8 * k));
  const far = times(polynomial(inverse, asymptotic), unary("sqrt", times(inverse, 1 / (2 * Math.PI))));
  const value = choose(is("lt", size, limit), near, far);
  const signed = order === 1 ? choose(is("lt", x, 0), unary("neg", value), value) : value;
  return choose(unary("isNaN", x), x, signed);
};
export const i0e = wide(scaledBessel(0));
export const i1e = wide(scaledBessel(1));

const grown = (fn: (x: Scalar) => Scalar) =>
  wide((x: Scalar) => {
    const root = unary("exp", times(unary("abs", x), 0.5));
    return choose(
      infinite(x),
      times(fn(choose(is("lt", x, 0), num(-1, x), num(1, x))), root),
      times(times(fn(x), root), root),
    );
  });
export const i0 = grown(scaledBessel(0));
export const i1 = grown(scaledBessel(1));

// ── adjacent floats ──

/** The next float32 after x towards y, by its bits. */
function nextAfter32(x: Scalar, y: Scalar): Scalar {
  const bits = scalar.bitcast(x, "int32");
  const away = is("eq", is("gt", y, x), is("gt", x, 0));
  const step = choose(away, scalar.int(1), scalar.int(-1));
  const tiny = scalar.bitcast(choose(is("gt", y, 0), scalar.int(1), scalar.int(-2147483647)), "float32");
  return choose(is("eq", x, 0), tiny, scalar.bitcast(scalar.binary("add", bits, step), "float32"));
}

/** The next float64 above x, by arithmetic (Rump, Zimmermann, Boldo, Melquiond 2009). */
function above64(x: Scalar): Scalar {
  const unit = 2 ** -53;
  const step = (value: Scalar): Scalar => plus(value, times(unary("abs", value), unit * (1 + 2 * unit)));
  const size = unary("abs", x);
  const scaled = times(step(times(x, 2 ** 200)), 2 ** -200);
  const most = choose(is("eq", x, Number.NEGATIVE_INFINITY), num(-Number.MAX_VALUE, x), step(x));
  return choose(is("lt", size, 2 ** -1021), plus(x, 2 ** -1074), choose(is("lt", size, 2 ** -900), scaled, most));
}

export function nextAfter(x: Scalar, y: Scalar): Scalar {
  const up = above64(choose(is("lt", y, x), unary("neg", x), x));
  const next = x.dtype === "float32" ? nextAfter32(x, y) : choose(is("lt", y, x), unary("neg", up), up);
  const found = choose(is("eq", x, y), y, next);
  return choose(not(is("eq", x, x)), x, choose(not(is("eq", y, y)), y, found));
}

/** Whether the sign is negative, including −0. */
export const signBit = (x: Scalar): Scalar =>
  scalar.binary("or", is("lt", x, 0), scalar.binary("and", is("eq", x, 0), is("lt", over(1, x), 0)));
