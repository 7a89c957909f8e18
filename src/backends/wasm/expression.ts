// Emits expressions, scalar or in four lanes, and reuses each value while it is in scope. Addresses are strength-reduced sums.
import { at } from "../../graph/at.ts";
import { type ElementType, wrapped } from "../../graph/dtype.ts";
import { unreachable } from "../../graph/errors.ts";
import { isChosen, type Linear, misplaced, operands, type Value } from "../analysis/values.ts";
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

/** What a hoisting pass has seen already, surely computed or only on one side of a select. */
export interface Hoisted {
  readonly always: Set<Value>;
  readonly sometimes: Set<Value>;
}

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

  /** Division by a positive constant of something not negative: the hardware's own. */
  #constantDivision(value: Extract<Value, { kind: "binary" }>): boolean {
    const { fn, a, b } = value;
    if ((fn !== "div" && fn !== "mod") || a.dtype !== "int32" || b.kind !== "const" || b.value <= 0 || a.min < 0)
      return false;
    this.f.op(fn === "div" ? "i32.div_u" : "i32.rem_u");
    return true;
  }

  /** The index is on the stack; leaves it, or 0 where it is out of range. */
  #guardScalar(extent: number): void {
    const { f } = this;
    const index = f.local("i32");
    f.tee(index).i32(0).get(index).i32(extent).op("i32.lt_u").op("select");
    f.release(index);
  }

  /** A uniform value that only some lanes ask for: computed if any does. */
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
    if (
      (fn === "div" || fn === "mod") &&
      a.dtype === "int32" &&
      b.kind === "const" &&
      this.#divideLanes(fn, a, b.value)
    )
      return;
    this.pushVector(b);
    if (vectorBinary(f, context, fn, a.dtype)) return;
    this.#laneByLane(value, [a, b], () => {
      if (!this.#constantDivision(value)) scalarBinary(f, context, fn, a.dtype);
    });
  }

  /** Lanes on the stack divided by a constant, without leaving the vector: shifts, or floats where they are exact. */
  #divideLanes(fn: "div" | "mod", a: Value, divisor: number): boolean {
    const { f } = this;
    if (divisor <= 0 || a.min < 0) return false;
    if ((divisor & (divisor - 1)) === 0) {
      if (fn === "mod") f.i32x4(divisor - 1).op("v128.and");
      else f.i32(31 - Math.clz32(divisor)).op("i32x4.shr_u");
      return true;
    }
    // (x + 1/2) / divisor stays further than a rounding error from the next integer as long as x is below 2^21.
    if (a.max >= 2 ** 21) return false;
    const x = f.local("v128");
    f.tee(x)
      .op("f32x4.convert_i32x4_s")
      .f32x4(0.5)
      .op("f32x4.add")
      .f32x4(divisor)
      .op("f32x4.div")
      .op("i32x4.trunc_sat_f32x4_s");
    if (fn === "mod") {
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

  /** The vector operands are on the stack in order; leaves the vector of results. */
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

  /** Computes before a loop what `value` needs and the loop, which binds `bound`, does not change. */
  hoistValue(
    value: Value,
    bound: ReadonlySet<number>,
    vector: boolean,
    conditional = false,
    seen: Hoisted = { always: new Set(), sometimes: new Set() },
  ): void {
    // A shared part is visited once: expressions are graphs, and walking them as trees would take for ever.
    const visited = conditional ? seen.sometimes : seen.always;
    if (visited.has(value)) return;
    visited.add(value);
    if (value.kind === "const") return;
    if (value.kind === "axis" || value.kind === "local") {
      if (vector && value.dtype !== "float64" && isDisjoint(value.deps, bound)) {
        this.pushVector(value);
        this.f.op("drop");
      }
      return;
    }
    if (value.pinned && value.kind === "load") return this.hoistAddress(value, bound, vector, conditional, seen);
    const invariant = isDisjoint(value.deps, bound) && !value.pinned;
    if (invariant && !(conditional && value.unsafe)) {
      if (vector && value.dtype !== "float64") this.pushVector(value);
      else this.pushScalar(value);
      this.f.op("drop");
      return;
    }
    if (value.kind === "load") return this.hoistAddress(value, bound, vector, conditional, seen);
    if (value.kind === "select") {
      this.hoistValue(value.condition, bound, vector, conditional, seen);
      this.hoistValue(value.a, bound, vector, true, seen);
      this.hoistValue(value.b, bound, vector, true, seen);
      return;
    }
    for (const operand of operands(value)) this.hoistValue(operand, bound, vector, conditional, seen);
  }

  hoistAddress(
    { buffer, index }: { readonly buffer: number; readonly index: Linear },
    bound: ReadonlySet<number>,
    vector: boolean,
    conditional = false,
    seen: Hoisted = { always: new Set(), sometimes: new Set() },
  ): void {
    for (const { atom } of index.terms) {
      // An address is scalar; only lanes gathered from anywhere need vectors of indices.
      if (!isDisjoint(atom.deps, bound)) this.hoistValue(atom, bound, vector, conditional, seen);
    }
    const kept = new Set<Value>();
    for (const { atom } of index.terms) {
      if (isDisjoint(atom.deps, bound) && !atom.pinned && !(conditional && atom.unsafe)) kept.add(atom);
    }
    const { places, constant } = this.addressOf(buffer, index);
    const prefix = places.filter(({ atom }) => atom === undefined || kept.has(atom));
    if (prefix.length === 0) return;
    this.pushSum(prefix, constant);
    this.f.op("drop");
  }
}

function isDisjoint(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const item of a) if (b.has(item)) return false;
  return true;
}
