// Losses as modules, for models that keep them as members: new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Tensor } from "../tensor/index.ts";
import { ctcKinds, type Lengths } from "./losses/ctc.ts";
import * as kinds from "./losses/kinds.ts";
import * as loss from "./losses.ts";
import { Module } from "./module.ts";

/** The definition of a loss module: its name for messages, the function, and the kinds of its options. */
interface Parts<F, O> {
  readonly name: string;
  readonly fn: F;
  readonly kinds: OptionKinds<O>;
}
type PairLossParts<O> = Parts<(input: Tensor, target: Tensor, options: O) => Tensor, O>;
type TripleLossParts<O> = Parts<(a: Tensor, b: Tensor, c: Tensor, options: O) => Tensor, O>;

abstract class Loss<O extends object, F> extends Module {
  readonly options: O;
  protected abstract loss(): Parts<F, O>;

  constructor(options: O = {} as O) {
    super();
    const { name, kinds: own } = this.loss();
    this.options = { ...checkOptions(name, options, own) };
  }
}

abstract class PairLoss<O extends object> extends Loss<O, PairLossParts<O>["fn"]> {
  forward(input: Tensor, target: Tensor): Tensor {
    return this.loss().fn(input, target, this.options);
  }
}

abstract class TripleLoss<O extends object> extends Loss<O, TripleLossParts<O>["fn"]> {
  forward(a: Tensor, b: Tensor, c: Tensor): Tensor {
    return this.loss().fn(a, b, c, this.options);
  }
}

/** mse(input, target) with its options. */
export class MSELoss extends PairLoss<loss.LossOptions> {
  protected override loss(): PairLossParts<loss.LossOptions> {
    return { name: "MSELoss", fn: loss.mse, kinds: kinds.lossKinds };
  }
}

/** l1(input, target) with its options. */
export class L1Loss extends PairLoss<loss.LossOptions> {
  protected override loss(): PairLossParts<loss.LossOptions> {
    return { name: "L1Loss", fn: loss.l1, kinds: kinds.lossKinds };
  }
}

/** huber(input, target) with its options. */
export class HuberLoss extends PairLoss<loss.HuberOptions> {
  protected override loss(): PairLossParts<loss.HuberOptions> {
    return { name: "HuberLoss", fn: loss.huber, kinds: kinds.huberKinds };
  }
}

/** smoothL1(input, target) with its options. */
export class SmoothL1Loss extends PairLoss<loss.SmoothL1Options> {
  protected override loss(): PairLossParts<loss.SmoothL1Options> {
    return { name: "SmoothL1Loss", fn: loss.smoothL1, kinds: kinds.smoothL1Kinds };
  }
}

/** bce(input, target) with its options. */
export class BCELoss extends PairLoss<loss.BceOptions> {
  protected override loss(): PairLossParts<loss.BceOptions> {
    return { name: "BCELoss", fn: loss.bce, kinds: kinds.bceKinds };
  }
}

/** bceWithLogits(input, target) with its options. */
export class BCEWithLogitsLoss extends PairLoss<loss.BceWithLogitsOptions> {
  protected override loss(): PairLossParts<loss.BceWithLogitsOptions> {
    return { name: "BCEWithLogitsLoss", fn: loss.bceWithLogits, kinds: kinds.bceWithLogitsKinds };
  }
}

/** crossEntropy(input, target) with its options. */
export class CrossEntropyLoss extends PairLoss<loss.CrossEntropyOptions> {
  protected override loss(): PairLossParts<loss.CrossEntropyOptions> {
    return { name: "CrossEntropyLoss", fn: loss.crossEntropy, kinds: kinds.crossEntropyKinds };
  }
}

/** nll(input, target) with its options. */
export class NLLLoss extends PairLoss<loss.NllOptions> {
  protected override loss(): PairLossParts<loss.NllOptions> {
    return { name: "NLLLoss", fn: loss.nll, kinds: kinds.nllKinds };
  }
}

/** klDiv(input, target) with its options. */
export class KLDivLoss extends PairLoss<loss.KlDivOptions> {
  protected override loss(): PairLossParts<loss.KlDivOptions> {
    return { name: "KLDivLoss", fn: loss.klDiv, kinds: kinds.klDivKinds };
  }
}

/** hinge(input, target) with its options. */
export class HingeLoss extends PairLoss<loss.MarginOptions> {
  protected override loss(): PairLossParts<loss.MarginOptions> {
    return { name: "HingeLoss", fn: loss.hinge, kinds: kinds.marginKinds };
  }
}

/** hingeEmbedding(input, target) with its options. */
export class HingeEmbeddingLoss extends PairLoss<loss.MarginOptions> {
  protected override loss(): PairLossParts<loss.MarginOptions> {
    return { name: "HingeEmbeddingLoss", fn: loss.hingeEmbedding, kinds: kinds.marginKinds };
  }
}

/** softMargin(input, target) with its options. */
export class SoftMarginLoss extends PairLoss<loss.LossOptions> {
  protected override loss(): PairLossParts<loss.LossOptions> {
    return { name: "SoftMarginLoss", fn: loss.softMargin, kinds: kinds.lossKinds };
  }
}

/** poissonNll(input, target) with its options. */
export class PoissonNLLLoss extends PairLoss<loss.PoissonNllOptions> {
  protected override loss(): PairLossParts<loss.PoissonNllOptions> {
    return { name: "PoissonNLLLoss", fn: loss.poissonNll, kinds: kinds.poissonNllKinds };
  }
}

/** focal(input, target) with its options. */
export class FocalLoss extends PairLoss<loss.FocalOptions> {
  protected override loss(): PairLossParts<loss.FocalOptions> {
    return { name: "FocalLoss", fn: loss.focal, kinds: kinds.focalKinds };
  }
}

/** cosineEmbedding(a, b, target) with its options. */
export class CosineEmbeddingLoss extends TripleLoss<loss.MarginOptions> {
  protected override loss(): TripleLossParts<loss.MarginOptions> {
    return { name: "CosineEmbeddingLoss", fn: loss.cosineEmbedding, kinds: kinds.marginKinds };
  }
}

/** gaussianNll(input, target, variance) with its options. */
export class GaussianNLLLoss extends TripleLoss<loss.GaussianNllOptions> {
  protected override loss(): TripleLossParts<loss.GaussianNllOptions> {
    return { name: "GaussianNLLLoss", fn: loss.gaussianNll, kinds: kinds.gaussianNllKinds };
  }
}

/** triplet(anchor, positive, negative) with its options. */
export class TripletMarginLoss extends TripleLoss<loss.TripletOptions> {
  protected override loss(): TripleLossParts<loss.TripletOptions> {
    return { name: "TripletMarginLoss", fn: loss.triplet, kinds: kinds.tripletKinds };
  }
}

/** marginRanking(a, b, target) with its options. */
export class MarginRankingLoss extends TripleLoss<loss.MarginOptions> {
  protected override loss(): TripleLossParts<loss.MarginOptions> {
    return { name: "MarginRankingLoss", fn: loss.marginRanking, kinds: kinds.marginKinds };
  }
}

/** tripletWithDistance(anchor, positive, negative) with its options. */
export class TripletMarginWithDistanceLoss extends TripleLoss<loss.TripletDistanceOptions> {
  protected override loss(): TripleLossParts<loss.TripletDistanceOptions> {
    return { name: "TripletMarginWithDistanceLoss", fn: loss.tripletWithDistance, kinds: kinds.tripletDistanceKinds };
  }
}

/** multiMargin(input, target) with its options. */
export class MultiMarginLoss extends PairLoss<loss.MultiMarginOptions> {
  protected override loss(): PairLossParts<loss.MultiMarginOptions> {
    return { name: "MultiMarginLoss", fn: loss.multiMargin, kinds: kinds.multiMarginKinds };
  }
}

/** multilabelMargin(input, target) with its options. */
export class MultiLabelMarginLoss extends PairLoss<loss.LossOptions> {
  protected override loss(): PairLossParts<loss.LossOptions> {
    return { name: "MultiLabelMarginLoss", fn: loss.multilabelMargin, kinds: kinds.lossKinds };
  }
}

/** multilabelSoftMargin(input, target) with its options. */
export class MultiLabelSoftMarginLoss extends PairLoss<loss.MultilabelSoftMarginOptions> {
  protected override loss(): PairLossParts<loss.MultilabelSoftMarginOptions> {
    return { name: "MultiLabelSoftMarginLoss", fn: loss.multilabelSoftMargin, kinds: kinds.multilabelSoftMarginKinds };
  }
}

/** ctc(logProbs, targets, inputLengths, targetLengths) with its options. */
export class CTCLoss extends Module<
  Tensor,
  [logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths]
> {
  readonly options: loss.CtcOptions;
  constructor(options: loss.CtcOptions = {}) {
    super();
    this.options = { ...checkOptions("CTCLoss", options, ctcKinds) };
  }
  forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    return loss.ctc(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}
