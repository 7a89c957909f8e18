// Shape types, checked by the compiler itself: products that must type-check, and products that must not.
import type { Shape } from "../../src/graph/shape.ts";
import type { Tensor } from "../../src/tensor/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

/** Never called: type-checking it is the test. */
export function shapes(
  batch: Tensor<[32, 784]>,
  weight: Tensor<[784, 10]>,
  wrong: Tensor<[512, 10]>,
  dynamic: Tensor,
  rows: Tensor<[number, 784]>,
): void {
  const product = batch.matmul(weight);
  holds<Equal<typeof product, Tensor<[32, 10]>>>();

  // @ts-expect-error 784 columns cannot meet 512 rows
  batch.matmul(wrong);

  // @ts-expect-error and not in the second of two products either: [32, 10] × [784, 10]
  batch.matmul(weight).matmul(weight);

  // Dynamic shapes are checked at run time.
  holds<Equal<(typeof dynamic)["shape"], Shape>>();
  batch.matmul(dynamic);
  dynamic.matmul(wrong);
  rows.matmul(wrong);
  batch.add(1).matmul(wrong.reshape([784, -1]));

  // A tensor of known shape is accepted wherever any tensor is.
  const anything: Tensor = batch;
  anything.matmul(wrong);
}
