// Normalisations and dropout.
import { at } from "../../../graph/at.ts";
import { functional } from "../../../nn/index.ts";
import type { Tensor } from "../../../tensor/index.ts";
import { float, int, maybeInt, maybeInts } from "./attributes.ts";
import { type Call, type Operators, type Output, rule, typed, versions } from "./rule.ts";

/** Reshapes a tensor of channels to broadcast over [N, C, ...]. */
const overChannels = (x: Tensor, channels: Tensor): Tensor =>
  channels.reshape([1, channels.size, ...new Array<number>(Math.max(0, x.rank - 2)).fill(1)]);

interface BatchNormAttributes {
  readonly epsilon: number;
  readonly momentum: number;
  readonly training_mode: number;
}

/** Normalises by the running statistics; in training by those of the batch, which then update the running ones. */
function batchNorm(call: Call<BatchNormAttributes>): Output[] {
  const { tensor: x, type } = call.value(0);
  const { epsilon, momentum, training_mode } = call.attributes;
  const [mean, variance] = [call.value(3), call.value(4)];
  const [scale, bias] = [overChannels(x, call.tensor(1)), overChannels(x, call.tensor(2))];
  const normalised = (m: Tensor, v: Tensor): Tensor =>
    x.sub(overChannels(x, m)).mul(overChannels(x, v).add(epsilon).rsqrt()).mul(scale).add(bias).to(x.dtype);
  // A file exported for training shows it by its outputs too; only they request the new statistics.
  const learns = call.graph.training && mean.state !== undefined && variance.state !== undefined;
  if (training_mode === 0 && !learns) return [typed(normalised(mean.tensor, variance.tensor), type)];
  const dims = [...x.shape.keys()].filter((dim) => dim !== 1);
  const own = x.mean(dims);
  const spread = x.variance(dims, { correction: 0 });
  const blend = (before: Tensor, now: Tensor): Tensor => before.mul(momentum).add(now.mul(1 - momentum));
  const running = [blend(mean.tensor, own), blend(variance.tensor, spread)];
  const [newMean, newVariance] = running;
  if (learns && newMean !== undefined && newVariance !== undefined) {
    const count = x.size / at(x.shape, 1);
    mean.state?.assign(newMean.detach());
    // PyTorch's running variance is the unbiased one, so this is too.
    const unbiased = spread.mul(count / Math.max(1, count - 1));
    variance.state?.assign(blend(variance.tensor, unbiased).detach());
  }
  const outputs: Output[] = [typed(normalised(own, spread), type)];
  if (call.wants(1)) outputs.push(...running);
  return outputs;
}

/** Layer normalisation over the dims from an axis on: the normalised values, their means and the inverse deviations. */
function layerNorm(call: Call<{ readonly axis: number; readonly epsilon: number }>): Output[] {
  const { tensor: x, type } = call.value(0);
  const first = call.axis(call.attributes.axis, x.rank);
  const dims = [...x.shape.keys()].slice(first);
  const mean = x.mean(dims, true);
  const centred = x.sub(mean);
  const inverse = centred.square().mean(dims, true).add(call.attributes.epsilon).rsqrt();
  const scaled = centred.mul(inverse).mul(call.tensor(1));
  const bias = call.maybe(2);
  return [
    typed(bias === undefined ? scaled : scaled.add(bias), type),
    typed(mean, type === "double" ? type : "float"),
    typed(inverse, type === "double" ? type : "float"),
  ];
}

/** Normalises each channel, or group of channels, by its own moments. */
function byGroups(x: Tensor, groups: number, epsilon: number): Tensor {
  const [n, c] = [at(x.shape, 0), at(x.shape, 1)];
  const rows = x.reshape(n, groups, x.size / (n * groups));
  const centred = rows.sub(rows.mean(2, true));
  const inverse = centred.square().mean(2, true).add(epsilon).rsqrt();
  return centred.mul(inverse).reshape([n, c, ...x.shape.slice(2)]);
}

function dropout(call: Call<{ readonly ratio: number }>): Output[] {
  const { tensor: x, type } = call.value(0);
  const ratio = call.maybeNumber(1) ?? call.attributes.ratio;
  const wanted = call.has(2) && call.number(2) !== 0;
  const drops = (wanted || call.graph.training) && ratio > 0;
  if (!drops) return [typed(x, type), typed(x.eq(x).logicalOr(x.ne(x)), "bool")];
  const mask = functional.dropout(x.mul(0).add(1), ratio, true);
  return [typed(x.mul(mask), type), typed(mask.ne(0), "bool")];
}

const rms = (x: Tensor, dims: number[], epsilon: number): Tensor =>
  x.mul(x.square().mean(dims, true).add(epsilon).rsqrt());

export const normalisations: Operators = {
  BatchNormalization: rule(
    {
      epsilon: float(1e-5),
      momentum: float(0.9),
      training_mode: int(0),
      spatial: int(1),
      is_test: int(0),
      consumed_inputs: maybeInts,
    },
    batchNorm,
    { running: [3, 4] },
  ),
  InstanceNormalization: rule({ epsilon: float(1e-5), consumed_inputs: maybeInts }, (call) => {
    const x = call.tensor(0);
    const normal = byGroups(x, at(x.shape, 1), call.attributes.epsilon);
    return normal.mul(overChannels(x, call.tensor(1))).add(overChannels(x, call.tensor(2)));
  }),
  /** Scale and bias are per group at first, and per channel from version 21 on. */
  GroupNormalization: versions({
    18: rule({ epsilon: float(1e-5), num_groups: int(), stash_type: int(1) }, (call) => groupNorm(call, true)),
    21: rule({ epsilon: float(1e-5), num_groups: int(), stash_type: int(1) }, (call) => groupNorm(call, false)),
  }),
  LayerNormalization: rule({ axis: int(-1), epsilon: float(1e-5), stash_type: int(1) }, layerNorm),
  RMSNormalization: rule({ axis: int(-1), epsilon: float(1e-5), stash_type: int(1) }, (call) => {
    const x = call.tensor(0);
    const first = call.axis(call.attributes.axis, x.rank);
    return rms(x, [...x.shape.keys()].slice(first), call.attributes.epsilon)
      .mul(call.tensor(1))
      .to(x.dtype);
  }),
  LRN: rule({ alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int() }, (call) => {
    const { alpha, beta, bias, size } = call.attributes;
    const x = call.tensor(0);
    const before = Math.floor((size - 1) / 2);
    const pads = x.shape.map((_, dim): [number, number] => (dim === 1 ? [before, size - 1 - before] : [0, 0]));
    const squares = x.square().pad(pads);
    const channels = at(x.shape, 1);
    let sum = squares.narrow(1, 0, channels);
    for (let offset = 1; offset < size; offset++) sum = sum.add(squares.narrow(1, offset, channels));
    return x.div(
      sum
        .mul(alpha / size)
        .add(bias)
        .pow(beta),
    );
  }),
  MeanVarianceNormalization: rule({ axes: maybeInts }, (call) => {
    const x = call.tensor(0);
    const dims = call.axes(call.attributes.axes ?? [0, 2, 3], x.rank);
    const centred = x.sub(x.mean(dims, true));
    return centred.div(centred.square().mean(dims, true).sqrt().add(1e-9));
  }),
  Dropout: rule({ ratio: float(0.5), seed: maybeInt, is_test: int(1), consumed_inputs: maybeInts }, dropout, {
    fixed: [1, 2],
    varies: true,
  }),
};

function groupNorm(call: Call<{ readonly epsilon: number; readonly num_groups: number }>, ofGroups: boolean): Tensor {
  const x = call.tensor(0);
  const { epsilon, num_groups } = call.attributes;
  const [n, c] = [at(x.shape, 0), at(x.shape, 1)];
  if (num_groups < 1 || c % num_groups !== 0) throw call.fail(`${c} channels do not split into ${num_groups} groups`);
  const normal = byGroups(x, num_groups, epsilon);
  const perChannel = (t: Tensor): Tensor =>
    overChannels(
      x,
      ofGroups
        ? t
            .reshape(num_groups, 1)
            .expand(num_groups, c / num_groups)
            .reshape(c)
        : t,
    );
  return normal
    .mul(perChannel(call.tensor(1)))
    .add(perChannel(call.tensor(2)))
    .reshape([n, c, ...x.shape.slice(2)]);
}
