// Normalisation of channel groups per sample: GroupNorm, InstanceNorm1d, InstanceNorm2d, LocalResponseNorm.
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { given, givenOrNot } from "../tensor/arguments.ts";
import { composed } from "../tensor/composed.ts";
import { type Parameter, State, type Tensor } from "../tensor/index.ts";
import { stateKind } from "../tensor/state.ts";
import type { FloatDType } from "./init.ts";
import { Module } from "./module.ts";
import { momentsOf } from "./moments.ts";
import {
  type BatchNormOptions,
  batchNormKinds,
  type ChannelNormInputs,
  channelNormKinds,
  filled,
} from "./normalization.ts";
import { dtypeOf, listedUnless } from "./print.ts";
import { checkSizes } from "./sizes.ts";

/**
 * (x − mean) / √(variance + eps) · weight + bias, with statistics over each of `numGroups` groups of channels (dim 1) of each sample. Source:
 * torch.nn.functional.group_norm (Wu and He 2018).
 */
export function groupNorm(x: Tensor, numGroups: number, weight?: Tensor, bias?: Tensor, eps = 1e-5): Tensor {
  given("groupNorm", x);
  givenOrNot("groupNorm", weight, "the weight");
  givenOrNot("groupNorm", bias, "the bias");
  const [batch = 0, channels = 0, ...rest] = x.shape;
  if (x.rank < 2 || !(Number.isInteger(numGroups) && numGroups >= 1) || channels % numGroups !== 0) {
    throw new ShapeError(
      `groupNorm: ${numGroups} groups must divide the channels (dim 1) of ${formatShape(x.shape)} evenly`,
    );
  }
  return composed("groupNorm", [x, weight, bias], { numGroups, eps }, () => {
    const grouped = x.reshape([batch, numGroups, (channels / numGroups) * sizeOf(rest)]);
    const { centred, variance } = momentsOf(grouped, [2]);
    const standard = centred.mul(variance.add(eps).rsqrt()).reshape(x.shape);
    const wide = [1, channels, ...rest.map(() => 1)];
    const weighted = weight === undefined ? standard : standard.mul(weight.reshape(wide));
    return bias === undefined ? weighted : weighted.add(bias.reshape(wide));
  });
}

export interface GroupNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether a weight and a bias for each channel are learned. Default true. */
  readonly affine?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

const groupNormKinds: OptionKinds<GroupNormOptions> = {
  eps: kind.number,
  affine: kind.boolean,
  dtype: kind.floatDType,
};

/** Standardises groups of channels of each sample: [N, C, …] → the same. Source: torch.nn.GroupNorm. */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super();
    checkOptions("GroupNorm", options, groupNormKinds);
    checkSizes("GroupNorm", { numGroups, numChannels });
    if (numChannels % numGroups !== 0)
      throw new ShapeError(`GroupNorm: ${numGroups} groups must divide ${numChannels} channels evenly`);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = options.eps ?? 1e-5;
    const affine = options.affine !== false;
    this.weight = affine ? filled([numChannels], 1, options.dtype) : undefined;
    this.bias = affine ? filled([numChannels], 0, options.dtype) : undefined;
  }

  forward(x: Tensor): Tensor {
    given("GroupNorm", x);
    if (x.shape[1] !== this.numChannels)
      throw new ShapeError(`GroupNorm: takes ${this.numChannels} channels in dim 1, got ${formatShape(x.shape)}`);
    return groupNorm(x, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const affine = this.weight === undefined ? ["nothing learned"] : [];
    const changed = listedUnless({ eps: this.eps }, { eps: 1e-5 });
    return [`${this.numChannels} in ${this.numGroups} groups`, ...changed, ...affine, ...dtypeOf(this.weight)].join(
      ", ",
    );
  }
}

export interface InstanceNormInputs extends ChannelNormInputs {
  readonly runningMean?: State | undefined;
  readonly runningVar?: State | undefined;
  /** Use the statistics of the input; otherwise the running ones. Default true. */
  readonly useInputStats?: boolean;
}

const instanceNormKinds: OptionKinds<InstanceNormInputs> = {
  ...channelNormKinds,
  runningMean: stateKind,
  runningVar: stateKind,
  useInputStats: kind.boolean,
};

/**
 * Standardises each channel of each sample, [N, C, …]. Running statistics, if given, are updated with the mean over the batch. Source:
 * torch.nn.functional.instance_norm (Ulyanov et al. 2016).
 */
export function instanceNorm(x: Tensor, inputs: InstanceNormInputs = {}): Tensor {
  given("instanceNorm", x);
  checkOptions("instanceNorm", inputs, instanceNormKinds);
  const { runningMean, runningVar, weight, bias, useInputStats = true, eps = 1e-5 } = inputs;
  const [, channels, ...rest] = x.shape;
  if (channels === undefined) throw new ShapeError(`instanceNorm: takes [N, C, …], got ${formatShape(x.shape)}`);
  const wide = [1, channels, ...rest.map(() => 1)];
  const running =
    useInputStats || runningMean === undefined || runningVar === undefined
      ? undefined
      : { mean: runningMean, variance: runningVar };
  const attributes = { useInputStats: running === undefined, eps };
  return composed("instanceNorm", [x, weight, bias, running?.mean, running?.variance], attributes, () => {
    const standard =
      running === undefined
        ? instanceStandard(x, inputs, eps)
        : x.sub(running.mean.reshape(wide)).mul(running.variance.reshape(wide).add(eps).rsqrt());
    const weighted = weight === undefined ? standard : standard.mul(weight.reshape(wide));
    return bias === undefined ? weighted : weighted.add(bias.reshape(wide));
  });
}

/** Standardises by the statistics of each channel of each sample, and updates the running ones. */
function instanceStandard(x: Tensor, inputs: InstanceNormInputs, eps: number): Tensor {
  const { runningMean, runningVar, momentum = 0.1 } = inputs;
  const rest = x.shape.slice(2);
  const area = sizeOf(rest);
  if (area <= 1)
    throw new ShapeError(
      `instanceNorm: each channel needs more than one value, got ${formatShape(x.shape)}; use a larger input or LayerNorm`,
    );
  const dims = rest.map((_, place) => place + 2);
  const { mean, centred, variance } = momentsOf(x, dims);
  const blend = (running: State | undefined, fresh: Tensor): void => {
    if (running === undefined) return;
    const over = fresh.detach().mean(0).reshape(running.shape);
    running.assign(running.add(over.sub(running).mul(momentum)));
  };
  blend(runningMean, mean);
  blend(runningVar, variance.mul(area / (area - 1)));
  return centred.mul(variance.add(eps).rsqrt());
}

/** Standardises each channel of each sample. By default without parameters and running statistics. */
abstract class InstanceNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: State | undefined;
  readonly runningVar: State | undefined;
  readonly numBatchesTracked: State | undefined;
  readonly #spatial: number;

  constructor(spatial: number, numFeatures: number, options: BatchNormOptions) {
    super();
    checkOptions(`InstanceNorm${spatial}d`, options, batchNormKinds);
    checkSizes(`InstanceNorm${spatial}d`, { numFeatures });
    this.#spatial = spatial;
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    const { affine = false, trackRunningStats: tracked = false, dtype = "float32" } = options;
    this.weight = affine ? filled([numFeatures], 1, dtype) : undefined;
    this.bias = affine ? filled([numFeatures], 0, dtype) : undefined;
    this.runningMean = tracked ? new State(0, { shape: [numFeatures], dtype }) : undefined;
    this.runningVar = tracked ? new State(1, { shape: [numFeatures], dtype }) : undefined;
    this.numBatchesTracked = tracked ? new State(0, { dtype: "int32" }) : undefined;
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, weight, runningMean } = this;
    return [
      String(numFeatures),
      ...listedUnless({ eps, momentum }, { eps: 1e-5, momentum: 0.1 }),
      ...(weight === undefined ? [] : ["affine"]),
      ...(runningMean === undefined ? [] : ["running statistics"]),
      ...dtypeOf(weight),
    ].join(", ");
  }

  forward(x: Tensor): Tensor {
    given(this.constructor.name, x);
    const single = x.rank === this.#spatial + 1;
    const channels = x.shape[single ? 0 : 1];
    if ((!single && x.rank !== this.#spatial + 2) || channels !== this.numFeatures) {
      throw new ShapeError(
        `${this.constructor.name}: takes ${this.#spatial + 2} dims, or ${this.#spatial + 1} without a batch, with ${this.numFeatures} channels, got ${formatShape(x.shape)}`,
      );
    }
    const { runningMean, runningVar, weight, bias, eps } = this;
    const useInputStats = this.training || runningMean === undefined;
    // PyTorch does not count batches here, and does not update the running statistics if momentum is null.
    const momentum = this.momentum ?? 0;
    const output = instanceNorm(single ? x.unsqueeze(0) : x, {
      weight,
      bias,
      eps,
      momentum,
      useInputStats,
      runningMean,
      runningVar,
    });
    return single ? output.squeeze(0) : output;
  }
}

/** [N, C, L] or [C, L]. By default without parameters (affine false) and running statistics. Source: torch.nn.InstanceNorm1d. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(1, numFeatures, options);
  }
}

/** [N, C, H, W] or [C, H, W]. By default without parameters (affine false) and running statistics. Source: torch.nn.InstanceNorm2d. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(2, numFeatures, options);
  }
}

/** InstanceNorm2d for [N, C, D, H, W] or [C, D, H, W]. Source: torch.nn.InstanceNorm3d. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(3, numFeatures, options);
  }
}

export interface LocalResponseOptions {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

const localResponseKinds: OptionKinds<LocalResponseOptions> = { alpha: kind.number, beta: kind.number, k: kind.number };

/** x / (k + alpha · mean of x² over `size` neighbouring channels)^beta. Source: torch.nn.functional.local_response_norm (Krizhevsky et al. 2012). */
export function localResponseNorm(x: Tensor, size: number, options: LocalResponseOptions = {}): Tensor {
  given("localResponseNorm", x);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = checkOptions("localResponseNorm", options, localResponseKinds);
  const channels = x.shape[1] ?? 0;
  if (x.rank < 3 || !(Number.isInteger(size) && size >= 1))
    throw new ShapeError(`localResponseNorm: takes [N, C, …] and a size from 1, got ${formatShape(x.shape)}, ${size}`);
  return composed("localResponseNorm", [x], { size, alpha, beta, k }, () => {
    const before = Math.floor(size / 2);
    const squares = x.square().pad(x.shape.map((_, axis) => (axis === 1 ? [before, size - 1 - before] : [0, 0])));
    const total = Array.from({ length: size }, (_, place) => squares.slice(1, place, place + channels)).reduce(
      (sum, part) => sum.add(part),
    );
    return x.div(
      total
        .mul(alpha / size)
        .add(k)
        .pow(beta),
    );
  });
}

/** Source: torch.nn.LocalResponseNorm. */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly options: LocalResponseOptions;
  constructor(size: number, options: LocalResponseOptions = {}) {
    super();
    this.size = size;
    this.options = checkOptions("LocalResponseNorm", options, localResponseKinds);
  }
  forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options);
  }
}
