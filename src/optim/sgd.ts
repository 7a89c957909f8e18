// Stochastic gradient descent, with momentum. On the whole data set it is plain gradient descent.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Tensor, where } from "../tensor/index.ts";
import { complement, isZero, scalar, withDecay } from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface SGDOptions extends CommonOptions {
  /** The fraction of the last update that is kept. Default 0. */
  readonly momentum: number;
  /** The reduction of the gradient's weight in the momentum. Default 0. */
  readonly dampening: number;
  /** L2 regularisation. Default 0. */
  readonly weightDecay: number;
  /** Use Nesterov momentum. Default false. */
  readonly nesterov: boolean;
}

const sgd: OptimizerKind<SGDOptions> = {
  name: "SGD",
  lr: 1e-3,
  defaults: { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
  kinds: {
    ...commonKinds,
    momentum: kind.number,
    dampening: kind.number,
    weightDecay: kind.number,
    nesterov: kind.boolean,
  },
};

/**
 * g = ∇ + weightDecay·p; v = momentum·v + (1 − dampening)·g (v = g at first); p −= lr·v, with Nesterov lr·(g + momentum·v).
 * Default lr 1e-3. Source: torch.optim.SGD (Sutskever et al. 2013).
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: OptionsOf<SGDOptions> = {}) {
    super(params, options, sgd);
  }

  protected override check({ momentum, weightDecay, nesterov, dampening }: SGDOptions): void {
    checkOption("SGD", "momentum", momentum, 0);
    checkOption("SGD", "weightDecay", weightDecay, 0);
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new HebbError("SGD: nesterov needs a momentum above 0 and dampening 0");
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<SGDOptions>): Tensor {
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const move = (direction: Tensor): Tensor => parameter.sub(direction.mul(scalar(context.lr, parameter)));
    const [momentum, dampening] = [context.option("momentum"), context.option("dampening")];
    if (isZero(momentum)) return move(g);
    const factor = scalar(momentum, parameter);
    const slot = context.slot("momentum_buffer");
    const kept = slot.mul(factor);
    // The first gradient enters with weight 1; without dampening this follows from an initial velocity of zero.
    const velocity = isZero(dampening)
      ? kept.add(g)
      : where(context.step().le(1), g, kept.add(g.mul(scalar(complement(dampening), parameter))));
    slot.assign(velocity);
    return move(context.options.nesterov ? g.add(velocity.mul(factor)) : velocity);
  }
}
