// Normalisation over the batch or the sample: BatchNorm1d, BatchNorm2d, LayerNorm, RMSNorm.
import { at } from "../graph/at.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { currentWorld } from "../runtime/index.ts";
import { given, givenOrNot, tensorKind } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { Parameter, State, type Tensor, traceGuard } from "../tensor/index.ts";
import { stateKind } from "../tensor/state.ts";
import type { FloatDType } from "./init.ts";
import { Module } from "./module.ts";
import { momentsOf, momentsOverRanks } from "./moments.ts";
import { dtypeOf, listedUnless } from "./print.ts";
import { checkSizes } from "./sizes.ts";

function checkNormalizedShape(where: string, shape: readonly number[]): void {
  checkKind(where, "normalizedShape", shape, kind.numbers);
  if (shape.length === 0) throw new ShapeError(`${where}: the normalised shape is empty; give at least one size`);
}

/** (x − mean) / √(variance + eps) over the last dims, then · weight + bias. Source: torch.nn.functional.layer_norm. */
export function layerNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  weight?: Tensor,
  bias?: Tensor,
  eps = 1e-5,
): Tensor {
  given("layerNorm", x);
  givenOrNot("layerNorm", weight, "the weight");
  givenOrNot("layerNorm", bias, "the bias");
  checkNormalizedShape("layerNorm", normalizedShape);
  const start = x.rank - normalizedShape.length;
  if (start < 0 || normalizedShape.some((extent, place) => x.shape[start + place] !== extent)) {
    throw new ShapeError(
      `layerNorm: the input ${formatShape(x.shape)} must end in the normalised shape ${formatShape(normalizedShape)}`,
    );
  }
  const dims = normalizedShape.map((_, place) => start + place);
  return composed("layerNorm", [x, weight, bias], { normalizedShape, eps }, () => {
    const { centred, variance } = momentsOf(x, dims);
    const standard = centred.mul(variance.add(eps).rsqrt());
    const weighted = weight === undefined ? standard : standard.mul(weight);
    return bias === undefined ? weighted : weighted.add(bias);
  });
}

export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether a weight and a bias are learned. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Whether a bias is among them. Default true. */
  readonly bias?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

const layerNormKinds: OptionKinds<LayerNormOptions> = {
  eps: kind.number,
  elementwiseAffine: kind.boolean,
  bias: kind.boolean,
  dtype: kind.floatDType,
};

function shapeOf(where: string, normalizedShape: number | readonly number[]): readonly number[] {
  checkKind(where, "normalizedShape", normalizedShape, kind.size);
  return typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
}

/** Normalises each sample over its last dims. Source: torch.nn.LayerNorm (Ba et al. 2016). */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    checkOptions("LayerNorm", options, layerNormKinds);
    this.normalizedShape = shapeOf("LayerNorm", normalizedShape);
    this.eps = options.eps ?? 1e-5;
    const affine = options.elementwiseAffine !== false;
    this.weight = affine ? filled(this.normalizedShape, 1, options.dtype) : undefined;
    this.bias = affine && options.bias !== false ? filled(this.normalizedShape, 0, options.dtype) : undefined;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const affine = this.weight === undefined ? ["nothing learned"] : this.bias === undefined ? ["no bias"] : [];
    const changed = listedUnless({ eps: this.eps }, { eps: 1e-5 });
    return [formatShape(this.normalizedShape), ...changed, ...affine, ...dtypeOf(this.weight)].join(", ");
  }
}

/**
 * x / √(mean of x² + eps) · weight over the last dims. eps defaults to the ulp of 1 in the dtype. Source: torch.nn.functional.rms_norm (Zhang and
 * Sennrich 2019).
 */
export function rmsNorm(x: Tensor, normalizedShape: readonly number[], weight?: Tensor, eps?: number | null): Tensor {
  given("rmsNorm", x);
  givenOrNot("rmsNorm", weight, "the weight");
  checkNormalizedShape("rmsNorm", normalizedShape);
  const start = x.rank - normalizedShape.length;
  if (start < 0 || normalizedShape.some((extent, place) => x.shape[start + place] !== extent)) {
    throw new ShapeError(
      `rmsNorm: the input ${formatShape(x.shape)} must end in the normalised shape ${formatShape(normalizedShape)}`,
    );
  }
  const dims = normalizedShape.map((_, place) => start + place);
  const smallest = eps ?? (x.dtype === "float64" ? 2 ** -52 : 2 ** -23);
  return composed("rmsNorm", [x, weight], { normalizedShape, eps: smallest }, () => {
    const standard = x.mul(x.square().mean(dims, true).add(smallest).rsqrt());
    return weight === undefined ? standard : standard.mul(weight);
  });
}

export interface RMSNormOptions {
  /** Default null: the ulp of 1 in the input's dtype. */
  readonly eps?: number | null;
  /** Whether a weight is learned. Default true. */
  readonly elementwiseAffine?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

const rmsNormKinds: OptionKinds<RMSNormOptions> = {
  eps: kind.orNull(kind.number),
  elementwiseAffine: kind.boolean,
  dtype: kind.floatDType,
};

/** Divides each sample by its root mean square over the last dims. Source: torch.nn.RMSNorm. */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  readonly weight: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: RMSNormOptions = {}) {
    super();
    checkOptions("RMSNorm", options, rmsNormKinds);
    this.normalizedShape = shapeOf("RMSNorm", normalizedShape);
    this.eps = options.eps ?? null;
    this.weight = options.elementwiseAffine === false ? undefined : filled(this.normalizedShape, 1, options.dtype);
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    const affine = this.weight === undefined ? ["nothing learned"] : [];
    const changed = listedUnless({ eps: this.eps }, { eps: null });
    return [formatShape(this.normalizedShape), ...changed, ...affine, ...dtypeOf(this.weight)].join(", ");
  }
}

/** A parameter filled with one value. */
export const filled = (shape: readonly number[], value: number, dtype: FloatDType = "float32"): Parameter =>
  new Parameter(value, { shape, dtype });

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The weight of each batch in the running statistics. Default 0.1; null: the plain average of all batches. */
  readonly momentum?: number | null;
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
  /** Whether training uses the statistics of all ranks' batches together (see SyncBatchNorm). Default false. */
  readonly sync?: boolean;
  /** The dtype of parameters and statistics. Default float32. */
  readonly dtype?: FloatDType;
}

export const batchNormKinds: OptionKinds<BatchNormOptions> = {
  eps: kind.number,
  momentum: kind.orNull(kind.number),
  affine: kind.boolean,
  trackRunningStats: kind.boolean,
  sync: kind.boolean,
  dtype: kind.floatDType,
};

/** The further inputs of a channel norm with running statistics. */
export interface ChannelNormInputs {
  /** The scale and the shift of each channel, [C]. */
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  /** The weight of this batch in the running statistics. Default: 0.1. */
  readonly momentum?: number | Tensor;
  /** Default: 1e-5. */
  readonly eps?: number;
}

export const channelNormKinds: OptionKinds<ChannelNormInputs> = {
  weight: tensorKind,
  bias: tensorKind,
  momentum: kind.either(kind.number, tensorKind),
  eps: kind.number,
};

export interface BatchNormInputs extends ChannelNormInputs {
  /** Use the batch's statistics. Default: false. */
  readonly training?: boolean;
  /** Then use those of all ranks' batches together. Default: false. */
  readonly sync?: boolean;
}

const batchNormInputKinds: OptionKinds<BatchNormInputs> = {
  ...channelNormKinds,
  training: kind.boolean,
  sync: kind.boolean,
};

/**
 * (x − mean) / √(variance + eps) · weight + bias for each channel (dim 1). Training uses the batch's statistics, and updates the running ones, if
 * given, to (1 − momentum)·running + momentum·batch, with the unbiased variance. Otherwise the running ones are used. Source:
 * torch.nn.functional.batch_norm (Ioffe and Szegedy 2015).
 */
export function batchNorm(
  x: Tensor,
  runningMean: State | undefined,
  runningVar: State | undefined,
  options: BatchNormInputs = {},
): Tensor {
  given("batchNorm", x);
  checkOptions("batchNorm", options, batchNormInputKinds);
  const { weight, bias, training = false, sync = false, momentum = 0.1, eps = 1e-5 } = options;
  const channels = x.shape[1];
  if (channels === undefined) throw new ShapeError(`batchNorm: takes [N, C, …], got ${formatShape(x.shape)}`);
  for (const [what, value] of [
    ["runningMean", runningMean],
    ["runningVar", runningVar],
    ["weight", weight],
    ["bias", bias],
  ] as const) {
    givenOrNot("batchNorm", value, what);
    if (training && value !== undefined && what.startsWith("running")) checkKind("batchNorm", what, value, stateKind);
    if (value !== undefined && value.size !== channels) {
      throw new ShapeError(
        `batchNorm: the input ${formatShape(x.shape)} has ${channels} channels (dim 1), and ${what} is for ${value.size}; make them equal`,
      );
    }
  }
  const wide = x.shape.map((extent, axis) => (axis === 1 ? extent : 1));
  const running =
    training || runningMean === undefined || runningVar === undefined
      ? undefined
      : { mean: runningMean, variance: runningVar };
  const attributes = { training, eps, momentum: typeof momentum === "number" ? momentum : null };
  return composed("batchNorm", [x, weight, bias, running?.mean, running?.variance], attributes, () => {
    const moments =
      running === undefined
        ? batchMoments(x, { training, sync, runningMean, runningVar, momentum })
        : { centred: x.sub(running.mean.reshape(wide)), variance: running.variance.reshape(wide) };
    const standard = moments.centred.mul(moments.variance.add(eps).rsqrt());
    const weighted = weight === undefined ? standard : standard.mul(weight.reshape(wide));
    return bias === undefined ? weighted : weighted.add(bias.reshape(wide));
  });
}

interface BatchMoments {
  readonly training: boolean;
  readonly sync: boolean;
  readonly runningMean: State | undefined;
  readonly runningVar: State | undefined;
  readonly momentum: number | Tensor;
}

function batchMoments(x: Tensor, { training, sync, runningMean, runningVar, momentum }: BatchMoments) {
  const dims = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const count = dims.reduce((product, axis) => product * at(x.shape, axis), 1);
  const together = sync && training && traceGuard(currentWorld) !== undefined;
  if (training && count <= 1 && !together) {
    throw new ShapeError(
      `batchNorm: in training each channel needs more than one value, got ${formatShape(x.shape)}; use a larger batch, drop the last one, or switch to eval()`,
    );
  }
  const { mean, centred, variance, count: all } = together ? momentsOverRanks(x, dims) : momentsOf(x, dims);
  if (training) {
    const blend = (running: State, fresh: Tensor): void => {
      running.assign(running.add(fresh.detach().reshape(running.shape).sub(running).mul(momentum)));
    };
    if (runningMean !== undefined) blend(runningMean, mean);
    if (runningVar !== undefined) blend(runningVar, variance.mul(unbiased(all)));
  }
  return { centred, variance };
}

/** Bessel's correction, n / (n − 1). */
const unbiased = (count: number | Tensor): number | Tensor =>
  typeof count === "number" ? count / (count - 1) : count.div(count.sub(1));

/** Standardises each channel (dim 1) by the batch's statistics in training, by the running ones otherwise. */
abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  /** Whether training uses the statistics of all ranks' batches together. */
  sync: boolean;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: State | undefined;
  readonly runningVar: State | undefined;
  readonly numBatchesTracked: State | undefined;

  constructor(where: string, numFeatures: number, options: BatchNormOptions) {
    super();
    checkOptions(where, options, batchNormKinds);
    checkSizes(where, { numFeatures });
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    this.sync = options.sync ?? false;
    const affine = options.affine !== false;
    const tracked = options.trackRunningStats !== false;
    this.weight = affine ? filled([numFeatures], 1, options.dtype) : undefined;
    this.bias = affine ? filled([numFeatures], 0, options.dtype) : undefined;
    this.runningMean = tracked ? new State(0, { shape: [numFeatures], dtype: options.dtype ?? "float32" }) : undefined;
    this.runningVar = tracked ? new State(1, { shape: [numFeatures], dtype: options.dtype ?? "float32" }) : undefined;
    this.numBatchesTracked = tracked ? new State(0, { dtype: "int32" }) : undefined;
  }

  protected abstract readonly ranks: readonly number[];

  forward(x: Tensor): Tensor {
    const name = this.constructor.name;
    given(name, x);
    if (!this.ranks.includes(x.rank) || x.shape[1] !== this.numFeatures) {
      throw new ShapeError(
        `${name}: takes ${this.ranks.join(" or ")} dims with ${this.numFeatures} channels in dim 1, got ${formatShape(x.shape)}`,
      );
    }
    const { runningMean, runningVar, numBatchesTracked, training } = this;
    if (training && numBatchesTracked !== undefined) numBatchesTracked.assign(numBatchesTracked.add(1));
    const share = this.momentum ?? numBatchesTracked?.to(x.dtype).reciprocal() ?? 0;
    const { weight, bias, eps } = this;
    const sync = traceGuard(() => this.sync);
    return batchNorm(x, runningMean, runningVar, { weight, bias, training, sync, momentum: share, eps });
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, sync, weight, runningMean } = this;
    return [
      String(numFeatures),
      ...listedUnless({ eps, momentum, sync }, { eps: 1e-5, momentum: 0.1, sync: this instanceof SyncBatchNorm }),
      ...(weight === undefined ? ["nothing learned"] : []),
      ...(runningMean === undefined ? ["no running statistics"] : []),
      ...dtypeOf(weight),
    ].join(", ");
  }
}

/** [N, C] or [N, C, L]. Source: torch.nn.BatchNorm1d. */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm1d", numFeatures, options);
  }
}

/** [N, C, D, H, W]. Source: torch.nn.BatchNorm3d. */
export class BatchNorm3d extends BatchNorm {
  protected readonly ranks = [5];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm3d", numFeatures, options);
  }
}

/** [N, C, H, W]. Source: torch.nn.BatchNorm2d. */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("BatchNorm2d", numFeatures, options);
  }
}

/**
 * [N, C] or [N, C, …]: standardises the batches of all ranks of the current world (`distributed.init()`) as one; with a single rank it is a
 * BatchNorm. Each layer sends two messages forward and two backward. Source: torch.nn.SyncBatchNorm.
 */
export class SyncBatchNorm extends BatchNorm {
  protected readonly ranks = [2, 3, 4, 5];
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super("SyncBatchNorm", numFeatures, options);
    this.sync = options.sync ?? true;
  }

  /** Makes every BatchNorm in a model use the statistics of all ranks; returns the model. Source: its convert_sync_batchnorm. */
  static convertSyncBatchNorm<M extends Module>(model: M): M {
    for (const module of model.modules()) if (module instanceof BatchNorm) module.sync = true;
    return model;
  }
}
