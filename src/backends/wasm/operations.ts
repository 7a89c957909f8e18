// One operation of the scalar language as WebAssembly: on a scalar, and on four lanes. Operands are on the stack.
import { byteSize, type ElementType, rangeOf } from "../../graph/dtype.ts";
import { type BinaryFn, isComparison, type UnaryFn } from "../../graph/scalar.ts";
import { isMathFn, type MathFn } from "../analysis/mathFn.ts";
import { misplaced } from "../analysis/values.ts";
import type { EmitContext } from "./emitter.ts";
import { mathHelper, vectorMath } from "./math.ts";
import type { FunctionBuilder, ValueType } from "./module.ts";
import type { PlainOpcode } from "./opcodes.ts";

export const scalarType = (dtype: ElementType): ValueType =>
  dtype === "float32" ? "f32" : dtype === "float64" ? "f64" : "i32";

/** Wraps the integer on the stack to the range of its dtype. */
function narrow(f: FunctionBuilder, dtype: ElementType): void {
  if (dtype === "int8") f.op("i32.extend8_s");
  else if (dtype === "int16") f.op("i32.extend16_s");
  else if (dtype === "uint8" || dtype === "uint16") f.i32(rangeOf(dtype)[1]).op("i32.and");
}

/** The same of four lanes. */
function narrowLanes(f: FunctionBuilder, dtype: ElementType): void {
  const unused = 32 - 8 * byteSize(dtype);
  if (dtype === "int8" || dtype === "int16") f.i32(unused).op("i32x4.shl").i32(unused).op("i32x4.shr_s");
  else if (dtype === "uint8" || dtype === "uint16") f.i32x4(rangeOf(dtype)[1]).op("v128.and");
}

/** Float functions that are an instruction for every float type, with its name. */
const floatUnary: Readonly<Partial<Record<UnaryFn, "neg" | "abs" | "sqrt" | "floor" | "ceil" | "trunc" | "nearest">>> =
  { neg: "neg", abs: "abs", sqrt: "sqrt", floor: "floor", ceil: "ceil", trunc: "trunc", round: "nearest" };

type FloatBinary = Exclude<BinaryFn, MathFn | "mod" | "and" | "or" | "xor" | "shl" | "shr">;
// biome-ignore format: a table
const floatBinary: ReadonlySet<BinaryFn> = new Set<FloatBinary>([
  "add", "sub", "mul", "div", "min", "max", "eq", "ne", "lt", "le", "gt", "ge",
]);
const isFloatBinary = (fn: BinaryFn): fn is FloatBinary => floatBinary.has(fn);

type Opcodes = Readonly<Partial<Record<BinaryFn, PlainOpcode>>>;

// biome-ignore format: a table
const integerOpcodes: Opcodes = {
  eq: "i32.eq", ne: "i32.ne", lt: "i32.lt_s", le: "i32.le_s", gt: "i32.gt_s", ge: "i32.ge_s",
  add: "i32.add", sub: "i32.sub", mul: "i32.mul", and: "i32.and", or: "i32.or", xor: "i32.xor",
  shl: "i32.shl", shr: "i32.shr_u",
};
const boolOpcodes: Opcodes = { ...integerOpcodes, add: "i32.or", sub: "i32.xor" };

// biome-ignore format: a table
const integerLanes: Opcodes = {
  eq: "i32x4.eq", ne: "i32x4.ne", lt: "i32x4.lt_s", le: "i32x4.le_s", gt: "i32x4.gt_s", ge: "i32x4.ge_s",
  add: "i32x4.add", sub: "i32x4.sub", mul: "i32x4.mul", and: "v128.and", or: "v128.or", xor: "v128.xor",
  min: "i32x4.min_s", max: "i32x4.max_s",
};
/** True is all ones, so the order of masks is reversed. */
// biome-ignore format: a table
const maskLanes: Opcodes = {
  and: "v128.and", mul: "v128.and", min: "v128.and", or: "v128.or", add: "v128.or", max: "v128.or",
  xor: "v128.xor", sub: "v128.xor", ne: "v128.xor",
  lt: "i32x4.gt_s", le: "i32x4.ge_s", gt: "i32x4.lt_s", ge: "i32x4.le_s",
};

export function scalarUnary(f: FunctionBuilder, context: EmitContext, fn: UnaryFn, dtype: ElementType): void {
  if (dtype === "float32" || dtype === "float64") {
    const t = dtype === "float32" ? "f32" : "f64";
    if (isMathFn(fn)) {
      f.call(mathHelper(context, fn, t));
      return;
    }
    const name = floatUnary[fn];
    if (name !== undefined) {
      f.op(`${t}.${name}`);
      return;
    }
    switch (fn) {
      case "isNaN": {
        const x = f.local(t);
        f.tee(x).get(x).op(`${t}.ne`).release(x);
        return;
      }
      case "sign": {
        const x = f.local(t);
        f.tee(x);
        zero(f, t).op(`${t}.gt`).get(x);
        zero(f, t).op(`${t}.lt`).op("i32.sub").op(`${t}.convert_i32_s`).release(x);
        return;
      }
      default:
        throw misplaced(`${fn} of ${dtype}`);
    }
  }
  switch (fn) {
    case "not":
      f.op("i32.eqz");
      return;
    case "neg":
      if (dtype === "bool") return;
      f.i32(-1).op("i32.mul");
      return narrow(f, dtype);
    case "abs":
      if (rangeOf(dtype)[0] === 0) return;
      {
        const x = f.local("i32");
        f.tee(x).get(x).i32(31).op("i32.shr_s").op("i32.xor").get(x).i32(31).op("i32.shr_s").op("i32.sub").release(x);
      }
      return narrow(f, dtype);
    case "sign": {
      const x = f.local("i32");
      f.tee(x).i32(0).op("i32.gt_s").get(x).i32(0).op("i32.lt_s").op("i32.sub").release(x);
      return;
    }
    case "floor":
    case "ceil":
    case "trunc":
    case "round":
      return;
    case "isNaN":
      f.op("drop").i32(0);
      return;
    default:
      throw misplaced(`${fn} of ${dtype}`);
  }
}

const zero = (f: FunctionBuilder, type: "f32" | "f64"): FunctionBuilder => (type === "f32" ? f.f32(0) : f.f64(0));

export function scalarBinary(f: FunctionBuilder, context: EmitContext, fn: BinaryFn, dtype: ElementType): void {
  if (dtype === "float32" || dtype === "float64") {
    const t = dtype === "float32" ? "f32" : "f64";
    if (isMathFn(fn)) f.call(mathHelper(context, fn, t));
    else if (isFloatBinary(fn)) f.op(`${t}.${fn}`);
    else if (fn === "mod") f.call(remainderHelper(context, t));
    else throw misplaced(`${fn} of ${dtype}`);
    return;
  }
  const opcode = (dtype === "bool" ? boolOpcodes : integerOpcodes)[fn];
  if (opcode !== undefined) f.op(opcode);
  else if (fn === "min" || fn === "max") return chooseInteger(f, fn === "min" ? "i32.lt_s" : "i32.gt_s");
  else if (fn === "div" || fn === "mod" || fn === "pow") f.call(integerHelper(context, fn));
  else throw misplaced(`${fn} of ${dtype}`);
  if (isComparison(fn)) return;
  if (dtype !== "bool") narrow(f, dtype);
  else f.i32(0).op("i32.ne");
}

/** The first of two integers if the comparison holds, else the second. */
function chooseInteger(f: FunctionBuilder, comparison: PlainOpcode): void {
  const a = f.local("i32");
  const b = f.local("i32");
  f.set(b).set(a).get(a).get(b).get(a).get(b).op(comparison).op("select");
  f.release(a);
  f.release(b);
}

export function scalarCast(f: FunctionBuilder, from: ElementType, to: ElementType): void {
  if (from === to) return;
  const source = scalarType(from);
  switch (to) {
    case "float32":
      if (source === "f64") f.op("f32.demote_f64");
      else f.op("f32.convert_i32_s");
      return;
    case "float64":
      if (source === "f32") f.op("f64.promote_f32");
      else f.op("f64.convert_i32_s");
      return;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      if (source === "f32") f.op("i32.trunc_sat_f32_s");
      else if (source === "f64") f.op("i32.trunc_sat_f64_s");
      if (from !== "bool") narrow(f, to);
      return;
    case "bool":
      if (source === "i32") f.i32(0).op("i32.ne");
      else zero(f, source === "f32" ? "f32" : "f64").op(source === "f32" ? "f32.ne" : "f64.ne");
      return;
  }
}

/** Emits the operation on four lanes. Returns false if it must be done lane by lane. */
export function vectorUnary(f: FunctionBuilder, context: EmitContext, fn: UnaryFn, dtype: ElementType): boolean {
  if (dtype === "float32") {
    if (isMathFn(fn)) {
      vectorMath(f, context, fn);
      return true;
    }
    const name = floatUnary[fn];
    if (name !== undefined) {
      f.op(`f32x4.${name}`);
      return true;
    }
    switch (fn) {
      case "isNaN": {
        const x = f.local("v128");
        f.tee(x).get(x).op("f32x4.ne").release(x);
        return true;
      }
      case "sign": {
        const x = f.local("v128");
        f.tee(x).f32x4(0).op("f32x4.gt").f32x4(1).op("v128.and");
        f.get(x).f32x4(0).op("f32x4.lt").f32x4(-1).op("v128.and").op("v128.or").release(x);
        return true;
      }
      default:
        return false;
    }
  }
  switch (fn) {
    case "not":
      f.op("v128.not");
      return true;
    case "neg":
      if (dtype === "bool") return true;
      f.op("i32x4.neg");
      narrowLanes(f, dtype);
      return true;
    case "abs":
      if (rangeOf(dtype)[0] < 0) f.op("i32x4.abs");
      narrowLanes(f, dtype);
      return true;
    case "floor":
    case "ceil":
    case "trunc":
    case "round":
      return true;
    default:
      return false;
  }
}

export function vectorBinary(f: FunctionBuilder, context: EmitContext, fn: BinaryFn, dtype: ElementType): boolean {
  if (dtype === "float32") {
    if (isMathFn(fn)) vectorMath(f, context, fn);
    else if (isFloatBinary(fn)) f.op(`f32x4.${fn}`);
    else return false;
    return true;
  }
  if (dtype === "bool") {
    const opcode = maskLanes[fn];
    if (opcode !== undefined) f.op(opcode);
    else if (fn === "eq") f.op("v128.xor").op("v128.not");
    else return false;
    return true;
  }
  const opcode = integerLanes[fn];
  if (opcode === undefined) return false;
  f.op(opcode);
  if (!isComparison(fn) && fn !== "min" && fn !== "max") narrowLanes(f, dtype);
  return true;
}

/** Converts lanes from one dtype to another; neither is float64. */
export function vectorCast(f: FunctionBuilder, from: ElementType, to: ElementType): void {
  if (from === to) return;
  if (from === "bool") {
    if (to === "float32") f.f32x4(1).op("v128.and");
    else f.i32x4(1).op("v128.and");
    return;
  }
  switch (to) {
    case "float32":
      f.op("f32x4.convert_i32x4_s");
      return;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      if (from === "float32") f.op("i32x4.trunc_sat_f32x4_s");
      narrowLanes(f, to);
      return;
    case "bool":
      if (from === "float32") f.f32x4(0).op("f32x4.ne");
      else f.i32x4(0).op("i32x4.ne");
      return;
    case "float64":
      throw misplaced("float64 lanes");
  }
}

/** Integer division, remainder and power with the edge cases of the scalar language. */
function integerHelper(context: EmitContext, fn: "div" | "mod" | "pow"): FunctionBuilder {
  return context.helper(`${fn}_i32`, () => {
    const f = context.module.function(`${fn}_i32`, ["i32", "i32"], ["i32"]);
    if (fn === "pow") {
      emitIntegerPower(f);
      return f;
    }
    f.get(1)
      .op("i32.eqz")
      .if(() => f.i32(0).op("return"));
    // The only quotient that overflows would trap.
    f.get(1)
      .i32(-1)
      .op("i32.eq")
      .if(() => {
        if (fn === "div") f.i32(0).get(0).op("i32.sub");
        else f.i32(0);
        f.op("return");
      });
    if (fn === "div") {
      f.get(0).get(1).op("i32.div_s");
      return f;
    }
    const r = f.local("i32");
    f.get(0).get(1).op("i32.rem_s").set(r);
    f.get(r).get(1).op("i32.add").get(r);
    f.get(r).i32(0).op("i32.ne").get(r).get(1).op("i32.xor").i32(0).op("i32.lt_s").op("i32.and").op("select");
    return f;
  });
}

function emitIntegerPower(f: FunctionBuilder): void {
  const result = f.local("i32");
  f.get(1)
    .i32(0)
    .op("i32.lt_s")
    .if(() => {
      f.get(0)
        .i32(1)
        .op("i32.eq")
        .if(() => f.i32(1).op("return"));
      f.get(0)
        .i32(-1)
        .op("i32.eq")
        .if(() => f.i32(1).i32(-1).get(1).i32(1).op("i32.and").op("i32.eqz").op("select").op("return"));
      f.i32(0).op("return");
    });
  f.i32(1).set(result);
  f.block((done) =>
    f.loop((again) => {
      f.get(1).op("i32.eqz").brIf(done);
      f.get(1)
        .i32(1)
        .op("i32.and")
        .if(() => f.get(result).get(0).op("i32.mul").set(result));
      f.get(0).get(0).op("i32.mul").set(0);
      f.get(1).i32(1).op("i32.shr_u").set(1).br(again);
    }),
  );
  f.get(result);
}

/** The exact remainder with the sign of the divisor, by subtracting doubled divisors: no step rounds. */
function remainderHelper(context: EmitContext, t: "f32" | "f64"): FunctionBuilder {
  return context.helper(`mod_${t}`, () => {
    const f = context.module.function(`mod_${t}`, [t, t], [t]);
    const number = (value: number): FunctionBuilder => (t === "f32" ? f.f32(value) : f.f64(value));
    const [r, b, step] = [f.local(t), f.local(t), f.local(t)];
    f.get(0).op(`${t}.abs`).set(r).get(1).op(`${t}.abs`).tee(b).set(step);
    // NaN for NaN operands, an infinite dividend or a zero divisor.
    f.get(r);
    number(Number.POSITIVE_INFINITY).op(`${t}.lt`).get(b);
    number(0)
      .op(`${t}.gt`)
      .op("i32.and")
      .op("i32.eqz")
      .if(() => number(Number.NaN).op("return"));
    f.block((done) =>
      f.loop((again) => {
        f.get(step).get(r).get(step).op(`${t}.sub`).op(`${t}.le`).op("i32.eqz").brIf(done);
        f.get(step).get(step).op(`${t}.add`).set(step).br(again);
      }),
    );
    f.block((done) =>
      f.loop((again) => {
        // An infinite divisor leaves the dividend unchanged, and halving it would never end.
        f.get(step).get(b).op(`${t}.ge`).op("i32.eqz").brIf(done).get(b);
        number(Number.POSITIVE_INFINITY).op(`${t}.eq`).brIf(done);
        f.get(r)
          .get(step)
          .op(`${t}.ge`)
          .if(() => f.get(r).get(step).op(`${t}.sub`).set(r));
        f.get(step);
        number(0.5).op(`${t}.mul`).set(step).br(again);
      }),
    );
    f.get(r).get(0).op(`${t}.copysign`).set(r);
    f.get(r).get(1).op(`${t}.add`).get(r);
    f.get(r);
    number(0).op(`${t}.ne`).get(r);
    number(0).op(`${t}.lt`).get(1);
    number(0).op(`${t}.lt`).op("i32.ne").op("i32.and").op("select");
    return f;
  });
}
