// Initial values of parameters, with PyTorch's distributions. Each fills the given state and returns it.
import type { FloatDType } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { checkNumbers } from "../tensor/arguments.ts";
import { eye as eyeTensor, rand, randn, type State, type Tensor, zeros as zerosTensor } from "../tensor/index.ts";
import { valuesNow } from "../tensor/reading.ts";
import { givenState } from "../tensor/state.ts";

const nonlinearities = [
  "linear",
  "conv1d",
  "conv2d",
  "convTranspose1d",
  "convTranspose2d",
  "sigmoid",
  "tanh",
  "relu",
  "leakyRelu",
  "selu",
] as const;
export type Nonlinearity = (typeof nonlinearities)[number];
const fanModes = ["fanIn", "fanOut"] as const;
export type FanMode = (typeof fanModes)[number];

export interface KaimingOptions {
  /** The negative slope of the leaky ReLU that follows. Default 0. */
  readonly a?: number;
  readonly mode?: FanMode;
  /** Default "leakyRelu". */
  readonly nonlinearity?: Nonlinearity;
}

const kaimingKinds: OptionKinds<KaimingOptions> = {
  a: kind.number,
  mode: kind.oneOf(...fanModes),
  nonlinearity: kind.oneOf(...nonlinearities),
};

/** The dtypes that parameters can have. */
export type { FloatDType } from "../graph/dtype.ts";

/** An uninitialised tensor for parameters that are filled afterwards. */
export const blank = (shape: Shape, dtype: FloatDType = "float32"): Tensor => zerosTensor(shape, { dtype });

const floatOf = (state: State): FloatDType => (state.dtype === "float64" ? "float64" : "float32");

/** Uniform on [low, high). Default [0, 1). Source: torch.nn.init.uniform_. */
export function uniform(state: State, low = 0, high = 1): State {
  givenState("init.uniform", state);
  checkNumbers("init.uniform", { low, high });
  const draws = rand(state.shape, { dtype: floatOf(state) });
  return state.assign(draws.mul(high - low).add(low));
}

/** Normal. Default mean 0, std 1. Source: torch.nn.init.normal_. */
export const normal = (state: State, mean = 0, std = 1): State =>
  givenState("init.normal", state).assign(
    randn(state.shape, { dtype: floatOf(state) })
      .mul(std)
      .add(mean),
  );

export const constant = (state: State, value: number): State => givenState("init.constant", state).assign(value);
export const zeros = (state: State): State => givenState("init.zeros", state).assign(0);
export const ones = (state: State): State => givenState("init.ones", state).assign(1);

/** The identity matrix, also rectangular. Source: torch.nn.init.eye_. */
export function eye(state: State): State {
  const [rows, columns] = givenState("init.eye", state).shape;
  if (rows === undefined || columns === undefined || state.rank !== 2)
    throw new ShapeError(`init.eye: takes a matrix, got ${formatShape(state.shape)}`);
  return state.assign(eyeTensor(rows, columns, { dtype: state.dtype }));
}

/** The number of inputs of an output, and of outputs of an input, for a weight [out, in, …kernel]. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  checkKind("init.fans", "the shape", shape, kind.numbers);
  const [outputs, inputs, ...kernel] = shape;
  if (outputs === undefined || inputs === undefined) {
    throw new ShapeError(
      `init: fan-in and fan-out need a weight of at least 2 dims, got ${formatShape(shape)}; use uniform or normal for it`,
    );
  }
  const field = sizeOf(kernel);
  return { fanIn: inputs * field, fanOut: outputs * field };
}

/** The recommended factor of the standard deviation for an activation. Source: torch.nn.init.calculate_gain. */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  checkKind("calculateGain", "nonlinearity", nonlinearity, kind.oneOf(...nonlinearities));
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    case "selu":
      return 3 / 4;
    case "linear":
    case "conv1d":
    case "conv2d":
    case "convTranspose1d":
    case "convTranspose2d":
    case "sigmoid":
      return 1;
  }
}

function kaimingStd(where: string, state: State, options: KaimingOptions): number {
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = checkOptions(where, options, kaimingKinds);
  givenState(where, state);
  return calculateGain(nonlinearity, a) / Math.sqrt(Math.max(1, fans(state.shape)[mode]));
}

/** Uniform with bound gain·√(3 / fan). Source: He et al. 2015; torch.nn.init.kaiming_uniform_. */
export function kaimingUniform(state: State, options: KaimingOptions = {}): State {
  const bound = Math.sqrt(3) * kaimingStd("init.kaimingUniform", state, options);
  return uniform(state, -bound, bound);
}

/** Normal with std gain / √fan. Source: torch.nn.init.kaiming_normal_. */
export const kaimingNormal = (state: State, options: KaimingOptions = {}): State =>
  normal(state, 0, kaimingStd("init.kaimingNormal", state, options));

function xavierStd(where: string, state: State, gain: number): number {
  givenState(where, state);
  checkNumbers(where, { gain });
  const { fanIn, fanOut } = fans(state.shape);
  return gain * Math.sqrt(2 / Math.max(1, fanIn + fanOut));
}

/** Uniform with bound gain·√(6 / (fanIn + fanOut)). Source: Glorot and Bengio 2010; torch.nn.init.xavier_uniform_. */
export function xavierUniform(state: State, gain = 1): State {
  const bound = Math.sqrt(3) * xavierStd("init.xavierUniform", state, gain);
  return uniform(state, -bound, bound);
}

/** Normal with std gain·√(2 / (fanIn + fanOut)). Source: torch.nn.init.xavier_normal_. */
export const xavierNormal = (state: State, gain = 1): State =>
  normal(state, 0, xavierStd("init.xavierNormal", state, gain));

/**
 * Normal, truncated to [low, high], by inverting the distribution function. Defaults mean 0, std 1, limits -2 and 2. Source:
 * torch.nn.init.trunc_normal_.
 */
export function truncNormal(state: State, mean = 0, std = 1, low = -2, high = 2): State {
  givenState("init.truncNormal", state);
  checkNumbers("init.truncNormal", { mean, std, low, high });
  if (!(low < high && std > 0))
    throw new HebbError(`init.truncNormal: needs low < high and std > 0, got [${low}, ${high}] and ${std}`);
  const [from, to] = [standardCdf((low - mean) / std), standardCdf((high - mean) / std)];
  const draws = valuesNow("init.truncNormal", rand(state.shape, { dtype: "float64" }));
  const values = Float64Array.from(draws, (u) =>
    Math.min(high, Math.max(low, mean + std * standardQuantile(from + u * (to - from)))),
  );
  return state.assign(values);
}

/** Φ by Simpson's rule on its density: exact to about 1e-12, and only evaluated a few times. */
function standardCdf(x: number): number {
  const end = Math.min(Math.abs(x), 12);
  const steps = 2000;
  const density = (t: number): number => Math.exp(-0.5 * t * t);
  let sum = density(0) + density(end);
  for (let step = 1; step < steps; step++) sum += density((end * step) / steps) * (step % 2 === 1 ? 4 : 2);
  const half = (sum * end) / (3 * steps) / Math.sqrt(2 * Math.PI);
  return x < 0 ? 0.5 - half : 0.5 + half;
}

/** Φ⁻¹ from a table of Φ, inverted linearly between its 4,000 entries: far more accurate than a sample can show. */
function standardQuantile(p: number): number {
  const table = quantileTable();
  let [low, high] = [0, table.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((table[middle] ?? 1) <= p) low = middle;
    else high = middle;
  }
  const [a, b] = [table[low] ?? 0, table[high] ?? 1];
  const fraction = b > a ? Math.min(1, Math.max(0, (p - a) / (b - a))) : 0;
  return -tableEnd + ((low + fraction) * 2 * tableEnd) / (table.length - 1);
}

const tableEnd = 8;
let cachedTable: Float64Array | undefined;

function quantileTable(): Float64Array {
  if (cachedTable !== undefined) return cachedTable;
  const table = new Float64Array(4001);
  const width = (2 * tableEnd) / (table.length - 1);
  const density = (t: number): number => Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI);
  for (let place = 1; place < table.length; place++) {
    const x = -tableEnd + place * width;
    table[place] =
      (table[place - 1] ?? 0) + (width / 6) * (density(x - width) + 4 * density(x - width / 2) + density(x));
  }
  cachedTable = table;
  return table;
}

/**
 * A matrix [rows, rest] whose rows (or columns, if fewer) are orthogonal unit vectors times `gain`.
 * Source: Saxe et al. 2013; torch.nn.init.orthogonal_.
 */
export function orthogonal(state: State, gain = 1): State {
  const rows = givenState("init.orthogonal", state).shape[0];
  checkNumbers("init.orthogonal", { gain });
  if (rows === undefined || state.rank < 2)
    throw new ShapeError(`init.orthogonal: takes at least 2 dims, got ${formatShape(state.shape)}`);
  if (state.size === 0) return state;
  const columns = state.size / rows;
  const [count, length] = rows < columns ? [rows, columns] : [columns, rows];
  const basis = valuesNow("init.orthogonal", randn([count, length], { dtype: "float64" }));
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let k = 0; k < length; k++) sum += (basis[a * length + k] ?? 0) * (basis[b * length + k] ?? 0);
    return sum;
  };
  for (let vector = 0; vector < count; vector++) {
    // Two passes are enough: the second removes the rounding errors of the first (Gram-Schmidt).
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < vector; other++) {
        const share = dot(vector, other);
        for (let k = 0; k < length; k++)
          basis[vector * length + k] = (basis[vector * length + k] ?? 0) - share * (basis[other * length + k] ?? 0);
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let k = 0; k < length; k++) basis[vector * length + k] = (basis[vector * length + k] ?? 0) / norm;
  }
  const values = new Float64Array(state.size);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] =
        gain * (basis[rows < columns ? row * length + column : column * length + row] ?? 0);
    }
  }
  return state.assign(values);
}

/**
 * Initialises convolutions as the identity: 1 in the centre of the kernel from channel i to channel i of each group, 0 elsewhere. Weights are [out,
 * in, …kernel] with 1 to 3 spatial dims. Source: torch.nn.init.dirac_.
 */
export function dirac(state: State, groups = 1): State {
  const [outputs = 0, inputs = 0, ...kernel] = givenState("init.dirac", state).shape;
  checkNumbers("init.dirac", { groups });
  if (state.rank < 3 || state.rank > 5 || outputs % groups !== 0)
    throw new ShapeError(
      `init.dirac: takes [out, in, …kernel] of 3 to 5 dims, out divided by ${groups} groups, got ${formatShape(state.shape)}`,
    );
  const area = sizeOf(kernel);
  const middle = kernel.reduce((place, extent) => place * extent + Math.floor(extent / 2), 0);
  const values = new Float64Array(state.size);
  const each = outputs / groups;
  for (let group = 0; group < groups; group++) {
    for (let channel = 0; channel < Math.min(each, inputs); channel++)
      values[((group * each + channel) * inputs + channel) * area + middle] = 1;
  }
  return state.assign(values);
}

/** Normal with `std` (default 0.01), with a fraction of each column set to 0. Source: Martens 2010; torch.nn.init.sparse_. */
export function sparse(state: State, sparsity: number, std = 0.01): State {
  const [rows, columns] = givenState("init.sparse", state).shape;
  checkNumbers("init.sparse", { sparsity, std });
  if (rows === undefined || columns === undefined || state.rank !== 2)
    throw new ShapeError(`init.sparse: takes a matrix, got ${formatShape(state.shape)}`);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw new HebbError(`init.sparse: sparsity must lie between 0 and 1, got ${sparsity}`);
  const zeroed = Math.ceil(sparsity * rows);
  const values = valuesNow("init.sparse", randn([rows, columns], { dtype: "float64" }));
  const order = valuesNow("init.sparse", rand([columns, rows]).argsort(1));
  for (let column = 0; column < columns; column++) {
    for (let place = 0; place < rows; place++) {
      const at = (order[column * rows + place] ?? 0) * columns + column;
      values[at] = place < zeroed ? 0 : std * (values[at] ?? 0);
    }
  }
  return state.assign(values);
}

/** PyTorch's default for layers: weights kaiming uniform with a = √5, biases uniform within 1 / √fanIn. */
export function layerDefault(weight: State, bias: State | undefined): void {
  kaimingUniform(weight, { a: Math.sqrt(5) });
  if (bias === undefined) return;
  const { fanIn } = fans(weight.shape);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform(bias, -bound, bound);
}
