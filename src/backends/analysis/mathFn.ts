// The transcendental functions, for which CPUs have no instruction.
import type { BinaryFn, UnaryFn } from "../../graph/scalar.ts";

/** Those of float32 lanes that are polynomials without branches. */
const polynomialFns = ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf"] as const;
export const mathFns = [...polynomialFns, "sin", "cos", "tan", "atan", "pow", "atan2"] as const;

export type PolynomialFn = (typeof polynomialFns)[number];
export type MathFn = (typeof mathFns)[number];

const polynomials: ReadonlySet<string> = new Set(polynomialFns);
const all: ReadonlySet<string> = new Set(mathFns);

export const isPolynomial = (fn: string): fn is PolynomialFn => polynomials.has(fn);

export const isMathFn = (fn: UnaryFn | BinaryFn): fn is MathFn => all.has(fn);
