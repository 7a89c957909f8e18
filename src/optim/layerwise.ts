// Rates that follow the size of each parameter: Adafactor, which keeps only row and column means of squares, and LAMB.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Operand, type State, type Tensor, where } from "../tensor/index.ts";
import { biasCorrection, decoupledDecay, isZero, movingAverage, movingSquare, scalar } from "./arithmetic.ts";
import { Optimizer, type UpdateContext } from "./optimizer.ts";
import { checkOption, commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
import type { CommonOptions, Params } from "./parameterGroup.ts";

export interface AdafactorOptions extends CommonOptions {
  /** The averages decay by t^beta2Decay. Default -0.8. */
  readonly beta2Decay: number;
  /**
   * The minimum root of the second moment, where null is the smallest step of the dtype; and the minimum scale of a parameter. Default [null, 1e-3].
   */
  readonly eps: readonly [number | null, number];
  /** The maximum root mean square of an update. Default 1. */
  readonly d: number;
  /** Decoupled weight decay. Default 0. */
  readonly weightDecay: number;
}

const adafactor: OptimizerKind<AdafactorOptions> = {
  name: "Adafactor",
  lr: 1e-2,
  defaults: { beta2Decay: -0.8, eps: [null, 1e-3], d: 1, weightDecay: 0 },
  kinds: {
    ...commonKinds,
    beta2Decay: kind.number,
    eps: kind.of<readonly [number | null, number]>(
      "a list of a number or null, and a number",
      (value) =>
        Array.isArray(value) &&
        value.length === 2 &&
        (value[0] === null || kind.number.accepts(value[0])) &&
        kind.number.accepts(value[1]),
    ),
    d: kind.number,
    weightDecay: kind.number,
  },
};

/** √(Σx² / n). */
const rootMeanSquare = (x: Tensor): Tensor => x.norm().div(Math.sqrt(x.size));

/** Moves a slot towards a value by a fraction. */
function moved(slot: State, value: Tensor, share: Tensor): Tensor {
  const next = slot.add(value.sub(slot).mul(scalar(share, value)));
  slot.assign(next);
  return next;
}

/**
 * The average of g² as a product of its rows and columns, by t^beta2Decay; u = g / √average, divided by max(1, rms(u) / d); p −= max(eps₂, rms(p)) ·
 * min(lr, 1 / √t) · u. Default lr 1e-2. Source: torch.optim.Adafactor (Shazeer and Stern 2018).
 */
export class Adafactor extends Optimizer<AdafactorOptions> {
  constructor(params: Params<AdafactorOptions>, options: OptionsOf<AdafactorOptions> = {}) {
    super(params, options, adafactor);
  }

  protected override get elementwise(): boolean {
    return false;
  }

  protected override check({ beta2Decay, eps, d, weightDecay }: AdafactorOptions): void {
    if (!(beta2Decay <= 0)) throw new HebbError(`Adafactor: beta2Decay must be at most 0, got ${beta2Decay}`);
    if (eps[0] !== null) checkOption("Adafactor", "eps[0]", eps[0], 0);
    checkOption("Adafactor", "eps[1]", eps[1], 0);
    if (!(d >= 1)) throw new HebbError(`Adafactor: d must be at least 1, got ${d}`);
    checkOption("Adafactor", "weightDecay", weightDecay, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<AdafactorOptions>): Tensor {
    const { lr, options } = context;
    const [own, least] = options.eps;
    const eps = own ?? (parameter.dtype === "float64" ? 2 ** -52 : 2 ** -23);
    const share = context.step().pow(context.option("beta2Decay"));
    const rate = lr.minimum(context.step().rsqrt());
    const step = rootMeanSquare(parameter).clamp(least).mul(scalar(rate, parameter));
    const squares = this.#squares(grad, context, share, eps);
    const update = grad.mul(squares.clamp(eps * eps).rsqrt());
    const limit = rootMeanSquare(update)
      .div(scalar(context.option("d"), parameter))
      .clamp(1);
    const shrunk = decoupledDecay(parameter, lr, context.option("weightDecay"));
    return shrunk.sub(update.mul(step.div(limit)));
  }

  #squares(grad: Tensor, context: UpdateContext<AdafactorOptions>, share: Tensor, eps: number): Tensor {
    const square = grad.mul(grad);
    if (grad.rank < 2) return moved(context.slot("variance"), square, share);
    const lead = grad.shape.slice(0, -2);
    const [rows = 0, columns = 0] = grad.shape.slice(-2);
    const byRow = moved(context.slot("row_var", 0, [...lead, rows, 1]), square.mean(-1, true), share);
    const byColumn = moved(context.slot("col_var", 0, [...lead, 1, columns]), square.mean(-2, true), share);
    return byRow.mul(byColumn).div(byRow.mean(-2, true).clamp(eps));
  }
}

export interface LambOptions extends CommonOptions {
  /** The decay rates of the averages of the gradient and its square. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Default 1e-6. */
  readonly eps: number;
  /** Added to the direction before its norm is taken. Default 0. */
  readonly weightDecay: number;
}

const lamb: OptimizerKind<LambOptions> = {
  name: "LAMB",
  lr: 1e-3,
  defaults: { betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0 },
  kinds: { ...commonKinds, betas: kind.pair, eps: kind.number, weightDecay: kind.number },
};

/**
 * u = m̂ / (√v̂ + eps) + weightDecay·p, with m̂ and v̂ as in Adam; p −= lr · (‖p‖ / ‖u‖) · u, if both norms are above 0. Default lr 1e-3. Source: You
 * et al. 2020, algorithm 2.
 */
export class LAMB extends Optimizer<LambOptions> {
  constructor(params: Params<LambOptions>, options: OptionsOf<LambOptions> = {}) {
    super(params, options, lamb);
  }

  protected override get elementwise(): boolean {
    return false;
  }

  protected override check({ betas, eps, weightDecay }: LambOptions): void {
    for (const [place, beta] of betas.entries())
      if (!(beta >= 0 && beta < 1))
        throw new HebbError(`LAMB: betas[${place}] must be from 0 and below 1, got ${beta}`);
    checkOption("LAMB", "eps", eps, 0);
    checkOption("LAMB", "weightDecay", weightDecay, 0);
  }

  protected update(parameter: Tensor, grad: Tensor, context: UpdateContext<LambOptions>): Tensor {
    const [first, second] = [context.beta(0), context.beta(1)];
    const corrected = (value: Tensor, beta: Operand): Tensor =>
      value.div(scalar(biasCorrection(beta, context.step()), parameter));
    const mean = corrected(movingAverage(context.slot("exp_avg"), grad, first), first);
    const square = corrected(movingSquare(context.slot("exp_avg_sq"), grad, second), second);
    const direction = mean.div(square.sqrt().add(scalar(context.option("eps"), parameter)));
    const weightDecay = context.option("weightDecay");
    const whole = isZero(weightDecay) ? direction : direction.add(parameter.mul(scalar(weightDecay, parameter)));
    const [size, length] = [parameter.norm(), whole.norm()];
    const both = size.gt(0).logicalAnd(length.gt(0));
    const trust = where(both, size.div(where(both, length, 1)), 1);
    return parameter.sub(whole.mul(trust.mul(scalar(context.lr, parameter))));
  }
}
