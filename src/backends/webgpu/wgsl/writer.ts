// The growing text of a shader function: indented lines, names that depend only on order, and shared subexpressions.
import type { BufferInfo } from "../../../compiler/kernel.ts";
import { at } from "../../../graph/at.ts";
import type { ElementType } from "../../../graph/dtype.ts";
import { InternalError, unreachable } from "../../../graph/errors.ts";
import { type Axis, type Local, operandsOf, type Scalar } from "../../../graph/scalar.ts";
import { extentOf } from "../../analysis/steps.ts";
import { Doubles, type Register } from "./doubles.ts";
import { binaryText, castText, literal, narrowed, unaryText, wgslType } from "./operations.ts";

/** Expressions nested deeper than this get a name: shader compilers have a depth limit. */
const deepest = 12;

interface Text {
  readonly text: string;
  readonly depth: number;
  /** The register of a float64; it is valid once the pending operations have run. */
  readonly register?: Register;
}

export class Writer {
  readonly lines: string[] = [];
  readonly buffers: readonly BufferInfo[];
  readonly doubles = new Doubles();
  /** Registers of float64 locals. */
  readonly #registers = new Map<number, Register>();
  /** Registers of float32 locals that were rounded from float64. */
  readonly #rounded = new Map<number, Register>();
  #indent = "  ";
  readonly #names = new Map<number, string>();
  #count = 0;
  /** For the current statement: the number of uses of its subexpressions, and their texts. */
  #uses = new Map<Scalar, number>();
  #texts = new Map<Scalar, Text>();
  /** Its float64 comparisons that select between values. */
  #conditions = new Map<Scalar, Register>();

  constructor(buffers: readonly BufferInfo[]) {
    this.buffers = buffers;
  }

  line(text: string): void {
    this.lines.push(this.#indent + text);
  }

  block(head: string, body: () => void): void {
    this.settleDoubles();
    this.line(`${head} {`);
    const before = this.#indent;
    this.#indent = `${before}  `;
    body();
    this.settleDoubles();
    this.#indent = before;
    this.line("}");
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  /** The name of an axis or a local. */
  name(id: number): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    return this.rename(id);
  }

  /** A new name, for a loop over an axis that an earlier loop used. */
  rename(id: number): string {
    this.#registers.delete(id);
    this.#rounded.delete(id);
    const name = this.fresh("v");
    this.#names.set(id, name);
    return name;
  }

  /** Restores earlier names of axes, to write code for one of several points at hand. */
  recall(axes: readonly Axis[], names: readonly string[]): void {
    for (const [place, { id }] of axes.entries()) this.#names.set(id, at(names, place));
  }

  /** Writes the loop that runs the pending float64 operations. */
  settleDoubles(): void {
    const range = this.doubles.pending();
    if (range !== undefined)
      this.line(`for (var step = ${range.first}u; step < ${range.end}u; step++) { doubleStep(step); }`);
  }

  /** Texts of the expressions of one statement. Shared subexpressions are computed once, on earlier lines. */
  values(...parts: readonly Scalar[]): string[] {
    this.#begin(parts);
    const texts = parts.map((part) => this.#value(part));
    if (texts.some(({ register }) => register !== undefined)) this.settleDoubles();
    return texts.map(({ text }) => text);
  }

  /** Binds a local for the rest of the block. A float64 stays pending until needed, so that one loop computes several. */
  bind(local: Local, value: Scalar): void {
    this.#begin([value]);
    if (value.kind === "cast" && value.dtype === "float32" && value.x.dtype === "float64") {
      this.rename(local.id);
      this.#rounded.set(local.id, this.doubles.apply("toFloat", this.#registerOf(value.x)));
      return;
    }
    const { text, register } = this.#value(value);
    if (register === undefined) this.line(`let ${this.rename(local.id)} = ${text};`);
    else this.#registers.set(local.id, register);
  }

  #begin(parts: readonly Scalar[]): void {
    this.#uses = new Map();
    this.#texts = new Map();
    this.#conditions = new Map();
    for (const part of parts) this.#countUses(part);
  }

  #countUses(x: Scalar): void {
    const before = this.#uses.get(x) ?? 0;
    this.#uses.set(x, before + 1);
    if (before === 0) for (const part of operandsOf(x)) this.#countUses(part);
  }

  #value(x: Scalar): Text {
    const known = this.#texts.get(x);
    if (known !== undefined) return known;
    let made = this.#double(x) ?? this.#written(x);
    if (made.register !== undefined) {
      this.#texts.set(x, made);
      return made;
    }
    const plain = x.kind === "const" || x.kind === "axis" || x.kind === "local";
    if (!plain && ((this.#uses.get(x) ?? 0) > 1 || made.depth > deepest)) {
      const name = this.fresh("t");
      this.line(`let ${name} = ${made.text};`);
      made = { text: name, depth: 0 };
    }
    this.#texts.set(x, made);
    return made;
  }

  #written(x: Scalar): Text {
    const parts = operandsOf(x).map((part) => this.#value(part));
    const texts = parts.map(({ text }) => text);
    return { text: this.#expression(x, texts), depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)) };
  }

  /** A float64 in its register, or a value derived from one after running the pending operations. */
  #double(x: Scalar): Text | undefined {
    const { doubles } = this;
    if (x.dtype === "float64") {
      const register = this.#registerOf(x);
      return { text: `d[${register}]`, depth: 0, register };
    }
    switch (x.kind) {
      case "local": {
        const register = this.#rounded.get(x.local.id);
        if (register === undefined) return undefined;
        this.settleDoubles();
        return { text: `bitcast<f32>(d[${register}].x)`, depth: 0 };
      }
      case "unary":
      case "binary": {
        const operands = operandsOf(x);
        if (operands[0]?.dtype !== "float64") return undefined;
        const [a = 0, b = 0] = operands.map((part) => this.#registerOf(part));
        const register = x.kind === "unary" ? doubles.unary(x.fn, a) : doubles.binary(x.fn, a, b);
        this.settleDoubles();
        return { text: `(d[${register}].x != 0u)`, depth: 0 };
      }
      case "cast": {
        if (x.x.dtype !== "float64") return undefined;
        const register = this.#registerOf(x.x);
        this.settleDoubles();
        if (x.dtype === "bool") return { text: `!doubleEqual(d[${register}], ${literal(0, "float64")})`, depth: 0 };
        return { text: castText("float64", x.dtype, `d[${register}]`), depth: 0 };
      }
      default:
        return undefined;
    }
  }

  #registerOf(x: Scalar): Register {
    const known = this.#texts.get(x)?.register;
    if (known !== undefined) return known;
    const register = this.#makeRegister(x);
    this.#texts.set(x, { text: `d[${register}]`, depth: 0, register });
    return register;
  }

  #makeRegister(x: Scalar): Register {
    const { doubles } = this;
    switch (x.kind) {
      case "const":
        return doubles.constant(x.value);
      case "local":
        return this.#registers.get(x.local.id) ?? this.#given(this.name(x.local.id));
      case "unary":
      case "binary": {
        const [a = 0, b = 0] = operandsOf(x).map((part) => this.#registerOf(part));
        return x.kind === "unary" ? doubles.unary(x.fn, a) : doubles.binary(x.fn, a, b);
      }
      case "select": {
        return doubles.apply("select", this.#condition(x.condition), this.#registerOf(x.a), this.#registerOf(x.b));
      }
      case "cast":
        return this.#given(castText(x.x.dtype, "float64", this.#value(x.x).text));
      case "load":
        return this.#given(this.#load(x.buffer, this.#value(x.index).text, "float64"));
      case "axis":
      case "bitcast":
      case "guard":
        throw new InternalError(`${x.kind} of float64`);
    }
  }

  /** The condition as a register: float64 comparisons stay in the list of operations, which would otherwise be split at each. */
  #condition(x: Scalar): Register {
    const known = this.#conditions.get(x);
    if (known !== undefined) return known;
    const register = this.#makeCondition(x);
    this.#conditions.set(x, register);
    return register;
  }

  #makeCondition(x: Scalar): Register {
    const { doubles } = this;
    if (x.kind === "unary" && x.x.dtype === "float64") return doubles.unary(x.fn, this.#registerOf(x.x));
    if (x.kind === "binary" && x.a.dtype === "float64")
      return doubles.binary(x.fn, this.#registerOf(x.a), this.#registerOf(x.b));
    if (x.kind === "unary" && x.fn === "not" && x.x.dtype === "bool")
      return doubles.apply("equal", this.#condition(x.x), doubles.constant(0));
    return this.#given(`doubleTruth(${this.#value(x).text})`);
  }

  /** A register set to the value of a text. */
  #given(text: string): Register {
    const register = this.doubles.fresh();
    this.line(`d[${register}] = ${text};`);
    return register;
  }

  #expression(x: Scalar, parts: readonly string[]): string {
    const [a = "", b = "", c = ""] = parts;
    switch (x.kind) {
      case "const":
        return literal(x.value, x.dtype);
      case "axis":
        return this.name(x.axis.id);
      case "local":
        return this.name(x.local.id);
      case "load":
        return this.#load(x.buffer, a, x.dtype);
      case "unary":
        return unaryText(x.fn, x.x.dtype, x.x.kind === "const" ? atRunTime(x.x.dtype, a) : a);
      case "binary":
        return binaryText(x.fn, x.a.dtype, x.a.kind === "const" ? atRunTime(x.a.dtype, a) : a, b);
      case "select":
        return `select(${c}, ${b}, ${a})`;
      case "cast":
        return castText(x.x.dtype, x.dtype, x.x.kind === "const" ? atRunTime(x.x.dtype, a) : a);
      case "bitcast":
        return `bitcast<${wgslType(x.dtype)}>(${x.x.kind === "const" ? atRunTime(x.x.dtype, a) : a})`;
      case "guard":
        return `select(0i, ${a}, u32(${a}) < ${x.extent}u)`;
      default:
        return unreachable(x);
    }
  }

  #load(buffer: number, index: string, dtype: ElementType): string {
    return read(this.#place(buffer, index), dtype);
  }

  /** The position of an element: in words, or in elements for narrower types. */
  #place(buffer: number, index: string): string {
    const base = `base[${buffer >> 2}].${"xyzw".charAt(buffer & 3)}`;
    const { dtype } = at(this.buffers, buffer);
    return dtype === "float64" ? `${base} + 2u * u32(${index})` : `${base} + u32(${index})`;
  }

  /** buffer[index] = value, or += value. */
  store(buffer: number, index: string, value: string, accumulate: boolean): void {
    const { dtype } = at(this.buffers, buffer);
    const place = this.fresh("p");
    this.line(`let ${place} = ${this.#place(buffer, index)};`);
    const stored = accumulate ? binaryText("add", dtype, read(place, dtype), value) : value;
    switch (dtype) {
      case "float32":
      case "int32":
        this.line(`writeWord(${place}, bitcast<u32>(${stored}));`);
        break;
      case "float64":
        this.line(`writeDouble(${place}, ${stored});`);
        break;
      case "int16":
        this.line(`writePair(${place}, u32(${stored}) & 65535u);`);
        break;
      case "uint16":
        this.line(`writePair(${place}, u32(${stored}));`);
        break;
      case "int8":
        this.line(`writeByte(${place}, u32(${stored}) & 255u);`);
        break;
      case "uint8":
        this.line(`writeByte(${place}, u32(${stored}));`);
        break;
      case "bool":
        this.line(`writeByte(${place}, select(0u, 1u, ${stored}));`);
        break;
    }
  }

  /** Binds the axes from a flat row-major index; returns their names. */
  bindAxes(axes: readonly Axis[], flat: string): readonly string[] {
    let stride = extentOf(axes);
    for (const [place, { id, extent }] of axes.entries()) {
      stride /= extent;
      const quotient = stride === 1 ? flat : `${flat} / ${stride}i`;
      const value = place === 0 ? quotient : stride === 1 ? `${quotient} % ${extent}i` : `(${quotient}) % ${extent}i`;
      this.line(`let ${this.rename(id)} = ${value};`);
    }
    return axes.map(({ id }) => this.name(id));
  }
}

/** The element at a position from `#place`. */
function read(place: string, dtype: ElementType): string {
  switch (dtype) {
    case "float32":
      return `bitcast<f32>(readWord(${place}))`;
    case "int32":
      return `bitcast<i32>(readWord(${place}))`;
    case "float64":
      return `readDouble(${place})`;
    case "int16":
      return narrowed(`readPair(${place})`, dtype);
    case "int8":
      return narrowed(`readByte(${place})`, dtype);
    case "uint16":
      return `readPair(${place})`;
    case "uint8":
      return `readByte(${place})`;
    case "bool":
      return `(readByte(${place}) != 0i)`;
  }
}

/** Makes a text not a constant expression, where an overflow would be an error. */
function atRunTime(dtype: ElementType, text: string): string {
  switch (dtype) {
    case "float32":
      return text.startsWith("floatOf(") ? text : `runtimeFloat(${text})`;
    case "int32":
    case "int16":
    case "int8":
    case "uint16":
    case "uint8":
      return `runtimeInt(${text})`;
    case "float64":
    case "bool":
      return text;
  }
}
