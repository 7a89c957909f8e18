// Transcendental functions: float32 lanes use branch-free polynomials, everything else the C library in double.
import {
  bitsOfRootHalf,
  erfLarge,
  erfSmall,
  expTail,
  ln2High,
  ln2Low,
  logTail,
} from "../analysis/float32Coefficients.ts";
import { isPolynomial, type MathFn, type PolynomialFn } from "../analysis/mathFn.ts";
import type { EmitContext } from "./emitter.ts";
import { literal, needLanes, vectorType } from "./lanes.ts";

type LibraryFn = MathFn | "mod";
type Float = "float32" | "float64";

const library = (fn: LibraryFn): string => (fn === "sigmoid" ? "sigmoid_double" : fn === "mod" ? "mod_double" : fn);

/** One element: the C library in double, rounded once. */
export function scalarMath(_context: EmitContext, fn: LibraryFn, dtype: Float, operands: readonly string[]): string {
  return `(${dtype === "float32" ? "float" : "double"})${library(fn)}(${operands.join(", ")})`;
}

/** A vector of lanes. */
export function vectorMath(
  context: EmitContext,
  fn: LibraryFn,
  dtype: Float,
  operands: readonly string[],
  lanes: number,
): string {
  const name = `${fn}_${vectorType(dtype, lanes)}`;
  needFunction(context, fn, dtype, lanes, name);
  return `${name}(${operands.join(", ")})`;
}

function needFunction(context: EmitContext, fn: LibraryFn, dtype: Float, lanes: number, name: string): void {
  needLanes(context, lanes);
  if (dtype === "float32" && isPolynomial(fn)) {
    if (fn !== "log" && fn !== "log1p") context.helper(`exponential${lanes}`, () => exponential(context, lanes));
    else context.helper(`logarithm${lanes}`, () => logarithm(lanes));
    context.helper(name, () => polynomialFunction(context, fn, lanes));
    return;
  }
  context.helper(name, () => {
    const type = vectorType(dtype, lanes);
    const two = fn === "pow" || fn === "atan2" || fn === "mod";
    const element = dtype === "float32" ? "(float)" : "";
    return `static ${type} ${name}(${type} x${two ? `, ${type} y` : ""}) {
  ${type} r;
  for (int l = 0; l < ${lanes}; l++) r[l] = ${element}${library(fn)}(x[l]${two ? ", y[l]" : ""});
  return r;
}
`;
  });
}

const f = (value: number): string => literal(value, "float32");

/** c₀ + x (c₁ + x (c₂ + …)), each step one fused multiply-add. */
function horner(type: string, x: string, coefficients: readonly number[]): string {
  const splat = (value: number): string => `${type}_splat(${f(value)})`;
  return coefficients
    .slice(0, -1)
    .reduceRight((inner, value) => `${type}_fma(${inner}, ${x}, ${splat(value)})`, splat(coefficients.at(-1) ?? 0));
}

/** x = n ln 2 + r; e^r - 1 for the reduced r; y · 2ⁿ for every n in the range of floats; 1 / x for 1 ≤ x < 2¹²⁶, within 2 ulp. */
function exponential(context: EmitContext, n: number): string {
  const [F, I] = [`F${n}`, `I${n}`];
  const wide = context.target.vectors === "avx512" && (n === 16 || n === 8);
  const [p, register] = n === 16 ? ["_mm512", "__m512"] : ["_mm256", "__m256"];
  const scale = wide
    ? `return (${F})${p}_scalef_ps((${register})y, (${register})n);`
    : `${I} whole = __builtin_convertvector(n, ${I}), half = whole >> 1;
  return y * (${F})((half + 127) << 23) * (${F})((whole - half + 127) << 23);`;
  const inverse = wide
    ? `${F} r = (${F})${p}_rcp14_ps((${register})x); r = ${F}_fma(${F}_fma(-x, r, ${F}_splat(1.0f)), r, r); return r;`
    : "return 1.0f / x;";
  return `static inline ${F} most_${F}(${F} x, float bound) { return ${bounded(context, n, "min")}; }
static inline ${F} least_${F}(${F} x, float bound) { return ${bounded(context, n, "max")}; }
static inline ${F} reduce_${F}(${F} x, ${F} *n) {
  *n = ${F}_rint(x * ${f(Math.LOG2E)});
  return ${F}_fma(*n, ${F}_splat(${f(-ln2Low)}), ${F}_fma(*n, ${F}_splat(${f(-ln2High)}), x));
}
static inline ${F} expm1_reduced_${F}(${F} r) { return ${F}_fma(r * r, ${horner(F, "r", expTail)}, r); }
static inline ${F} scale_${F}(${F} y, ${F} n) { ${scale} }
static inline ${F} inverse_${F}(${F} x) { ${inverse} }
static inline ${F} signed_${F}(${F} r, ${F} x) { return (${F})((${I})r | ((${I})x & (-2147483647 - 1))); }
static inline ${F} size_${F}(${F} x) { return (${F})((${I})x & 2147483647); }
`;
}

/** The minimum or maximum of x and a bound; NaN in x is kept. */
function bounded(context: EmitContext, n: number, which: "min" | "max"): string {
  const wide = context.target.vectors === "avx512" || context.target.vectors === "avx2";
  if (wide && (n === 16 || n === 8)) {
    const bits = n * 32;
    return `(F${n})${bits === 512 ? "_mm512" : "_mm256"}_${which}_ps((__m${bits})F${n}_splat(bound), (__m${bits})x)`;
  }
  return `F${n}_sel(F${n}_splat(bound) ${which === "min" ? "<" : ">"} x, F${n}_splat(bound), x)`;
}

/** ln(2ᵏ(1 + f)) + correction; x = 2ᵏ m with m in [√½, √2) for a normal x; the results for 0, ∞, negative numbers and NaN. */
function logarithm(n: number): string {
  const [F, I] = [`F${n}`, `I${n}`];
  return `static inline ${F} log_reduced_${F}(${F} k, ${F} f, ${F} correction) {
  ${F} square = f * f;
  ${F} tail = (square * f) * ${horner(F, "f", logTail)};
  tail = ${F}_fma(k, ${F}_splat(${f(ln2Low)}), tail) + correction;
  return k * ${f(ln2High)} + (f + (tail - square * 0.5f));
}
static inline ${F} split_${F}(${F} x, ${F} *k) {
  ${I} exponent = ((${I})x - ${bitsOfRootHalf}) >> 23;
  *k = __builtin_convertvector(exponent, ${F});
  return (${F})((${I})x - (exponent << 23));
}
static inline ${F} log_edges_${F}(${F} r, ${F} argument) {
  r = ${F}_sel(argument < __builtin_inff(), r, argument);
  r = ${F}_sel(argument == 0.0f, ${F}_splat(-__builtin_inff()), r);
  return (${F})((${I})r | (argument < 0.0f));
}
`;
}

function polynomialFunction(_context: EmitContext, fn: PolynomialFn, lanes: number): string {
  const F = `F${lanes}`;
  const one = `${F}_splat(1.0f)`;
  const body = ((): string => {
    switch (fn) {
      case "exp":
        return `${F} n, r = reduce_${F}(least_${F}(most_${F}(x, 89.0f), -104.5f), &n);
  return scale_${F}(expm1_reduced_${F}(r) + 1.0f, n);`;
      // 2ⁿ(e^r - 1) + (2ⁿ - 1), computed at half its size so that it overflows only when the result does.
      case "expm1":
        return `${F} n, r = reduce_${F}(least_${F}(most_${F}(x, 89.0f), -20.0f), &n);
  ${F} half = scale_${F}(${F}_splat(0.5f), n);
  r = ${F}_fma(half, expm1_reduced_${F}(r), half - 0.5f);
  return signed_${F}(r + r, x);`;
      // t / (t + 2) with t = e^2|x| - 1.
      case "tanh":
        return `${F} size = size_${F}(x), n, r = reduce_${F}(most_${F}(size + size, 40.0f), &n);
  ${F} power = scale_${F}(${one}, n);
  ${F} t = ${F}_fma(power, expm1_reduced_${F}(r), power - 1.0f);
  return signed_${F}(t * inverse_${F}(t + 2.0f), x);`;
      // e / (1 + e) on the left and 1 / (1 + e) on the right, with e = e^-|x|.
      case "sigmoid":
        return `${F} n, r = reduce_${F}(least_${F}(-size_${F}(x), -104.5f), &n);
  ${F} e = scale_${F}(expm1_reduced_${F}(r) + 1.0f, n);
  return ${F}_sel(x >= 0.0f, ${one}, e) * inverse_${F}(e + 1.0f);`;
      case "log":
        return `I${lanes} tiny = x < 1.1754943508222875e-38f;
  ${F} k, m = split_${F}(${F}_sel(tiny, x * 8388608.0f, x), &k);
  k -= ${F}_sel(tiny, ${F}_splat(23.0f), ${F}_splat(0.0f));
  return log_edges_${F}(log_reduced_${F}(k, m - 1.0f, ${F}_splat(0.0f)), x);`;
      // ln u with u = 1 + x, plus the rounding error of u.
      case "log1p":
        return `${F} u = x + 1.0f, k, m = split_${F}(u, &k);
  ${F} lost = ${F}_sel(k > 0.0f, 1.0f - (u - x), x - (u - 1.0f)) / u;
  I${lanes} near = k == 0.0f;
  ${F} r = log_reduced_${F}(k, ${F}_sel(near, x, m - 1.0f), ${F}_sel(near, ${F}_splat(0.0f), lost));
  return ${F}_sel(size1_${F}(x) < 1e-9f, x, log_edges_${F}(r, u));`;
      case "erf":
        return `${F} size = size_${F}(x), square = x * x;
  ${F} small = ${F}_fma(x, ${horner(F, "square", erfSmall)}, x);
  ${F} bound = most_${F}(size, 4.0f);
  ${F} n, r = reduce_${F}(-(${horner(F, "bound", erfLarge)}), &n);
  ${F} large = signed_${F}(1.0f - scale_${F}(expm1_reduced_${F}(r) + 1.0f, n), x);
  return ${F}_sel(size > 1.0f, large, small);`;
    }
  })();
  const size =
    fn === "log1p" ? `static inline ${F} size1_${F}(${F} x) { return (${F})((I${lanes})x & 2147483647); }\n` : "";
  return `${size}static inline ${F} ${fn}_${F}(${F} x) {\n  ${body}\n}\n`;
}
