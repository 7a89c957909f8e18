// Losses between numbers: mse, l1, huber, smoothL1, poissonNll, gaussianNll.
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape } from "../../graph/shape.ts";
import { given } from "../../tensor/arguments.ts";
import { requireThat } from "../../tensor/checks.ts";
import { composed } from "../../tensor/composed.ts";
import { type Tensor, where } from "../../tensor/index.ts";
import { checkPositive, type LossOptions, lossKinds, matchingTarget, reduceLoss } from "./reduction.ts";

function difference(name: string, input: Tensor, target: Tensor): Tensor {
  const aim = matchingTarget(name, input, target);
  return input.sub(aim);
}

/** (input − target)². Source: torch.nn.functional.mse_loss. */
export function mse(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("mse", options, lossKinds);
  const { reduction = "mean" } = options;
  const d = difference("mse", input, target);
  return composed("mse", [input, target], { reduction }, () => reduceLoss(d.square(), reduction));
}

/** |input − target|. Source: torch.nn.functional.l1_loss. */
export function l1(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("l1", options, lossKinds);
  const { reduction = "mean" } = options;
  const d = difference("l1", input, target);
  return composed("l1", [input, target], { reduction }, () => reduceLoss(d.abs(), reduction));
}

/** A parabola below the limit, a line above. The parabola stays finite where it is unused; otherwise its gradient would be 0 · ∞. */
function parabolaThenLine(d: Tensor, limit: number, factor: number, line: (size: Tensor) => Tensor): Tensor {
  const size = d.abs();
  const far = size.ge(limit);
  // The square of d, not of |d|: |d| has gradient 0 at 0, which would lose the curvature there.
  return where(far, line(size), where(far, 0, d).square().mul(factor));
}

export interface HuberOptions extends LossOptions {
  /** The |d| at which the parabola becomes a line. Default 1. */
  readonly delta?: number;
}

export const huberKinds: OptionKinds<HuberOptions> = { ...lossKinds, delta: kind.number };

/** d²/2 for |d| < delta, else delta·(|d| − delta/2), with d = input − target. Source: torch.nn.functional.huber_loss. */
export function huber(input: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  const { delta = 1, reduction = "mean" } = checkOptions("huber", options, huberKinds);
  checkPositive("huber", "delta", delta);
  const d = difference("huber", input, target);
  return composed("huber", [input, target], { reduction, delta }, () =>
    reduceLoss(
      parabolaThenLine(d, delta, 0.5, (size) => size.sub(0.5 * delta).mul(delta)),
      reduction,
    ),
  );
}

export interface SmoothL1Options extends LossOptions {
  /** The |d| at which the parabola becomes a line; 0 gives l1. Default 1. */
  readonly beta?: number;
}

export const smoothL1Kinds: OptionKinds<SmoothL1Options> = { ...lossKinds, beta: kind.number };

/** d²/(2·beta) for |d| < beta, else |d| − beta/2. Source: torch.nn.functional.smooth_l1_loss. */
export function smoothL1(input: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  const { beta = 1, ...plain } = checkOptions("smoothL1", options, smoothL1Kinds);
  checkPositive("smoothL1", "beta", beta, true);
  if (beta === 0) return l1(input, target, plain);
  const { reduction = "mean" } = plain;
  const d = difference("smoothL1", input, target);
  return composed("smoothL1", [input, target], { reduction, beta }, () =>
    reduceLoss(
      parabolaThenLine(d, beta, 0.5 / beta, (size) => size.sub(0.5 * beta)),
      reduction,
    ),
  );
}

export interface PoissonNllOptions extends LossOptions {
  /** The input is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Add Stirling's approximation of log(target!). Default false. */
  readonly full?: boolean;
  /** Keeps log(input) finite when logInput is false. Default 1e-8. */
  readonly eps?: number;
}

export const poissonNllKinds: OptionKinds<PoissonNllOptions> = {
  ...lossKinds,
  logInput: kind.boolean,
  full: kind.boolean,
  eps: kind.number,
};

/** e^input − target·input; with logInput false, input − target·log(input + eps). Source: torch.nn.functional.poisson_nll_loss. */
export function poissonNll(input: Tensor, target: Tensor, options: PoissonNllOptions = {}): Tensor {
  checkOptions("poissonNll", options, poissonNllKinds);
  const t = matchingTarget("poissonNll", input, target);
  const base =
    (options.logInput ?? true) ? input.exp().sub(t.mul(input)) : input.sub(t.mul(input.add(options.eps ?? 1e-8).log()));
  if (!options.full) return reduceLoss(base, options.reduction);
  const above = t.gt(1);
  const safe = where(above, t, 1);
  const stirling = safe
    .mul(safe.log())
    .sub(safe)
    .add(
      safe
        .mul(2 * Math.PI)
        .log()
        .mul(0.5),
    );
  return reduceLoss(base.add(where(above, stirling, 0)), options.reduction);
}

export interface GaussianNllOptions extends LossOptions {
  /** Add the constant log(2π)/2. Default false. */
  readonly full?: boolean;
  /** The least variance. Default 1e-6. */
  readonly eps?: number;
}

export const gaussianNllKinds: OptionKinds<GaussianNllOptions> = { ...lossKinds, full: kind.boolean, eps: kind.number };

/**
 * (log(var) + (input − target)² / var) / 2, with var at least eps; gradients pass through this limit unchanged. `variance` has the input's shape, or
 * 1 in its last dim, or no last dim. Source: torch.nn.functional.gaussian_nll_loss.
 */
export function gaussianNll(input: Tensor, target: Tensor, variance: Tensor, options: GaussianNllOptions = {}): Tensor {
  checkOptions("gaussianNll", options, gaussianNllKinds);
  given("gaussianNll", variance, "the variance");
  const t = matchingTarget("gaussianNll", input, target);
  // NaN passes: it shows in the result.
  requireThat(variance.detach().lt(0).logicalNot(), {
    by: "gaussianNll",
    fault: "the variance is below 0; let the model give its logarithm, and pass exp of that",
  });
  const shape = input.shape;
  const fits = [shape, [...shape.slice(0, -1), 1], shape.slice(0, -1), [1], []].some(
    (form) => form.length === variance.rank && form.every((extent, axis) => extent === variance.shape[axis]),
  );
  if (!fits)
    throw new ShapeError(
      `gaussianNll: variance ${formatShape(variance.shape)} must be ${formatShape(shape)}, or that with 1 as its last dim or without it`,
    );
  const aligned =
    variance.rank === input.rank - 1 && variance.rank > 0 && input.rank > 1 ? variance.unsqueeze(-1) : variance;
  const { eps = 1e-6 } = options;
  // eps where the variance is smaller, with the gradient of the variance itself.
  const limited = where(aligned.lt(eps), aligned.sub(aligned.detach()).add(eps), aligned);
  const losses = limited.log().add(input.sub(t).square().div(limited)).mul(0.5);
  return reduceLoss(options.full ? losses.add(0.5 * Math.log(2 * Math.PI)) : losses, options.reduction);
}
