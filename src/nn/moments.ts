// Mean, deviations and variance of tensors, for the normalisation layers.
import { at } from "../graph/at.ts";
import { moments } from "../graph/ops/statistics.ts";
import { sizeOf } from "../graph/shape.ts";
import { allReduce } from "../tensor/collectives.ts";
import { full, Tensor } from "../tensor/index.ts";

export interface Moments {
  readonly mean: Tensor;
  /** x − mean. */
  readonly centred: Tensor;
  /** Without Bessel's correction. */
  readonly variance: Tensor;
  /** The number of values. */
  readonly count: number | Tensor;
}

/** Over dims, which are kept with size 1. */
export function momentsOf(x: Tensor, dims: readonly number[]): Moments {
  const { mean, deviations, squares } = moments(x.node, dims);
  const count = sizeOf(dims.map((dim) => at(x.shape, dim)));
  return {
    mean: Tensor.from(mean, [x]),
    centred: Tensor.from(deviations, [x]),
    variance: Tensor.from(squares, [x]).div(count),
    count,
  };
}

/** The same over the x of all ranks, which may differ in size. */
export function momentsOverRanks(x: Tensor, dims: readonly number[]): Moments {
  const own = sizeOf(dims.map((dim) => at(x.shape, dim)));
  const count = allReduce(full([], own, { dtype: "float64" })).to(x.dtype);
  const mean = allReduce(x.sum(dims, true)).div(count);
  const centred = x.sub(mean);
  return { mean, centred, variance: allReduce(centred.square().sum(dims, true)).div(count), count };
}
