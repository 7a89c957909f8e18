// Mean, deviations and variance of tensors, for the layers that standardise.
import { at } from "../graph/at.ts";
import { moments } from "../graph/ops/statistics.ts";
import { sizeOf } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";

export interface Moments {
  readonly mean: Tensor;
  /** x − mean. */
  readonly centred: Tensor;
  /** Of all values: not corrected for one degree of freedom. */
  readonly variance: Tensor;
}

/** Over dims, which stay with size 1. */
export function momentsOf(x: Tensor, dims: readonly number[]): Moments {
  const { mean, deviations, squares } = moments(x.node, dims);
  const count = sizeOf(dims.map((dim) => at(x.shape, dim)));
  return {
    mean: Tensor.from(mean, [x]),
    centred: Tensor.from(deviations, [x]),
    variance: Tensor.from(squares, [x]).div(count),
  };
}
