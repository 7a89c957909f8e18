// How far apart or how alike vectors are: CosineSimilarity, PairwiseDistance, cdist, normalize.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/index.ts";
import { cosineSimilarity } from "./losses/margins.ts";
import { Module } from "./module.ts";

/** (Σ |x|ᵖ)^(1/p) along dims; p may be Infinity (the largest) or 0 (how many are not 0). The slope at 0 is 0. */
function lengthOf(x: Tensor, p: number, dim: number, keepdim: boolean): Tensor {
  if (!(p >= 0)) throw new HebbError(`distance: p must be 0 or more, got ${p}`);
  if (p === 2) return x.norm(dim, keepdim);
  const sizes = x.abs();
  if (p === Number.POSITIVE_INFINITY) return sizes.amax(dim, keepdim);
  if (p === 1) return sizes.sum(dim, keepdim);
  if (p === 0) return x.ne(0).to(x.dtype).sum(dim, keepdim);
  return sizes
    .pow(p)
    .sum(dim, keepdim)
    .pow(1 / p);
}

export interface PairwiseOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** Added to each difference. Default 1e-6. */
  readonly eps?: number;
  readonly keepdim?: boolean;
}

const pairwiseKinds: OptionKinds<PairwiseOptions> = { p: kind.number, eps: kind.number, keepdim: kind.boolean };

/** ‖a − b + eps‖ₚ over the last dim; a and b broadcast. Source: torch.nn.functional.pairwise_distance. */
export function pairwiseDistance(a: Tensor, b: Tensor, options: PairwiseOptions = {}): Tensor {
  const { p = 2, eps = 1e-6, keepdim = false } = checkOptions("pairwiseDistance", options, pairwiseKinds);
  given("pairwiseDistance", a, "the first input");
  given("pairwiseDistance", b, "the second input");
  return lengthOf(a.sub(b).add(eps), p, -1, keepdim);
}

/** ‖aᵢ − bⱼ‖ₚ for all pairs of rows: [..., P, M] and [..., R, M] → [..., P, R]. Source: torch.cdist. */
export function cdist(a: Tensor, b: Tensor, p = 2): Tensor {
  given("cdist", a, "the first input");
  given("cdist", b, "the second input");
  if (a.rank < 2 || b.rank < 2 || a.shape[a.rank - 1] !== b.shape[b.rank - 1])
    throw new ShapeError(
      `cdist: takes [..., P, M] and [..., R, M], got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  return lengthOf(a.unsqueeze(-2).sub(b.unsqueeze(-3)), p, -1, false);
}

export interface NormalizeOptions {
  /** Default 2. */
  readonly p?: number;
  /** Default 1. */
  readonly dim?: number;
  /** The least length. Default 1e-12. */
  readonly eps?: number;
}

const normalizeKinds: OptionKinds<NormalizeOptions> = { p: kind.number, dim: kind.number, eps: kind.number };

/** x / max(‖x‖ₚ, eps) along a dim. Source: torch.nn.functional.normalize. */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = checkOptions("normalize", options, normalizeKinds);
  return given("normalize", x).div(lengthOf(x, p, dim, true).clamp(eps));
}

/** a · b / (|a| |b|) along a dim. Defaults dim 1, eps 1e-8. Source: torch.nn.CosineSimilarity. */
export class CosineSimilarity extends Module<Tensor, [a: Tensor, b: Tensor]> {
  readonly dim: number;
  readonly eps: number;
  constructor(dim = 1, eps = 1e-8) {
    super();
    this.dim = dim;
    this.eps = eps;
  }
  forward(a: Tensor, b: Tensor): Tensor {
    return cosineSimilarity(a, b, this.dim, this.eps);
  }
}

/** ‖a − b + eps‖ₚ over the last dim. Source: torch.nn.PairwiseDistance. */
export class PairwiseDistance extends Module<Tensor, [a: Tensor, b: Tensor]> {
  readonly options: PairwiseOptions;
  constructor(options: PairwiseOptions = {}) {
    super();
    this.options = checkOptions("PairwiseDistance", options, pairwiseKinds);
  }
  forward(a: Tensor, b: Tensor): Tensor {
    return pairwiseDistance(a, b, this.options);
  }
}
