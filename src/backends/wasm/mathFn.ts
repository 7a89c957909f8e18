// The mathematical functions that WebAssembly has no instruction for.
export type MathFn =
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "atan"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "pow"
  | "atan2";
