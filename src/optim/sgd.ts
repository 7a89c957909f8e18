// Stochastic gradient descent, with momentum. On the whole data set at once it is plain gradient descent.
import { HebbError } from "../graph/errors.ts";
import { type Tensor, where } from "../tensor/index.ts";
import {
  type CommonOptions,
  checkOption,
  complement,
  isZero,
  Optimizer,
  type OptionsOf,
  type Params,
  scalar,
  type UpdateContext,
  withDecay,
} from "./optimizer.ts";

export interface SGDOptions extends CommonOptions {
  /** How much of the last move goes on. Default 0. */
  readonly momentum: number;
  /** How much less of the gradient enters the momentum. Default 0. */
  readonly dampening: number;
  /** L2 regularisation. Default 0. */
  readonly weightDecay: number;
  /** Look ahead along the momentum. Default false. */
  readonly nesterov: boolean;
}

/**
 * g = ∇ + weightDecay·p; v = momentum·v + (1 − dampening)·g (v = g at first); p −= lr·v, with Nesterov lr·(g + momentum·v).
 * Default lr 1e-3. Source: torch.optim.SGD (Sutskever et al. 2013).
 */
export class SGD extends Optimizer<SGDOptions> {
  override readonly name: string = "SGD";

  constructor(params: Params<SGDOptions>, { lr = 1e-3, ...options }: OptionsOf<SGDOptions> = {}) {
    super(params, lr, { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, ...options });
  }

  protected override check({ momentum, weightDecay, nesterov, dampening }: SGDOptions): void {
    checkOption("SGD", "momentum", momentum, 0);
    checkOption("SGD", "weightDecay", weightDecay, 0);
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new HebbError("SGD: nesterov needs a momentum above 0 and no dampening");
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<SGDOptions>): Tensor {
    const g = withDecay(parameter, grad, context.option("weightDecay"));
    const move = (direction: Tensor): Tensor => parameter.sub(direction.mul(scalar(context.lr, parameter)));
    const [momentum, dampening] = [context.option("momentum"), context.option("dampening")];
    if (isZero(momentum)) return move(g);
    const factor = scalar(momentum, parameter);
    const slot = context.slot("momentum_buffer");
    const kept = slot.mul(factor);
    // The first gradient enters whole: without dampening that follows from a start at zero.
    const velocity = isZero(dampening)
      ? kept.add(g)
      : where(context.step().le(1), g, kept.add(g.mul(scalar(complement(dampening), parameter))));
    slot.assign(velocity);
    return move(context.options.nesterov ? g.add(velocity.mul(factor)) : velocity);
  }
}
