// A small notation for straight-line float code: every operation stores its result in a local of its own.
import { at } from "../../graph/at.ts";
import type { FunctionBuilder, ValueType } from "./module.ts";
import type { PlainOpcode } from "./opcodes.ts";

/** A local, or a constant of the current float type. */
export type Operand = number | { readonly constant: number };

export const constant = (value: number): Operand => ({ constant: value });

/** Code over one float type: `f64` scalars or `f32x4` lanes. */
export class FloatCode {
  readonly f: FunctionBuilder;
  readonly type: "f64" | "f32x4";
  readonly #held: number[] = [];

  constructor(f: FunctionBuilder, type: "f64" | "f32x4") {
    this.f = f;
    this.type = type;
  }

  push(operand: Operand): void {
    if (typeof operand === "number") this.f.get(operand);
    else if (this.type === "f64") this.f.f64(operand.constant);
    else this.f.f32x4(operand.constant);
  }

  /** Pops the value on the stack into a local. */
  take(type: ValueType = this.type === "f64" ? "f64" : "v128"): number {
    const local = this.f.local(type);
    this.#held.push(local);
    this.f.set(local);
    return local;
  }

  apply(name: PlainOpcode, operands: readonly Operand[], result?: ValueType): number {
    for (const operand of operands) this.push(operand);
    this.f.op(name);
    return this.take(result);
  }

  add = (a: Operand, b: Operand): number => this.apply(`${this.type}.add`, [a, b]);
  sub = (a: Operand, b: Operand): number => this.apply(`${this.type}.sub`, [a, b]);
  mul = (a: Operand, b: Operand): number => this.apply(`${this.type}.mul`, [a, b]);
  div = (a: Operand, b: Operand): number => this.apply(`${this.type}.div`, [a, b]);
  abs = (a: Operand): number => this.apply(`${this.type}.abs`, [a]);
  nearest = (a: Operand): number => this.apply(`${this.type}.nearest`, [a]);

  /** Σ coefficients[i] · xⁱ. */
  polynomial(x: Operand, coefficients: readonly number[]): number {
    let sum: Operand = constant(coefficients.at(-1) ?? 0);
    for (let power = coefficients.length - 2; power >= 0; power--) {
      sum = this.add(this.mul(sum, x), constant(at(coefficients, power)));
    }
    return typeof sum === "number" ? sum : this.add(sum, constant(0));
  }

  /** a - b·c, each step rounded. */
  lessProduct = (a: Operand, b: Operand, c: Operand): number => this.sub(a, this.mul(b, c));

  /** Pushes the result and releases the locals. */
  finish(result: Operand): void {
    this.push(result);
    for (const local of this.#held) this.f.release(local);
  }
}
