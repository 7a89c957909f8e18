// Other optimizers: Rprop, which uses only signs, and ASGD, which averages.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Tensor, where } from "../tensor/index.ts";
import { scalar, withDecay } from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface RpropOptions extends CommonOptions {
  /** The factors of a step when the sign of the gradient changes, and when it stays. Default [0.5, 1.2]. */
  readonly etas: readonly [number, number];
  /** The smallest and largest step. Default [1e-6, 50]. */
  readonly stepSizes: readonly [number, number];
}

const rprop: OptimizerKind<RpropOptions> = {
  name: "Rprop",
  lr: 1e-2,
  defaults: { etas: [0.5, 1.2], stepSizes: [1e-6, 50] },
  kinds: { ...commonKinds, etas: kind.pair, stepSizes: kind.pair },
};

/**
 * Each weight has its own step size, which grows while its gradient keeps its sign; for full-batch training. Default lr 1e-2, the first step. Source:
 * torch.optim.Rprop (Riedmiller and Braun 1993).
 */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(params: Params<RpropOptions>, options: OptionsOf<RpropOptions> = {}) {
    super(params, options, rprop);
  }

  protected override check({ etas: [less, more], stepSizes: [least, most] }: RpropOptions): void {
    if (!(less > 0 && less < 1 && more > 1))
      throw new HebbError(`Rprop: etas must be below and above 1, got ${less} and ${more}`);
    if (!(least > 0 && least <= most))
      throw new HebbError(`Rprop: stepSizes must be above 0 and in order, got ${least} and ${most}`);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<RpropOptions>): Tensor {
    const { etas, stepSizes } = context.options;
    const before = context.slot("prev");
    const sizes = context.slot("step_size");
    const began = where(context.step().le(1), scalar(context.lr, parameter), sizes);
    const agreement = grad.mul(before);
    const size = where(agreement.gt(0), began.mul(etas[1]), where(agreement.lt(0), began.mul(etas[0]), began)).clamp(
      ...stepSizes,
    );
    sizes.assign(size);
    // After a sign change the weight skips one step.
    const heeded = where(agreement.lt(0), 0, grad);
    before.assign(heeded);
    return parameter.sub(heeded.sign().mul(size));
  }
}

export interface ASGDOptions extends CommonOptions {
  /** Weight decay, and decay of the rate. Default 1e-4. */
  readonly lambd: number;
  /** The exponent in lr / (1 + lambd·lr·t)^alpha. Default 0.75. */
  readonly alpha: number;
  /** The step at which averaging starts; the slot "ax" holds the average. Default 1e6. */
  readonly t0: number;
  readonly weightDecay: number;
}

const asgd: OptimizerKind<ASGDOptions> = {
  name: "ASGD",
  lr: 1e-2,
  defaults: { lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0 },
  kinds: { ...commonKinds, lambd: kind.number, alpha: kind.number, t0: kind.number, weightDecay: kind.number },
};

/** Gradient descent with a falling rate, and an average of the weights. Default lr 1e-2. Source: torch.optim.ASGD (Polyak and Juditsky 1992). */
export class ASGD extends Optimizer<ASGDOptions> {
  constructor(params: Params<ASGDOptions>, options: OptionsOf<ASGDOptions> = {}) {
    super(params, options, asgd);
  }

  protected override check({ weightDecay, t0 }: ASGDOptions): void {
    checkOption("ASGD", "weightDecay", weightDecay, 0);
    checkOption("ASGD", "t0", t0, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<ASGDOptions>): Tensor {
    const { lr } = context;
    const lambda = context.option("lambd");
    const step = context.step();
    const rates = context.number("eta", 0);
    const rate = where(step.le(1), lr, rates);
    rates.assign(lr.div(lr.mul(lambda).mul(step).add(1).pow(context.option("alpha"))));
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const next = parameter.mul(scalar(rate.mul(lambda).neg().add(1), parameter)).sub(g.mul(scalar(rate, parameter)));
    const share = step.sub(1).sub(context.option("t0")).maximum(1).reciprocal();
    const average = context.slot("ax");
    average.assign(average.add(next.sub(average).mul(scalar(share, parameter))));
    return next;
  }
}
