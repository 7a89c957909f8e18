// Layers that standardise: LayerNorm, BatchNorm1d, BatchNorm2d.
import { ShapeError } from "../graph/errors.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { Parameter, State, type Tensor, tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

/** (x − mean) / √(variance + eps) over the last dims, then · weight + bias. Source: torch.nn.functional.layer_norm. */
export function layerNorm(x: Tensor, normalizedShape: readonly number[], weight?: Tensor, bias?: Tensor, eps = 1e-5): Tensor {
  const start = x.rank - normalizedShape.length;
  if (start < 0 || normalizedShape.some((extent, place) => x.shape[start + place] !== extent)) {
    throw new ShapeError(`layerNorm: the input ${formatShape(x.shape)} must end in the normalised shape ${formatShape(normalizedShape)}`);
  }
  const dims = normalizedShape.map((_, place) => start + place);
  const centred = x.sub(x.mean(dims, true));
  const scale = centred.square().mean(dims, true).add(eps).rsqrt();
  const standard = centred.mul(scale);
  const weighted = weight === undefined ? standard : standard.mul(weight);
  return bias === undefined ? weighted : weighted.add(bias);
}

/** Standardises each sample over its last dims. Source: torch.nn.LayerNorm (Ba et al. 2016). */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: { readonly eps?: number; readonly elementwiseAffine?: boolean; readonly bias?: boolean } = {}) {
    super();
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    this.eps = options.eps ?? 1e-5;
    const affine = options.elementwiseAffine !== false;
    this.weight = affine ? filled(this.normalizedShape, 1) : undefined;
    this.bias = affine && options.bias !== false ? filled(this.normalizedShape, 0) : undefined;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }
}

const filled = (shape: readonly number[], value: number): Parameter => new Parameter(tensor(new Float32Array(sizeOf(shape)).fill(value), { shape }));

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** How much of the running statistics each batch replaces. Default 0.1; null: the plain average of all batches. */
  readonly momentum?: number | null;
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
}

/** Standardises each channel (dim 1) over the batch in training, by the running statistics otherwise (Ioffe and Szegedy 2015). */
abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: State | undefined;
  readonly runningVar: State | undefined;
  readonly numBatchesTracked: State | undefined;

  constructor(numFeatures: number, options: BatchNormOptions) {
    super();
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    const affine = options.affine !== false;
    const tracked = options.trackRunningStats !== false;
    this.weight = affine ? filled([numFeatures], 1) : undefined;
    this.bias = affine ? filled([numFeatures], 0) : undefined;
    this.runningMean = tracked ? new State(new Float32Array(numFeatures)) : undefined;
    this.runningVar = tracked ? new State(new Float32Array(numFeatures).fill(1)) : undefined;
    this.numBatchesTracked = tracked ? new State(0, { dtype: "int32" }) : undefined;
  }

  protected abstract readonly ranks: readonly number[];

  forward(x: Tensor): Tensor {
    const name = this.constructor.name;
    if (!this.ranks.includes(x.rank) || x.shape[1] !== this.numFeatures) {
      throw new ShapeError(`${name}: takes ${this.ranks.join(" or ")} dims with ${this.numFeatures} channels in dim 1, got ${formatShape(x.shape)}`);
    }
    const dims = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const wide = x.shape.map((extent, axis) => (axis === 1 ? extent : 1));
    const useBatch = this.training || this.runningMean === undefined || this.runningVar === undefined;
    let mean: Tensor;
    let variance: Tensor;
    if (useBatch) {
      const count = x.size / this.numFeatures;
      if (this.training && count <= 1) throw new ShapeError(`${name}: in training each channel needs more than one value, got ${formatShape(x.shape)}; use a larger batch or eval()`);
      mean = x.mean(dims, true);
      variance = x.sub(mean).square().mean(dims, true);
      if (this.training) this.#track(mean, variance, count);
    } else {
      mean = (this.runningMean as State).reshape(wide);
      variance = (this.runningVar as State).reshape(wide);
    }
    const standard = x.sub(mean).mul(variance.add(this.eps).rsqrt());
    const weighted = this.weight === undefined ? standard : standard.mul(this.weight.reshape(wide));
    return this.bias === undefined ? weighted : weighted.add(this.bias.reshape(wide));
  }

  /** The running variance is the unbiased one, as in PyTorch. */
  #track(mean: Tensor, variance: Tensor, count: number): void {
    const { runningMean, runningVar, numBatchesTracked, momentum } = this;
    if (runningMean === undefined || runningVar === undefined || numBatchesTracked === undefined) return;
    numBatchesTracked.assign(numBatchesTracked.add(1));
    const share = momentum ?? numBatchesTracked.to("float32").reciprocal();
    const blend = (old: State, fresh: Tensor): void => {
      old.assign(old.add(fresh.detach().reshape([this.numFeatures]).sub(old).mul(share)));
    };
    blend(runningMean, mean);
    blend(runningVar, variance.mul(count / (count - 1)));
  }
}

/** [N, C] or [N, C, L]. Source: torch.nn.BatchNorm1d. */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options);
  }
}

/** [N, C, H, W]. Source: torch.nn.BatchNorm2d. */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options);
  }
}
