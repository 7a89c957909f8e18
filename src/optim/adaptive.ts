// Rates that adapt to each weight's gradients: Adagrad, RMSprop, Adadelta; and Lion, which uses only signs.

import * as kind from "../graph/kinds.ts";
import type { Tensor } from "../tensor/index.ts";
import { complement, decoupledDecay, isZero, movingAverage, movingSquare, scalar, withDecay } from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface AdagradOptions extends CommonOptions {
  /** The decay of the rate: lr / (1 + (t − 1)·lrDecay). Default 0. */
  readonly lrDecay: number;
  readonly weightDecay: number;
  /** The initial value of the sums of squares. Default 0. */
  readonly initialAccumulatorValue: number;
  /** Default 1e-10. */
  readonly eps: number;
}

const adagrad: OptimizerKind<AdagradOptions> = {
  name: "Adagrad",
  lr: 1e-2,
  defaults: { lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10 },
  kinds: {
    ...commonKinds,
    lrDecay: kind.number,
    weightDecay: kind.number,
    initialAccumulatorValue: kind.number,
    eps: kind.number,
  },
};

/** s += g²; p −= lr·g / (√s + eps). Default lr 1e-2. Source: torch.optim.Adagrad (Duchi et al. 2011). */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: OptionsOf<AdagradOptions> = {}) {
    super(params, options, adagrad);
  }

  protected override check({ lrDecay, weightDecay, initialAccumulatorValue, eps }: AdagradOptions): void {
    checkOption("Adagrad", "lrDecay", lrDecay, 0);
    checkOption("Adagrad", "weightDecay", weightDecay, 0);
    checkOption("Adagrad", "initialAccumulatorValue", initialAccumulatorValue, 0);
    checkOption("Adagrad", "eps", eps, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<AdagradOptions>): Tensor {
    const { options, lr } = context;
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const slot = context.slot("sum", options.initialAccumulatorValue);
    const sum = slot.add(g.mul(g));
    slot.assign(sum);
    const decay = context.option("lrDecay");
    const rate = isZero(decay) ? lr : lr.div(context.step().sub(1).mul(decay).add(1));
    const eps = scalar(context.option("eps"), parameter);
    return parameter.sub(g.mul(scalar(rate, parameter)).div(sum.sqrt().add(eps)));
  }
}

export interface RMSpropOptions extends CommonOptions {
  /** The decay rate of the average of squares. Default 0.99. */
  readonly alpha: number;
  /** Default 1e-8. */
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
  /** Divide by an estimate of the gradient's standard deviation. Default false. */
  readonly centered: boolean;
}

const rmsprop: OptimizerKind<RMSpropOptions> = {
  name: "RMSprop",
  lr: 1e-2,
  defaults: { alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false },
  kinds: {
    ...commonKinds,
    alpha: kind.number,
    eps: kind.number,
    weightDecay: kind.number,
    momentum: kind.number,
    centered: kind.boolean,
  },
};

/** s = alpha·s + (1 − alpha)·g²; p −= lr·g / (√s + eps). Default lr 1e-2. Source: torch.optim.RMSprop (Hinton 2012). */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: OptionsOf<RMSpropOptions> = {}) {
    super(params, options, rmsprop);
  }

  protected override check({ alpha, eps, weightDecay, momentum }: RMSpropOptions): void {
    checkOption("RMSprop", "alpha", alpha, 0);
    checkOption("RMSprop", "eps", eps, 0);
    checkOption("RMSprop", "weightDecay", weightDecay, 0);
    checkOption("RMSprop", "momentum", momentum, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<RMSpropOptions>): Tensor {
    const alpha = context.option("alpha");
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const square = movingSquare(context.slot("square_avg"), g, alpha);
    let spread = square;
    if (context.options.centered) {
      const mean = movingAverage(context.slot("grad_avg"), g, alpha);
      spread = square.sub(mean.mul(mean));
    }
    const direction = g.div(spread.sqrt().add(scalar(context.option("eps"), parameter)));
    const rate = scalar(context.lr, parameter);
    const momentum = context.option("momentum");
    if (isZero(momentum)) return parameter.sub(direction.mul(rate));
    const buffer = context.slot("momentum_buffer");
    const velocity = buffer.mul(scalar(momentum, parameter)).add(direction);
    buffer.assign(velocity);
    return parameter.sub(velocity.mul(rate));
  }
}

export interface AdadeltaOptions extends CommonOptions {
  /** The decay rate of the averages. Default 0.9. */
  readonly rho: number;
  /** Default 1e-6. */
  readonly eps: number;
  readonly weightDecay: number;
}

const adadelta: OptimizerKind<AdadeltaOptions> = {
  name: "Adadelta",
  lr: 1,
  defaults: { rho: 0.9, eps: 1e-6, weightDecay: 0 },
  kinds: { ...commonKinds, rho: kind.number, eps: kind.number, weightDecay: kind.number },
};

/** Steps proportional to the size of recent steps. Default lr 1. Source: torch.optim.Adadelta (Zeiler 2012). */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(params: Params<AdadeltaOptions>, options: OptionsOf<AdadeltaOptions> = {}) {
    super(params, options, adadelta);
  }

  protected override check({ rho, eps, weightDecay }: AdadeltaOptions): void {
    checkOption("Adadelta", "rho", rho, 0, 1);
    checkOption("Adadelta", "eps", eps, 0);
    checkOption("Adadelta", "weightDecay", weightDecay, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<AdadeltaOptions>): Tensor {
    const rho = context.option("rho");
    const eps = scalar(context.option("eps"), parameter);
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const square = movingSquare(context.slot("square_avg"), g, rho);
    const moves = context.slot("acc_delta");
    const move = moves.add(eps).sqrt().div(square.add(eps).sqrt()).mul(g);
    movingSquare(moves, move, rho);
    return parameter.sub(move.mul(scalar(context.lr, parameter)));
  }
}

export interface LionOptions extends CommonOptions {
  /** Default [0.9, 0.99]. */
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
}

const lion: OptimizerKind<LionOptions> = {
  name: "Lion",
  lr: 1e-4,
  defaults: { betas: [0.9, 0.99], weightDecay: 0 },
  kinds: { ...commonKinds, betas: kind.pair, weightDecay: kind.number },
};

/**
 * p −= lr·(sign(β₁m + (1 − β₁)g) + weightDecay·p); m = β₂m + (1 − β₂)g. Default lr 1e-4. Source: Chen et al. 2023, algorithm 2.
 */
export class Lion extends Optimizer<LionOptions> {
  constructor(params: Params<LionOptions>, options: OptionsOf<LionOptions> = {}) {
    super(params, options, lion);
  }

  protected override check({ betas, weightDecay }: LionOptions): void {
    checkOption("Lion", "betas[0]", betas[0], 0, 1);
    checkOption("Lion", "betas[1]", betas[1], 0, 1);
    checkOption("Lion", "weightDecay", weightDecay, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<LionOptions>): Tensor {
    const { lr } = context;
    const slot = context.slot("exp_avg");
    const direction = slot.add(grad.sub(slot).mul(scalar(complement(context.beta(0)), grad))).sign();
    movingAverage(slot, grad, context.beta(1));
    return decoupledDecay(parameter, lr, context.option("weightDecay")).sub(direction.mul(scalar(lr, parameter)));
  }
}
