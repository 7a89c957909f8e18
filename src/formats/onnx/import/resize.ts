// Resizes in any mode, one dim at a time: each output is a weighted sum of neighbours known in advance.

import { at } from "../../../graph/at.ts";
import { greatest } from "../../../graph/extremes.ts";
import { type Tensor, tensor } from "../../../tensor/index.ts";
import { float, int, maybeFloats, maybeInts, string } from "./attributes.ts";
import { type Call, type Operators, type Output, type Rule, rule, typed, versions } from "./rule.ts";

interface Settings {
  readonly antialias: number;
  readonly coordinate_transformation_mode: string;
  readonly cubic_coeff_a: number;
  readonly exclude_outside: number;
  readonly extrapolation_value: number;
  readonly mode: string;
  readonly nearest_mode: string;
}

/** One dim to resize. */
interface Dim {
  readonly dim: number;
  readonly size: number;
  readonly out: number;
  readonly scale: number;
  /** For tf_crop_and_resize. */
  readonly roi: readonly [start: number, end: number] | undefined;
}

/** The input position of an output. */
function origin(call: Call<unknown>, mode: string, { size, out, scale, roi }: Dim, place: number): number {
  const width = scale * size;
  switch (mode) {
    case "align_corners":
      return width === 1 ? 0 : (place * (size - 1)) / (width - 1);
    case "asymmetric":
      return place / scale;
    case "tf_crop_and_resize": {
      if (roi === undefined) throw call.fail("tf_crop_and_resize needs a roi");
      const [start, end] = roi;
      if (width === 1) return ((end - start) * (size - 1)) / 2 + start * (size - 1);
      return (place * (end - start) * (size - 1)) / (width - 1) + start * (size - 1);
    }
    case "tf_half_pixel_for_nn":
      return (place + 0.5) / scale;
    case "pytorch_half_pixel":
      return out === 1 ? -0.5 : (place + 0.5) / scale - 0.5;
    case "half_pixel":
      return (place + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (size / 2) * (1 - out / width) + (place + 0.5) / scale - 0.5;
    default:
      throw call.fail(`the coordinate_transformation_mode ${JSON.stringify(mode)} is not known`);
  }
}

function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

/** The first neighbour of a position, and the weights from there on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function nearest(call: Call<unknown>, place: number, mode: string): Taps {
  const low = Math.floor(place);
  const up = (() => {
    switch (mode) {
      case "round_prefer_floor":
        return place - low > 0.5;
      case "round_prefer_ceil":
        return place - low >= 0.5;
      case "floor":
        return false;
      case "ceil":
        return place > low;
      default:
        throw call.fail(`the nearest_mode ${JSON.stringify(mode)} is not known`);
    }
  })();
  return { first: up ? low + 1 : low, weights: [1] };
}

/** A kernel around a position; widened when shrinking, so that no input is skipped. */
function kernel(place: number, reach: number, scale: number, weight: (distance: number) => number): Taps {
  const shrink = Math.min(scale, 1);
  const first = Math.floor(place) + Math.floor(-reach / shrink) + 1;
  const count = 2 * (1 - (Math.floor(-reach / shrink) + 1)) + 0;
  const weights = Array.from({ length: count }, (_, one) => weight((first + one - place) * shrink));
  const sum = weights.reduce((total, one) => total + one, 0);
  return { first, weights: weights.map((one) => one / sum) };
}

function tapsOf(call: Call<Settings>, dim: Dim, place: number): Taps {
  const { mode, cubic_coeff_a: a, antialias, nearest_mode } = call.attributes;
  const scale = antialias === 1 ? dim.scale : 1;
  switch (mode) {
    case "nearest":
      return nearest(call, place, nearest_mode);
    case "linear":
    case "bilinear":
      return kernel(place, 1, scale, (distance) => Math.max(0, 1 - Math.abs(distance)));
    case "cubic":
      return kernel(place, 2, scale, (distance) => cubic(distance, a));
    default:
      throw call.fail(`the mode ${JSON.stringify(mode)} is not one of nearest, linear, cubic`);
  }
}

function resizeDim(call: Call<Settings>, x: Tensor, dim: Dim): Tensor {
  const { coordinate_transformation_mode: transform, exclude_outside, extrapolation_value } = call.attributes;
  const { size, out } = dim;
  const rows = Array.from({ length: out }, (_, one) => {
    const place = origin(call, transform, dim, one);
    const outside = transform === "tf_crop_and_resize" && (place < 0 || place > size - 1);
    const taps = tapsOf(call, dim, place);
    if (exclude_outside !== 1) return { ...taps, outside };
    const kept = taps.weights.map((weight, tap) => (taps.first + tap < 0 || taps.first + tap >= size ? 0 : weight));
    const sum = kept.reduce((total, weight) => total + weight, 0);
    return { first: taps.first, weights: kept.map((weight) => (sum === 0 ? 0 : weight / sum)), outside };
  });
  const count = greatest(rows.map(({ weights }) => weights.length));
  const shape = x.shape.map((_, one) => (one === dim.dim ? out : 1));
  const along = (values: readonly number[]): Tensor => tensor(Float32Array.from(values)).reshape(shape).to(x.dtype);
  let sum: Tensor | undefined;
  for (let tap = 0; tap < count; tap++) {
    const places = Int32Array.from(rows, ({ first }) => Math.min(Math.max(first + tap, 0), size - 1));
    const weights = rows
      .map(({ weights: own }) => own[tap] ?? Number.NaN)
      .map((weight) => (Number.isNaN(weight) ? 0 : weight));
    const part = x.indexSelect(dim.dim, tensor(places));
    const weighted = weights.every((weight) => weight === 1) ? part : part.mul(along(weights));
    sum = sum === undefined ? weighted : sum.add(weighted);
  }
  if (sum === undefined) return x.narrow(dim.dim, 0, 0);
  if (!rows.some(({ outside }) => outside)) return sum;
  const outside = along(rows.map((row) => (row.outside ? 1 : 0)));
  return sum.mul(outside.neg().add(1)).add(outside.mul(extrapolation_value));
}

interface Sizes {
  readonly scales: readonly number[] | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly roi: readonly number[] | undefined;
  readonly axes: readonly number[];
  readonly policy: string;
}

function resize(call: Call<Settings>, { scales, sizes, roi, axes, policy }: Sizes): Output {
  const { tensor: x, type, shape } = call.value(0);
  const given = scales ?? sizes;
  if (given === undefined || given.length !== axes.length)
    throw call.fail(`it needs scales or sizes of ${axes.length} dims`);
  const ratios = axes.map((dim, place) =>
    scales === undefined ? at(given, place) / at(shape, dim) : at(given, place),
  );
  const common =
    policy === "not_larger" ? Math.min(...ratios) : policy === "not_smaller" ? Math.max(...ratios) : undefined;
  const wide = type === "float" || type === "double" ? x : x.to("float32");
  let out = wide;
  for (const [place, dim] of axes.entries()) {
    const size = at(shape, dim);
    const stretch = scales !== undefined || common === undefined;
    const scale = stretch ? at(ratios, place) : common;
    if (!(scale > 0)) throw call.fail(`a scale of ${scale} is not above 0`);
    if (!(size * scale <= 2 ** 24))
      throw call.fail(`a scale of ${scale} makes more than ${2 ** 24} of ${size} elements`);
    const target =
      scales !== undefined
        ? Math.floor(size * scale + 1e-7 * size)
        : stretch
          ? at(given, place)
          : Math.floor(scale * size + 0.5);
    const part =
      roi === undefined || roi.length === 0 ? undefined : ([at(roi, place), at(roi, place + axes.length)] as const);
    if (target === size && scale === 1 && (part === undefined || (part[0] === 0 && part[1] === 1))) continue;
    out = resizeDim(call, out, { dim, size, out: target, scale, roi: part });
  }
  return typed(x.dtype === out.dtype ? out : out.round().to(x.dtype), type);
}

const kinds = {
  antialias: int(0),
  axes: maybeInts,
  coordinate_transformation_mode: string("half_pixel"),
  cubic_coeff_a: float(-0.75),
  exclude_outside: int(0),
  extrapolation_value: float(0),
  keep_aspect_ratio_policy: string("stretch"),
  mode: string("nearest"),
  nearest_mode: string("round_prefer_floor"),
};

const none = (values: readonly number[] | undefined): readonly number[] | undefined =>
  values?.length === 0 ? undefined : values;
const settings = {
  antialias: 0,
  coordinate_transformation_mode: "asymmetric",
  cubic_coeff_a: -0.75,
  exclude_outside: 0,
  extrapolation_value: 0,
  nearest_mode: "floor",
};

/** Upsample, the predecessor of Resize: corners coincide, and the lower neighbour is used. */
function upsample(call: Call<{ readonly mode: string }>, scales: readonly number[]): Output {
  const mode = call.attributes.mode;
  const own: Call<Settings> = Object.assign(Object.create(call), { attributes: { ...settings, mode } });
  return resize(own, {
    scales,
    sizes: undefined,
    roi: undefined,
    axes: scales.map((_, dim) => dim),
    policy: "stretch",
  });
}

const modern: Rule = rule(
  kinds,
  (call) => {
    const rank = call.value(0).rank;
    const axes =
      call.attributes.axes === undefined
        ? Array.from({ length: rank }, (_, dim) => dim)
        : call.axes(call.attributes.axes, rank);
    return resize(call, {
      scales: none(call.maybeNumbers(2)),
      sizes: none(call.maybeNumbers(3)),
      roi: none(call.maybeNumbers(1)),
      axes,
      policy: call.attributes.keep_aspect_ratio_policy,
    });
  },
  { fixed: [1, 2, 3] },
);

export const resizes: Operators = {
  Resize: versions({
    10: rule({ mode: string("nearest") }, (call) => upsample(call, call.numbers(1)), { fixed: [1] }),
    11: modern,
  }),
  Upsample: versions({
    7: rule({ mode: string("nearest"), scales: maybeFloats }, (call) => upsample(call, call.attributes.scales ?? [])),
    9: rule({ mode: string("nearest") }, (call) => upsample(call, call.numbers(1)), { fixed: [1] }),
  }),
};
