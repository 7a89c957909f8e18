// Integer index expressions in canonical form: Σ coefficient · atom + constant, with ranges, so that views compose to plain strides.

import { at } from "../graph/at.ts";
import { byteSize, rangeOf } from "../graph/dtype.ts";
import { type Axis, add, axisValue, binary, int, mul, operandsOf, type Scalar } from "../graph/scalar.ts";
import type { Shape } from "../graph/shape.ts";
import { stridesOf } from "../graph/shape.ts";

interface Term {
  readonly atom: Scalar;
  readonly key: string;
  readonly coefficient: number;
  readonly min: number;
  readonly max: number;
}

/** Terms are sorted, so that equal indices have equal keys. */
interface Linear {
  readonly terms: readonly Term[];
  readonly constant: number;
}

const unbounded = 2 ** 31;
/** Facts about the scalars of the program being compiled. A table that outlived it would be walked by every garbage collection. */
let linearOf = new Map<Scalar, Linear>();
let keys = new Map<Scalar, string>();
/** Ids of scalars, equal for equal ones, and the first scalar of each id, keyed by its parts. */
let numbers = new Map<Scalar, number>();
let firstEqual = new Map<string, { readonly number: number; readonly scalar: Scalar }>();
let nextNumber = 0;

/** Discards the facts about an earlier program. */
export function forgetIndices(): void {
  linearOf = new Map();
  keys = new Map();
  numbers = new Map();
  firstEqual = new Map();
}

/** Discards the facts occasionally in a long program, so that no table grows with its length. Call it between kernels. */
export function trimIndices(): void {
  if (linearOf.size > mostKnown) forgetIndices();
}

const mostKnown = 1 << 14;

function range(linear: Linear): { min: number; max: number } {
  let min = linear.constant;
  let max = linear.constant;
  for (const { coefficient, min: low, max: high } of linear.terms) {
    min += coefficient * (coefficient > 0 ? low : high);
    max += coefficient * (coefficient > 0 ? high : low);
  }
  return { min, max };
}

function combine(a: Linear, b: Linear, scale: number): Linear {
  const terms = new Map<string, Term>();
  for (const term of a.terms) terms.set(term.key, term);
  for (const term of b.terms) {
    const coefficient = (terms.get(term.key)?.coefficient ?? 0) + scale * term.coefficient;
    if (coefficient === 0) terms.delete(term.key);
    else terms.set(term.key, { ...term, coefficient });
  }
  return rejoin({ terms: sortTerms([...terms.values()]), constant: a.constant + scale * b.constant });
}

/** Axes in order of creation, whatever their ids: the code of a program must not depend on earlier compilations. */
const sortTerms = (terms: Term[]): Term[] =>
  terms.sort(({ atom: a, key }, { atom: b, key: other }) =>
    a.kind === "axis" && b.kind === "axis" ? a.axis.id - b.axis.id : key < other ? -1 : key > other ? 1 : 0,
  );

/** n · (x div n) + (x mod n) is x: the residue of a reshape whose parts meet again. */
function rejoin(linear: Linear): Linear {
  for (const term of linear.terms) {
    const { atom } = term;
    if (atom.kind !== "binary" || atom.fn !== "mod" || atom.b.kind !== "const") continue;
    const divisor = atom.b.value;
    const quotientKey = keyOfAtom(binary("div", atom.a, atom.b));
    const quotient = linear.terms.find((other) => other.key === quotientKey);
    if (quotient === undefined || quotient.coefficient !== term.coefficient * divisor) continue;
    const rest = linear.terms.filter((other) => other !== term && other !== quotient);
    return combine({ terms: rest, constant: linear.constant }, analyze(atom.a), term.coefficient);
  }
  return linear;
}

const constantLinear = (constant: number): Linear => ({ terms: [], constant });

function atomLinear(made: Scalar, min: number, max: number): Linear {
  const atom = interned(made);
  return { terms: [{ atom, key: keyOfAtom(atom), coefficient: 1, min, max }], constant: 0 };
}

/** The canonical form of an int32 expression. */
function analyze(index: Scalar): Linear {
  const known = linearOf.get(index);
  if (known) return known;
  const linear = analyzeAfresh(index);
  linearOf.set(index, linear);
  return linear;
}

function analyzeAfresh(index: Scalar): Linear {
  switch (index.kind) {
    case "const":
      return constantLinear(index.value);
    case "axis":
      return atomLinear(index, 0, Math.max(0, index.axis.extent - 1));
    case "guard":
      return atomLinear(index, 0, index.extent - 1);
    case "cast":
      return byteSize(index.x.dtype) < 4
        ? atomLinear(index, ...rangeOf(index.x.dtype))
        : atomLinear(index, -unbounded, unbounded);
    case "binary": {
      const a = analyze(index.a);
      const b = analyze(index.b);
      switch (index.fn) {
        case "add":
          return combine(a, b, 1);
        case "sub":
          return combine(a, b, -1);
        case "mul":
          if (b.terms.length === 0) return combine(constantLinear(0), a, b.constant);
          if (a.terms.length === 0) return combine(constantLinear(0), b, a.constant);
          break;
        case "div":
          if (b.terms.length === 0 && b.constant > 0) return divide(a, b.constant);
          break;
        case "mod":
          if (b.terms.length === 0 && b.constant > 0) return modulo(a, b.constant);
          break;
        default:
          break;
      }
      return atomLinear(binary(index.fn, toScalar(a), toScalar(b)), -unbounded, unbounded);
    }
    default:
      return atomLinear(index, -unbounded, unbounded);
  }
}

/** Splits off the part divisible by `divisor`. */
function split(linear: Linear, divisor: number): { whole: Linear; rest: Linear } {
  const whole = linear.terms.filter((term) => term.coefficient % divisor === 0);
  const rest = linear.terms.filter((term) => term.coefficient % divisor !== 0);
  const restConstant = ((linear.constant % divisor) + divisor) % divisor;
  return {
    whole: {
      terms: whole.map((term) => ({ ...term, coefficient: term.coefficient / divisor })),
      constant: (linear.constant - restConstant) / divisor,
    },
    rest: { terms: rest, constant: restConstant },
  };
}

// Both are valid only for non-negative values, which indices are; a possibly negative value stays an atom.
function divide(linear: Linear, divisor: number): Linear {
  if (range(linear).min < 0) {
    return atomLinear(binary("div", toScalar(linear), int(divisor)), -unbounded, unbounded);
  }
  const { whole, rest } = split(linear, divisor);
  const { min, max } = range(rest);
  if (min >= 0 && max < divisor) return whole;
  if (min < 0) {
    const bounds = range(linear);
    return atomLinear(binary("div", toScalar(linear), int(divisor)), 0, Math.floor(bounds.max / divisor));
  }
  const coarse = coarsen(rest, divisor);
  if (coarse !== undefined) return combine(whole, divide(coarse.multiples, divisor / coarse.unit), 1);
  return combine(whole, atomLinear(binary("div", toScalar(rest), int(divisor)), 0, Math.floor(max / divisor)), 1);
}

/**
 * Writes x as unit · multiples + remainder with 0 ≤ remainder < unit, for a unit > 1 that divides the divisor: then x div divisor is
 * multiples div (divisor / unit), and x mod divisor is unit · (multiples mod (divisor / unit)) + remainder.
 */
function coarsen(linear: Linear, divisor: number): { unit: number; multiples: Linear; remainder: Linear } | undefined {
  const units = [...new Set(linear.terms.map(({ coefficient }) => gcd(Math.abs(coefficient), divisor)))].sort(
    (a, b) => b - a,
  );
  for (const unit of units) {
    if (unit <= 1 || unit === divisor) continue;
    const { whole, rest } = split(linear, unit);
    const { min, max } = range(rest);
    if (min >= 0 && max < unit && range(whole).min >= 0) return { unit, multiples: whole, remainder: rest };
  }
  return undefined;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function modulo(linear: Linear, divisor: number): Linear {
  const { rest } = split(linear, divisor);
  const { min, max } = range(rest);
  if (min >= 0 && max < divisor) return rest;
  const coarse = min >= 0 ? coarsen(rest, divisor) : undefined;
  if (coarse !== undefined)
    return combine(coarse.remainder, modulo(coarse.multiples, divisor / coarse.unit), coarse.unit);
  return atomLinear(binary("mod", toScalar(min >= 0 ? rest : linear), int(divisor)), 0, divisor - 1);
}

function toScalar(linear: Linear): Scalar {
  let sum: Scalar | undefined;
  for (const { atom, coefficient } of linear.terms) {
    const term = mul(atom, int(coefficient));
    sum = sum === undefined ? term : add(sum, term);
  }
  if (sum === undefined) return int(linear.constant);
  return linear.constant === 0 ? sum : add(sum, int(linear.constant));
}

function keyOfAtom(atom: Scalar): string {
  const known = keys.get(atom);
  if (known !== undefined) return known;
  const text = makeKey(atom);
  // Views of views share parts: written out, each would be twice as long as its predecessor.
  const key = text.length > longestKey ? `#${numberOf(atom)}` : text;
  keys.set(atom, key);
  return key;
}

const longestKey = 400;

/** The first scalar equal to this one, so that facts are shared. */
function interned(scalar: Scalar): Scalar {
  const { kind } = scalar;
  if (kind === "const" || kind === "axis" || kind === "local") return scalar;
  return entryOf(scalar).scalar;
}

function numberOf(scalar: Scalar): number {
  const known = numbers.get(scalar);
  if (known !== undefined) return known;
  const { number } = entryOf(scalar);
  numbers.set(scalar, number);
  return number;
}

function entryOf(scalar: Scalar): { readonly number: number; readonly scalar: Scalar } {
  const parts = operandsOf(scalar).map(numberOf);
  const text = `${ownText(scalar)}(${parts.join()})`;
  let entry = firstEqual.get(text);
  if (entry === undefined) {
    entry = { number: nextNumber++, scalar };
    firstEqual.set(text, entry);
  }
  return entry;
}

/** The properties of a scalar apart from its parts. */
function ownText(scalar: Scalar): string {
  switch (scalar.kind) {
    case "const":
    case "axis":
    case "local":
      return keyOfAtom(scalar);
    case "load":
      return `b${scalar.buffer}`;
    case "unary":
    case "binary":
      return scalar.fn;
    case "select":
      return scalar.kind;
    case "cast":
    case "bitcast":
      return `${scalar.kind}:${scalar.dtype}`;
    case "guard":
      return `guard:${scalar.extent}`;
  }
}

function makeKey(scalar: Scalar): string {
  switch (scalar.kind) {
    case "const":
      return `${scalar.dtype}:${Object.is(scalar.value, -0) ? "-0" : scalar.value}`;
    case "axis":
      return `i${scalar.axis.id}`;
    case "local":
      return `l${scalar.local.id}`;
    case "load":
      return `b${scalar.buffer}[${keyOfAtom(scalar.index)}]`;
    case "unary":
      return `${scalar.fn}(${keyOfAtom(scalar.x)})`;
    case "binary":
      return `${scalar.fn}(${keyOfAtom(scalar.a)},${keyOfAtom(scalar.b)})`;
    case "select":
      return `select(${keyOfAtom(scalar.condition)},${keyOfAtom(scalar.a)},${keyOfAtom(scalar.b)})`;
    case "cast":
    case "bitcast":
      return `${scalar.kind}:${scalar.dtype}(${keyOfAtom(scalar.x)})`;
    case "guard":
      return `guard(${keyOfAtom(scalar.index)},${scalar.extent})`;
  }
}

/** An index in canonical form: constants are folded; div and mod are removed where the ranges allow. */
export const canonical = (index: Scalar): Scalar => toScalar(analyze(index));

/** Equal for two indices if and only if their canonical forms are equal. */
export function indexKey(index: Scalar): string {
  const { terms, constant } = analyze(index);
  return `${terms.map(({ key, coefficient }) => `${coefficient}*${key}`).join("+")}+${constant}`;
}

/** Whether the index is Σ coefficient · loop counter + constant. */
export function isAffine(index: Scalar): boolean {
  return analyze(index).terms.every(({ atom }) => atom.kind === "axis");
}

/** The length of the contiguous runs of the index along one loop; 1 if there are none. */
export function runOf(index: Scalar): number {
  const next = analyze(index).terms.find(({ coefficient }) => coefficient === 1)?.atom;
  return next?.kind === "axis" ? next.axis.extent : 1;
}

/** The smallest and largest known bounds of the index. */
export const indexRange = (index: Scalar): { min: number; max: number } => range(analyze(index));

/** The flat row-major index of a multi-dimensional index. */
export function flatten(index: readonly Scalar[], shape: Shape): Scalar {
  const strides = stridesOf(shape);
  let flat: Scalar = int(0);
  index.forEach((part, axis) => {
    flat = add(flat, mul(part, int(at(strides, axis))));
  });
  return canonical(flat);
}

/** The multi-dimensional index of a flat row-major index. */
export function unflatten(flat: Scalar, shape: Shape): Scalar[] {
  const strides = stridesOf(shape);
  return shape.map((extent, axis) => {
    if (extent === 1) return int(0);
    const quotient = binary("div", flat, int(at(strides, axis)));
    return canonical(axis === 0 ? quotient : binary("mod", quotient, int(extent)));
  });
}

/** The flat index of nested counters, first axis outermost. */
export function flatAxes(axes: readonly Axis[]): Scalar {
  return flatten(
    axes.map(axisValue),
    axes.map((axis) => axis.extent),
  );
}

/** Rebuilds an expression, replacing subexpressions for which `replace` returns a value; shared parts stay shared. */
export function rewrite(
  scalar: Scalar,
  replace: (scalar: Scalar) => Scalar | undefined,
  done = new Map<Scalar, Scalar>(),
): Scalar {
  const known = done.get(scalar);
  if (known) return known;
  const result = replace(scalar) ?? rebuild(scalar, (child) => rewrite(child, replace, done));
  done.set(scalar, result);
  return result;
}

function rebuild(scalar: Scalar, visit: (child: Scalar) => Scalar): Scalar {
  switch (scalar.kind) {
    case "const":
    case "axis":
    case "local":
      return scalar;
    case "load":
    case "guard": {
      const index = visit(scalar.index);
      return index === scalar.index ? scalar : { ...scalar, index };
    }
    case "unary":
    case "cast":
    case "bitcast": {
      const x = visit(scalar.x);
      return x === scalar.x ? scalar : { ...scalar, x };
    }
    case "binary": {
      const a = visit(scalar.a);
      const b = visit(scalar.b);
      return a === scalar.a && b === scalar.b ? scalar : { ...scalar, a, b };
    }
    case "select": {
      const condition = visit(scalar.condition);
      const a = visit(scalar.a);
      const b = visit(scalar.b);
      return condition === scalar.condition && a === scalar.a && b === scalar.b
        ? scalar
        : { ...scalar, condition, a, b };
    }
  }
}

/** Visits each distinct subexpression once, operands first. */
export function visitScalar(scalar: Scalar, visit: (scalar: Scalar) => void, seen = new Set<Scalar>()): void {
  if (seen.has(scalar)) return;
  seen.add(scalar);
  for (const part of operandsOf(scalar)) visitScalar(part, visit, seen);
  visit(scalar);
}
