// Selects the code of a mathematical function: in lanes, in float32, in float64. The same code everywhere gives the same bits.

import { isPolynomial, type MathFn } from "../analysis/mathFn.ts";
import type { EmitContext } from "./emitter.ts";
import { emitLanes } from "./math32.ts";
import { emitDouble } from "./math64.ts";
import type { FunctionBuilder } from "./module.ts";

const operandCount = (fn: MathFn): number => (fn === "pow" || fn === "atan2" ? 2 : 1);

/** Functions whose code is short enough to inline; the others are called. */
const inlined: ReadonlySet<MathFn> = new Set(["exp", "tanh", "sigmoid", "log"]);

/** Four lanes: operands and result are on the stack. */
export function vectorMath(f: FunctionBuilder, context: EmitContext, fn: MathFn): void {
  if (inlined.has(fn) && isPolynomial(fn)) emitLanes(f, fn);
  else f.call(laneHelper(context, fn));
}

/** A scalar function. */
export function mathHelper(context: EmitContext, fn: MathFn, type: "f32" | "f64"): FunctionBuilder {
  return context.helper(`${fn}_${type}`, () => {
    const count = operandCount(fn);
    const params = Array.from({ length: count }, () => type);
    const f = context.module.function(`${fn}_${type}`, params, [type]);
    if (type === "f64") {
      emitDouble(f, context, fn);
    } else if (isPolynomial(fn)) {
      f.get(0).op("f32x4.splat").call(laneHelper(context, fn)).lane("f32x4.extract_lane", 0);
    } else {
      for (let place = 0; place < count; place++) f.get(place).op("f64.promote_f32");
      f.call(mathHelper(context, fn, "f64")).op("f32.demote_f64");
    }
    return f;
  });
}

function laneHelper(context: EmitContext, fn: MathFn): FunctionBuilder {
  return context.helper(`${fn}_f32x4`, () => {
    const count = operandCount(fn);
    const f = context.module.function(
      `${fn}_f32x4`,
      Array.from({ length: count }, () => "v128" as const),
      ["v128"],
    );
    if (isPolynomial(fn)) {
      f.get(0);
      emitLanes(f, fn);
      return f;
    }
    const double = mathHelper(context, fn, "f64");
    for (let lane = 0; lane < 4; lane++) {
      if (lane > 0) f.get(0 + count);
      for (let place = 0; place < count; place++) f.get(place).lane("f32x4.extract_lane", lane).op("f64.promote_f32");
      f.call(double).op("f32.demote_f64");
      if (lane === 0) f.op("f32x4.splat").set(f.local("v128"));
      else f.lane("f32x4.replace_lane", lane).set(count);
    }
    f.get(count);
    return f;
  });
}
