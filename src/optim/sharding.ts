// The part of every parameter that one rank updates, with only the slots of that part: ZeRO (Rajbhandari et al. 2020).
import { isHalf } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Communicator } from "../runtime/index.ts";
import { allGather, allReduce, reduceScatter } from "../tensor/collectives.ts";
import { cat, type Parameter, stack, type Tensor, zeros } from "../tensor/index.ts";

/** 1: the optimizer state is sharded; 2: so are the summed gradients. */
export type ZeroStage = 1 | 2;

/** Each parameter, flattened and padded with zeros to a multiple of the ranks, in equal parts in rank order. */
export class Sharding {
  readonly stage: ZeroStage;
  readonly #world: Communicator;

  constructor(world: Communicator, stage: ZeroStage) {
    if (stage !== 1 && stage !== 2) throw new HebbError(`zero: the stage must be 1 or 2, got ${String(stage)}`);
    this.#world = world;
    this.stage = stage;
  }

  /** The number of elements of each part. */
  sizeOf({ size }: Parameter): number {
    return Math.ceil(size / this.#world.size);
  }

  /** This rank's part of a value of the parameter's shape. */
  partOf(value: Tensor, parameter: Parameter): Tensor {
    const part = this.sizeOf(parameter);
    return this.#padded(value, part).narrow(0, this.#world.rank * part, part);
  }

  /** This rank's part of the sum of the ranks' values. */
  sumOf(value: Tensor, parameter: Parameter): Tensor {
    return reduceScatter(this.#padded(value, this.sizeOf(parameter)));
  }

  #padded(value: Tensor, part: number): Tensor {
    const missing = part * this.#world.size - value.size;
    const flat = value.reshape([value.size]);
    return missing === 0 ? flat : cat([flat, zeros([missing], { dtype: value.dtype })]);
  }

  /** The whole value, from the parts of all ranks. All must call it. */
  whole(part: Tensor, { size, shape }: Parameter): Tensor {
    return allGather(part).narrow(0, 0, size).reshape(shape);
  }
}

/** In float16, squares of numbers above 255 overflow, and squares of numbers below 2^-13 underflow. */
const wide = (x: Tensor): Tensor => (isHalf(x.dtype) ? x.to("float32") : x);

/** clipGradNorm for sharded gradients: the norm covers the parts of all ranks. */
export function clipPartsNorm(parameters: readonly Parameter[], maxNorm: number): void {
  const found = parameters.flatMap((parameter) =>
    parameter.grad === undefined ? [] : [{ parameter, grad: parameter.grad }],
  );
  if (found.length === 0) return;
  const squares = stack(found.map(({ grad }) => wide(grad).square().sum().to("float64"))).sum();
  const factor = allReduce(squares).sqrt().add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1);
  for (const { parameter, grad } of found) parameter.grad = grad.mul(factor.to(grad.dtype));
}
