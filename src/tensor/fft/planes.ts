// Complex numbers as two planes, the real parts and the imaginary ones: [2, …].
import { cat } from "../functional.ts";
import type { Tensor } from "../tensor.ts";

/** -1 is the forward direction: e^(-2πi jk / n). */
export type Sign = 1 | -1;

/** The product of complex numbers in planes. */
export function times(x: Tensor, y: Tensor): Tensor {
  const [a, b, c, d] = [x.slice(0, 0, 1), x.slice(0, 1, 2), y.slice(0, 0, 1), y.slice(0, 1, 2)];
  return cat([a.mul(c).sub(b.mul(d)), a.mul(d).add(b.mul(c))]);
}
