// Elementwise functions.
import { isFloat, isNarrow } from "../../../../graph/dtype.ts";
import type { Node } from "../../../../graph/node.ts";
import { elementTypes } from "../../elementTypes.ts";
import type { Emitter } from "../emitter.ts";
import type { Rule, RuleTable } from "./rule.ts";

const direct =
  (type: string): Rule =>
  (node, out) =>
    out.op(type, out.operands(node));

/** Computes in int32, since runtimes implement no arithmetic on bytes and booleans. */
function widened(type: string): Rule {
  return (node, out) => {
    const given = node.inputs[0]?.dtype;
    const narrow = given !== undefined && isNarrow(given);
    const operands = out.operands(node).map((name) => (narrow ? out.cast(name, "int32") : name));
    const result = out.op(type, operands);
    return narrow && node.dtype !== "bool" ? out.cast(result, node.dtype) : result;
  };
}

const operand = (node: Node, out: Emitter): string => out.value(node.inputs[0] as Node);

/** Whether a divisor is a nonzero constant. */
function isNonZeroNumber(node: Node, out: Emitter): boolean {
  const { node: from } = out.narrow(node);
  return from.op.name === "full" && from.attributes.value !== 0;
}

/** A quotient or remainder of whole numbers; 0 if the divisor is 0, where runtimes crash. */
function wholeDivision(node: Node, out: Emitter, divide: (x: string, y: string) => string): string {
  const narrow = isNarrow(node.dtype);
  const [x, y] = out.operands(node).map((name) => (narrow ? out.cast(name, "int32") : name)) as [string, string];
  const done = (name: string): string => (narrow ? out.cast(name, node.dtype) : name);
  if (isNonZeroNumber(node.inputs[1] as Node, out)) return done(divide(x, y));
  const dtype = narrow ? "int32" : node.dtype;
  const zero = out.op("Equal", [y, out.number(0, dtype)]);
  const safe = out.op("Where", [zero, out.number(1, dtype), y]);
  return done(out.op("Where", [zero, out.number(0, dtype), divide(x, safe)]));
}

const remainder: Rule = (node, out) => {
  if (!isFloat(node.dtype)) return wholeDivision(node, out, (x, y) => out.op("Mod", [x, y]));
  const [x, y] = out.operands(node) as [string, string];
  const zero = out.number(0, node.dtype);
  // Mod has the sign of the dividend, hebb's remainder that of the divisor.
  const rest = out.op("Mod", [x, y], { fmod: 1 });
  const turned = out.op("Less", [out.op("Mul", [out.op("Sign", [rest]), out.op("Sign", [y])]), zero]);
  return out.op("Where", [turned, out.op("Add", [rest, y]), rest]);
};

/** Near zero uses a formula that keeps precision there; elsewhere the plain one. */
function nearZero(node: Node, out: Emitter, x: string, near: string, far: string): string {
  const small = out.op("Less", [out.op("Abs", [x]), out.number(0.5, node.dtype)]);
  return out.op("Where", [small, near, far]);
}

/** eˣ − 1 = 2t / (1 − t) with t = tanh(x / 2). */
const expm1: Rule = (node, out) => {
  const x = operand(node, out);
  const one = out.number(1, node.dtype);
  const t = out.op("Tanh", [out.op("Mul", [x, out.number(0.5, node.dtype)])]);
  const near = out.op("Div", [out.op("Add", [t, t]), out.op("Sub", [one, t])]);
  return nearZero(node, out, x, near, out.op("Sub", [out.op("Exp", [x]), one]));
};

/** log(1 + x) = log(u) · x / (u − 1), where u is 1 + x rounded (Kahan). */
const log1p: Rule = (node, out) => {
  const x = operand(node, out);
  const one = out.number(1, node.dtype);
  const u = out.op("Add", [x, one]);
  const log = out.op("Log", [u]);
  const rounded = out.op("Sub", [u, one]);
  const near = out.op("Where", [out.op("Equal", [u, one]), x, out.op("Div", [out.op("Mul", [log, x]), rounded])]);
  return nearZero(node, out, x, near, log);
};

const trunc: Rule = (node, out) => {
  const x = operand(node, out);
  return out.op("Mul", [out.op("Sign", [x]), out.op("Floor", [out.op("Abs", [x])])]);
};

const atan2: Rule = (node, out) => {
  const [y, x] = out.operands(node) as [string, string];
  const number = (value: number): string => out.number(value, node.dtype);
  const zero = number(0);
  const half = out.op("Atan", [out.op("Div", [y, x])]);
  const turn = out.op("Where", [out.op("Less", [y, zero]), number(-Math.PI), number(Math.PI)]);
  const left = out.op("Where", [out.op("Less", [x, zero]), out.op("Add", [half, turn]), half]);
  // On the vertical axis.
  const upright = out.op("Mul", [out.op("Sign", [y]), number(Math.PI / 2)]);
  return out.op("Where", [out.op("Equal", [x, zero]), upright, left]);
};

const relu: Rule = (node, out) => {
  if (!isFloat(node.dtype)) return widenedMax(node, out);
  const x = operand(node, out);
  // onnxruntime has no bfloat16 Relu on the CPU.
  if (node.dtype !== "bfloat16") return out.op("Relu", [x]);
  return out.cast(out.op("Relu", [out.cast(x, "float32")]), "bfloat16");
};

function widenedMax(node: Node, out: Emitter): string {
  const x = operand(node, out);
  if (node.dtype === "uint8" || node.dtype === "bool") return x;
  return out.cast(out.op("Max", [out.cast(x, "int32"), out.number(0, "int32")]), node.dtype);
}

/** On booleans, or on the bits of int32. */
const bitwise =
  (logical: string, bits: string): Rule =>
  (node, out) => {
    if (node.dtype === "bool") return out.op(logical, out.operands(node));
    if (out.opset < 18)
      throw out.refuse(node, `the bits of whole numbers need opset 18, and the file is of ${out.opset}`);
    return out.op(bits, out.operands(node));
  };

const shift =
  (direction: string): Rule =>
  (node, out) => {
    const [x, by] = out.operands(node).map((name) => out.op("Cast", [name], { to: elementTypes.uint32 })) as [
      string,
      string,
    ];
    return out.cast(out.op("BitShift", [x, by], { direction }), node.dtype);
  };

const where: Rule = (node, out) => {
  const [condition, x, y] = out.operands(node) as [string, string, string];
  // Runtimes support Where for bytes, but not for other narrow integers.
  if (node.dtype === "int8" || node.dtype === "int16")
    return out.cast(out.op("Where", [condition, out.cast(x, "int32"), out.cast(y, "int32")]), node.dtype);
  if (node.dtype !== "bool") return out.op("Where", [condition, x, y]);
  const [yes, no] = [out.op("And", [condition, x]), out.op("And", [out.op("Not", [condition]), y])];
  return out.op("Or", [yes, no]);
};

const cast: Rule = (node, out) => {
  const x = operand(node, out);
  // A float becomes a narrow integer through int32, whose low bits are kept.
  const through = isNarrow(node.dtype) && node.dtype !== "bool" && isFloat(node.inputs[0]?.dtype ?? "float32");
  return out.cast(through ? out.cast(x, "int32") : x, node.dtype);
};

const comparison = (type: string): Rule => widened(type);

/** log x · scale: ONNX has only the natural logarithm. */
const logarithm =
  (scale: number): Rule =>
  (node, out) =>
    out.op("Mul", [out.op("Log", [operand(node, out)]), out.number(scale, node.dtype)]);

/** e^(x ln 2). */
const exp2: Rule = (node, out) =>
  out.op("Exp", [out.op("Mul", [operand(node, out), out.number(Math.LN2, node.dtype)])]);

/** 1 − erf x, accurate to the rounding of 1; hebb's own erfc keeps the precision of small results. */
const erfc: Rule = (node, out) => out.op("Sub", [out.number(1, node.dtype), out.op("Erf", [operand(node, out)])]);

/** Below 0, or −0, whose reciprocal is −Infinity. */
const signbit: Rule = (node, out) => {
  const x = operand(node, out);
  const dtype = node.inputs[0]?.dtype ?? node.dtype;
  const [zero, one] = [out.number(0, dtype), out.number(1, dtype)];
  return out.op("Or", [out.op("Less", [x, zero]), out.op("Less", [out.op("Div", [one, x]), zero])]);
};

export const elementwise: RuleTable = {
  neg: widened("Neg"),
  abs: (node, out) => (node.dtype === "uint8" ? operand(node, out) : out.op("Abs", [operand(node, out)])),
  sign: widened("Sign"),
  floor: direct("Floor"),
  ceil: direct("Ceil"),
  round: direct("Round"),
  trunc,
  exp: direct("Exp"),
  expm1,
  log: direct("Log"),
  log1p,
  sqrt: direct("Sqrt"),
  sin: direct("Sin"),
  cos: direct("Cos"),
  tan: direct("Tan"),
  atan: direct("Atan"),
  tanh: direct("Tanh"),
  sigmoid: direct("Sigmoid"),
  asin: direct("Asin"),
  acos: direct("Acos"),
  sinh: direct("Sinh"),
  cosh: direct("Cosh"),
  asinh: direct("Asinh"),
  acosh: direct("Acosh"),
  atanh: direct("Atanh"),
  log2: logarithm(Math.LOG2E),
  log10: logarithm(Math.LOG10E),
  exp2,
  erf: direct("Erf"),
  erfc,
  signbit,
  relu,
  isnan: direct("IsNaN"),
  logicalNot: direct("Not"),
  cast,
  add: widened("Add"),
  sub: widened("Sub"),
  mul: widened("Mul"),
  div: (node, out) =>
    isFloat(node.dtype) ? out.op("Div", out.operands(node)) : wholeDivision(node, out, (x, y) => out.op("Div", [x, y])),
  remainder,
  pow: widened("Pow"),
  maximum: widened("Max"),
  minimum: widened("Min"),
  atan2,
  eq: comparison("Equal"),
  ne: (node, out) => out.op("Not", [comparison("Equal")(node, out)]),
  lt: comparison("Less"),
  le: comparison("LessOrEqual"),
  gt: comparison("Greater"),
  ge: comparison("GreaterOrEqual"),
  and: bitwise("And", "BitwiseAnd"),
  or: bitwise("Or", "BitwiseOr"),
  xor: bitwise("Xor", "BitwiseXor"),
  shl: shift("LEFT"),
  shr: shift("RIGHT"),
  where,
};
