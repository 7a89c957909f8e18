// Losses as modules, for those who keep them beside their layers: new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).
import type { Tensor } from "../tensor/index.ts";
import * as loss from "./losses.ts";
import { Module } from "./module.ts";

type LossFunction<O> = (input: Tensor, target: Tensor, options?: O) => Tensor;

abstract class Loss<O> extends Module {
  protected abstract readonly fn: LossFunction<O>;
  readonly options: O | undefined;
  constructor(options?: O) {
    super();
    this.options = options;
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return this.fn(input, target, this.options);
  }
}

type Options<F extends (input: Tensor, target: Tensor, options?: never) => Tensor> = NonNullable<Parameters<F>[2]>;

export class MSELoss extends Loss<Options<typeof loss.mse>> {
  protected readonly fn = loss.mse;
}
export class L1Loss extends Loss<Options<typeof loss.l1>> {
  protected readonly fn = loss.l1;
}
export class HuberLoss extends Loss<Options<typeof loss.huber>> {
  protected readonly fn = loss.huber;
}
export class SmoothL1Loss extends Loss<Options<typeof loss.smoothL1>> {
  protected readonly fn = loss.smoothL1;
}
export class BCELoss extends Loss<Options<typeof loss.bce>> {
  protected readonly fn = loss.bce;
}
export class BCEWithLogitsLoss extends Loss<Options<typeof loss.bceWithLogits>> {
  protected readonly fn = loss.bceWithLogits;
}
export class CrossEntropyLoss extends Loss<Options<typeof loss.crossEntropy>> {
  protected readonly fn = loss.crossEntropy;
}
export class NLLLoss extends Loss<Options<typeof loss.nll>> {
  protected readonly fn = loss.nll;
}
export class KLDivLoss extends Loss<Options<typeof loss.klDiv>> {
  protected readonly fn = loss.klDiv;
}
export class HingeLoss extends Loss<Options<typeof loss.hinge>> {
  protected readonly fn = loss.hinge;
}
