// Adam, AdamW, and their relatives: Adamax, NAdam, RAdam.

import * as kind from "../graph/kinds.ts";
import type { OptionKinds } from "../graph/options.ts";
import { full, type Tensor, where } from "../tensor/index.ts";
import {
  biasCorrection,
  complement,
  decoupledDecay,
  movingAverage,
  movingSquare,
  scalar,
  withDecay,
} from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface MomentOptions extends CommonOptions {
  /** The decay rates of the averages of the gradient and its square. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps: number;
  readonly weightDecay: number;
}

export interface AdamOptions extends MomentOptions {
  /** Divide by the largest average so far. Default false. */
  readonly amsgrad: boolean;
}

const moments = { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 } as const;
const momentKinds: OptionKinds<MomentOptions> = {
  ...commonKinds,
  betas: kind.pair,
  eps: kind.number,
  weightDecay: kind.number,
};
const adamKinds: OptionKinds<AdamOptions> = { ...momentKinds, amsgrad: kind.boolean };

function checkMoments(name: string, { betas, eps, weightDecay }: MomentOptions): void {
  checkOption(name, "betas[0]", betas[0], 0, 1);
  checkOption(name, "betas[1]", betas[1], 0, 1);
  checkOption(name, "eps", eps, 0);
  checkOption(name, "weightDecay", weightDecay, 0);
}

/** The averages of the gradient and its square. */
function averages(grad: Tensor, context: UpdateContext<MomentOptions>) {
  const [beta1, beta2] = [context.beta(0), context.beta(1)];
  const first = movingAverage(context.slot("exp_avg"), grad, beta1);
  const second = movingSquare(context.slot("exp_avg_sq"), grad, beta2);
  return { beta1, beta2, first, second };
}

function adamUpdate(parameter: Tensor, grad: Tensor, context: UpdateContext<AdamOptions>): Tensor {
  const { beta1, beta2, first, second } = averages(grad, context);
  const step = context.step();
  let largest = second;
  if (context.options.amsgrad) {
    const slot = context.slot("max_exp_avg_sq");
    largest = slot.maximum(second);
    slot.assign(largest);
  }
  const size = scalar(context.lr.div(biasCorrection(beta1, step)), parameter);
  const scale = scalar(biasCorrection(beta2, step).rsqrt(), parameter);
  return parameter.sub(
    first.mul(size).div(
      largest
        .sqrt()
        .mul(scale)
        .add(scalar(context.option("eps"), parameter)),
    ),
  );
}

const adam: OptimizerKind<AdamOptions> = {
  name: "Adam",
  lr: 1e-3,
  defaults: { ...moments, amsgrad: false },
  kinds: adamKinds,
};

/**
 * m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g²; p −= lr · m̂ / (√v̂ + eps), where m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
 * Default lr 1e-3; weightDecay (default 0) is added to the gradient. Source: torch.optim.Adam (Kingma and Ba 2015).
 */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: OptionsOf<AdamOptions> = {}) {
    super(params, options, adam);
  }

  protected override check(options: AdamOptions): void {
    checkMoments("Adam", options);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<AdamOptions>): Tensor {
    return adamUpdate(parameter, withDecay(parameter, grad, context.option("weightDecay")), context);
  }
}

const adamW: OptimizerKind<AdamOptions> = {
  name: "AdamW",
  lr: 1e-3,
  defaults: { ...moments, weightDecay: 0.01, amsgrad: false },
  kinds: adamKinds,
};

/**
 * Adam with decoupled weight decay (default 0.01), which shrinks the parameter itself instead of entering the gradient. Source: torch.optim.AdamW
 * (Loshchilov and Hutter 2019).
 */
export class AdamW extends Optimizer<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: OptionsOf<AdamOptions> = {}) {
    super(params, options, adamW);
  }

  protected override check(options: AdamOptions): void {
    checkMoments("AdamW", options);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<AdamOptions>): Tensor {
    return adamUpdate(decoupledDecay(parameter, context.lr, context.option("weightDecay")), grad, context);
  }
}

const adamax: OptimizerKind<MomentOptions> = {
  name: "Adamax",
  lr: 2e-3,
  defaults: moments,
  kinds: momentKinds,
};

/** Adam with the largest recent gradient instead of the root of squares. Default lr 2e-3. Source: torch.optim.Adamax. */
export class Adamax extends Optimizer<MomentOptions> {
  constructor(params: Params<MomentOptions>, options: OptionsOf<MomentOptions> = {}) {
    super(params, options, adamax);
  }

  protected override check(options: MomentOptions): void {
    checkMoments("Adamax", options);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<MomentOptions>): Tensor {
    const beta1 = context.beta(0);
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const first = movingAverage(context.slot("exp_avg"), g, beta1);
    const slot = context.slot("exp_inf");
    const largest = slot
      .mul(scalar(context.beta(1), parameter))
      .maximum(g.abs().add(scalar(context.option("eps"), parameter)));
    slot.assign(largest);
    const size = context.lr.div(biasCorrection(beta1, context.step()));
    return parameter.sub(first.mul(scalar(size, parameter)).div(largest));
  }
}

export interface NAdamOptions extends MomentOptions {
  /** The rate at which the momentum approaches its full value. Default 4e-3. */
  readonly momentumDecay: number;
  /** Weight decay as in AdamW. Default false. */
  readonly decoupledWeightDecay: boolean;
}

const nadam: OptimizerKind<NAdamOptions> = {
  name: "NAdam",
  lr: 2e-3,
  defaults: { ...moments, momentumDecay: 4e-3, decoupledWeightDecay: false },
  kinds: { ...momentKinds, momentumDecay: kind.number, decoupledWeightDecay: kind.boolean },
};

/** Adam with Nesterov momentum. Default lr 2e-3. Source: torch.optim.NAdam (Dozat 2016). */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: Params<NAdamOptions>, options: OptionsOf<NAdamOptions> = {}) {
    super(params, options, nadam);
  }

  protected override check(options: NAdamOptions): void {
    checkMoments("NAdam", options);
    checkOption("NAdam", "momentumDecay", options.momentumDecay, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<NAdamOptions>): Tensor {
    const { lr } = context;
    const { decoupledWeightDecay } = context.options;
    const [weightDecay, eps] = [context.option("weightDecay"), scalar(context.option("eps"), parameter)];
    const momentumDecay = context.option("momentumDecay");
    const start = decoupledWeightDecay ? decoupledDecay(parameter, lr, weightDecay) : parameter;
    const g = decoupledWeightDecay ? grad : withDecay(parameter, grad, weightDecay);
    const { beta1, beta2, first, second } = averages(g, context);
    const step = context.step();
    // μ(t) = β₁ (1 − 0.96^(t · momentumDecay) / 2)
    const momentumAt = (t: Tensor): Tensor =>
      t.mul(momentumDecay).mul(Math.log(0.96)).exp().mul(-0.5).add(1).mul(beta1);
    const now = momentumAt(step);
    const next = momentumAt(step.add(1));
    const product = context.number("mu_product", 1);
    const reached = product.mul(now);
    product.assign(reached);
    const denominator = second
      .mul(scalar(biasCorrection(beta2, step).reciprocal(), parameter))
      .sqrt()
      .add(eps);
    const ofGradient = scalar(lr.mul(now.neg().add(1)).div(reached.neg().add(1)), parameter);
    const ofAverage = scalar(lr.mul(next).div(reached.mul(next).neg().add(1)), parameter);
    return start.sub(g.mul(ofGradient).add(first.mul(ofAverage)).div(denominator));
  }
}

export interface RAdamOptions extends MomentOptions {
  /** Weight decay as in AdamW. Default false. */
  readonly decoupledWeightDecay: boolean;
}

const radam: OptimizerKind<RAdamOptions> = {
  name: "RAdam",
  lr: 1e-3,
  defaults: { ...moments, decoupledWeightDecay: false },
  kinds: { ...momentKinds, decoupledWeightDecay: kind.boolean },
};

/**
 * Adam with rectification: smaller steps while its average of squares is based on few steps. Default lr 1e-3. Source: torch.optim.RAdam (Liu et al.
 * 2020).
 */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: Params<RAdamOptions>, options: OptionsOf<RAdamOptions> = {}) {
    super(params, options, radam);
  }

  protected override check(options: RAdamOptions): void {
    checkMoments("RAdam", options);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<RAdamOptions>): Tensor {
    const { lr } = context;
    const { decoupledWeightDecay } = context.options;
    const [weightDecay, eps] = [context.option("weightDecay"), scalar(context.option("eps"), parameter)];
    const start = decoupledWeightDecay ? decoupledDecay(parameter, lr, weightDecay) : parameter;
    const { beta1, beta2, first, second } = averages(
      decoupledWeightDecay ? grad : withDecay(parameter, grad, weightDecay),
      context,
    );
    const step = context.step();
    const correction2 = biasCorrection(beta2, step);
    const longest = full([], 2, { dtype: "float64" }).div(complement(beta2)).sub(1);
    // ρ(t) = ρ∞ − 2t·β₂ᵗ / (1 − β₂ᵗ): the effective number of steps in the average of squares.
    const length = step.mul(-2).mul(correction2.neg().add(1)).div(correction2).add(longest);
    const settled = length.gt(5);
    const known = where(settled, length, 6);
    const rectified = known
      .sub(4)
      .mul(known.sub(2))
      .mul(longest)
      .div(known.mul(longest.sub(4).mul(longest.sub(2))))
      .sqrt()
      .mul(correction2.sqrt());
    const size = first.mul(scalar(lr.div(biasCorrection(beta1, step)), parameter));
    const adaptive = size.mul(scalar(rectified, parameter)).div(second.sqrt().add(eps));
    return start.sub(where(settled, adaptive, size));
  }
}
