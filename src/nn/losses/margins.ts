// Losses with a margin: hinge, hingeEmbedding, cosineEmbedding, marginRanking, triplet.
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, sameShape, wrapAxis } from "../../graph/shape.ts";
import { given } from "../../tensor/arguments.ts";
import { composed } from "../../tensor/composed.ts";
import { type Tensor, where } from "../../tensor/index.ts";
import { logSigmoid } from "../activations.ts";
import { checkPositive, type LossOptions, lossKinds, matchingTarget, reduceLoss } from "./reduction.ts";

export interface MarginOptions extends LossOptions {
  readonly margin?: number;
}

export const marginKinds: OptionKinds<MarginOptions> = { ...lossKinds, margin: kind.number };

/** max(0, margin − target·input) for targets −1 and 1. Default margin 1. The loss of support vector machines. */
export function hinge(input: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("hinge", options, marginKinds);
  const t = matchingTarget("hinge", input, target);
  return reduceLoss(
    t
      .mul(input)
      .neg()
      .add(options.margin ?? 1)
      .relu(),
    options.reduction,
  );
}

/** input for target 1, max(0, margin − input) for target −1. Default margin 1. Source: torch.nn.functional.hinge_embedding_loss. */
export function hingeEmbedding(input: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("hingeEmbedding", options, marginKinds);
  const t = matchingTarget("hingeEmbedding", input, target);
  const far = where(t.ne(1), atLeastZero(input.neg().add(options.margin ?? 1)), 0);
  return reduceLoss(far.add(where(t.ne(-1), input, 0)), options.reduction);
}

/** The gradient at exactly 0 is 1, as in torch.clamp_min. */
const atLeastZero = (x: Tensor): Tensor => x.clamp(0);

/** a · b / (|a| |b|) along a dim, with norms of at least eps. Defaults dim 1, eps 1e-8. Source: torch.nn.functional.cosine_similarity. */
export function cosineSimilarity(a: Tensor, b: Tensor, dim = 1, eps = 1e-8): Tensor {
  given("cosineSimilarity", a, "the first input");
  given("cosineSimilarity", b, "the second input");
  const products = a.mul(b);
  return composed("cosineSimilarity", [a, b], { dim: wrapAxis(dim, products.rank, "cosineSimilarity"), eps }, () => {
    const length = (x: Tensor): Tensor => x.expand(products.shape).norm(2, dim).clamp(eps);
    return products.sum(dim).div(length(a).mul(length(b)));
  });
}

/** ln(1 + e^(−t·x)) for targets −1 and 1. Source: torch.nn.functional.soft_margin_loss. */
export function softMargin(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("softMargin", options, lossKinds);
  const t = matchingTarget("softMargin", input, target);
  return reduceLoss(logSigmoid(t.mul(input)).neg(), options.reduction);
}

/**
 * 1 − cos(a, b) for target 1, max(0, cos(a, b) − margin) for target −1. Shapes: [N, D] twice and [N], or [D] twice and []. Default margin 0. Source:
 * torch.nn.functional.cosine_embedding_loss.
 */
export function cosineEmbedding(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("cosineEmbedding", options, marginKinds);
  given("cosineEmbedding", a, "the first input");
  given("cosineEmbedding", b, "the second input");
  given("cosineEmbedding", target, "the target");
  if (
    !sameShape(a.shape, b.shape) ||
    (a.rank !== 1 && a.rank !== 2) ||
    !sameShape(target.shape, a.shape.slice(0, -1))
  ) {
    throw new ShapeError(
      `cosineEmbedding: takes [N, D], [N, D] and targets [N], got ${formatShape(a.shape)}, ${formatShape(b.shape)} and ${formatShape(target.shape)}`,
    );
  }
  const eps = 1e-12;
  const squares = (x: Tensor): Tensor => x.square().sum(-1).add(eps);
  const cosine = a
    .mul(b)
    .sum(-1)
    .div(squares(a).mul(squares(b)).sqrt());
  const near = where(target.eq(1), cosine.neg().add(1), 0);
  const far = where(target.eq(-1), atLeastZero(cosine.sub(options.margin ?? 0)), 0);
  return reduceLoss(near.add(far), options.reduction);
}

export interface TripletOptions extends MarginOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** Added to each difference, so that the norm is differentiable everywhere. Default 1e-6. */
  readonly eps?: number;
  /** Use the distance from the positive to the negative if it is smaller. Default false. */
  readonly swap?: boolean;
}

export const tripletKinds: OptionKinds<TripletOptions> = {
  ...marginKinds,
  p: kind.number,
  eps: kind.number,
  swap: kind.boolean,
};

function checkThree(where: string, anchor: Tensor, positive: Tensor, negative: Tensor): void {
  given(where, anchor, "the anchor");
  given(where, positive, "the positive");
  given(where, negative, "the negative");
}

/** max(0, ‖a − p‖ − ‖a − n‖ + margin) over the last dim. Default margin 1. Source: torch.nn.functional.triplet_margin_loss. */
export function triplet(anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletOptions = {}): Tensor {
  checkOptions("triplet", options, tripletKinds);
  checkThree("triplet", anchor, positive, negative);
  if (!sameShape(anchor.shape, positive.shape) || !sameShape(anchor.shape, negative.shape) || anchor.rank === 0) {
    throw new ShapeError(
      `triplet: anchor ${formatShape(anchor.shape)}, positive ${formatShape(positive.shape)} and negative ${formatShape(negative.shape)} must have the same shape`,
    );
  }
  const p = options.p ?? 2;
  checkPositive("triplet", "p", p);
  const { eps = 1e-6 } = options;
  const distance = (x: Tensor, y: Tensor): Tensor => x.sub(y).add(eps).norm(p, -1);
  const near = distance(anchor, positive);
  const direct = distance(anchor, negative);
  const far = options.swap ? direct.minimum(distance(positive, negative)) : direct;
  return reduceLoss(atLeastZero(near.sub(far).add(options.margin ?? 1)), options.reduction);
}

/**
 * max(0, −target·(a − b) + margin): the target is 1 where a should rank higher, −1 where b should. Default margin 0. Source:
 * torch.nn.functional.margin_ranking_loss.
 */
export function marginRanking(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions("marginRanking", options, marginKinds);
  const other = matchingTarget("marginRanking", a, b, "the second input");
  const t = matchingTarget("marginRanking", a, target);
  const losses = atLeastZero(
    t
      .mul(a.sub(other))
      .neg()
      .add(options.margin ?? 0),
  );
  return reduceLoss(losses, options.reduction);
}

export interface TripletDistanceOptions extends MarginOptions {
  /** A function from two batches to the distance of each pair. Default: pairwise, p = 2, eps 1e-6. */
  readonly distanceFunction?: (a: Tensor, b: Tensor) => Tensor;
  /** As for triplet. Default false. */
  readonly swap?: boolean;
}

export const tripletDistanceKinds: OptionKinds<TripletDistanceOptions> = {
  ...marginKinds,
  distanceFunction: kind.func<(a: Tensor, b: Tensor) => Tensor>(),
  swap: kind.boolean,
};

/** triplet with a custom distance. Default margin 1. Source: torch.nn.functional.triplet_margin_with_distance_loss. */
export function tripletWithDistance(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletDistanceOptions = {},
): Tensor {
  checkOptions("tripletWithDistance", options, tripletDistanceKinds);
  checkThree("tripletWithDistance", anchor, positive, negative);
  const distance = options.distanceFunction ?? ((a: Tensor, b: Tensor): Tensor => a.sub(b).add(1e-6).norm(2, -1));
  const near = distance(anchor, positive);
  const direct = distance(anchor, negative);
  const far = options.swap ? direct.minimum(distance(positive, negative)) : direct;
  const losses = atLeastZero(near.sub(far).add(options.margin ?? 1));
  return reduceLoss(losses, options.reduction);
}
