// Scalar float64 in a shader, as a list of operations that a single loop executes: shader compilers inline every call, and each
// of these operations is long.
import { InternalError } from "../../../graph/errors.ts";
import type { BinaryFn, UnaryFn } from "../../../graph/scalar.ts";
import { erfLarge, erfSmall, halfPiLow, ln2High, ln2Low } from "../../analysis/float64Coefficients.ts";
import { doubleLiteral } from "./literals.ts";

/** Operations and their WGSL on the operands a, b and c; p and q are a and b unpacked. Comparisons put 1 or 0 in the lower word. */
const direct = {
  min: "doubleMin(a, b)",
  max: "doubleMax(a, b)",
  mod: "doubleMod(a, b)",
  less: "doubleTruth(doubleLess(a, b))",
  lessEqual: "doubleTruth(doubleLessEqual(a, b))",
  equal: "doubleTruth(doubleEqual(a, b))",
  isNaN: "doubleTruth(doubleIsNaN(a))",
  select: "select(c, b, a.x != 0u)",
  neg: "doubleNeg(a)",
  abs: "doubleAbs(a)",
  sign: "doubleSign(a)",
  round: "doubleRound(a)",
  trunc: "doubleTrunc(a)",
  withSign: "vec2<u32>(a.x, (a.y & 0x7fffffffu) | (b.y & 0x80000000u))",
  logEdge: "doubleLogEdge(a, b)",
  powEdge: "doublePowEdge(a, b, c)",
  /** The bits of the float32 are the lower word. */
  toFloat: "vec2<u32>(bitcast<u32>(f32FromParts(p)), 0u)",
} as const;
/** Operations with a rounded result; they share one rounding step in the shader. */
const inParts = {
  add: "addParts(a, b, p, q)",
  mul: "mulParts(p, q)",
  div: "divParts(p, q)",
  sqrt: "sqrtParts(a, p)",
  scale: "scaleParts(a, p, i32FromParts(q))",
  logExponent: "partsOfI32(p.e + splitsUp(p))",
  logMantissa: "DoubleParts(1u, 0u, -splitsUp(p), p.m)",
  angleRest: "angleParts(a, p)",
  /** The quadrant of the preceding angle. */
  angleQuadrant: "partsOfI32(doubleQuadrant)",
} as const;

type Operation = keyof typeof direct | keyof typeof inParts;
const operations: Readonly<Record<Operation, string>> = { ...direct, ...inParts };
const order = Object.keys(operations) as readonly Operation[];

/** An index in the shader's array `d`. */
export type Register = number;

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2: Taylor's series to 2⁻⁵⁶. */
const expTail = Array.from({ length: 14 }, (_, n) => 1 / factorial(n + 2));
/** (2 atanh(s) - 2s) / s³ in s², for |s| ≤ 0.172, to 2⁻⁵⁶. */
const logTail = Array.from({ length: 11 }, (_, n) => 2 / (2 * n + 3));
/** Taylor's series of (sin(x)/x - 1) / x² and (cos x - 1 + x²/2) / x⁴ for |x| ≤ π/4, and of (atan(x)/x - 1) / x² for |x| ≤ tan π/8, in x². */
const sinTail = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? -1 : 1) / factorial(2 * n + 3));
const cosTail = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? 1 : -1) / factorial(2 * n + 4));
const atanTail = Array.from({ length: 22 }, (_, n) => (n % 2 === 0 ? -1 : 1) / (2 * n + 3));

export class Doubles {
  /** The initial value of each register: a constant, or zero. */
  readonly #initial: string[] = [];
  readonly #constants = new Map<string, Register>();
  readonly #code: string[] = [];
  #done = 0;

  /** A register set by a line of the shader. */
  fresh(): Register {
    return this.#initial.push("vec2<u32>(0u, 0u)") - 1;
  }

  constant(value: number): Register {
    const text = doubleLiteral(value);
    const known = this.#constants.get(text) ?? this.#initial.push(text) - 1;
    this.#constants.set(text, known);
    return known;
  }

  /** Some operations are composed of others, because each distinct one makes the shader longer. */
  apply(operation: Operation | "sub" | "floor" | "ceil", a: Register, b: Register = a, c: Register = a): Register {
    if (operation === "sub") return this.apply("add", a, this.apply("neg", b));
    if (operation === "ceil") return this.apply("neg", this.apply("floor", this.apply("neg", a)));
    if (operation === "floor") {
      const whole = this.apply("trunc", a);
      return this.apply("select", this.apply("less", a, whole), this.apply("sub", whole, this.constant(1)), whole);
    }
    const to = this.fresh();
    this.#code.push(`vec4<u32>(${order.indexOf(operation) + 256 * to}u, ${a}u, ${b}u, ${c}u)`);
    return to;
  }

  /** The operations since the last call, as a range of the list. */
  pending(): { readonly first: number; readonly end: number } | undefined {
    const [first, end] = [this.#done, this.#code.length];
    this.#done = end;
    return first === end ? undefined : { first, end };
  }

  /** The declarations that the shader needs. */
  declarations(): string {
    if (this.#initial.length === 0) return "";
    const registers = `var<private> d = array<vec2<u32>, ${this.#initial.length}>(${this.#initial.join(", ")});`;
    if (this.#code.length === 0) return registers;
    const used = new Set(this.#code.map((line) => Number(/\d+(?=u)/.exec(line.slice(10))?.[0]) % 256));
    const cases = order.flatMap((name, number) =>
      used.has(number)
        ? [`    case ${number}u: { r = ${name in direct ? `rawDouble(${operations[name]})` : operations[name]}; }`]
        : [],
    );
    return `${registers}
var<private> doubleCode = array<vec4<u32>, ${this.#code.length}>(${this.#code.join(", ")});
fn doubleStep(step: u32) {
  let code = doubleCode[step];
  let a = d[code.y];
  let b = d[code.z];
  let c = d[code.w];
  let p = partsOf(a);
  let q = partsOf(b);
  var r = rawDouble(a);
  switch (code.x & 255u) {
${cases.join("\n")}
    default: {}
  }
  d[code.x >> 8u] = doubleFrom(r);
}`;
  }

  // Functions composed of operations.

  unary(fn: UnaryFn, x: Register): Register {
    switch (fn) {
      case "neg":
      case "abs":
      case "sign":
      case "floor":
      case "ceil":
      case "round":
      case "trunc":
      case "sqrt":
      case "isNaN":
        return this.apply(fn, x);
      case "not":
        return this.apply("equal", x, this.constant(0));
      case "exp":
        return this.#exp(x);
      case "expm1":
        return this.#expm1(x);
      case "log":
        return this.#log(x);
      case "log1p":
        return this.#log1p(x);
      case "tanh":
        return this.#tanh(x);
      case "sigmoid":
        return this.#sigmoid(x);
      case "sin":
      case "cos":
      case "tan":
        return this.#circular(fn, x);
      case "atan":
        return this.#atan(x);
      case "erf":
        return this.#erf(x);
    }
  }

  binary(fn: BinaryFn, a: Register, b: Register): Register {
    switch (fn) {
      case "add":
      case "sub":
      case "mul":
      case "div":
      case "mod":
      case "min":
      case "max":
        return this.apply(fn, a, b);
      case "eq":
        return this.apply("equal", a, b);
      case "ne":
        return this.apply("equal", this.apply("equal", a, b), this.constant(0));
      case "lt":
        return this.apply("less", a, b);
      case "gt":
        return this.apply("less", b, a);
      case "le":
        return this.apply("lessEqual", a, b);
      case "ge":
        return this.apply("lessEqual", b, a);
      case "pow":
        return this.apply("powEdge", a, b, this.#exp(this.apply("mul", b, this.#log(this.apply("abs", a)))));
      case "atan2":
        return this.#atan2(a, b);
      case "and":
      case "or":
      case "xor":
      case "shl":
      case "shr":
        throw new InternalError(`${fn} of float64`);
    }
  }

  #series(x: Register, coefficients: readonly number[]): Register {
    return coefficients
      .slice(0, -1)
      .reduceRight(
        (inner, value) => this.apply("add", this.apply("mul", inner, x), this.constant(value)),
        this.constant(coefficients.at(-1) ?? 0),
      );
  }

  #clamp(x: Register, low: number, high: number): Register {
    return this.apply("max", this.apply("min", x, this.constant(high)), this.constant(low));
  }

  /** x = n ln 2 + r: e^r - 1, and n. */
  #reduce(x: Register): { readonly power: Register; readonly n: Register } {
    const n = this.apply("round", this.apply("mul", x, this.constant(Math.LOG2E)));
    const high = this.apply("sub", x, this.apply("mul", n, this.constant(ln2High)));
    const low = this.apply("mul", n, this.constant(ln2Low));
    const r = this.apply("sub", high, low);
    const lost = this.apply("sub", this.apply("sub", high, r), low);
    const bend = this.apply("mul", this.apply("mul", r, r), this.#series(r, expTail));
    return { power: this.apply("add", r, this.apply("add", bend, lost)), n };
  }

  #exp(x: Register): Register {
    const { power, n } = this.#reduce(this.#clamp(x, -746, 710));
    return this.apply("scale", this.apply("add", power, this.constant(1)), n);
  }

  /** 2ⁿ(e^r - 1) + (2ⁿ - 1), computed at half its size. */
  #expm1(x: Register): Register {
    const { power, n } = this.#reduce(this.#clamp(x, -60, 710));
    const half = this.apply("scale", this.constant(0.5), n);
    const result = this.apply("add", this.apply("mul", half, power), this.apply("sub", half, this.constant(0.5)));
    const tiny = this.apply("less", this.apply("abs", x), this.constant(1e-17));
    return this.apply("select", tiny, x, this.apply("add", result, result));
  }

  /** ln(2ᵏ(1 + f)) + correction. */
  #logReduced(k: Register, f: Register, correction: Register): Register {
    const s = this.apply("div", f, this.apply("add", f, this.constant(2)));
    const z = this.apply("mul", s, s);
    const half = this.apply("mul", this.apply("mul", f, f), this.constant(0.5));
    const tail = this.apply("mul", z, this.#series(z, logTail));
    const low = this.apply(
      "add",
      this.apply("mul", s, this.apply("add", half, tail)),
      this.apply("add", this.apply("mul", k, this.constant(ln2Low)), correction),
    );
    const rest = this.apply("sub", this.apply("sub", half, low), f);
    return this.apply("sub", this.apply("mul", k, this.constant(ln2High)), rest);
  }

  #log(x: Register): Register {
    const f = this.apply("sub", this.apply("logMantissa", x), this.constant(1));
    return this.apply("logEdge", x, this.#logReduced(this.apply("logExponent", x), f, this.constant(0)));
  }

  /** ln u with u = 1 + x, plus the rounding error of u. */
  #log1p(x: Register): Register {
    const [zero, one] = [this.constant(0), this.constant(1)];
    const u = this.apply("add", x, one);
    const k = this.apply("logExponent", u);
    const near = this.apply("equal", k, zero);
    const lost = this.apply(
      "select",
      this.apply("less", zero, k),
      this.apply("sub", one, this.apply("sub", u, x)),
      this.apply("sub", x, this.apply("sub", u, one)),
    );
    const f = this.apply("select", near, x, this.apply("sub", this.apply("logMantissa", u), one));
    const correction = this.apply("select", near, zero, this.apply("div", lost, u));
    const result = this.apply("logEdge", u, this.#logReduced(k, f, correction));
    return this.apply("select", this.apply("less", this.apply("abs", x), this.constant(1e-17)), x, result);
  }

  /** t / (t + 2) with t = e^2|x| - 1. */
  #tanh(x: Register): Register {
    const size = this.apply("min", this.apply("abs", x), this.constant(22));
    const t = this.#expm1(this.apply("add", size, size));
    return this.apply("withSign", this.apply("div", t, this.apply("add", t, this.constant(2))), x);
  }

  /** e / (1 + e) on the left and 1 / (1 + e) on the right, with e = e^-|x|. */
  #sigmoid(x: Register): Register {
    const e = this.#exp(this.apply("neg", this.apply("abs", x)));
    const top = this.apply("select", this.apply("less", x, this.constant(0)), e, this.constant(1));
    return this.apply("div", top, this.apply("add", e, this.constant(1)));
  }

  /** From the quadrant of the angle and the remainder, which is within π/4. */
  #circular(fn: "sin" | "cos" | "tan", x: Register): Register {
    const r = this.apply("angleRest", x);
    const n = this.apply("angleQuadrant", r);
    const z = this.apply("mul", r, r);
    const sin = this.apply("add", r, this.apply("mul", this.apply("mul", r, z), this.#series(z, sinTail)));
    const half = this.apply("mul", z, this.constant(0.5));
    const top = this.apply("sub", this.constant(1), half);
    const lost = this.apply("sub", this.apply("sub", this.constant(1), top), half);
    const bend = this.apply("mul", this.apply("mul", z, z), this.#series(z, cosTail));
    const cos = this.apply("add", top, this.apply("add", lost, bend));
    const halved = this.apply("mul", n, this.constant(0.5));
    const odd = this.apply("less", this.apply("trunc", halved), halved);
    if (fn === "tan") {
      const above = this.apply("select", odd, this.apply("neg", cos), sin);
      return this.#orZero(x, this.apply("div", above, this.apply("select", odd, sin, cos)));
    }
    const [even, uneven] = fn === "sin" ? [sin, cos] : [cos, sin];
    const value = this.apply("select", odd, uneven, even);
    // Negative: sines in quadrants 2 and 3, cosines in 1 and 2.
    const middle = this.apply("abs", this.apply("sub", n, this.constant(1.5)));
    const back =
      fn === "sin" ? this.apply("less", this.constant(1.5), n) : this.apply("less", middle, this.constant(1));
    const signed = this.apply("select", back, this.apply("neg", value), value);
    return fn === "sin" ? this.#orZero(x, signed) : signed;
  }

  /** The value; for a zero x, x itself. */
  #orZero(x: Register, value: Register): Register {
    return this.apply("select", this.apply("equal", x, this.constant(0)), x, value);
  }

  /** For 0 ≤ t ≤ 1. Above tan(π/8), from the angle that remains to π/4. */
  #atanOfUnit(t: Register): Register {
    const one = this.constant(1);
    const large = this.apply("less", this.constant(Math.SQRT2 - 1), t);
    const x = this.apply("select", large, this.apply("div", this.apply("sub", t, one), this.apply("add", t, one)), t);
    const z = this.apply("mul", x, x);
    const bend = this.apply("mul", this.apply("mul", x, z), this.#series(z, atanTail));
    const far = this.apply(
      "add",
      this.constant(Math.PI / 4),
      this.apply("add", x, this.apply("add", bend, this.constant(halfPiLow / 2))),
    );
    return this.apply("select", large, far, this.apply("add", x, bend));
  }

  /** π/2 minus the angle. */
  #complement(angle: Register): Register {
    return this.apply("sub", this.constant(Math.PI / 2), this.apply("sub", angle, this.constant(halfPiLow)));
  }

  #atan(x: Register): Register {
    const one = this.constant(1);
    const size = this.apply("abs", x);
    const small = this.apply("lessEqual", size, one);
    const angle = this.#atanOfUnit(this.apply("select", small, size, this.apply("div", one, size)));
    const value = this.apply("withSign", this.apply("select", small, angle, this.#complement(angle)), x);
    return this.apply("select", this.apply("isNaN", x), x, value);
  }

  #atan2(y: Register, x: Register): Register {
    const [a, b] = [this.apply("abs", y), this.apply("abs", x)];
    const [zero, one] = [this.constant(0), this.constant(1)];
    const flat = this.apply("lessEqual", a, b);
    const quotient = this.apply("div", this.apply("select", flat, a, b), this.apply("select", flat, b, a));
    // Here 0/0 counts as 0, and ∞/∞ as 1.
    const known = this.apply("select", this.apply("equal", a, zero), zero, one);
    const ratio = this.apply("select", this.apply("isNaN", quotient), known, quotient);
    const angle = this.#atanOfUnit(ratio);
    const upright = this.apply("select", flat, angle, this.#complement(angle));
    const left = this.apply("sub", this.constant(Math.PI), this.apply("sub", upright, this.constant(2 * halfPiLow)));
    const negative = this.apply("less", this.apply("withSign", one, x), zero);
    const value = this.apply("withSign", this.apply("select", negative, left, upright), y);
    const undefinedAngle = this.apply("select", this.apply("isNaN", x), x, y);
    const missing = this.apply("select", this.apply("isNaN", x), this.apply("isNaN", x), this.apply("isNaN", y));
    return this.apply("select", missing, undefinedAngle, value);
  }

  #erf(x: Register): Register {
    const size = this.apply("min", this.apply("abs", x), this.constant(6));
    const square = this.apply("mul", size, size);
    const near = this.apply("mul", size, this.#series(square, erfSmall));
    const shift = this.constant(2.5);
    const s = this.apply("div", this.apply("sub", size, shift), this.apply("add", size, shift));
    const top = this.apply("mul", this.#exp(this.apply("neg", square)), this.#series(s, erfLarge));
    const rest = this.apply("div", top, this.apply("add", this.constant(1), this.apply("add", size, size)));
    const far = this.apply("sub", this.constant(1), rest);
    const small = this.apply("less", size, this.constant(1));
    return this.apply("withSign", this.apply("select", small, near, far), x);
  }
}
