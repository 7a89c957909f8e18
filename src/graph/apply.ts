// How ops handle 16-bit floats: they compute in float32, and the result of a function is rounded once.

import { type DType, type HalfDType, isFloat, isHalf } from "./dtype.ts";
import { type Attributes, makeNode, type Node, type Op } from "./node.ts";
import { cast, seal, unrounded } from "./ops/cast.ts";

/** What is rounded as soon as it is made: no value that anybody else has. A float32 that is converted has other readers. */
const passing = new WeakSet<Node>();
/** The rounded value of what an op gave, where that is a value of its own. */
const roundings = new WeakMap<Node, Node>();
let readsRounded = false;
/** What products are computed in, where mixed precision is on. */
let precision: HalfDType | undefined;
export const currentPrecision = (): HalfDType | undefined => precision;

/** Runs `body` with products in a float of 16 bits; what needs the digits of float32 then gives it. */
export function withPrecision<T>(dtype: HalfDType | undefined, body: () => T): T {
  const outer = precision;
  precision = dtype;
  try {
    return body();
  } finally {
    precision = outer;
  }
}

/** The dtype of an operand of a product, as mixed precision has it. */
export const loweredDType = (own: DType): DType =>
  precision !== undefined && (own === "float32" || isHalf(own)) ? precision : own;

/** Makes a node: infers its type, and names the module in the error when it does not fit. */
export function apply<A extends Attributes>(op: Op<A>, inputs: readonly Node[], attributes: A): Node {
  const given = readsRounded ? inputs.map(roundedForm) : inputs;
  if (!given.some(({ dtype }) => isHalf(dtype)) || keepsHalves(op) || (movesHalves(op) && !given.some(unrounded)))
    return makeNode(op, given, attributes);
  const half = halfOf(given);
  // Where dtypes differ, the op refuses them as they are.
  if (half === undefined) makeNode(op, given, attributes);
  const result = makeNode(op, given.map(widened), attributes);
  if (half === undefined || result.dtype !== "float32" || (precision !== undefined && needsDigits(op))) return result;
  return rounded(result, half);
}

/** A result that nothing but this rounding has; the ops of the same function may read it yet. */
export function rounded(result: Node, dtype: HalfDType): Node {
  passing.add(result);
  return cast(result, dtype);
}

/** Ops whose types are those of other graphs, or of what they stand for. */
const keepsHalves = <A extends Attributes>({ rule, traits }: Op<A>): boolean =>
  rule.kind === "loop" || rule.kind === "result" || traits?.ownGradient === true;

/** Sums and transcendental functions, whose results mixed precision keeps. */
const needsDigits = <A extends Attributes>({ rule, traits }: Op<A>): boolean =>
  traits?.costly === true ||
  rule.kind === "scan" ||
  (rule.kind === "reduce" && (rule.combine === "sum" || rule.combine === "prod"));

const movesHalves = <A extends Attributes>({ traits }: Op<A>): boolean =>
  traits?.view !== undefined || traits?.moves === true;

/** The float of 16 bits that all floats among the inputs are. */
function halfOf(inputs: readonly Node[]): HalfDType | undefined {
  let found: HalfDType | undefined;
  for (const { dtype } of inputs) {
    if (!isFloat(dtype)) continue;
    if (!isHalf(dtype) || (found !== undefined && found !== dtype)) return undefined;
    found = dtype;
  }
  return found;
}

const widened = (x: Node): Node => (isHalf(x.dtype) ? cast(x, "float32") : x);

/** Within so many functions that are one operation to their user. */
let depth = 0;

/** Runs the body of a function whose intermediate values are not rounded. */
export function unroundedWithin<T>(body: () => T): T {
  depth++;
  try {
    return body();
  } finally {
    depth--;
  }
}

/** The node is the value of a tensor: whatever reads it from now on reads what is rounded. */
export function settle(node: Node): void {
  const wide = depth > 0 ? undefined : seal(node);
  if (wide !== undefined && passing.has(wide)) roundings.set(wide, node);
}

const roundedForm = (x: Node): Node => {
  const rounding = roundings.get(x);
  return rounding === undefined ? x : cast(rounding, "float32");
};

/** Runs a rule of gradients. Where a value was rounded it reads that, which is in memory, as PyTorch does, and not what was before. */
export function readingRounded<T>(body: () => T): T {
  const outer = readsRounded;
  readsRounded = true;
  try {
    return body();
  } finally {
    readsRounded = outer;
  }
}
