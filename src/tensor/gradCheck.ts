// gradCheck: compares the gradient of a function with finite differences, for authors of custom gradients.
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { checkNumbers, givenList } from "./arguments.ts";
import { valueAndGrad } from "./autograd.ts";
import { tensor } from "./creation.ts";
import { homeOf, movedTo } from "./placement.ts";
import { itemNow, valuesNow } from "./reading.ts";
import { Tensor } from "./tensor.ts";

/**
 * The largest relative difference between the gradient of `fn` and central differences at `inputs`, all in float64:
 * max |g − d| / max(1, |d|). Below 1e-6 is agreement. Source: torch.autograd.gradcheck.
 */
export function gradCheck(fn: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], step = 1e-5): number {
  for (const input of givenList("gradCheck", inputs)) {
    if (input.dtype !== "float64")
      throw new HebbError(
        `gradCheck: inputs must be float64, because finite differences are too inexact otherwise; got ${input.dtype}`,
      );
  }
  checkNumbers("gradCheck", { step });
  if (inputs.length === 0) throw new HebbError("gradCheck: there are no inputs to differentiate with respect to");
  const [, found] = valueAndGrad(fn)(...inputs);
  let worst = 0;
  inputs.forEach((input, place) => {
    const base = valuesNow("gradCheck", input);
    const gradient = valuesNow("gradCheck", found[place] as Tensor);
    for (let element = 0; element < base.length; element++) {
      const at = (delta: number): number => {
        const moved = base.slice();
        moved[element] = (moved[element] as number) + delta;
        const args = inputs.map((other, k) => (k === place ? beside(input, moved) : other));
        return itemNow("gradCheck", fn(...args));
      };
      const difference = (at(step) - at(-step)) / (2 * step);
      const error = Math.abs((gradient[element] as number) - difference) / Math.max(1, Math.abs(difference));
      worst = Number.isNaN(error) ? Number.NaN : Math.max(worst, error);
    }
  });
  return worst;
}

/** A tensor like the given one, with other values. */
const beside = ({ node, shape }: Tensor, values: TypedArray): Tensor =>
  Tensor.of(movedTo(tensor(values, { shape, dtype: "float64" }).node, homeOf(node)));
