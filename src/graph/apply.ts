// How ops handle 16-bit floats: they compute in float32, and the result of a function is rounded once.

import { type DType, type HalfDType, isFloat, isHalf } from "./dtype.ts";
import { type Attributes, makeNode, type Node, type Op } from "./node.ts";
import { cast, seal, unrounded } from "./ops/cast.ts";

/** Nodes that are rounded immediately and have no other readers. A converted float32 may have others. */
const passing = new WeakSet<Node>();
/** The rounded value of an op's result, if the rounding is a tensor's value. */
const roundings = new WeakMap<Node, Node>();
let readsRounded = false;
/** The dtype of products under mixed precision; undefined: off. */
let precision: HalfDType | undefined;
export const currentPrecision = (): HalfDType | undefined => precision;

/** Runs `body` with products in a 16-bit float; ops that need float32 precision return float32. */
export function withPrecision<T>(dtype: HalfDType | undefined, body: () => T): T {
  const outer = precision;
  precision = dtype;
  try {
    return body();
  } finally {
    precision = outer;
  }
}

/** The dtype of a product's operand under mixed precision. */
export const loweredDType = (own: DType): DType =>
  precision !== undefined && (own === "float32" || isHalf(own)) ? precision : own;

/** Makes a node: infers its type, and names the module in the error if the inputs do not fit. */
export function apply<A extends Attributes>(op: Op<A>, inputs: readonly Node[], attributes: A): Node {
  const given = readsRounded ? inputs.map(roundedForm) : inputs;
  if (!given.some(({ dtype }) => isHalf(dtype)) || keepsHalves(op) || (movesHalves(op) && !given.some(unrounded)))
    return makeNode(op, given, attributes);
  const half = halfOf(given);
  // For differing dtypes, the op throws its own error.
  if (half === undefined) makeNode(op, given, attributes);
  const result = makeNode(op, given.map(widened), attributes);
  if (half === undefined || result.dtype !== "float32" || (precision !== undefined && needsDigits(op))) return result;
  return rounded(result, half);
}

/** Rounds a result that nothing else reads. Ops of the same function may still read the unrounded value. */
export function rounded(result: Node, dtype: HalfDType): Node {
  passing.add(result);
  return cast(result, dtype);
}

/** Ops whose types are those of other graphs, or of the value they stand for. */
const keepsHalves = <A extends Attributes>({ rule, traits }: Op<A>): boolean =>
  rule.kind === "loop" || rule.kind === "result" || traits?.ownGradient === true;

/** Sums and transcendental functions, whose results stay float32 under mixed precision. */
const needsDigits = <A extends Attributes>({ rule, traits }: Op<A>): boolean =>
  traits?.costly === true ||
  rule.kind === "scan" ||
  (rule.kind === "reduce" && (rule.combine === "sum" || rule.combine === "prod"));

const movesHalves = <A extends Attributes>({ traits }: Op<A>): boolean =>
  traits?.view !== undefined || traits?.moves === true;

/** The 16-bit float type shared by all float inputs, if there is one. */
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

/** Nesting depth of functions that act as one operation for the user. */
let depth = 0;

/** Runs the body of a function without rounding its intermediate values. */
export function unroundedWithin<T>(body: () => T): T {
  depth++;
  try {
    return body();
  } finally {
    depth--;
  }
}

/** Marks the node as a tensor's value: later readers read the rounded value. */
export function settle(node: Node): void {
  const wide = depth > 0 ? undefined : seal(node);
  if (wide !== undefined && passing.has(wide)) roundings.set(wide, node);
}

const roundedForm = (x: Node): Node => {
  const rounding = roundings.get(x);
  return rounding === undefined ? x : cast(rounding, "float32");
};

/** Runs a gradient rule. Like PyTorch, it reads the rounded values, which are in memory, rather than the unrounded ones. */
export function readingRounded<T>(body: () => T): T {
  const outer = readsRounded;
  readsRounded = true;
  try {
    return body();
  } finally {
    readsRounded = outer;
  }
}
