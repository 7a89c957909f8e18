// Methods of Tensor that combine elements: sums, extremes, statistics, running values, order.
import { isFloat } from "../../graph/dtype.ts";
import { HebbError, ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { Node } from "../../graph/node.ts";
import { full } from "../../graph/ops/creation.ts";
import * as el from "../../graph/ops/elementwise.ts";
import * as ix from "../../graph/ops/indexing.ts";
import { reshape } from "../../graph/ops/movement.ts";
import * as norms from "../../graph/ops/norms.ts";
import * as rk from "../../graph/ops/ranks.ts";
import * as rd from "../../graph/ops/reduce.ts";
import * as so from "../../graph/ops/sort.ts";
import * as st from "../../graph/ops/statistics.ts";
import { topk } from "../../graph/ops/topk.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { formatShape, type Shape } from "../../graph/shape.ts";
import * as given from "../operands.ts";
import type { Tensor } from "../tensor.ts";
import { alike, binary, changed, compared, made, nodeOf, Operable, type Ranked, ranked } from "./operable.ts";
import { PointwiseMethods } from "./pointwise.ts";

export interface QuantileOptions {
  /** Default: over all elements. */
  readonly dim?: number | undefined;
  /** Default false. */
  readonly keepdim?: boolean;
  /** How to interpolate if the position lies between two elements. Default "linear". */
  readonly interpolation?: rk.Interpolation;
}
const quantileKinds: OptionKinds<QuantileOptions> = {
  dim: kind.number,
  keepdim: kind.boolean,
  interpolation: kind.oneOf(...rk.interpolations),
};

export interface HistogramOptions {
  /** Default 100. */
  readonly bins?: number;
  /** If both are equal, the range of the values is used. Default 0. */
  readonly min?: number;
  /** Default 0. */
  readonly max?: number;
}
const histogramKinds: OptionKinds<HistogramOptions> = { bins: kind.number, min: kind.number, max: kind.number };

export interface CovOptions {
  /** Subtracted from the number of observations. Default 1. */
  readonly correction?: number;
}
const covKinds: OptionKinds<CovOptions> = { correction: kind.number };

type Reduction<D> = (x: Node, dim: D, keepdim: boolean) => Node;

function reduced<D>(x: Operable, where: string, fn: Reduction<D>, dim: D, keepdim: boolean): Tensor {
  checkKind(where, "keepdim", keepdim, kind.boolean);
  return changed(x, (node) => fn(node, dim, keepdim));
}

/** NaN replaced by 0. */
const withoutNan = (x: Node): Node => (isFloat(x.dtype) ? el.where(el.isnan(x), full([], 0, x.dtype), x) : x);
const truths = (x: Node): Node => el.cast(x, "int32");

export abstract class ReductionMethods<S extends Shape = Shape> extends PointwiseMethods<S> {
  // ── sums (over all dims unless `dim` says which) ───────────────────────────────────────────────────────────────────

  sum(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "sum", rd.sum, dim, keepdim);
  }
  /** The sum, ignoring NaN. */
  nansum(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(
      this,
      "nansum",
      (x, axes: given.Dims | undefined, keep) => rd.sum(withoutNan(x), axes, keep),
      dim,
      keepdim,
    );
  }
  mean(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "mean", rd.mean, dim, keepdim);
  }
  /** The mean, ignoring NaN. */
  nanmean(dim?: given.Dims, keepdim = false): Tensor {
    const mean: Reduction<given.Dims | undefined> = (x, axes, keep) => {
      const total = rd.sum(withoutNan(x), axes, keep);
      const count = rd.sum(truths(el.logicalNot(el.isnan(x))), axes, keep);
      return el.div(total, isFloat(total.dtype) ? el.cast(count, total.dtype) : count);
    };
    return reduced(this, "nanmean", mean, dim, keepdim);
  }
  prod(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "prod", rd.prod, dim, keepdim);
  }
  any(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "any", rd.any, dim, keepdim);
  }
  all(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "all", rd.all, dim, keepdim);
  }
  /** The number of non-zero elements. */
  countNonzero(dim?: given.Dims): Tensor {
    return changed(this, (x) => rd.sum(truths(el.cast(x, "bool")), dim));
  }
  logsumexp(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "logsumexp", rd.logsumexp, dim, keepdim);
  }
  /** (Σ |x|ᵖ)^(1/p); its gradient at 0 is 0, as in PyTorch. p may be ±Infinity. */
  norm(p = 2, dim?: given.Dims, keepdim = false): Tensor {
    return reduced(
      this,
      "norm",
      (x, axes: given.Dims | undefined, keep) => norms.vectorNorm(x, p, axes, keep),
      dim,
      keepdim,
    );
  }
  /** The norm of the difference (torch.dist). */
  dist(other: Tensor, p = 2): Tensor {
    nodeOf("dist", other, "the other");
    return binary(this, "dist", (x, y) => norms.vectorNorm(el.sub(x, y), p), other);
  }
  /** Scales each slice along a dim down to the norm `maxnorm` if it is larger. */
  renorm(p: number, dim: number, maxnorm: number): Tensor<S> {
    for (const [what, value] of [["p", p] as const, ["maxnorm", maxnorm] as const])
      checkKind("renorm", what, value, kind.number);
    return alike(this, (x) => norms.renorm(x, p, dim, maxnorm));
  }

  // ── extremes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The maximum; ties share the gradient (torch.amax). */
  amax(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "amax", rd.max, dim, keepdim);
  }
  amin(dim?: given.Dims, keepdim = false): Tensor {
    return reduced(this, "amin", rd.min, dim, keepdim);
  }
  /** The maximum of all elements; with a dim also its position; with a tensor the larger of both, for each element (torch.max). */
  max(): Tensor;
  max(other: Tensor): Tensor;
  max(dim: number, keepdim?: boolean): Ranked;
  max(dim?: number | Tensor, keepdim = false): Tensor | Ranked {
    if (dim === undefined) return this.amax();
    if (dim instanceof Operable) return compared(this, "max", el.maximum, dim);
    checkKind("max", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.extreme("max", this.node, dim, keepdim, rd.argmax));
  }
  min(): Tensor;
  min(other: Tensor): Tensor;
  min(dim: number, keepdim?: boolean): Ranked;
  min(dim?: number | Tensor, keepdim = false): Tensor | Ranked {
    if (dim === undefined) return this.amin();
    if (dim instanceof Operable) return compared(this, "min", el.minimum, dim);
    checkKind("min", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.extreme("min", this.node, dim, keepdim, rd.argmin));
  }
  aminmax(dim?: number, keepdim = false): { readonly min: Tensor; readonly max: Tensor } {
    return { min: this.amin(dim, keepdim), max: this.amax(dim, keepdim) };
  }
  argmax(dim?: number, keepdim = false): Tensor {
    return reduced(this, "argmax", rd.argmax, dim, keepdim);
  }
  argmin(dim?: number, keepdim = false): Tensor {
    return reduced(this, "argmin", rd.argmin, dim, keepdim);
  }

  // ── statistics ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Σ(x − mean)² / (n − correction). Default correction 1 (torch.var). */
  variance(dim?: given.Dims, options: given.VarianceOptions = {}): Tensor {
    const { correction = 1, keepdim = false } = checkOptions("variance", options, given.varianceKinds);
    return changed(this, (x) => st.variance(x, dim, correction, keepdim));
  }
  /** The same as variance, by PyTorch's name. */
  var(dim?: given.Dims, options: given.VarianceOptions = {}): Tensor {
    return this.variance(dim, checkOptions("var", options, given.varianceKinds));
  }
  /** √variance. Its gradient at 0 is 0, as in PyTorch. */
  std(dim?: given.Dims, options: given.VarianceOptions = {}): Tensor {
    const { correction = 1, keepdim = false } = checkOptions("std", options, given.varianceKinds);
    return changed(this, (x) => st.std(x, dim, correction, keepdim));
  }
  /** The median (the lower of the two middle values) of all elements, or along a dim with its index. */
  median(): Tensor;
  median(dim: number, keepdim?: boolean): Ranked;
  median(dim?: number, keepdim = false): Tensor | Ranked {
    if (dim === undefined) return changed(this, (x) => rk.medianOfAll(x, false));
    checkKind("median", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.median(this.node, dim, keepdim, false));
  }
  /** The median, ignoring NaN. */
  nanmedian(): Tensor;
  nanmedian(dim: number, keepdim?: boolean): Ranked;
  nanmedian(dim?: number, keepdim = false): Tensor | Ranked {
    if (dim === undefined) return changed(this, (x) => rk.medianOfAll(x, true));
    checkKind("nanmedian", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.median(this.node, dim, keepdim, true));
  }
  /** The value below which the fraction q of the elements lies; several fractions give a new first dim. */
  quantile(q: number | readonly number[], options: QuantileOptions = {}): Tensor {
    return changed(this, (x) => rk.quantile(x, shares("quantile", q), quantileOf("quantile", options, false)));
  }
  /** The quantile, ignoring NaN. */
  nanquantile(q: number | readonly number[], options: QuantileOptions = {}): Tensor {
    return changed(this, (x) => rk.quantile(x, shares("nanquantile", q), quantileOf("nanquantile", options, true)));
  }
  /** The kth smallest along a dim, k from 1, and its index. */
  kthvalue(k: number, dim = -1, keepdim = false): Ranked {
    checkKind("kthvalue", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.kthvalue(this.node, k, dim, keepdim));
  }
  /** The most frequent value along a dim (the smallest if there are several) and its last index. */
  mode(dim = -1, keepdim = false): Ranked {
    checkKind("mode", "keepdim", keepdim, kind.boolean);
    return ranked(this, rk.mode(this.node, dim, keepdim));
  }
  /** The number of elements in each of `bins` equal parts of [min, max] (torch.histc). */
  histc(options: HistogramOptions = {}): Tensor {
    const { bins = 100, min = 0, max = 0 } = checkOptions("histc", options, histogramKinds);
    if (!Number.isInteger(bins) || bins < 1)
      throw new HebbError(`histc: bins must be a whole number of at least 1, got ${bins}`);
    if (!(min <= max)) throw new HebbError(`histc: min must not be above max, got ${min} and ${max}`);
    return changed(this, (x) => histogram(x, bins, min, max));
  }
  /** The covariances of variables; each row holds the observations of one variable. */
  cov(options: CovOptions = {}): Tensor {
    const { correction = 1 } = checkOptions("cov", options, covKinds);
    if (this.shape.length > 2) throw new ShapeError(`cov: takes a matrix, got ${formatShape(this.shape)}`);
    return changed(this, (x) => st.covariance(x, correction));
  }
  /** The correlations of variables; each row holds the observations of one variable. */
  corrcoef(): Tensor {
    if (this.shape.length > 2) throw new ShapeError(`corrcoef: takes a matrix, got ${formatShape(this.shape)}`);
    return changed(this, st.correlation);
  }

  // ── along a dim ────────────────────────────────────────────────────────────────────────────────────────────────────

  softmax(dim = -1): Tensor<S> {
    return alike(this, (x) => rd.softmax(x, dim));
  }
  logSoftmax(dim = -1): Tensor<S> {
    return alike(this, (x) => rd.logSoftmax(x, dim));
  }
  cumsum(dim: number): Tensor<S> {
    return alike(this, (x) => ix.cumsum(x, dim));
  }
  cumprod(dim: number): Tensor<S> {
    return alike(this, (x) => rd.cumprod(x, dim));
  }
  /** The cumulative maximum and its index (the last one among equals). */
  cummax(dim: number): Ranked {
    return ranked(this, rk.cummax(this.node, dim));
  }
  cummin(dim: number): Ranked {
    return ranked(this, rk.cummin(this.node, dim));
  }
  /** log of the cumulative sum of eˣ. */
  logcumsumexp(dim: number): Tensor<S> {
    return alike(this, (x) => rk.logcumsumexp(x, dim));
  }
  sort(dim = -1, options: given.SortOptions = {}): Ranked {
    const { descending = false } = checkOptions("sort", options, given.sortKinds);
    return ranked(this, so.sort(this.node, dim, descending));
  }
  argsort(dim = -1, options: given.SortOptions = {}): Tensor {
    const { descending = false } = checkOptions("argsort", options, given.sortKinds);
    return this[made](so.argsort(this.node, dim, descending), []);
  }
  /** The values sorted along the first dim. */
  msort(): Tensor {
    return this.sort(0).values;
  }
  /** The k largest along a dim, largest first, or the k smallest, smallest first (torch.topk). */
  topk(k: number, dim = -1, options: given.TopkOptions = {}): Ranked {
    const { largest = true } = checkOptions("topk", options, given.topkKinds);
    return ranked(this, topk(this.node, k, dim, largest));
  }
}

function shares(where: string, q: number | readonly number[]): number | readonly number[] {
  checkKind(where, "q", q, kind.size);
  return q;
}

function quantileOf(where: string, options: QuantileOptions, skipNan: boolean): rk.QuantileOptions {
  const { dim, keepdim = false, interpolation = "linear" } = checkOptions(where, options, quantileKinds);
  return { dim, keepdim, interpolation, skipNan };
}

function histogram(x: Node, bins: number, min: number, max: number): Node {
  const values = el.stopGradient(isFloat(x.dtype) ? reshape(x, [-1]) : el.cast(reshape(x, [-1]), "float32"));
  const counts = full([bins], 0, "float64");
  if (values.shape[0] === 0) return el.cast(counts, values.dtype);
  const scalar = (value: number): Node => full([], value, values.dtype);
  const [least, most] = min < max ? [scalar(min), scalar(max)] : [rd.min(values), rd.max(values)];
  const flat = el.eq(least, most);
  // If all values are equal, they lie in the middle of a range of width 2.
  const from = el.where(flat, el.sub(least, scalar(1)), least);
  const to = el.where(flat, el.add(most, scalar(1)), most);
  const { place, inside } = rk.binOf(values, bins, from, to);
  return el.cast(ix.trustedScatterAdd(counts, 0, place, el.cast(inside, "float64")), values.dtype);
}
