// Elementwise special functions: inverse and hyperbolic ones, logarithms, relatives of erf and Γ, Bessel functions, adjacent floats.

import { apply } from "../apply.ts";
import { isFloat } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { describeType, gradient, type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import type { Scalar } from "../scalar.ts";
import { sameShape } from "../shape.ts";
import { full } from "./creation.ts";
import * as el from "./elementwise.ts";
import * as fn from "./specialScalars.ts";

type None = Record<string, never>;

/** Integers become float32 first, as in PyTorch. */
export const floating = (x: Node): Node => (isFloat(x.dtype) ? x : el.cast(x, "float32"));
const number = (value: number, like: TensorType): Node => full(like.shape, value, like.dtype);

/** grad · slope; 0 if the gradient is 0 and the slope is infinite or NaN. */
const along = (grad: Node, slope: Node): Node =>
  el.mul(grad, el.where(el.logicalOr(el.isfinite(slope), el.ne(grad, number(0, grad))), slope, number(0, slope)));

function specialOp(name: string, element: (x: Scalar) => Scalar, slope: (x: Node, value: Node) => Node): Op<None> {
  return {
    name,
    traits: { costly: true },
    infer: ([x]) => {
      const type = x as TensorType;
      if (!isFloat(type.dtype))
        throw new ShapeError(`${name}: takes float tensors, got ${describeType(type)}; convert with .to("float32")`);
      return type;
    },
    gradient: gradient(({ grad, node }) => [along(grad, slope(node.inputs[0] as Node, node))]),
    rule: { kind: "element", element: ({ input, index }) => element(input(0, index)) },
  };
}

const one = (x: Node): Node => number(1, x);
const beside = (x: Node): Node => el.mul(el.sub(one(x), x), el.add(one(x), x));
const root2OverPi = 2 / Math.sqrt(Math.PI);
/** c · e^(x²). */
const power = (x: Node, c: number): Node => el.mul(number(c, x), el.exp(el.square(x)));

export const asinOp = specialOp("asin", fn.asin, (x) => el.rsqrt(beside(x)));
export const acosOp = specialOp("acos", fn.acos, (x) => el.neg(el.rsqrt(beside(x))));
export const sinhOp = specialOp("sinh", fn.sinh, (x) => cosh(x));
export const coshOp = specialOp("cosh", fn.cosh, (x) => sinh(x));
export const asinhOp = specialOp("asinh", fn.asinh, (x) => el.rsqrt(el.add(el.square(x), one(x))));
export const acoshOp = specialOp("acosh", fn.acosh, (x) => el.rsqrt(el.mul(el.sub(x, one(x)), el.add(x, one(x)))));
export const atanhOp = specialOp("atanh", fn.atanh, (x) => el.reciprocal(beside(x)));
export const log2Op = specialOp("log2", fn.log2, (x) => el.reciprocal(el.mul(x, number(Math.LN2, x))));
export const log10Op = specialOp("log10", fn.log10, (x) => el.reciprocal(el.mul(x, number(Math.LN10, x))));
export const exp2Op = specialOp("exp2", fn.exp2, (_, value) => el.mul(value, number(Math.LN2, value)));
export const erfcOp = specialOp("erfc", fn.erfc, (x) => el.mul(number(-root2OverPi, x), el.exp(el.neg(el.square(x)))));
export const erfcxOp = specialOp("erfcx", fn.erfcx, (x, value) =>
  el.sub(el.mul(el.mul(x, value), number(2, x)), number(root2OverPi, x)),
);
export const erfinvOp = specialOp("erfinv", fn.erfinv, (_, value) => power(value, 1 / root2OverPi));
export const lgammaOp = specialOp("lgamma", fn.lgamma, (x) => digamma(x));
export const digammaOp = specialOp("digamma", fn.digamma, (x) => polygamma(1, x));
export const i0Op = specialOp("i0", fn.i0, (x) => i1(x));
export const i0eOp = specialOp("i0e", fn.i0e, (x, value) => el.sub(i1e(x), el.mul(el.sign(x), value)));
/** I₁(x) / x is ½ at 0. */
const overItself = (value: Node, x: Node): Node => {
  const flat = el.eq(x, number(0, x));
  return el.where(flat, number(0.5, x), el.div(value, el.where(flat, one(x), x)));
};
export const i1Op = specialOp("i1", fn.i1, (x, value) => el.sub(i0(x), overItself(value, x)));
export const i1eOp = specialOp("i1e", fn.i1e, (x, value) =>
  el.sub(i0e(x), el.add(el.mul(el.sign(x), value), overItself(value, x))),
);

export const polygammaOp: Op<{ readonly n: number }> = {
  name: "polygamma",
  traits: { costly: true },
  infer: ([x], { n }) => {
    if (!Number.isInteger(n) || n < 1 || n > 20)
      throw new ShapeError(`polygamma: the order must be a whole number from 0 to 20, got ${String(n)}`);
    return x as TensorType;
  },
  gradient: gradient(({ grad, node }) => [along(grad, polygamma(node.attributes.n + 1, node.inputs[0] as Node))]),
  rule: { kind: "element", element: ({ input, index, attributes: { n } }) => fn.polygamma(n)(input(0, index)) },
};

export const nextafterOp: Op<None> = {
  name: "nextafter",
  infer: ([x, y]) => {
    const [a, b] = [x as TensorType, y as TensorType];
    if (!sameShape(a.shape, b.shape) || a.dtype !== b.dtype || !isFloat(a.dtype))
      throw new ShapeError(`nextafter: takes float tensors that agree, got ${describeType(a)} and ${describeType(b)}`);
    return a;
  },
  gradient: notDifferentiable("a neighbouring number is a step, and steps have no slope"),
  rule: { kind: "element", element: ({ input, index }) => fn.nextAfter(input(0, index), input(1, index)) },
};

export const signbitOp: Op<None> = {
  name: "signbit",
  infer: ([x]) => ({ shape: (x as TensorType).shape, dtype: "bool" }),
  gradient: notDifferentiable("a boolean has no gradient"),
  rule: { kind: "element", element: ({ input, index }) => fn.signBit(input(0, index)) },
};

const special =
  (op: Op<None>) =>
  (x: Node): Node =>
    apply(op, [floating(x)], {});

export const asin = special(asinOp);
export const acos = special(acosOp);
export const sinh = special(sinhOp);
export const cosh = special(coshOp);
export const asinh = special(asinhOp);
export const acosh = special(acoshOp);
export const atanh = special(atanhOp);
export const log2 = special(log2Op);
export const log10 = special(log10Op);
export const exp2 = special(exp2Op);
export const erfc = special(erfcOp);
export const erfcx = special(erfcxOp);
export const erfinv = special(erfinvOp);
export const lgamma = special(lgammaOp);
export const digamma = special(digammaOp);
export const i0 = special(i0Op);
export const i0e = special(i0eOp);
export const i1 = special(i1Op);
export const i1e = special(i1eOp);
/** The nth derivative of digamma. */
export const polygamma = (n: number, x: Node): Node =>
  n === 0 ? digamma(x) : apply(polygammaOp, [floating(x)], { n });

export function nextafter(x: Node, y: Node): Node {
  const [a, b] = el.align("nextafter", floating(x), floating(y));
  return apply(nextafterOp, [a, b], {});
}
/** Whether the sign is negative, including −0. NaN counts as positive. */
export const signbit = (x: Node): Node =>
  isFloat(x.dtype) ? apply(signbitOp, [x], {}) : el.lt(x, el.scalarLike(0, x));
