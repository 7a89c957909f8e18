// Rates that adapt to each weight's gradients: Adagrad, RMSprop, Adadelta; and Lion, which keeps only the sign.
import type { Tensor } from "../tensor/index.ts";
import {
  type CommonOptions,
  checkOption,
  complement,
  decoupledDecay,
  isZero,
  movingAverage,
  movingSquare,
  Optimizer,
  type OptionsOf,
  type Params,
  scalar,
  type UpdateContext,
  withDecay,
} from "./optimizer.ts";

export interface AdagradOptions extends CommonOptions {
  /** lr / (1 + (t − 1)·lrDecay). Default 0. */
  readonly lrDecay: number;
  readonly weightDecay: number;
  /** Where the sums of squares start. Default 0. */
  readonly initialAccumulatorValue: number;
  /** Default 1e-10. */
  readonly eps: number;
}

/** s += g²; p −= lr·g / (√s + eps). Default lr 1e-2. Source: torch.optim.Adagrad (Duchi et al. 2011). */
export class Adagrad extends Optimizer<AdagradOptions> {
  override readonly name: string = "Adagrad";

  constructor(params: Params<AdagradOptions>, { lr = 1e-2, ...options }: OptionsOf<AdagradOptions> = {}) {
    super(params, lr, { lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, ...options });
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
  /** How long the average of squares remembers. Default 0.99. */
  readonly alpha: number;
  /** Default 1e-8. */
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
  /** Divide by an estimate of the gradient's standard deviation. Default false. */
  readonly centered: boolean;
}

/** s = alpha·s + (1 − alpha)·g²; p −= lr·g / (√s + eps). Default lr 1e-2. Source: torch.optim.RMSprop (Hinton 2012). */
export class RMSprop extends Optimizer<RMSpropOptions> {
  override readonly name: string = "RMSprop";

  constructor(params: Params<RMSpropOptions>, { lr = 1e-2, ...options }: OptionsOf<RMSpropOptions> = {}) {
    super(params, lr, { alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, ...options });
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
  /** How long the averages remember. Default 0.9. */
  readonly rho: number;
  /** Default 1e-6. */
  readonly eps: number;
  readonly weightDecay: number;
}

/** Steps in proportion to the size of recent steps. Default lr 1. Source: torch.optim.Adadelta (Zeiler 2012). */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  override readonly name: string = "Adadelta";

  constructor(params: Params<AdadeltaOptions>, { lr = 1, ...options }: OptionsOf<AdadeltaOptions> = {}) {
    super(params, lr, { rho: 0.9, eps: 1e-6, weightDecay: 0, ...options });
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

/**
 * p −= lr·(sign(β₁m + (1 − β₁)g) + weightDecay·p); m = β₂m + (1 − β₂)g. Default lr 1e-4. Source: Chen et al. 2023, algorithm 2.
 */
export class Lion extends Optimizer<LionOptions> {
  override readonly name: string = "Lion";

  constructor(params: Params<LionOptions>, { lr = 1e-4, ...options }: OptionsOf<LionOptions> = {}) {
    super(params, lr, { betas: [0.9, 0.99], weightDecay: 0, ...options });
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
