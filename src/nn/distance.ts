// Distance and similarity of vectors: CosineSimilarity, PairwiseDistance, cdist, normalize.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { withGradient } from "../graph/ops/alias.ts";
import * as el from "../graph/ops/elementwise.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, wrapAxis } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { Tensor, tensor } from "../tensor/index.ts";
import { cosineSimilarity } from "./losses/margins.ts";
import { Module } from "./module.ts";

export interface PairwiseOptions {
  /** The order of the norm: any number, Infinity (maximum) or -Infinity (minimum). Default 2. */
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
  return a.sub(b).add(eps).norm(p, -1, keepdim);
}

/** ‖aᵢ − bⱼ‖ₚ for all pairs of rows: [..., P, M] and [..., R, M] → [..., P, R]. Source: torch.cdist. */
export function cdist(a: Tensor, b: Tensor, p = 2): Tensor {
  given("cdist", a, "the first input");
  given("cdist", b, "the second input");
  if (a.rank < 2 || b.rank < 2 || a.shape[a.rank - 1] !== b.shape[b.rank - 1])
    throw new ShapeError(
      `cdist: takes [..., P, M] and [..., R, M], got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  if (!(p >= 0)) throw new HebbError(`cdist: p must be 0 or more, got ${p}`);
  const differences = a.unsqueeze(-2).sub(b.unsqueeze(-3));
  // Empty vectors have no largest difference; their distance is 0 for every p.
  if (a.shape[a.rank - 1] === 0) return differences.sum(-1);
  return p === Number.POSITIVE_INFINITY ? largestOf(differences) : differences.norm(p, -1);
}

/** The largest |x| of the last dim. Each tied element gets the whole gradient, as in torch.cdist (unlike torch.amax). */
function largestOf(x: Tensor): Tensor {
  const sizes = x.detach().abs();
  const largest = sizes.amax(-1, true);
  const slopes = sizes.eq(largest).to(x.dtype).mul(x.detach().sign());
  const node = withGradient(largest.node, [x.node], (grad) => [el.mul(slopes.node, grad)]);
  return Tensor.from(node, [x]).squeeze(-1);
}

/** The distances between the rows of a matrix, each pair once: the part of cdist(x, x) above the diagonal. Source: torch.nn.functional.pdist. */
export function pdist(x: Tensor, p = 2): Tensor {
  if (given("pdist", x).rank !== 2) throw new ShapeError(`pdist: takes a matrix, got ${formatShape(x.shape)}`);
  if (!(p >= 0)) throw new HebbError(`pdist: p must be 0 or more, got ${p}`);
  const rows = x.shape[0] as number;
  const pairs = Array.from({ length: rows }, (_, i) => Array.from({ length: rows - 1 - i }, (_, k) => [i, i + 1 + k]));
  const side = (which: 0 | 1): Tensor => {
    const places = pairs.flat().map((pair) => pair[which] as number);
    return x.indexSelect(0, tensor(Int32Array.from(places)));
  };
  return side(0).sub(side(1)).norm(p, 1);
}

export interface NormalizeOptions {
  /** Default 2. */
  readonly p?: number;
  /** Default 1. */
  readonly dim?: number;
  /** The smallest divisor. Default 1e-12. */
  readonly eps?: number;
}

const normalizeKinds: OptionKinds<NormalizeOptions> = { p: kind.number, dim: kind.number, eps: kind.number };

/** x / max(‖x‖ₚ, eps) along a dim. Source: torch.nn.functional.normalize. */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = checkOptions("normalize", options, normalizeKinds);
  const axis = wrapAxis(dim, given("normalize", x).rank, "normalize");
  return composed("normalize", [x], { p, dim: axis, eps }, () => x.div(x.norm(p, dim, true).clamp(eps)));
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
