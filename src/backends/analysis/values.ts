// Scalar expressions as numbered values: equal structure gives the same value, and each value records what it depends on.
import { byteSize, type ElementType, rangeOf } from "../../graph/dtype.ts";
import { InternalError, unreachable } from "../../graph/errors.ts";
import { type Axis, type BinaryFn, isComparison, type Local, type Scalar, type UnaryFn } from "../../graph/scalar.ts";

interface Common {
  readonly id: number;
  readonly dtype: ElementType;
  /** Ids of the axes and of the kernel locals (results of reductions) it is computed from. */
  readonly deps: ReadonlySet<number>;
  /** It may fault where the program would not compute it: a load not known to be in range. */
  readonly unsafe: boolean;
  /** It reads a buffer the kernel stores to: it is bound to its place in the program. */
  readonly pinned: boolean;
  /** Bounds of its value; of those of floats nothing is known but for constants. */
  readonly min: number;
  readonly max: number;
}

export type Value = Common &
  (
    | { readonly kind: "const"; readonly value: number }
    | { readonly kind: "axis"; readonly axis: Axis }
    | { readonly kind: "local"; readonly local: Local }
    | { readonly kind: "load"; readonly buffer: number; readonly index: Linear }
    | { readonly kind: "unary"; readonly fn: UnaryFn; readonly x: Value }
    | { readonly kind: "binary"; readonly fn: BinaryFn; readonly a: Value; readonly b: Value }
    | { readonly kind: "select"; readonly condition: Value; readonly a: Value; readonly b: Value }
    | { readonly kind: "cast"; readonly x: Value }
    | { readonly kind: "bitcast"; readonly x: Value }
    | { readonly kind: "guard"; readonly x: Value; readonly extent: number }
  );

export interface Term {
  readonly atom: Value;
  readonly coefficient: number;
}

/** Σ coefficient · atom + constant; atoms are axes and whatever is not linear in them. */
export interface Linear {
  readonly terms: readonly Term[];
  readonly constant: number;
  readonly min: number;
  readonly max: number;
}

interface BufferFacts {
  readonly length: number;
  /** Whether the kernel stores to it. */
  readonly stored: boolean;
}

const intMin = -(2 ** 31);
const intMax = 2 ** 31 - 1;
const noDeps: ReadonlySet<number> = new Set();

function union(...sets: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  let result = noDeps;
  for (const set of sets) {
    if (set.size === 0 || set === result) continue;
    result = result.size === 0 ? set : new Set([...result, ...set]);
  }
  return result;
}

const linearDeps = (linear: Linear): ReadonlySet<number> => union(...linear.terms.map((term) => term.atom.deps));

/** Calls back with the operands of a value, those in the index of a load included. */
export function eachOperand(value: Draft, visit: (operand: Value) => void): void {
  switch (value.kind) {
    case "const":
    case "axis":
    case "local":
      return;
    case "load":
      for (const { atom } of value.index.terms) visit(atom);
      return;
    case "unary":
    case "cast":
    case "bitcast":
    case "guard":
      visit(value.x);
      return;
    case "binary":
      visit(value.a);
      visit(value.b);
      return;
    case "select":
      visit(value.condition);
      visit(value.a);
      visit(value.b);
      return;
    default:
      return unreachable(value);
  }
}

/** The operands of a value, those in the index of a load included. */
export function operands(value: Draft): readonly Value[] {
  const list: Value[] = [];
  eachOperand(value, (operand) => list.push(operand));
  return list;
}

/** Visits each part of the values it is given once, and what that is made of where `enters` says so. */
export function visitParts(enters: (part: Value) => boolean): (value: Value) => void {
  const seen = new Set<Value>();
  const visit = (part: Value): void => {
    if (seen.has(part)) return;
    seen.add(part);
    if (enters(part)) eachOperand(part, visit);
  };
  return visit;
}

type Omitted = "id" | "deps" | "unsafe" | "pinned" | "min" | "max";
type Draft = Value extends infer V ? (V extends Value ? Omit<V, Omitted> : never) : never;
type Facts = Partial<Pick<Common, "deps" | "unsafe" | "pinned" | "min" | "max">>;

/** Numbers the values of one kernel. */
export class ValueTable {
  readonly #facts: (buffer: number) => BufferFacts;
  readonly #known = new Map<string, Value>();
  readonly #ofScalar = new Map<Scalar, Value>();
  /** The values of the program's locals. */
  readonly #bound = new Map<number, Value>();
  readonly #versions = new Map<number, number>();
  readonly #substituted = new Map<number, Value>();
  /** The places whose guard was left out: their axes, as they are, keep them in range. */
  readonly unguarded: Linear[] = [];

  constructor(facts: (buffer: number) => BufferFacts) {
    this.#facts = facts;
  }

  /** Binds a local to a value: the local is another name for it. */
  bind(local: Local, value: Value): void {
    this.#bound.set(local.id, value);
  }

  /** A local whose value is made by a statement. */
  opaque(local: Local): Value {
    const value = this.#intern(
      `l${local.id}`,
      { kind: "local", dtype: local.dtype, local },
      { deps: new Set([local.id]) },
    );
    this.#bound.set(local.id, value);
    return value;
  }

  /** After a store, loads of the buffer are other values than before. */
  invalidate(buffer: number): void {
    this.#versions.set(buffer, this.#known.size);
    this.#ofScalar.clear();
  }

  /** While `body` runs, the axis is a constant: for unrolled loops. */
  withAxis<T>(axis: Axis, value: number, body: () => T): T {
    this.substitute(axis.id, this.constant(value, "int32"));
    try {
      return body();
    } finally {
      this.#substituted.delete(axis.id);
      this.#ofScalar.clear();
    }
  }

  /** Rebinds the axis to another value. */
  substitute(axisId: number, value: Value): void {
    this.#substituted.set(axisId, value);
    this.#ofScalar.clear();
  }

  axis(axis: Axis): Value {
    return this.#intern(
      `a${axis.id}`,
      { kind: "axis", dtype: "int32", axis },
      {
        deps: new Set([axis.id]),
        min: 0,
        max: Math.max(0, axis.extent - 1),
      },
    );
  }

  constant(value: number, dtype: ElementType): Value {
    return this.#intern(
      `c${dtype}${Object.is(value, -0) ? "-0" : value}`,
      { kind: "const", dtype, value },
      {
        min: value,
        max: value,
      },
    );
  }

  of(scalar: Scalar): Value {
    const known = this.#ofScalar.get(scalar);
    if (known) return known;
    const value = this.#convert(scalar);
    this.#ofScalar.set(scalar, value);
    return value;
  }

  #convert(scalar: Scalar): Value {
    switch (scalar.kind) {
      case "const":
        return this.constant(scalar.value, scalar.dtype);
      case "axis": {
        const { axis } = scalar;
        const stand = this.#substituted.get(axis.id) ?? this.axis(axis);
        // A merged axis may itself be written out.
        return stand.kind === "axis" ? (this.#substituted.get(stand.axis.id) ?? stand) : stand;
      }
      case "local": {
        const value = this.#bound.get(scalar.local.id);
        return value ?? this.opaque(scalar.local);
      }
      case "load":
        return this.load(scalar.buffer, this.linear(scalar.index), scalar.dtype);
      case "unary":
        return this.unary(scalar.fn, this.of(scalar.x));
      case "binary":
        return this.binary(scalar.fn, this.of(scalar.a), this.of(scalar.b));
      case "select":
        return this.select(this.of(scalar.condition), this.of(scalar.a), this.of(scalar.b));
      case "cast":
      case "bitcast": {
        const x = this.of(scalar.x);
        const fits = scalar.dtype === "int32" && byteSize(x.dtype) < 4;
        return this.#intern(
          `${scalar.kind}${scalar.dtype}(${x.id})`,
          { kind: scalar.kind, dtype: scalar.dtype, x },
          fits ? { min: x.min, max: x.max } : {},
        );
      }
      case "guard": {
        const x = this.of(scalar.index);
        const { extent } = scalar;
        if (x.min >= 0 && x.max < extent) {
          this.unguarded.push(this.linear(scalar.index));
          return x;
        }
        const bounds = { min: 0, max: Math.max(0, extent - 1) };
        return this.#intern(`g${extent}(${x.id})`, { kind: "guard", dtype: "int32", x, extent }, bounds);
      }
      default:
        return unreachable(scalar);
    }
  }

  load(buffer: number, index: Linear, dtype: ElementType): Value {
    const { length, stored } = this.#facts(buffer);
    return this.#intern(
      this.#loadKey(buffer, index),
      { kind: "load", dtype, buffer, index },
      {
        deps: linearDeps(index),
        unsafe: index.min < 0 || index.max >= length || index.terms.some((term) => term.atom.unsafe),
        pinned: stored || index.terms.some((term) => term.atom.pinned),
      },
    );
  }

  /** The value that loads this element, if any does. */
  loadOf(buffer: number, index: Linear): Value | undefined {
    return this.#known.get(this.#loadKey(buffer, index));
  }

  #loadKey(buffer: number, index: Linear): string {
    return `m${buffer}.${this.#versions.get(buffer) ?? 0}[${linearKey(index)}]`;
  }

  unary(fn: UnaryFn, x: Value): Value {
    const dtype = fn === "isNaN" || fn === "not" ? "bool" : x.dtype;
    return this.#intern(`${fn}(${x.id})`, { kind: "unary", dtype, fn, x });
  }

  binary(fn: BinaryFn, a: Value, b: Value): Value {
    const dtype = isComparison(fn) ? "bool" : a.dtype;
    return this.#intern(
      `${fn}(${a.id},${b.id})`,
      { kind: "binary", dtype, fn, a, b },
      a.dtype === "int32" ? bounds(fn, a, b) : {},
    );
  }

  select(condition: Value, a: Value, b: Value): Value {
    if (condition.kind === "const") return condition.value !== 0 ? a : b;
    if (a === b) return a;
    return this.#intern(
      `s(${condition.id},${a.id},${b.id})`,
      { kind: "select", dtype: a.dtype, condition, a, b },
      {
        min: Math.min(a.min, b.min),
        max: Math.max(a.max, b.max),
      },
    );
  }

  /** An int32 expression as a sum of terms. */
  linear(index: Scalar): Linear {
    const terms = new Map<Value, number>();
    let constant = 0;
    const visit = (scalar: Scalar, factor: number): void => {
      if (scalar.kind === "binary") {
        if (scalar.fn === "add" || scalar.fn === "sub") {
          visit(scalar.a, factor);
          visit(scalar.b, scalar.fn === "add" ? factor : -factor);
          return;
        }
        if (scalar.fn === "mul") {
          const [a, b] = [this.of(scalar.a), this.of(scalar.b)];
          if (b.kind === "const") return visit(scalar.a, factor * b.value);
          if (a.kind === "const") return visit(scalar.b, factor * a.value);
        }
      }
      const value = this.of(scalar);
      if (value.kind === "const") constant += factor * value.value;
      else terms.set(value, (terms.get(value) ?? 0) + factor);
    };
    visit(index, 1);
    return makeLinear(
      [...terms].map(([atom, coefficient]) => ({ atom, coefficient })),
      constant,
    );
  }

  #intern(key: string, draft: Draft, facts: Facts = {}): Value {
    const known = this.#known.get(key);
    if (known) return known;
    const value = completed(draft, this.#known.size, facts, operands(draft));
    this.#known.set(key, value);
    return value;
  }
}

function completed(draft: Draft, id: number, facts: Facts, inner: readonly Value[]): Value {
  const range = rangeOf(draft.dtype);
  const common = {
    id,
    deps: facts.deps ?? union(...inner.map((operand) => operand.deps)),
    unsafe: facts.unsafe ?? inner.some((operand) => operand.unsafe),
    pinned: facts.pinned ?? inner.some((operand) => operand.pinned),
    min: facts.min ?? range[0],
    max: facts.max ?? range[1],
  };
  return { ...draft, ...common };
}

export function makeLinear(terms: readonly Term[], constant: number): Linear {
  const kept = terms.filter((term) => term.coefficient !== 0);
  let min = constant;
  let max = constant;
  for (const { atom, coefficient } of kept) {
    const ends = [coefficient * atom.min, coefficient * atom.max] as const;
    min += Math.min(...ends);
    max += Math.max(...ends);
  }
  return { terms: [...kept].sort((a, b) => a.atom.id - b.atom.id), constant, min, max };
}

export const linearKey = ({ terms, constant }: Linear): string =>
  `${terms.map(({ atom, coefficient }) => `${coefficient}*${atom.id}`).join("+")}+${constant}`;

function bounds(fn: BinaryFn, a: Value, b: Value): Facts {
  const inRange = (min: number, max: number): Facts => (min >= intMin && max <= intMax ? { min, max } : {});
  switch (fn) {
    case "add":
      return inRange(a.min + b.min, a.max + b.max);
    case "sub":
      return inRange(a.min - b.max, a.max - b.min);
    case "mul": {
      const corners = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
      return inRange(Math.min(...corners), Math.max(...corners));
    }
    case "div":
      return b.min === b.max && b.min > 0 ? inRange(Math.trunc(a.min / b.min), Math.trunc(a.max / b.min)) : {};
    case "mod":
      return b.min === b.max && b.min > 0 ? inRange(0, b.min - 1) : {};
    case "min":
      return inRange(Math.min(a.min, b.min), Math.min(a.max, b.max));
    case "max":
      return inRange(Math.max(a.min, b.min), Math.max(a.max, b.max));
    default:
      return {};
  }
}

/** The positive constant by which something not negative is divided: the processor's own division gives the quotient and the remainder. */
export function constantDivisor({ fn, a, b }: Extract<Value, { kind: "binary" }>): number | undefined {
  if ((fn !== "div" && fn !== "mod") || a.dtype !== "int32" || b.kind !== "const") return undefined;
  return b.value > 0 && a.min >= 0 ? b.value : undefined;
}

/**
 * What is below this is divided by a constant in float32 lanes: (x + 1/2) / divisor stays further than a rounding error from the next
 * integer.
 */
export const mostInFloats = 2 ** 21;

/** The coefficient of an axis. */
export const strideAlong = ({ terms }: Linear, axis: Axis): number =>
  terms.find(({ atom }) => atom.kind === "axis" && atom.axis.id === axis.id)?.coefficient ?? 0;

/** The coefficient of an axis, and whether another term depends on it too. */
export function strideOf(
  linear: Linear,
  varies: (atom: Value) => boolean,
  axisId: number,
): { stride: number; irregular: boolean } {
  let stride = 0;
  let irregular = false;
  for (const { atom, coefficient } of linear.terms) {
    if (atom.kind === "axis" && atom.axis.id === axisId) stride = coefficient;
    else if (varies(atom)) irregular = true;
  }
  return { stride, irregular };
}

/**
 * The value that an index halves, where neighbours along an axis share contiguous elements in pairs: (axis + constant) / 2 and nothing
 * else that varies.
 */
export function halvedIn(
  { terms }: Linear,
  varies: (atom: Value) => boolean,
  axisId: number,
): { readonly value: Value; readonly constant: number } | undefined {
  const [only, more] = terms.filter(({ atom }) => varies(atom));
  if (only === undefined || more !== undefined || only.coefficient !== 1) return undefined;
  const { atom } = only;
  if (atom.kind !== "binary" || atom.fn !== "div" || atom.b.kind !== "const" || atom.b.value !== 2) return undefined;
  const value = atom.a;
  if (value.min < 0) return undefined;
  const isAxis = (part: Value): boolean => part.kind === "axis" && part.axis.id === axisId;
  if (isAxis(value)) return { value, constant: 0 };
  if (value.kind !== "binary" || (value.fn !== "add" && value.fn !== "sub") || value.b.kind !== "const")
    return undefined;
  return isAxis(value.a) ? { value, constant: value.fn === "add" ? value.b.value : -value.b.value } : undefined;
}

/** A select between two loads: a branch pays, since only one of them is needed. */
export const isChosen = (value: Value): boolean =>
  value.kind === "select" && value.a.kind === "load" && value.b.kind === "load";

/** A fault of the emitter: a value reached a place that cannot hold it. */
export function misplaced(what: string): InternalError {
  return new InternalError(`an emitter cannot place ${what}`);
}
