// The share of every parameter that one rank updates, with only the slots of that share: ZeRO (Rajbhandari et al. 2020).
import { isHalf } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Communicator } from "../runtime/index.ts";
import { allGather, allReduce, reduceScatter } from "../tensor/collectives.ts";
import { cat, type Parameter, stack, type Tensor, zeros } from "../tensor/index.ts";

/** 1: the optimizer state is sharded; 2: the summed gradients, too. */
export type ZeroStage = 1 | 2;

/** Each parameter, flat and padded with zeros to a multiple of the ranks, in equal parts in the order of the ranks. */
export class Sharding {
  readonly stage: ZeroStage;
  readonly #world: Communicator;

  constructor(world: Communicator, stage: ZeroStage) {
    if (stage !== 1 && stage !== 2) throw new HebbError(`zero: the stage must be 1 or 2, got ${String(stage)}`);
    this.#world = world;
    this.stage = stage;
  }

  /** Elements of each part. */
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

  /** The whole, from the parts of all ranks. All must ask for it. */
  whole(part: Tensor, { size, shape }: Parameter): Tensor {
    return allGather(part).narrow(0, 0, size).reshape(shape);
  }
}

/** Squares of float16 numbers above 255 are infinite, and of those below 2^-13 zero. */
const wide = (x: Tensor): Tensor => (isHalf(x.dtype) ? x.to("float32") : x);

/** What clipGradNorm does, of gradients of which each rank has its part: the norm is that of the parts of all. */
export function clipPartsNorm(parameters: readonly Parameter[], maxNorm: number): void {
  const found = parameters.flatMap((parameter) =>
    parameter.grad === undefined ? [] : [{ parameter, grad: parameter.grad }],
  );
  if (found.length === 0) return;
  const squares = stack(found.map(({ grad }) => wide(grad).square().sum().to("float64"))).sum();
  const factor = allReduce(squares).sqrt().add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1);
  for (const { parameter, grad } of found) parameter.grad = grad.mul(factor.to(grad.dtype));
}
