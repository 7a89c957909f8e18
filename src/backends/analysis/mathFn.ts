// The transcendental functions, for which processors have no instruction.
import type { BinaryFn, UnaryFn } from "../../graph/scalar.ts";

export type MathFn = Extract<
  UnaryFn | BinaryFn,
  "exp" | "expm1" | "log" | "log1p" | "sin" | "cos" | "tan" | "atan" | "tanh" | "sigmoid" | "erf" | "pow" | "atan2"
>;
