// Elementwise functions; broadcasting and dtype promotion become explicit as the graph is built.

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { computedIn, type DType, isFloat, promote, rangeOf } from "../dtype.ts";
import { HebbError, ShapeError } from "../errors.ts";
import {
  describeType,
  type GradientContext,
  gradient,
  isOp,
  type Node,
  notDifferentiable,
  type Op,
  type TensorType,
  type Traits,
} from "../node.ts";
import type { BinaryFn, Scalar, UnaryFn } from "../scalar.ts";
import * as scalar from "../scalar.ts";
import { broadcastShapes, sameShape } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand, expandOp } from "./broadcast.ts";
import { cast, castOp } from "./cast.ts";
import { full, fullOp } from "./creation.ts";
import { reshapeOp } from "./movement.ts";

export { cast, castOp } from "./cast.ts";

type Slope = (context: GradientContext<Record<string, never>>, x: Node) => Node;
type Slopes = (context: GradientContext<Record<string, never>>, x: Node, y: Node) => readonly [() => Node, () => Node];
type None = Record<string, never>;

// ── constants next to tensors ────────────────────────────────────────────────────────────────────────────────────────

/** A number as a scalar that keeps `like`'s dtype if possible: a fraction next to integers gives float32. */
export function scalarLike(value: number, like: TensorType): Node {
  const whole = Number.isInteger(value);
  const dtype: DType = isFloat(like.dtype)
    ? like.dtype
    : !whole
      ? "float32"
      : like.dtype === "bool"
        ? "int32"
        : like.dtype;
  return full([], value, dtype);
}

/** Like scalarLike, for comparisons: a number outside the dtype's range takes a wider dtype, where arithmetic would wrap it. */
export function scalarBeside(value: number, like: TensorType): Node {
  const near = scalarLike(value, like);
  const [least, greatest] = rangeOf(computedIn(near.dtype));
  if (!(value < least || value > greatest)) return near;
  return near.dtype === "int32" ? full([], value, "float64") : scalarBeside(value, { shape: [], dtype: "int32" });
}

const number = (value: number, like: TensorType): Node => full(like.shape, value, like.dtype);

/** Both operands in their common shape and dtype. */
export function align(where: string, x: Node, y: Node, dtype: DType = promote(x.dtype, y.dtype)): [Node, Node] {
  const shape = broadcastShapes(x.shape, y.shape, where);
  return [expand(cast(x, dtype), shape), expand(cast(y, dtype), shape)];
}

// ── gradients where a function has no derivative ──
// In where(x > 0, log(x), 0), the branch not taken at x = 0 has a zero gradient and an infinite slope, and 0 · ∞ would be NaN.

/** Whether every element is known to be nonzero. */
function isNonZero(x: Node): boolean {
  let node = x;
  while (isOp(node, expandOp) || isOp(node, reshapeOp) || isOp(node, castOp)) node = at(node.inputs, 0);
  return isOp(node, fullOp) && node.attributes.value !== 0;
}

/** grad / by; 0 if the gradient is 0 and `by` is 0 or NaN. */
function over(grad: Node, by: Node): Node {
  if (isNonZero(grad) || isNonZero(by)) return div(grad, by);
  return div(grad, where(logicalOr(gt(abs(by), number(0, by)), ne(grad, number(0, grad))), by, number(1, by)));
}

/** grad · slope; 0 if the gradient is 0 and the slope is infinite or NaN. */
function along(grad: Node, slope: Node): Node {
  if (isNonZero(grad)) return mul(grad, slope);
  return mul(grad, where(logicalOr(isfinite(slope), ne(grad, number(0, grad))), slope, number(0, slope)));
}

// ── one input ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface UnaryOptions extends Traits {
  /** Defined for floats only. */
  readonly floatOnly?: boolean;
  readonly dtype?: DType;
}

function unaryOp(
  name: string,
  element: (x: Scalar) => Scalar,
  slope: Slope | string,
  { floatOnly = false, dtype, ...traits }: UnaryOptions = {},
): Op<None> {
  return {
    name,
    traits,
    infer: ([x]) => {
      const type = x as TensorType;
      if (floatOnly && !isFloat(type.dtype))
        throw new ShapeError(`${name}: takes float tensors, got ${describeType(type)}; convert with .to("float32")`);
      return { shape: type.shape, dtype: dtype ?? type.dtype };
    },
    gradient:
      typeof slope === "string"
        ? notDifferentiable(slope)
        : gradient((context) => [slope(context, context.node.inputs[0] as Node)]),
    rule: { kind: "element", element: ({ input, index }) => element(input(0, index)) },
  };
}

const fn =
  (name: UnaryFn): ((x: Scalar) => Scalar) =>
  (x) =>
    scalar.unary(name, x);

const zeroSlope: Slope = (_, x) => number(0, x);
export const negOp = unaryOp("neg", fn("neg"), ({ grad }) => neg(grad));
export const absOp = unaryOp("abs", fn("abs"), ({ grad }, x) => mul(grad, sign(x)));
export const signOp = unaryOp("sign", fn("sign"), zeroSlope);
export const floorOp = unaryOp("floor", fn("floor"), zeroSlope);
export const ceilOp = unaryOp("ceil", fn("ceil"), zeroSlope);
export const roundOp = unaryOp("round", fn("round"), zeroSlope);
export const truncOp = unaryOp("trunc", fn("trunc"), zeroSlope);
export const expOp = unaryOp("exp", fn("exp"), ({ grad, node }) => along(grad, node), {
  floatOnly: true,
  costly: true,
});
export const expm1Op = unaryOp("expm1", fn("expm1"), ({ grad, node }) => along(grad, add(node, number(1, node))), {
  floatOnly: true,
  costly: true,
});
export const logOp = unaryOp("log", fn("log"), ({ grad }, x) => over(grad, x), { floatOnly: true, costly: true });
export const log1pOp = unaryOp("log1p", fn("log1p"), ({ grad }, x) => over(grad, add(x, number(1, x))), {
  floatOnly: true,
  costly: true,
});
export const sqrtOp = unaryOp("sqrt", fn("sqrt"), ({ grad, node }) => over(grad, add(node, node)), { floatOnly: true });
export const sinOp = unaryOp("sin", fn("sin"), ({ grad }, x) => mul(grad, cos(x)), { floatOnly: true, costly: true });
export const cosOp = unaryOp("cos", fn("cos"), ({ grad }, x) => neg(mul(grad, sin(x))), {
  floatOnly: true,
  costly: true,
});
export const tanOp = unaryOp("tan", fn("tan"), ({ grad, node }) => mul(grad, add(square(node), number(1, node))), {
  floatOnly: true,
  costly: true,
});
export const atanOp = unaryOp("atan", fn("atan"), ({ grad }, x) => div(grad, add(square(x), number(1, x))), {
  floatOnly: true,
  costly: true,
});
export const tanhOp = unaryOp("tanh", fn("tanh"), ({ grad, node }) => mul(grad, sub(number(1, node), square(node))), {
  floatOnly: true,
  costly: true,
});
export const sigmoidOp = unaryOp(
  "sigmoid",
  fn("sigmoid"),
  ({ grad, node }) => mul(grad, mul(node, sub(number(1, node), node))),
  { floatOnly: true, costly: true },
);
export const erfOp = unaryOp(
  "erf",
  fn("erf"),
  ({ grad }, x) => mul(grad, mul(number(2 / Math.sqrt(Math.PI), x), exp(neg(square(x))))),
  { floatOnly: true, costly: true },
);
export const reluOp = unaryOp(
  "relu",
  (x) => scalar.binary("max", x, scalar.constant(0, x.dtype)),
  ({ grad, node }) => where(le(node, number(0, node)), number(0, grad), grad),
  { moves: true },
);
export const isnanOp = unaryOp("isnan", fn("isNaN"), "a boolean has no gradient", { dtype: "bool" });
export const logicalNotOp = unaryOp("logicalNot", fn("not"), "a boolean has no gradient");
export const stopGradientOp: Op<None> = {
  name: "stopGradient",
  traits: { view: "same" },
  infer: ([x]) => x as TensorType,
  gradient: gradient(() => [undefined]),
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
};

const unary =
  (op: Op<None>) =>
  (x: Node): Node =>
    apply(op, [x], {});
/** Integers become float32 first, as in PyTorch. */
const floating =
  (op: Op<None>) =>
  (x: Node): Node =>
    apply(op, [isFloat(x.dtype) ? x : cast(x, "float32")], {});
const numeric =
  (op: Op<None>) =>
  (x: Node): Node =>
    apply(op, [x.dtype === "bool" ? cast(x, "int32") : x], {});

export const neg = numeric(negOp);
export const abs = numeric(absOp);
export const sign = numeric(signOp);
const rounded =
  (op: Op<None>) =>
  (x: Node): Node =>
    isFloat(x.dtype) ? apply(op, [x], {}) : x;
export const floor = rounded(floorOp);
export const ceil = rounded(ceilOp);
export const round = rounded(roundOp);
export const trunc = rounded(truncOp);
export const exp = floating(expOp);
export const expm1 = floating(expm1Op);
export const log = floating(logOp);
export const log1p = floating(log1pOp);
export const sqrt = floating(sqrtOp);
export const sin = floating(sinOp);
export const cos = floating(cosOp);
export const tan = floating(tanOp);
export const atan = floating(atanOp);
export const tanh = floating(tanhOp);
export const sigmoid = floating(sigmoidOp);
export const erf = floating(erfOp);
export const relu = numeric(reluOp);
export const stopGradient = unary(stopGradientOp);
export const square = (x: Node): Node => mul(x, x);
/** √x with slope 0 at 0, for lengths: √ itself has an infinite slope there. */
export function rootOrFlat(x: Node): Node {
  const root: Node = withGradient(sqrt(x), [x], (grad) => {
    const zero = number(0, root);
    const flat = eq(root, zero);
    return [where(flat, zero, div(grad, where(flat, number(1, root), add(root, root))))];
  });
  return root;
}
export const reciprocal = (x: Node): Node => div(scalarLike(1, x), x);
export const rsqrt = (x: Node): Node => reciprocal(sqrt(x));
export const isnan = (x: Node): Node => (isFloat(x.dtype) ? apply(isnanOp, [x], {}) : full(x.shape, 0, "bool"));
export const isinf = (x: Node): Node =>
  isFloat(x.dtype) ? eq(abs(x), number(Number.POSITIVE_INFINITY, x)) : full(x.shape, 0, "bool");
export const isfinite = (x: Node): Node =>
  isFloat(x.dtype) ? lt(abs(x), number(Number.POSITIVE_INFINITY, x)) : full(x.shape, 1, "bool");

// ── two inputs ───────────────────────────────────────────────────────────────────────────────────────────────────────

function binaryOp(
  name: string,
  element: (a: Scalar, b: Scalar) => Scalar,
  slopes: Slopes | string,
  { dtype, ...traits }: Traits & { readonly dtype?: DType } = {},
): Op<None> {
  return {
    name,
    traits,
    infer: ([x, y]) => {
      const [a, b] = [x as TensorType, y as TensorType];
      if (!sameShape(a.shape, b.shape) || a.dtype !== b.dtype)
        throw new ShapeError(`${name}: operands must agree, got ${describeType(a)} and ${describeType(b)}`);
      return { shape: a.shape, dtype: dtype ?? a.dtype };
    },
    gradient:
      typeof slopes === "string"
        ? notDifferentiable(slopes)
        : gradient((context) => {
            const [left, right] = slopes(context, context.node.inputs[0] as Node, context.node.inputs[1] as Node);
            return [context.needs(0) ? left() : undefined, context.needs(1) ? right() : undefined];
          }),
    rule: { kind: "element", element: ({ input, index }) => element(input(0, index), input(1, index)) },
  };
}

const fn2 =
  (name: BinaryFn): ((a: Scalar, b: Scalar) => Scalar) =>
  (a, b) =>
    scalar.binary(name, a, b);
const truth = "a boolean has no gradient";
/** In a tie each side gets half; next to a NaN each gets all, as in torch.maximum. */
const shareOf = (grad: Node, loses: Node, ties: Node): Node =>
  where(ties, mul(grad, number(0.5, grad)), where(loses, number(0, grad), grad));

export const addOp = binaryOp("add", fn2("add"), ({ grad }) => [() => grad, () => grad]);
export const subOp = binaryOp("sub", fn2("sub"), ({ grad }) => [() => grad, () => neg(grad)]);
export const mulOp = binaryOp("mul", fn2("mul"), ({ grad }, x, y) => [() => mul(grad, y), () => mul(grad, x)]);
export const divOp = binaryOp("div", fn2("div"), ({ grad, node }, _x, y) => [
  () => over(grad, y),
  () => neg(along(grad, div(node, y))),
]);
export const remainderOp = binaryOp("remainder", fn2("mod"), ({ grad }, x, y) => [
  () => grad,
  // The quotient; an infinite x leaves it undefined.
  () => neg(along(grad, where(isinf(x), number(Number.NaN, x), floor(div(x, y))))),
]);
export const powOp = binaryOp(
  "pow",
  fn2("pow"),
  ({ grad, node }, x, y) => [
    // x⁰ has slope 0, but 0 · 0⁻¹ would be NaN; likewise 0ʸ in y.
    () => along(grad, where(eq(y, number(0, y)), number(0, x), mul(y, pow(x, sub(y, number(1, y)))))),
    () => along(grad, where(logicalAnd(eq(x, number(0, x)), ge(y, number(0, y))), number(0, y), mul(node, log(x)))),
  ],
  { costly: true },
);
export const maximumOp = binaryOp("maximum", fn2("max"), ({ grad }, x, y) => [
  () => shareOf(grad, lt(x, y), eq(x, y)),
  () => shareOf(grad, lt(y, x), eq(x, y)),
]);
export const minimumOp = binaryOp("minimum", fn2("min"), ({ grad }, x, y) => [
  () => shareOf(grad, gt(x, y), eq(x, y)),
  () => shareOf(grad, gt(y, x), eq(x, y)),
]);
export const atan2Op = binaryOp(
  "atan2",
  fn2("atan2"),
  ({ grad }, y, x) => {
    const radius = () => add(square(x), square(y));
    return [() => over(mul(grad, x), radius()), () => neg(over(mul(grad, y), radius()))];
  },
  { costly: true },
);
export const eqOp = binaryOp("eq", fn2("eq"), truth, { dtype: "bool" });
export const neOp = binaryOp("ne", fn2("ne"), truth, { dtype: "bool" });
export const ltOp = binaryOp("lt", fn2("lt"), truth, { dtype: "bool" });
export const leOp = binaryOp("le", fn2("le"), truth, { dtype: "bool" });
export const gtOp = binaryOp("gt", fn2("gt"), truth, { dtype: "bool" });
export const geOp = binaryOp("ge", fn2("ge"), truth, { dtype: "bool" });
const bits = "bitwise operations have no gradient";
export const andOp = binaryOp("and", fn2("and"), bits);
export const orOp = binaryOp("or", fn2("or"), bits);
export const xorOp = binaryOp("xor", fn2("xor"), bits);
export const shlOp = binaryOp("shl", fn2("shl"), bits);
export const shrOp = binaryOp("shr", fn2("shr"), bits);

const binary =
  (op: Op<None>) =>
  (x: Node, y: Node): Node =>
    apply(op, align(op.name, x, y), {});
const arithmetic =
  (op: Op<None>) =>
  (x: Node, y: Node): Node => {
    const dtype = promote(x.dtype, y.dtype);
    return apply(op, align(op.name, x, y, dtype === "bool" ? "int32" : dtype), {});
  };
const fractional =
  (op: Op<None>) =>
  (x: Node, y: Node): Node => {
    const dtype = promote(x.dtype, y.dtype);
    return apply(op, align(op.name, x, y, isFloat(dtype) ? dtype : "float32"), {});
  };
const logical =
  (op: Op<None>) =>
  (x: Node, y: Node): Node =>
    apply(op, align(op.name, toBool(x), toBool(y)), {});
const bitwise =
  (op: Op<None>) =>
  (x: Node, y: Node): Node => {
    if (x.dtype !== "int32" || y.dtype !== "int32")
      throw new HebbError(`${op.name}: takes int32 tensors, got ${x.dtype} and ${y.dtype}`);
    return apply(op, align(op.name, x, y), {});
  };
const toBool = (x: Node): Node => cast(x, "bool");

export const add = arithmetic(addOp);
export const sub = arithmetic(subOp);
export const mul = arithmetic(mulOp);
export const div = fractional(divOp);
export const remainder = arithmetic(remainderOp);
/** xʸ; integer powers of integers wrap. Powers 1, 2 and 3 are products: exact, and much faster. */
export function pow(x: Node, y: Node): Node {
  const power = isOp(y, fullOp) && y.shape.length === 0 ? y.attributes.value : undefined;
  const dtype = promote(x.dtype, y.dtype);
  const base = cast(x, dtype === "bool" ? "int32" : dtype);
  if (power === 1) return base;
  if (power === 2) return square(base);
  if (power === 3) return mul(square(base), base);
  if (power === 0.5 && isFloat(dtype)) return sqrt(base);
  return arithmetic(powOp)(x, y);
}
export const maximum = arithmetic(maximumOp);
export const minimum = arithmetic(minimumOp);
export const atan2 = fractional(atan2Op);
export const eq = binary(eqOp);
export const ne = binary(neOp);
export const lt = binary(ltOp);
export const le = binary(leOp);
export const gt = binary(gtOp);
export const ge = binary(geOp);
export const logicalAnd = logical(andOp);
export const logicalOr = logical(orOp);
export const logicalNot = (x: Node): Node => apply(logicalNotOp, [toBool(x)], {});
export const bitwiseAnd = bitwise(andOp);
export const bitwiseOr = bitwise(orOp);
export const bitwiseXor = bitwise(xorOp);
export const shiftLeft = bitwise(shlOp);
export const shiftRight = bitwise(shrOp);

// ── selection ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const whereOp: Op<None> = {
  name: "where",
  infer: ([condition, x, y]) => {
    const [c, a, b] = [condition as TensorType, x as TensorType, y as TensorType];
    if (c.dtype !== "bool" || a.dtype !== b.dtype || !sameShape(a.shape, b.shape) || !sameShape(c.shape, a.shape)) {
      throw new ShapeError(
        `where: takes a bool condition and two values that agree, got ${describeType(c)}, ${describeType(a)} and ${describeType(b)}`,
      );
    }
    return a;
  },
  gradient: gradient(({ grad, node }) => {
    const condition = node.inputs[0] as Node;
    const zero = number(0, grad);
    return [undefined, where(condition, grad, zero), where(condition, zero, grad)];
  }),
  rule: {
    kind: "element",
    element: ({ input, index }) => scalar.select(input(0, index), input(1, index), input(2, index)),
  },
};

/** x where the condition holds, otherwise y; all three broadcast. */
export function where(condition: Node, x: Node, y: Node): Node {
  const [a, b] = align("where", x, y);
  const shape = broadcastShapes(condition.shape, a.shape, "where");
  return apply(whereOp, [expand(toBool(condition), shape), expand(a, shape), expand(b, shape)], {});
}

/** min ≤ x ≤ max, with either bound optional. The gradient passes inside, including at the bounds (torch.clamp). NaN stays NaN, with slope 0. */
export function clamp(x: Node, min?: number, max?: number): Node {
  const value = limited(x, min, max);
  if (min === undefined && max === undefined) return value;
  const result = isFloat(x.dtype) ? withClampGradient(value, x, min, max) : value;
  return composed("clamp", [x], { min: min ?? null, max: max ?? null }, result);
}

const withClampGradient = (value: Node, x: Node, min: number | undefined, max: number | undefined): Node =>
  withGradient(value, [x], (grad) => {
    const above = min === undefined ? undefined : ge(x, scalarLike(min, x));
    const below = max === undefined ? undefined : le(x, scalarLike(max, x));
    const inside = above === undefined ? below : below === undefined ? above : logicalAnd(above, below);
    return [inside === undefined ? grad : where(inside, grad, number(0, grad))];
  });

function limited(x: Node, min: number | undefined, max: number | undefined): Node {
  const [least, greatest] = rangeOf(computedIn(x.dtype));
  let result = x;
  const beyond = (bound: number, compare: typeof lt): Node => {
    const limit = scalarBeside(bound, x);
    return where(compare(result, limit), limit, result);
  };
  if (min !== undefined && !(min <= least)) result = beyond(min, lt);
  if (max !== undefined && !(max >= greatest)) result = beyond(max, gt);
  return result;
}
