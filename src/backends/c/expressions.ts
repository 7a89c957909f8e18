// Writes values as C, scalar or vector, and reuses each while it is in scope.

import { byteSize, type ElementType } from "../../graph/dtype.ts";
import { unreachable } from "../../graph/errors.ts";
import type { Axis, Local } from "../../graph/scalar.ts";
import {
  constantDivisor,
  halvedIn,
  isChosen,
  type Linear,
  linearKey,
  misplaced,
  mostInFloats,
  type Value,
  type ValueTable,
} from "../analysis/values.ts";
import { type Code, code, type Text } from "./code.ts";
import { type EmitContext, elementType } from "./emitter.ts";
import { hasPairs, literal, memoryLetter, needLanes, scalarType, vectorType } from "./lanes.ts";
import { Lines } from "./lines.ts";
import { scalarBinary, scalarCast, scalarUnary, vectorBinary, vectorCast, vectorUnary } from "./operations.ts";

/** The axis along which lanes are neighbours, starting at `first`. `mask` selects the lanes that are points of the axis. */
interface Lanes {
  readonly axis: Axis;
  readonly count: number;
  readonly first: string;
  readonly mask: string | undefined;
}

type Load = Extract<Value, { kind: "load" }>;

/** The base of a buffer's pointer: the element with the lowest index constant so far. */
interface Pointer {
  readonly name: string;
  lowest: number;
}

export class Expressions {
  readonly context: EmitContext;
  readonly values: ValueTable;
  readonly out: Lines;
  private lanes: Lanes | undefined;
  /** The lanes that take the branch being written; a subset of the lanes that are points. */
  private branch: string | undefined;
  private readonly axes = new Map<number, string>();
  private readonly locals = new Map<number, { readonly name: string; readonly lanes: boolean }>();
  private readonly varying = new Set<number>();
  /** C names of values, by key, and the keys that each open scope added. */
  private readonly held = new Map<string, string>();
  private readonly scopes: string[][] = [[]];
  /** Buffers in order of first use, with the lowest constant of their indices: their pointers begin there. */
  private readonly pointers = new Map<number, Pointer>();

  constructor(context: EmitContext, values: ValueTable, out = new Lines()) {
    this.context = context;
    this.values = values;
    this.out = out;
  }

  // ---- bindings

  bindAxis(axis: Axis, name: string): void {
    this.axes.set(axis.id, name);
  }

  /** Runs the body with lanes along an axis, starting at the element `first`. */
  withLanes(axis: Axis, count: number, first: string, mask: string | undefined, body: () => void): void {
    needLanes(this.context, count);
    const outer = this.lanes;
    this.bindAxis(axis, first);
    this.lanes = { axis, count, first, mask };
    this.varying.add(axis.id);
    this.scope(body);
    this.varying.delete(axis.id);
    this.lanes = outer;
  }

  bindLocal(local: Local, name: string, lanes: boolean): void {
    this.locals.set(local.id, { name, lanes });
    if (lanes) this.varying.add(local.id);
    else this.varying.delete(local.id);
  }

  get laneCount(): number {
    return this.lanes?.count ?? 0;
  }

  get laneMask(): string | undefined {
    return this.lanes?.mask;
  }

  isVarying(value: Value): boolean {
    if (this.lanes === undefined) return false;
    for (const id of value.deps) if (this.varying.has(id)) return true;
    return false;
  }

  /** Values computed in the body are unavailable after it. */
  scope(body: () => void): void {
    const keys: string[] = [];
    this.scopes.push(keys);
    body();
    this.scopes.pop();
    for (const key of keys) this.held.delete(key);
  }

  private cached(key: string, type: string, prefix: string, make: () => Text): string {
    const known = this.held.get(key);
    if (known !== undefined) return known;
    const expression = make();
    const name = this.out.define(type, prefix, expression);
    this.held.set(key, name);
    this.scopes.at(-1)?.push(key);
    return name;
  }

  /** The body of the finished function: the pointers used, then the statements. */
  body(): Code {
    const pointers = [...this.pointers].flatMap(([buffer, { name, lowest }]): Code => {
      const type = elementType[this.context.buffer(buffer).dtype];
      return code`  ${type} *const ${name} = (${type} *)(${this.context.address(buffer, lowest)});\n`;
    });
    return [...pointers, ...this.out.text()];
  }

  /** The pointer of a buffer, for an index with this constant. */
  private pointer(buffer: number, constant: number): Pointer {
    let known = this.pointers.get(buffer);
    if (known === undefined) {
      known = { name: `b${this.pointers.size}`, lowest: Math.max(0, constant) };
      this.pointers.set(buffer, known);
    }
    known.lowest = Math.max(0, Math.min(known.lowest, constant));
    return known;
  }

  /** The address of an element: its pointer and an offset. The pointer's lowest constant is known once all elements are. */
  at(buffer: number, index: Linear): Code {
    const { constant } = index;
    const from = this.pointer(buffer, constant);
    return code`${from.name} + (${this.index({ ...index, constant: 0 })}${{ from, constant }})`;
  }

  // ---- one element

  scalar(value: Value): string {
    switch (value.kind) {
      case "const":
        return literal(value.value, value.dtype);
      case "axis":
        return `(int)${this.axisName(value.axis)}`;
      case "local": {
        const bound = this.locals.get(value.local.id);
        if (bound === undefined || bound.lanes) throw misplaced(`local ${value.local.id} of a lane as one element`);
        return bound.name;
      }
      default:
        return this.cached(`s${value.id}`, scalarType(value.dtype), "s", () => this.scalarText(value));
    }
  }

  axisName(axis: Axis): string {
    const name = this.axes.get(axis.id);
    if (name === undefined) throw misplaced(`axis ${axis.id}, which is not bound`);
    return name;
  }

  private scalarText(value: Exclude<Value, { kind: "const" | "axis" | "local" }>): Text {
    const { context } = this;
    switch (value.kind) {
      case "load":
        return this.whereTaken(value, () => code`*(${this.at(value.buffer, value.index)})`);
      case "unary":
        return scalarUnary(context, value.fn, value.x.dtype, this.scalar(value.x));
      case "binary": {
        const [a, b] = [this.scalar(value.a), this.scalar(value.b)];
        return this.constantDivision(value, a) ?? scalarBinary(context, value.fn, value.a.dtype, a, b);
      }
      case "select":
        if (value.a.unsafe || value.b.unsafe)
          return this.branches(scalarType(value.dtype), value, (x) => this.scalar(x));
        return `(${this.scalar(value.condition)} ? ${this.scalar(value.a)} : ${this.scalar(value.b)})`;
      case "cast":
        return scalarCast(value.x.dtype, value.dtype, this.scalar(value.x));
      case "bitcast": {
        const x = this.scalar(value.x);
        if (value.dtype === value.x.dtype) return x;
        return value.dtype === "int32" ? `bits_of_float(${x})` : `float_of_bits(${x})`;
      }
      case "guard":
        return `int_guard(${this.scalar(value.x)}, ${value.extent})`;
      default:
        return unreachable(value);
    }
  }

  /** Division of a non-negative value by a positive constant: the hardware's own. */
  private constantDivision(value: Extract<Value, { kind: "binary" }>, a: string): string | undefined {
    const divisor = constantDivisor(value);
    if (divisor === undefined) return undefined;
    return `(int)((unsigned)${a} ${value.fn === "div" ? "/" : "%"} ${divisor}u)`;
  }

  /** Evaluates only the taken side of a select, because the other may not be computed. */
  private branches(type: string, value: Extract<Value, { kind: "select" }>, side: (x: Value) => string): string {
    const condition = this.scalar(value.condition);
    const name = this.out.name("t");
    this.out.line(`${type} ${name};`);
    const branch = (x: Value) => () => this.scope(() => this.out.line(`${name} = ${side(x)};`));
    this.out.block(`if (${condition})`, branch(value.a));
    this.out.block("else", branch(value.b));
    return name;
  }

  /** A uniform value that only some lanes need: computed if any lane does. */
  private whereTaken(value: Value, text: () => Text): Text {
    if (this.branch === undefined || !value.unsafe) return text();
    const name = this.out.name("t");
    this.out.line(`${scalarType(value.dtype)} ${name} = 0;`);
    this.out.block(`if (I${this.laneCount}_any(${this.branch}))`, () =>
      this.scope(() => this.out.line(code`${name} = ${text()};`)),
    );
    return name;
  }

  /** A linear index in elements, 64 bits wide. */
  index(linear: Linear): string {
    const parts: string[] = [];
    for (const { atom, coefficient } of linear.terms) {
      const term = atom.kind === "axis" ? this.axisName(atom.axis) : `(long)${this.scalar(atom)}`;
      parts.push(coefficient === 1 ? term : `${term} * ${coefficient}`);
    }
    if (linear.constant !== 0 || parts.length === 0) parts.push(`${linear.constant}`);
    return parts.join(" + ");
  }

  // ---- lanes

  vector(value: Value): string {
    const lanes = this.laneCount;
    const type = vectorType(value.dtype, lanes);
    if (!this.isVarying(value)) {
      return this.cached(`x${value.id}.${lanes}`, type, "x", () => {
        const x = this.scalar(value);
        return value.dtype === "bool" ? `I${lanes}_splat(-(${x}))` : `${type}_splat(${x})`;
      });
    }
    if (value.kind === "local") {
      const bound = this.locals.get(value.local.id);
      if (bound === undefined) throw misplaced(`local ${value.local.id}, which is not bound`);
      return bound.name;
    }
    if (value.kind === "const") throw misplaced("a constant that varies");
    return this.cached(`v${value.id}`, type, "v", () => this.vectorText(value, type));
  }

  private vectorText(value: Exclude<Value, { kind: "const" | "local" }>, type: string): Text {
    const { context, laneCount } = this;
    switch (value.kind) {
      case "axis":
        return `I${laneCount}_splat((int)${this.axisName(value.axis)}) + iota${laneCount}`;
      case "load":
        return this.vectorLoad(value);
      case "unary":
        return vectorUnary(context, value.fn, value.x.dtype, this.vector(value.x), laneCount);
      case "binary":
        return this.vectorBinaryText(value);
      case "select":
        return this.vectorSelect(value, type);
      case "cast":
        return vectorCast(value.x.dtype, value.dtype, this.vector(value.x), laneCount);
      case "bitcast":
        return `(${type})${this.vector(value.x)}`;
      case "guard":
        return `I${laneCount}_guard(${this.vector(value.x)}, ${value.extent})`;
      default:
        return unreachable(value);
    }
  }

  private vectorBinaryText(value: Extract<Value, { kind: "binary" }>): string {
    const { fn, b } = value;
    const a = this.vector(value.a);
    if (b.kind === "const" && value.a.dtype === "int32") {
      if (fn === "shr") return `(I${this.laneCount})((U${this.laneCount})${a} >> ${b.value & 31})`;
      if (fn === "shl") return `(${a} << ${b.value & 31})`;
    }
    const divisor = constantDivisor(value);
    if (divisor !== undefined) return this.divided(fn === "mod", value.a, a, divisor);
    return vectorBinary(this.context, fn, value.a.dtype, [a, this.vector(b)], this.laneCount);
  }

  /** Non-negative lanes divided by a constant: shifts, or float division where that is exact. */
  private divided(remainder: boolean, value: Value, x: string, divisor: number): string {
    const n = this.laneCount;
    if ((divisor & (divisor - 1)) === 0) {
      return remainder ? `(${x} & ${divisor - 1})` : `(${x} >> ${31 - Math.clz32(divisor)})`;
    }
    const quotient =
      value.max < mostInFloats
        ? `__builtin_convertvector((__builtin_convertvector(${x}, F${n}) + 0.5f) * ${literal(1 / divisor, "float32")}, I${n})`
        : `(I${n})((U${n})${x} / ${divisor}u)`;
    return remainder ? `(${x} - ${quotient} * ${divisor})` : quotient;
  }

  private vectorSelect(value: Extract<Value, { kind: "select" }>, type: string): string {
    const { condition, a, b } = value;
    if (!a.unsafe && !b.unsafe) {
      if (this.isVarying(condition))
        return `${type}_sel(${this.vector(condition)}, ${this.vector(a)}, ${this.vector(b)})`;
      // Only the elements of the taken side are loaded.
      if (isChosen(a) || isChosen(b)) return this.branches(type, value, (x) => this.vector(x));
      return `(${this.scalar(condition)} ? ${this.vector(a)} : ${this.vector(b)})`;
    }
    if (!this.isVarying(condition)) return this.branches(type, value, (x) => this.vector(x));
    const taken = this.vector(condition);
    const side = (x: Value, chosen: string): string => {
      if (!x.unsafe) return this.vector(x);
      const outer = this.branch;
      const within = this.taken();
      const I = `I${this.laneCount}`;
      this.branch = this.out.define(I, "m", within === undefined ? chosen : `${chosen} & ${within}`);
      let name = "";
      this.scope(() => {
        name = this.vector(x);
      });
      this.branch = outer;
      return name;
    };
    const [one, other] = [side(a, taken), side(b, `~${taken}`)];
    return `${type}_sel(${taken}, ${one}, ${other})`;
  }

  /** The lanes to compute; undefined: all. */
  private taken(): string | undefined {
    return this.branch ?? this.lanes?.mask;
  }

  // ---- memory

  /** The distance between neighbouring lanes, in elements; undefined if it varies. */
  private laneStride(index: Linear): number | undefined {
    let stride = 0;
    for (const { atom, coefficient } of index.terms) {
      if (atom.kind === "axis" && atom.axis.id === this.lanes?.axis.id) stride = coefficient;
      else if (this.isVarying(atom)) return undefined;
    }
    return stride === 0 ? undefined : stride;
  }

  private memoryType(dtype: ElementType): string {
    return `${memoryLetter(dtype)}${this.laneCount}`;
  }

  private vectorLoad(value: Load): Text {
    const { buffer, index, dtype } = value;
    const stride = this.laneStride(index);
    const type = this.memoryType(dtype);
    const mask = value.unsafe ? this.taken() : this.laneMask;
    const halved = stride === undefined ? this.halved(value) : undefined;
    let text: Text;
    if (stride === 1) {
      const at = this.at(buffer, index);
      text = mask === undefined ? code`${type}_load(${at})` : code`${type}_loadm(${at}, ${mask})`;
    } else if (stride === 2 && byteSize(dtype) >= 4) {
      const at = this.at(buffer, index);
      text =
        this.ofPair(value, type, mask) ??
        (mask === undefined ? code`${type}_load2(${at})` : code`${type}_load2m(${at}, ${mask})`);
    } else if (halved !== undefined) {
      const [at, odd] = [this.at(buffer, index), `${this.scalar(halved)} & 1`];
      text = mask === undefined ? code`${type}_twice(${at}, ${odd})` : code`${type}_twicem(${at}, ${odd}, ${mask})`;
    } else {
      const { at, lanes } = this.scattered(buffer, index, stride);
      text =
        mask === undefined ? code`${type}_gather(${at}, ${lanes})` : code`${type}_gatherm(${at}, ${lanes}, ${mask})`;
    }
    return dtype === "bool" ? code`(-${text})` : text;
  }

  /** Lanes two elements apart whose in-between elements are loaded too: both loads share the same two vectors. */
  private ofPair({ buffer, index, unsafe, pinned }: Load, type: string, mask: string | undefined): string | undefined {
    if (unsafe || pinned || !hasPairs(this.context.target, this.laneCount)) return undefined;
    const moved = (by: number): Linear => ({ ...index, constant: index.constant + by });
    const isLoaded = (by: number): boolean => {
      const beside = this.values.loadOf(buffer, moved(by));
      return beside !== undefined && !beside.unsafe && !beside.pinned;
    };
    let before = 0;
    while (isLoaded(-before - 1)) before++;
    const second = before % 2 === 1;
    if (!second && !isLoaded(1)) return undefined;
    const first = second ? moved(-1) : index;
    const key = `p${buffer}.${linearKey(first)}`;
    const load = (half: "low" | "high"): string =>
      this.cached(`${key}.${half}`, type, "p", () => {
        const at = this.at(buffer, first);
        return mask === undefined
          ? code`${type}_load(${at}${half === "low" ? "" : ` + ${this.laneCount}`})`
          : code`${type}_${half}m(${at}, ${mask})`;
      });
    return `${type}_${second ? "odd" : "even"}(${load("low")}, ${load("high")})`;
  }

  /** The value whose half is each lane's index, if two vectors hold all the elements. */
  private halved({ index, unsafe, dtype }: Load): Value | undefined {
    const { context, lanes } = this;
    if (lanes === undefined || unsafe || byteSize(dtype) < 4) return undefined;
    if (!hasPairs(context.target, lanes.count)) return undefined;
    return halvedIn(index, (atom) => this.isVarying(atom), lanes.axis.id)?.value;
  }

  /** Arbitrarily spaced lanes: the address of one, and the offsets of the others from it. */
  private scattered(buffer: number, index: Linear, stride: number | undefined): { at: Code; lanes: string } {
    const n = this.laneCount;
    if (stride !== undefined) return { at: this.at(buffer, index), lanes: `iota${n} * ${stride}` };
    const even: Linear = { ...index, terms: index.terms.filter(({ atom }) => !this.isVarying(atom)) };
    const lanes = index.terms
      .filter(({ atom }) => this.isVarying(atom))
      .map(({ atom, coefficient }) => `${this.vector(atom)}${coefficient === 1 ? "" : ` * ${coefficient}`}`);
    return { at: this.at(buffer, even), lanes: lanes.join(" + ") };
  }

  storeScalar(buffer: number, index: Linear, value: Value, accumulate: boolean): void {
    const { dtype } = this.context.buffer(buffer);
    const text = this.scalar(value);
    const at = code`*(${this.at(buffer, index)})`;
    const sum = accumulate
      ? scalarBinary(this.context, "add", dtype, this.out.define(scalarType(dtype), "o", at), text)
      : text;
    this.out.line(code`${at} = ${sum};`);
  }

  storeVector(buffer: number, index: Linear, value: Value, accumulate: boolean): void {
    const { dtype } = this.context.buffer(buffer);
    const type = this.memoryType(dtype);
    const mask = this.laneMask;
    const stride = this.laneStride(index);
    const held = this.vector(value);
    const inMemory = dtype === "bool" ? `-${held}` : held;
    if (stride === 1) {
      const at = this.at(buffer, index);
      let text = inMemory;
      if (accumulate) {
        const loaded = mask === undefined ? code`${type}_load(${at})` : code`${type}_loadm(${at}, ${mask})`;
        const old = this.out.define(
          vectorType(dtype, this.laneCount),
          "o",
          dtype === "bool" ? code`(-${loaded})` : loaded,
        );
        const sum = vectorBinary(this.context, "add", dtype, [old, held], this.laneCount);
        text = dtype === "bool" ? `-${sum}` : sum;
      }
      this.out.line(
        mask === undefined ? code`${type}_store(${at}, ${text});` : code`${type}_storem(${at}, ${text}, ${mask});`,
      );
      return;
    }
    if (stride === 2 && !accumulate && byteSize(dtype) >= 4) {
      const at = this.at(buffer, index);
      this.out.line(code`${type}_store2m(${at}, ${inMemory}, ${mask ?? `I${this.laneCount}_splat(-1)`});`);
      return;
    }
    const { at, lanes } = this.scattered(buffer, index, stride);
    const chosen = mask ?? `I${this.laneCount}_splat(-1)`;
    const where = lanes === "" ? `I${this.laneCount}_splat(0)` : lanes;
    this.out.line(code`${type}_${accumulate ? "addm" : "scatterm"}(${at}, ${where}, ${inMemory}, ${chosen});`);
  }
}
