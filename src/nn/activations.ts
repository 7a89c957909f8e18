// Activation functions and their modules. Formulas, defaults and kinks are PyTorch's.

import { at } from "../graph/at.ts";
import { withGradient } from "../graph/autodiff.ts";
import { isHalf } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import * as el from "../graph/ops/elementwise.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, normalizeAxis, wrapAxis } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { arange, Parameter, rand, Tensor, where } from "../tensor/index.ts";
import { blank, constant, type FloatDType } from "./init.ts";
import { Module } from "./module.ts";

/** 1 where x ≥ 0, else 0: the perceptron's decision. Its gradient is 0, so nothing upstream can learn. */
export const step = (x: Tensor): Tensor => given("step", x).ge(0).to(x.dtype);
export const identity = (x: Tensor): Tensor => given("identity", x);
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = (x: Tensor): Tensor => given("sigmoid", x).sigmoid();
export const tanh = (x: Tensor): Tensor => given("tanh", x).tanh();
/** max(0, x) */
export const relu = (x: Tensor): Tensor => given("relu", x).relu();
/** min(max(0, x), 6) */
export const relu6 = (x: Tensor): Tensor => composed("relu6", [given("relu6", x)], {}, () => hardtanh(x, 0, 6));
/** x where x > 0, else negativeSlope · x. Default 0.01. */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor =>
  composed("leakyRelu", [given("leakyRelu", x)], { negativeSlope }, () => where(x.gt(0), x, x.mul(negativeSlope)));
/** x where x > 0, else weight · x, with one weight, or one for each channel (dim 1). */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  given("prelu", x);
  given("prelu", weight, "the weight");
  const channels = x.rank >= 2 ? x.shape[1] : 1;
  if (weight.rank > 1 || (weight.size !== 1 && weight.size !== channels)) {
    throw new ShapeError(
      `prelu: weight ${formatShape(weight.shape)} must hold one number, or one for each of the ${channels ?? 1} channels of ${formatShape(x.shape)}`,
    );
  }
  return composed("prelu", [x, weight], {}, () => {
    const slope =
      weight.size === 1 ? weight.reshape([]) : weight.reshape([weight.size, ...x.shape.slice(2).map(() => 1)]);
    const positive = x.gt(0);
    // The unused branch gets 0; otherwise an infinite slope would make its gradient NaN.
    return where(positive, x, where(positive, 0, x).mul(slope));
  });
}
/** min(x, limit). Its gradient reaches a NaN; that of clamp would be 0. */
const atMost = (x: Tensor, limit: number): Tensor => where(x.gt(limit), limit, x);
/** x where x > 0, else alpha (eˣ − 1). Default alpha 1. */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  composed("elu", [given("elu", x)], { alpha }, () => exponentialLine(x, alpha));

function exponentialLine(x: Tensor, alpha: number): Tensor {
  const above = x.ge(0);
  // At 0 the gradient is that of the left side, alpha. The line carries it, without curvature, as in PyTorch.
  const line = alpha === 1 ? x : where(x.eq(0), x.mul(alpha), x);
  return where(above, line, where(above, 0, x).expm1().mul(alpha));
}

const seluAlpha = 1.6732632423543772848170429916717;
const seluScale = 1.0507009873554804934193349852946;
/** scale · elu(x, alpha), with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = (x: Tensor): Tensor =>
  composed("selu", [given("selu", x)], {}, () => elu(x, seluAlpha).mul(seluScale));

const approximations = kind.oneOf("none", "tanh");
export type GeluApproximation = "none" | "tanh";

/** x · Φ(x); "tanh" is the approximation of Hendrycks and Gimpel. */
export function gelu(x: Tensor, approximate: GeluApproximation = "none"): Tensor {
  given("gelu", x);
  checkKind("gelu", "approximate", approximate, approximations);
  return composed("gelu", [x], { approximate }, () => {
    if (approximate === "none") return x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);
    const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return x.mul(inner.tanh().add(1)).mul(0.5);
  });
}
/** x · sigmoid(x) */
export const silu = (x: Tensor): Tensor => composed("silu", [given("silu", x)], {}, () => x.mul(x.sigmoid()));
/** x · tanh(softplus(x)) */
export const mish = (x: Tensor): Tensor => composed("mish", [given("mish", x)], {}, () => x.mul(softplus(x).tanh()));
/** ln(1 + e^{βx}) / β; x itself where βx is above the threshold. Defaults 1 and 20. */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  given("softplus", x);
  return composed("softplus", [x], { beta, threshold }, () => {
    const scaled = beta === 1 ? x : x.mul(beta);
    // The unused branch stays finite; otherwise its gradient would be 0 · ∞.
    const curve = atMost(scaled, threshold).exp().log1p();
    return where(scaled.gt(threshold), x, beta === 1 ? curve : curve.div(beta));
  });
}
/** x / (1 + |x|) */
export const softsign = (x: Tensor): Tensor =>
  composed("softsign", [given("softsign", x)], {}, () => x.div(x.abs().add(1)));
/** 0 below −3, 1 above 3, x/6 + 1/2 between. */
export const hardsigmoid = (x: Tensor): Tensor =>
  composed("hardsigmoid", [given("hardsigmoid", x)], {}, () => relu6(x.add(3)).div(6));
/** x limited to [minVal, maxVal], with gradient 0 at the limits and at NaN. Defaults −1 and 1. */
export const hardtanh = (x: Tensor, minVal = -1, maxVal = 1): Tensor =>
  composed("hardtanh", [given("hardtanh", x)], { minVal, maxVal }, () =>
    where(x.gt(minVal).logicalAnd(x.lt(maxVal)), x, x.detach().clamp(minVal, maxVal)),
  );
/** x · hardsigmoid(x) */
export const hardswish = (x: Tensor): Tensor =>
  composed("hardswish", [given("hardswish", x)], {}, () => x.mul(hardsigmoid(x)));
export const softmax = (x: Tensor, dim = -1): Tensor => given("softmax", x).softmax(dim);
export const logSoftmax = (x: Tensor, dim = -1): Tensor => given("logSoftmax", x).logSoftmax(dim);

/** ln(1 / (1 + e⁻ˣ)), stable on both sides; its gradient is sigmoid(−x). */
export function logSigmoid(x: Tensor): Tensor {
  given("logSigmoid", x);
  return composed("logSigmoid", [x], {}, () => {
    const value = el.sub(el.minimum(x.node, el.scalarLike(0, x.node)), el.log1p(el.exp(el.neg(el.abs(x.node)))));
    return Tensor.from(
      withGradient(value, [x.node], (grad) => [el.mul(grad, el.sigmoid(el.neg(x.node)))]),
      [x],
    );
  });
}

/** a · σ(b), where a and b are the halves of a dim. Default dim −1. Source: torch.nn.functional.glu (Dauphin et al. 2017). */
export function glu(x: Tensor, dim = -1): Tensor {
  given("glu", x);
  const axis = normalizeAxis(dim, x.rank, "glu");
  const extent = at(x.shape, axis);
  if (extent % 2 !== 0)
    throw new ShapeError(
      `glu: dim ${dim} of ${formatShape(x.shape)} must have an even size, since it is split in half`,
    );
  return composed("glu", [x], { dim: axis }, () =>
    x.slice(dim, 0, extent / 2).mul(x.slice(dim, extent / 2, extent).sigmoid()),
  );
}

/** silu(a) · b, where a and b are the halves of a dim. Default dim −1. Source: Shazeer 2020. */
export function swiglu(x: Tensor, dim = -1): Tensor {
  given("swiglu", x);
  const axis = normalizeAxis(dim, x.rank, "swiglu");
  const extent = at(x.shape, axis);
  if (extent % 2 !== 0)
    throw new ShapeError(
      `swiglu: dim ${dim} of ${formatShape(x.shape)} must have an even size, since it is split in half`,
    );
  return silu(x.slice(dim, 0, extent / 2)).mul(x.slice(dim, extent / 2, extent));
}

/** max(0, x) + min(0, alpha (e^(x/alpha) − 1)). Default alpha 1. */
export function celu(x: Tensor, alpha = 1): Tensor {
  given("celu", x);
  if (alpha === 0 || Number.isNaN(alpha)) throw new HebbError(`celu: alpha must not be 0, got ${alpha}`);
  return composed("celu", [x], { alpha }, () => {
    const above = x.ge(0);
    return where(above, x, where(above, 0, x).div(alpha).expm1().mul(alpha));
  });
}
/** x where |x| > lambda, else 0. Default 0.5. */
export const hardshrink = (x: Tensor, lambda = 0.5): Tensor =>
  composed("hardshrink", [given("hardshrink", x)], { lambda }, () =>
    where(x.gt(lambda).logicalOr(x.lt(-lambda)), x, zeroOrNaN(x)),
  );
/** 0, or NaN where x is NaN, without a gradient. */
const zeroOrNaN = (x: Tensor): Tensor => where(x.isnan(), x.detach(), 0);
/** x moved towards 0 by lambda, 0 where it would cross. Default 0.5. */
export function softshrink(x: Tensor, lambda = 0.5): Tensor {
  given("softshrink", x);
  if (!(lambda >= 0)) throw new HebbError(`softshrink: lambda must be 0 or more, got ${lambda}`);
  return composed("softshrink", [x], { lambda }, () =>
    where(x.gt(lambda), x.sub(lambda), where(x.lt(-lambda), x.add(lambda), zeroOrNaN(x))),
  );
}
/** x − tanh(x) */
export const tanhshrink = (x: Tensor): Tensor =>
  composed("tanhshrink", [given("tanhshrink", x)], {}, () => x.sub(x.tanh()));
/** x where x > threshold, else value. */
export const threshold = (x: Tensor, limit: number, value: number): Tensor =>
  composed("threshold", [given("threshold", x)], { threshold: limit, value }, () => where(x.le(limit), value, x));
/** softmax(−x) */
export const softmin = (x: Tensor, dim = -1): Tensor =>
  composed("softmin", [given("softmin", x)], { dim: wrapAxis(dim, x.rank, "softmin") }, () => x.neg().softmax(dim));

export interface GumbelOptions {
  /** Temperature: lower values are closer to one-hot. Default 1. */
  readonly tau?: number;
  /** One-hot outputs, with the gradient of the soft ones. Default false. */
  readonly hard?: boolean;
  /** Default −1. */
  readonly dim?: number;
}

const gumbelKinds: OptionKinds<GumbelOptions> = { tau: kind.number, hard: kind.boolean, dim: kind.number };

/** softmax((x + g) / tau) with Gumbel noise g: samples of classes that gradients pass through. Source: torch.nn.functional.gumbel_softmax. */
export function gumbelSoftmax(x: Tensor, options: GumbelOptions = {}): Tensor {
  given("gumbelSoftmax", x);
  const { tau = 1, hard = false, dim = -1 } = checkOptions("gumbelSoftmax", options, gumbelKinds);
  if (!(tau > 0)) throw new HebbError(`gumbelSoftmax: tau must be above 0, got ${tau}`);
  const dtype = x.dtype === "float64" ? "float64" : "float32";
  // 1 − u lies in (0, 1], so both logarithms are finite except for u = 0, where the noise is −∞ + 0.
  const uniform = rand(x.shape, { dtype })
    .neg()
    .add(1)
    .clamp(undefined, 1 - 2 ** -24);
  const noise = uniform.log().neg().log();
  const soft = x
    .sub(isHalf(x.dtype) ? noise.to(x.dtype) : noise)
    .div(tau)
    .softmax(dim);
  if (!hard) return soft;
  const axis = dim < 0 ? dim + x.rank : dim;
  const extent = x.shape[axis] ?? 1;
  const classes = arange(extent).reshape(x.shape.map((_, place) => (place === axis ? extent : 1)));
  const chosen = classes.eq(soft.detach().argmax(axis, true)).to(x.dtype);
  return chosen.sub(soft.detach()).add(soft);
}

export interface RReluOptions {
  /** Default 1/8. */
  readonly lower?: number;
  /** Default 1/3. */
  readonly upper?: number;
  /** Draw slopes; otherwise use their mean. Default false. */
  readonly training?: boolean;
}

const rreluKinds: OptionKinds<RReluOptions> = { lower: kind.number, upper: kind.number, training: kind.boolean };

/** x where x ≥ 0, else a·x with a drawn for each element from [lower, upper]. Source: torch.nn.functional.rrelu (Xu et al. 2015). */
export function rrelu(x: Tensor, options: RReluOptions = {}): Tensor {
  given("rrelu", x);
  const { lower = 1 / 8, upper = 1 / 3, training = false } = checkOptions("rrelu", options, rreluKinds);
  if (!(lower <= upper)) throw new HebbError(`rrelu: lower must not be above upper, got ${lower} and ${upper}`);
  if (!training) return leakyRelu(x, (lower + upper) / 2);
  const slopes = rand(x.shape, { dtype: x.dtype === "float64" ? "float64" : "float32" })
    .mul(upper - lower)
    .add(lower);
  return where(x.ge(0), x, x.mul(isHalf(x.dtype) ? slopes.to(x.dtype) : slopes));
}

/** A module without parameters, made from a function. */
abstract class Activation extends Module {
  protected abstract apply(x: Tensor): Tensor;
  forward(x: Tensor): Tensor {
    return this.apply(x);
  }
}

export class Step extends Activation {
  protected apply(x: Tensor): Tensor {
    return step(x);
  }
}
export class Sigmoid extends Activation {
  protected apply(x: Tensor): Tensor {
    return sigmoid(x);
  }
}
export class Tanh extends Activation {
  protected apply(x: Tensor): Tensor {
    return tanh(x);
  }
}
export class ReLU extends Activation {
  protected apply(x: Tensor): Tensor {
    return relu(x);
  }
}
export class ReLU6 extends Activation {
  protected apply(x: Tensor): Tensor {
    return relu6(x);
  }
}
export class LeakyReLU extends Activation {
  readonly negativeSlope: number;
  constructor(negativeSlope = 0.01) {
    super();
    this.negativeSlope = negativeSlope;
  }
  protected apply(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }
}
/** One learned slope, or one for each channel, initially 0.25. */
export class PReLU extends Activation {
  readonly weight: Parameter;
  constructor(numParameters = 1, init = 0.25, options: { readonly dtype?: FloatDType } = {}) {
    super();
    checkOptions("PReLU", options, { dtype: kind.floatDType });
    this.weight = new Parameter(blank([numParameters], options.dtype));
    constant(this.weight, init);
  }
  protected apply(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
}
export class ELU extends Activation {
  readonly alpha: number;
  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }
  protected apply(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}
export class SELU extends Activation {
  protected apply(x: Tensor): Tensor {
    return selu(x);
  }
}
export class GELU extends Activation {
  readonly approximate: GeluApproximation;
  constructor(options: { readonly approximate?: GeluApproximation } = {}) {
    super();
    checkOptions("GELU", options, { approximate: approximations });
    this.approximate = options.approximate ?? "none";
  }
  protected apply(x: Tensor): Tensor {
    return gelu(x, this.approximate);
  }
}
export class SiLU extends Activation {
  protected apply(x: Tensor): Tensor {
    return silu(x);
  }
}
export class Mish extends Activation {
  protected apply(x: Tensor): Tensor {
    return mish(x);
  }
}
export class Softplus extends Activation {
  readonly beta: number;
  readonly threshold: number;
  constructor(beta = 1, threshold = 20) {
    super();
    this.beta = beta;
    this.threshold = threshold;
  }
  protected apply(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold);
  }
}
export class Softsign extends Activation {
  protected apply(x: Tensor): Tensor {
    return softsign(x);
  }
}
export class Hardsigmoid extends Activation {
  protected apply(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}
export class Hardtanh extends Activation {
  readonly minVal: number;
  readonly maxVal: number;
  constructor(minVal = -1, maxVal = 1) {
    super();
    this.minVal = minVal;
    this.maxVal = maxVal;
  }
  protected apply(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal);
  }
}
export class Hardswish extends Activation {
  protected apply(x: Tensor): Tensor {
    return hardswish(x);
  }
}
export class Softmax extends Activation {
  readonly dim: number;
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }
  protected apply(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}
export class LogSigmoid extends Activation {
  protected apply(x: Tensor): Tensor {
    return logSigmoid(x);
  }
}
export class LogSoftmax extends Activation {
  readonly dim: number;
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }
  protected apply(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}
export class Softmin extends Activation {
  readonly dim: number;
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }
  protected apply(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}
/** Softmax over the channels of [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Activation {
  protected apply(x: Tensor): Tensor {
    given("Softmax2d", x);
    if (x.rank !== 3 && x.rank !== 4)
      throw new ShapeError(`Softmax2d: takes [N, C, H, W] or [C, H, W], got ${formatShape(x.shape)}`);
    return softmax(x, -3);
  }
}
export class GLU extends Activation {
  readonly dim: number;
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }
  protected apply(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}
export class SwiGLU extends Activation {
  readonly dim: number;
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }
  protected apply(x: Tensor): Tensor {
    return swiglu(x, this.dim);
  }
}
export class CELU extends Activation {
  readonly alpha: number;
  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }
  protected apply(x: Tensor): Tensor {
    return celu(x, this.alpha);
  }
}
export class Hardshrink extends Activation {
  readonly lambda: number;
  constructor(lambda = 0.5) {
    super();
    this.lambda = lambda;
  }
  protected apply(x: Tensor): Tensor {
    return hardshrink(x, this.lambda);
  }
}
export class Softshrink extends Activation {
  readonly lambda: number;
  constructor(lambda = 0.5) {
    super();
    this.lambda = lambda;
  }
  protected apply(x: Tensor): Tensor {
    return softshrink(x, this.lambda);
  }
}
export class Tanhshrink extends Activation {
  protected apply(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}
export class Threshold extends Activation {
  readonly threshold: number;
  readonly value: number;
  constructor(limit: number, value: number) {
    super();
    this.threshold = limit;
    this.value = value;
  }
  protected apply(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value);
  }
}
/** Leaky ReLU with random slopes in training. */
export class RReLU extends Activation {
  readonly lower: number;
  readonly upper: number;
  constructor(lower = 1 / 8, upper = 1 / 3) {
    super();
    this.lower = lower;
    this.upper = upper;
  }
  protected apply(x: Tensor): Tensor {
    return rrelu(x, { lower: this.lower, upper: this.upper, training: this.training });
  }
}
