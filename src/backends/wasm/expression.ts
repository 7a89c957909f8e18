// Emits expressions, scalar or in four lanes, and reuses each value while it is in scope. Addresses are strength-reduced sums.
import { at } from "../../graph/at.ts";
import { type ElementType, wrapped } from "../../graph/dtype.ts";
import { unreachable } from "../../graph/errors.ts";
import type { Hoisting } from "../analysis/hoist.ts";
import { constantDivisor, isChosen, misplaced, mostInFloats, type Value } from "../analysis/values.ts";
import { Memory, scalarLoads } from "./memory.ts";
import {
  scalarBinary,
  scalarCast,
  scalarType,
  scalarUnary,
  vectorBinary,
  vectorCast,
  vectorUnary,
} from "./operations.ts";

export class Expressions extends Memory {
  // ---- scalars

  pushScalar(value: Value): void {
    switch (value.kind) {
      case "const":
        this.#pushConstant(value.value, value.dtype);
        return;
      case "axis":
        this.f.get(this.axisLocal(value.axis));
        if (value.axis.id === this.ahead?.axis) this.f.i32(this.ahead.by).op("i32.add");
        return;
      case "local":
        this.f.get(this.localOf(value.local, false));
        return;
      default:
        this.cached(`s${value.id}`, value, () => this.#computeScalar(value));
    }
  }

  #pushConstant(value: number, dtype: ElementType): void {
    if (dtype === "float32") this.f.f32(value);
    else if (dtype === "float64") this.f.f64(value);
    else if (dtype === "bool") this.f.i32(value !== 0 ? 1 : 0);
    else this.f.i32(wrapped(value, dtype));
  }

  #computeScalar(value: Exclude<Value, { kind: "const" | "axis" | "local" }>): void {
    const { f, context } = this;
    switch (value.kind) {
      case "load":
        this.#whereTaken(value, () => {
          const offset = this.pushAddress(value.buffer, value.index);
          f.memory(scalarLoads[value.dtype], offset);
        });
        return;
      case "unary":
        this.pushScalar(value.x);
        scalarUnary(f, context, value.fn, value.x.dtype);
        return;
      case "binary":
        this.pushScalar(value.a);
        this.pushScalar(value.b);
        if (!this.#constantDivision(value)) scalarBinary(f, context, value.fn, value.a.dtype);
        return;
      case "select":
        if (value.a.unsafe || value.b.unsafe) {
          this.pushScalar(value.condition);
          f.if(
            () => this.scope(() => this.pushScalar(value.a)),
            () => this.scope(() => this.pushScalar(value.b)),
            scalarType(value.dtype),
          );
        } else {
          this.pushScalar(value.a);
          this.pushScalar(value.b);
          this.pushScalar(value.condition);
          f.op("select");
        }
        return;
      case "cast":
        this.pushScalar(value.x);
        scalarCast(f, value.x.dtype, value.dtype);
        return;
      case "bitcast":
        this.pushScalar(value.x);
        if (value.dtype !== value.x.dtype)
          f.op(value.dtype === "int32" ? "i32.reinterpret_f32" : "f32.reinterpret_i32");
        return;
      case "guard":
        this.pushScalar(value.x);
        this.#guardScalar(value.extent);
        return;
      default:
        return unreachable(value);
    }
  }

  /** Division of a non-negative value by a positive constant: the hardware's own. */
  #constantDivision(value: Extract<Value, { kind: "binary" }>): boolean {
    if (constantDivisor(value) === undefined) return false;
    this.f.op(value.fn === "div" ? "i32.div_u" : "i32.rem_u");
    return true;
  }

  /** Replaces the index on the stack by 0 if it is out of range. */
  #guardScalar(extent: number): void {
    const { f } = this;
    const index = f.local("i32");
    f.tee(index).i32(0).get(index).i32(extent).op("i32.lt_u").op("select");
    f.release(index);
  }

  /** A uniform value that only some lanes need: computed if any lane does. */
  #whereTaken(value: Value, compute: () => void): void {
    if (this.mask === undefined || !value.unsafe) {
      compute();
      return;
    }
    const { mask } = this;
    this.f
      .get(mask)
      .op("v128.any_true")
      .if(
        () => this.scope(compute),
        () => this.#pushConstant(0, value.dtype),
        scalarType(value.dtype),
      );
  }

  // ---- lanes

  /** Four lanes: f32x4, i32x4, or a mask of 32-bit lanes for bool. */
  pushVector(value: Value): void {
    if (value.dtype === "float64") throw misplaced("float64 lanes");
    if (value.kind === "const") {
      if (value.dtype === "float32") this.f.f32x4(value.value);
      else if (value.dtype === "bool") this.f.i32x4(value.value !== 0 ? -1 : 0);
      else this.f.i32x4(wrapped(value.value, value.dtype));
      return;
    }
    if (!this.isVarying(value)) {
      this.cached(`x${value.id}`, value, () => {
        if (value.dtype === "bool") this.f.i32(0);
        this.pushScalar(value);
        if (value.dtype === "bool") this.f.op("i32.sub");
        this.f.op(value.dtype === "float32" ? "f32x4.splat" : "i32x4.splat");
      });
      return;
    }
    if (value.kind === "local") {
      this.f.get(this.localOf(value.local, true));
      return;
    }
    this.cached(`v${value.id}.${this.copy}`, value, () => this.#computeVector(value));
  }

  #computeVector(value: Exclude<Value, { kind: "const" | "local" }>): void {
    const { f, context } = this;
    switch (value.kind) {
      case "axis": {
        const first = 4 * this.copy + (value.axis.id === this.ahead?.axis ? this.ahead.by : 0);
        f.get(this.axisLocal(value.axis))
          .op("i32x4.splat")
          .i32Lanes(first, first + 1, first + 2, first + 3)
          .op("i32x4.add");
        return;
      }
      case "load":
        this.vectorLoad(value);
        return;
      case "unary":
        this.pushVector(value.x);
        if (!vectorUnary(f, context, value.fn, value.x.dtype))
          this.#laneByLane(value, [value.x], () => scalarUnary(f, context, value.fn, value.x.dtype));
        return;
      case "binary":
        this.#vectorBinary(value);
        return;
      case "select":
        this.#vectorSelect(value);
        return;
      case "cast":
        this.pushVector(value.x);
        vectorCast(f, value.x.dtype, value.dtype);
        return;
      case "bitcast":
        this.pushVector(value.x);
        return;
      case "guard":
        this.pushVector(value.x);
        this.#guardLanes(value.extent);
        return;
      default:
        return unreachable(value);
    }
  }

  #vectorBinary(value: Extract<Value, { kind: "binary" }>): void {
    const { f, context } = this;
    const { fn, a, b } = value;
    this.pushVector(a);
    if ((fn === "shl" || fn === "shr") && !this.isVarying(b)) {
      this.pushScalar(b);
      f.op(fn === "shl" ? "i32x4.shl" : "i32x4.shr_u");
      return;
    }
    const divisor = constantDivisor(value);
    if (divisor !== undefined && this.#divideLanes(fn === "mod", a, divisor)) return;
    this.pushVector(b);
    if (vectorBinary(f, context, fn, a.dtype)) return;
    this.#laneByLane(value, [a, b], () => {
      if (!this.#constantDivision(value)) scalarBinary(f, context, fn, a.dtype);
    });
  }

  /** Divides the lanes on the stack by a constant without leaving the vector: shifts, or float division where that is exact. */
  #divideLanes(remainder: boolean, a: Value, divisor: number): boolean {
    const { f } = this;
    if ((divisor & (divisor - 1)) === 0) {
      if (remainder) f.i32x4(divisor - 1).op("v128.and");
      else f.i32(31 - Math.clz32(divisor)).op("i32x4.shr_u");
      return true;
    }
    if (a.max >= mostInFloats) return false;
    const x = f.local("v128");
    f.tee(x)
      .op("f32x4.convert_i32x4_s")
      .f32x4(0.5)
      .op("f32x4.add")
      .f32x4(divisor)
      .op("f32x4.div")
      .op("i32x4.trunc_sat_f32x4_s");
    if (remainder) {
      const q = f.local("v128");
      f.set(q).get(x).get(q).i32x4(divisor).op("i32x4.mul").op("i32x4.sub").release(q);
    }
    f.release(x);
    return true;
  }

  #vectorSelect(value: Extract<Value, { kind: "select" }>): void {
    const { f } = this;
    const { condition, a, b } = value;
    const branches = a.unsafe || b.unsafe || isChosen(a) || isChosen(b);
    if (branches && !this.isVarying(condition)) {
      this.pushScalar(condition);
      f.if(
        () => this.scope(() => this.pushVector(a)),
        () => this.scope(() => this.pushVector(b)),
        "v128",
      );
      return;
    }
    if (!a.unsafe && !b.unsafe) {
      this.pushVector(a);
      this.pushVector(b);
      this.pushVector(condition);
      f.op("v128.bitselect");
      return;
    }
    const outer = this.mask;
    const taken = f.local("v128");
    const branch = f.local("v128");
    const side = (part: Value, inverted: boolean): void => {
      if (!part.unsafe) return this.pushVector(part);
      f.get(taken);
      if (inverted) f.op("v128.not");
      if (outer !== undefined) f.get(outer).op("v128.and");
      f.set(branch);
      this.mask = branch;
      this.scope(() => this.pushVector(part));
      this.mask = outer;
    };
    this.pushVector(condition);
    f.set(taken);
    side(a, false);
    side(b, true);
    f.get(taken).op("v128.bitselect");
    f.release(taken);
    f.release(branch);
  }

  /** Takes vector operands from the stack, in order, and pushes the vector of results. */
  #laneByLane(value: Value, inputs: readonly Value[], scalar: () => void): void {
    const { f } = this;
    const held = inputs.map(() => f.local("v128"));
    for (const local of [...held].reverse()) f.set(local);
    this.lanesFrom(value.dtype, (lane) => {
      inputs.forEach((input, place) => {
        f.get(at(held, place));
        this.extractLane(input.dtype, lane);
      });
      scalar();
    });
    for (const local of held) f.release(local);
  }

  #guardLanes(extent: number): void {
    const { f } = this;
    const index = f.local("v128");
    f.tee(index).get(index).i32x4(extent).op("i32x4.lt_u").op("v128.and");
    f.release(index);
  }

  // ---- hoisting

  /** Keeps loop invariants in locals, as vectors if `vector`. */
  hoisting(vector: boolean): Hoisting {
    return {
      compute: (value) => {
        const inLanes = vector && value.dtype !== "float64";
        if (!inLanes && (value.kind === "axis" || value.kind === "local")) return;
        if (inLanes) this.pushVector(value);
        else this.pushScalar(value);
        this.f.op("drop");
      },
      // Addresses are scalar; only gathered lanes need vectors of indices.
      address: (buffer, index, isKnown) => {
        const { places, constant } = this.addressOf(buffer, index);
        const prefix = places.filter(({ atom }) => atom === undefined || isKnown(atom));
        if (prefix.length === 0) return;
        this.pushSum(prefix, constant);
        this.f.op("drop");
      },
    };
  }
}
