// Does not compile, on purpose: types.test.ts reads the compiler's message.
import type { Tensor } from "../../../src/tensor/index.ts";

export function mismatch(batch: Tensor<[32, 784]>, weight: Tensor<[512, 10]>): void {
  batch.matmul(weight);
}
