// Losses as modules, for those who keep them beside their layers: new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).
import type { Tensor } from "../tensor/index.ts";
import * as loss from "./losses.ts";
import { Module } from "./module.ts";

abstract class Loss<O extends object> extends Module {
  readonly options: O;
  constructor(options?: O) {
    super();
    this.options = { ...(options as O) };
  }
}

type TwoInputs<O> = (input: Tensor, target: Tensor, options: O) => Tensor;
type ThreeInputs<O> = (a: Tensor, b: Tensor, c: Tensor, options: O) => Tensor;

abstract class PairLoss<O extends object> extends Loss<O> {
  protected abstract fn(): TwoInputs<O>;
  forward(input: Tensor, target: Tensor): Tensor {
    return this.fn()(input, target, this.options);
  }
}

abstract class TripleLoss<O extends object> extends Loss<O> {
  protected abstract fn(): ThreeInputs<O>;
  forward(a: Tensor, b: Tensor, c: Tensor): Tensor {
    return this.fn()(a, b, c, this.options);
  }
}

/** mse(input, target) with its options. */
export class MSELoss extends PairLoss<loss.LossOptions> {
  protected override fn(): TwoInputs<loss.LossOptions> {
    return loss.mse;
  }
}

/** l1(input, target) with its options. */
export class L1Loss extends PairLoss<loss.LossOptions> {
  protected override fn(): TwoInputs<loss.LossOptions> {
    return loss.l1;
  }
}

/** huber(input, target) with its options. */
export class HuberLoss extends PairLoss<loss.HuberOptions> {
  protected override fn(): TwoInputs<loss.HuberOptions> {
    return loss.huber;
  }
}

/** smoothL1(input, target) with its options. */
export class SmoothL1Loss extends PairLoss<loss.SmoothL1Options> {
  protected override fn(): TwoInputs<loss.SmoothL1Options> {
    return loss.smoothL1;
  }
}

/** bce(input, target) with its options. */
export class BCELoss extends PairLoss<loss.BceOptions> {
  protected override fn(): TwoInputs<loss.BceOptions> {
    return loss.bce;
  }
}

/** bceWithLogits(input, target) with its options. */
export class BCEWithLogitsLoss extends PairLoss<loss.BceWithLogitsOptions> {
  protected override fn(): TwoInputs<loss.BceWithLogitsOptions> {
    return loss.bceWithLogits;
  }
}

/** crossEntropy(input, target) with its options. */
export class CrossEntropyLoss extends PairLoss<loss.CrossEntropyOptions> {
  protected override fn(): TwoInputs<loss.CrossEntropyOptions> {
    return loss.crossEntropy;
  }
}

/** nll(input, target) with its options. */
export class NLLLoss extends PairLoss<loss.NllOptions> {
  protected override fn(): TwoInputs<loss.NllOptions> {
    return loss.nll;
  }
}

/** klDiv(input, target) with its options. */
export class KLDivLoss extends PairLoss<loss.KlDivOptions> {
  protected override fn(): TwoInputs<loss.KlDivOptions> {
    return loss.klDiv;
  }
}

/** hinge(input, target) with its options. */
export class HingeLoss extends PairLoss<loss.MarginOptions> {
  protected override fn(): TwoInputs<loss.MarginOptions> {
    return loss.hinge;
  }
}

/** hingeEmbedding(input, target) with its options. */
export class HingeEmbeddingLoss extends PairLoss<loss.MarginOptions> {
  protected override fn(): TwoInputs<loss.MarginOptions> {
    return loss.hingeEmbedding;
  }
}

/** softMargin(input, target) with its options. */
export class SoftMarginLoss extends PairLoss<loss.LossOptions> {
  protected override fn(): TwoInputs<loss.LossOptions> {
    return loss.softMargin;
  }
}

/** poissonNll(input, target) with its options. */
export class PoissonNLLLoss extends PairLoss<loss.PoissonNllOptions> {
  protected override fn(): TwoInputs<loss.PoissonNllOptions> {
    return loss.poissonNll;
  }
}

/** focal(input, target) with its options. */
export class FocalLoss extends PairLoss<loss.FocalOptions> {
  protected override fn(): TwoInputs<loss.FocalOptions> {
    return loss.focal;
  }
}

/** cosineEmbedding(a, b, target) with its options. */
export class CosineEmbeddingLoss extends TripleLoss<loss.MarginOptions> {
  protected override fn(): ThreeInputs<loss.MarginOptions> {
    return loss.cosineEmbedding;
  }
}

/** gaussianNll(input, target, variance) with its options. */
export class GaussianNLLLoss extends TripleLoss<loss.GaussianNllOptions> {
  protected override fn(): ThreeInputs<loss.GaussianNllOptions> {
    return loss.gaussianNll;
  }
}

/** triplet(anchor, positive, negative) with its options. */
export class TripletMarginLoss extends TripleLoss<loss.TripletOptions> {
  protected override fn(): ThreeInputs<loss.TripletOptions> {
    return loss.triplet;
  }
}

/** marginRanking(a, b, target) with its options. */
export class MarginRankingLoss extends TripleLoss<loss.MarginOptions> {
  protected override fn(): ThreeInputs<loss.MarginOptions> {
    return loss.marginRanking;
  }
}

/** tripletWithDistance(anchor, positive, negative) with its options. */
export class TripletMarginWithDistanceLoss extends TripleLoss<loss.TripletDistanceOptions> {
  protected override fn(): ThreeInputs<loss.TripletDistanceOptions> {
    return loss.tripletWithDistance;
  }
}

/** multiMargin(input, target) with its options. */
export class MultiMarginLoss extends PairLoss<loss.MultiMarginOptions> {
  protected override fn(): TwoInputs<loss.MultiMarginOptions> {
    return loss.multiMargin;
  }
}

/** multilabelMargin(input, target) with its options. */
export class MultiLabelMarginLoss extends PairLoss<loss.LossOptions> {
  protected override fn(): TwoInputs<loss.LossOptions> {
    return loss.multilabelMargin;
  }
}

/** multilabelSoftMargin(input, target) with its options. */
export class MultiLabelSoftMarginLoss extends PairLoss<loss.MultilabelSoftMarginOptions> {
  protected override fn(): TwoInputs<loss.MultilabelSoftMarginOptions> {
    return loss.multilabelSoftMargin;
  }
}
