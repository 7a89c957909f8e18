// Elementwise functions of one tensor, and the softmax family.
import { functional } from "../../../nn/index.ts";
import { type Tensor, where } from "../../../tensor/index.ts";
import { float, int, string } from "./attributes.ts";
import { type Call, type Operators, type Rule, rule, typed, versions } from "./rule.ts";

const unary = (fn: (x: Tensor) => Tensor): Rule => rule({}, (call) => fn(call.tensor(0)));

/** Functions composed of other hebb functions. */
export const asin = (x: Tensor): Tensor => x.div(x.square().neg().add(1).sqrt()).atan();
const asinh = (x: Tensor): Tensor => {
  const size = x.abs();
  return size.add(size.square().add(1).sqrt()).log().mul(x.sign());
};
const sinh = (x: Tensor): Tensor => x.exp().sub(x.neg().exp()).mul(0.5);
const cosh = (x: Tensor): Tensor => x.exp().add(x.neg().exp()).mul(0.5);

/** Merges the dims from an axis on, as in the first versions. */
const flattened = (fn: (x: Tensor) => Tensor): Rule =>
  rule({ axis: int(1) }, (call) => {
    const x = call.tensor(0);
    const axis = call.attributes.axis === x.rank ? x.rank : call.axis(call.attributes.axis, x.rank);
    const rows = x.shape.slice(0, axis).reduce((product, size) => product * size, 1);
    return fn(x.reshape(rows, rows === 0 ? 0 : x.size / rows)).reshape(x.shape);
  });
const along = (fn: (x: Tensor, dim: number) => Tensor): Rule =>
  rule({ axis: int(-1) }, (call) => {
    const x = call.tensor(0);
    return fn(x, call.axis(call.attributes.axis, x.rank));
  });

/** 1 at the first largest element, 0 elsewhere. */
function hardmax(x: Tensor, dim: number): Tensor {
  const highest = x.argmax(dim, true);
  const places = x.mul(0).add(1).cumsum(dim).sub(1);
  return places.eq(highest.to(x.dtype)).to(x.dtype);
}

const softmaxOf = (fn: (x: Tensor, dim: number) => Tensor) =>
  versions({ 1: flattened((x) => fn(x, 1)), 13: along(fn) });

function clip(call: Call<{ readonly min: number; readonly max: number }>): Tensor {
  let out = call.tensor(0);
  const { min, max } = call.attributes;
  // If the bounds cross, the upper one wins.
  if (call.has(1)) out = out.maximum(call.tensor(1));
  else if (min > -3e38) out = out.maximum(min);
  if (call.has(2)) out = out.minimum(call.tensor(2));
  else if (max < 3e38) out = out.minimum(max);
  return out;
}

export const activations: Operators = {
  Acos: unary((x) =>
    asin(x)
      .neg()
      .add(Math.PI / 2),
  ),
  Acosh: unary((x) => x.add(x.square().sub(1).sqrt()).log()),
  Asin: unary(asin),
  Asinh: unary(asinh),
  Atan: unary((x) => x.atan()),
  Atanh: unary((x) => x.add(1).div(x.neg().add(1)).log().mul(0.5)),
  Cos: unary((x) => x.cos()),
  Cosh: unary(cosh),
  Sin: unary((x) => x.sin()),
  Sinh: unary(sinh),
  Tan: unary((x) => x.tan()),
  Tanh: unary((x) => x.tanh()),
  Exp: unary((x) => x.exp()),
  Log: unary((x) => x.log()),
  Sqrt: unary((x) => x.sqrt()),
  Reciprocal: unary((x) => x.reciprocal()),
  Erf: unary((x) => x.erf()),
  Relu: unary((x) => x.relu()),
  Sigmoid: unary((x) => x.sigmoid()),
  Softplus: unary((x) => functional.softplus(x)),
  Softsign: unary(functional.softsign),
  Mish: unary(functional.mish),
  HardSwish: unary(functional.hardswish),
  IsNaN: rule({}, (call) => typed(call.tensor(0).isnan(), "bool")),
  IsInf: rule({ detect_negative: int(1), detect_positive: int(1) }, (call) => {
    const x = call.tensor(0);
    const { detect_negative, detect_positive } = call.attributes;
    const side =
      detect_negative === 1
        ? detect_positive === 1
          ? x.eq(x).logicalOr(true_(x))
          : x.lt(0)
        : detect_positive === 1
          ? x.gt(0)
          : x.ne(x).logicalAnd(x.eq(x));
    return typed(x.isinf().logicalAnd(side), "bool");
  }),
  Celu: rule({ alpha: float(1) }, (call) => functional.celu(call.tensor(0), call.attributes.alpha)),
  Elu: rule({ alpha: float(1) }, (call) => functional.elu(call.tensor(0), call.attributes.alpha)),
  Selu: rule({ alpha: float(1.67326319217681884765625), gamma: float(1.05070102214813232421875) }, (call) => {
    const { alpha, gamma } = call.attributes;
    const x = call.tensor(0);
    return where(x.gt(0), x, x.minimum(0).expm1().mul(alpha)).mul(gamma);
  }),
  LeakyRelu: rule({ alpha: float(0.01) }, (call) => functional.leakyRelu(call.tensor(0), call.attributes.alpha)),
  ThresholdedRelu: rule({ alpha: float(1) }, (call) => functional.threshold(call.tensor(0), call.attributes.alpha, 0)),
  HardSigmoid: rule({ alpha: float(0.2), beta: float(0.5) }, (call) =>
    call.tensor(0).mul(call.attributes.alpha).add(call.attributes.beta).clamp(0, 1),
  ),
  Shrink: rule({ bias: float(0), lambd: float(0.5) }, (call) => {
    const { bias, lambd } = call.attributes;
    const x = call.tensor(0);
    return where(x.lt(-lambd), x.add(bias), where(x.gt(lambd), x.sub(bias), 0)).to(x.dtype);
  }),
  Gelu: rule({ approximate: string("none") }, (call) =>
    functional.gelu(call.tensor(0), call.attributes.approximate === "tanh" ? "tanh" : "none"),
  ),
  Swish: rule({ alpha: float(1) }, (call) => {
    const x = call.tensor(0);
    return x.mul(x.mul(call.attributes.alpha).sigmoid());
  }),
  PRelu: rule({}, (call) => {
    const x = call.tensor(0);
    return where(x.ge(0), x, x.mul(call.tensor(1))).to(x.dtype);
  }),
  Clip: rule({ min: float(Number.NEGATIVE_INFINITY), max: float(Number.POSITIVE_INFINITY) }, clip, { fixed: [1, 2] }),
  Softmax: softmaxOf((x, dim) => x.softmax(dim)),
  LogSoftmax: softmaxOf((x, dim) => x.logSoftmax(dim)),
  Hardmax: softmaxOf(hardmax),
};

const true_ = (x: Tensor): Tensor => x.eq(x).logicalOr(x.ne(x));
