// Image sampling at computed positions (GridSample, AffineGrid) and detection boxes (RoiAlign, NonMaxSuppression).
import { at } from "../../../graph/at.ts";
import { sizeOf } from "../../../graph/shape.ts";
import { cat, type Tensor, tensor, where } from "../../../tensor/index.ts";
import { float, int, string } from "./attributes.ts";
import { stridesOf } from "./hosts.ts";
import { type Call, type Operators, type Output, rule } from "./rule.ts";
import { type Host, TensorValue } from "./values.ts";

/** One neighbour along a dim: its offset from ⌊position⌋, and its weight as a function of the fraction. */
interface Tap {
  readonly offset: number;
  readonly weight: (fraction: Tensor) => Tensor;
}

const cubicA = -0.75;
const near = (x: Tensor): Tensor =>
  x
    .mul(cubicA + 2)
    .sub(cubicA + 3)
    .mul(x)
    .mul(x)
    .add(1);
const far = (x: Tensor): Tensor =>
  x
    .mul(cubicA)
    .sub(5 * cubicA)
    .mul(x)
    .add(8 * cubicA)
    .mul(x)
    .sub(4 * cubicA);
const one = (x: Tensor): Tensor => x.mul(0).add(1);

const taps: Readonly<Record<string, readonly Tap[]>> = {
  nearest: [{ offset: 0, weight: one }],
  linear: [
    { offset: 0, weight: (f) => f.neg().add(1) },
    { offset: 1, weight: (f) => f },
  ],
  cubic: [
    { offset: -1, weight: (f) => far(f.add(1)) },
    { offset: 0, weight: near },
    { offset: 1, weight: (f) => near(f.neg().add(1)) },
    { offset: 2, weight: (f) => far(f.neg().add(2)) },
  ],
};

/** Reflects positions at the borders until they are inside. */
function reflected(x: Tensor, low: number, high: number): Tensor {
  const range = high - low;
  if (range <= 0) return x.mul(0).add(low);
  const away = x.sub(low).abs();
  const turns = away.div(range).floor();
  const rest = away.sub(turns.mul(range));
  return where(turns.remainder(2).eq(0), rest.add(low), rest.neg().add(high)).to(x.dtype);
}

interface Grid {
  readonly mode: readonly Tap[];
  readonly nearest: boolean;
  readonly padding: string;
  readonly aligned: boolean;
}

/** The values of [N, C, ...size] at positions [N, ...out, rank], whose last dim lists the axes in reverse. */
function sampled(x: Tensor, grid: Tensor, { mode, nearest, padding, aligned }: Grid): Tensor {
  const [n, c, ...sizes] = x.shape;
  const rank = sizes.length;
  const outer = grid.shape.slice(1, -1);
  const count = sizeOf(outer);
  const strides = stridesOf(sizes);
  const flat = x.reshape(n ?? 0, c ?? 0, sizeOf(sizes));
  // For every tap along each dim: a position, a weight, and whether it is inside.
  const dims = sizes.map((size, dim) => {
    const normal = grid.select(grid.rank - 1, rank - 1 - dim).reshape(n ?? 0, count);
    const scaled = aligned ? normal.add(1).mul((size - 1) / 2) : normal.add(1).mul(size).sub(1).div(2);
    const [low, high] = aligned ? [0, size - 1] : [-0.5, size - 0.5];
    let place = nearest ? scaled.round() : scaled;
    if (padding === "border") place = place.clamp(0, size - 1);
    else if (padding === "reflection") place = reflected(place, low, high);
    const base = place.floor();
    const fraction = place.sub(base);
    return mode.map(({ offset, weight }) => {
      let at = base.add(offset);
      if (padding === "reflection") at = reflected(at, low, high);
      const inside = at.ge(0).logicalAnd(at.le(size - 1));
      const index = at
        .clamp(0, size - 1)
        .to("int32")
        .mul(strides[dim] ?? Number.NaN);
      const share = weight(fraction);
      return { index, weight: padding === "zeros" ? where(inside, share, 0).to(x.dtype) : share };
    });
  });
  let parts: { readonly index?: Tensor; readonly weight?: Tensor }[] = [{}];
  for (const along of dims)
    parts = parts.flatMap((part) =>
      along.map(({ index, weight }) => ({
        index: part.index === undefined ? index : part.index.add(index),
        weight: part.weight === undefined ? weight : part.weight.mul(weight),
      })),
    );
  let sum: Tensor | undefined;
  for (const { index, weight } of parts) {
    if (index === undefined || weight === undefined) continue;
    const wide = index.unsqueeze(1).expand(n ?? 0, c ?? 0, count);
    const value = flat.gather(2, wide).mul(weight.unsqueeze(1));
    sum = sum === undefined ? value : sum.add(value);
  }
  return (sum ?? flat).reshape([n ?? 0, c ?? 0, ...outer]);
}

/** Positions from −1 to 1 along a dim. */
const line = (size: number, aligned: boolean): Tensor =>
  tensor(
    Float32Array.from({ length: size }, (_, place) =>
      aligned ? (size === 1 ? -1 : -1 + (2 * place) / (size - 1)) : -1 + (2 * place + 1) / size,
    ),
  );

function affineGrid(call: Call<{ readonly align_corners: number }>): Tensor {
  const theta = call.tensor(0);
  const sizes = call.numbers(1).slice(2);
  const aligned = call.attributes.align_corners === 1;
  const count = sizeOf(sizes);
  const along = sizes.map((size, dim) =>
    line(size, aligned)
      .reshape(sizes.map((_, one) => (one === dim ? size : 1)))
      .expand(sizes)
      .reshape(count, 1),
  );
  const homogeneous = cat([...along.reverse(), one(at(along, 0))], 1).to(theta.dtype);
  return homogeneous.matmul(theta.transpose(1, 2)).reshape([at(theta.shape, 0), ...sizes, sizes.length]);
}

/** A box as [top, left, bottom, right]. */
function boxAt(host: Host, place: number, centred: boolean): readonly [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = Array.from({ length: 4 }, (_, one) => host[4 * place + one]);
  if (centred) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

function overlap(a: readonly number[], b: readonly number[]): number {
  const [t0 = 0, l0 = 0, b0 = 0, r0 = 0] = a;
  const [t1 = 0, l1 = 0, b1 = 0, r1 = 0] = b;
  const common = Math.max(0, Math.min(b0, b1) - Math.max(t0, t1)) * Math.max(0, Math.min(r0, r1) - Math.max(l0, l1));
  const all = (b0 - t0) * (r0 - l0) + (b1 - t1) * (r1 - l1) - common;
  return all <= 0 ? 0 : common / all;
}

/** The best boxes of each class that do not overlap better ones. Read on the host, as their number depends on the values. */
function nonMaxSuppression(call: Call<{ readonly center_point_box: number }>): Output {
  const [boxes, scores] = [call.host(0), call.host(1)];
  const [batches, classes, count] = [0, 1, 2].map((dim) => at(call.value(1).shape, dim));
  const most = call.maybeNumber(2) ?? 0;
  const [limit, least] = [call.maybeNumber(3) ?? 0, call.maybeNumber(4) ?? Number.NEGATIVE_INFINITY];
  const found: number[] = [];
  for (let batch = 0; batch < (batches ?? 0); batch++)
    for (let one = 0; one < (classes ?? 0); one++) {
      const scoreOf = (box: number): number =>
        scores[(batch * (classes ?? 0) + one) * (count ?? 0) + box] ?? Number.NaN;
      const order = Array.from({ length: count ?? 0 }, (_, box) => box)
        .filter((box) => scoreOf(box) > least)
        .sort((a, b) => scoreOf(b) - scoreOf(a));
      const kept: (readonly number[])[] = [];
      for (const box of order) {
        if (kept.length >= most) break;
        const own = boxAt(boxes, batch * (count ?? 0) + box, call.attributes.center_point_box === 1);
        if (kept.some((other) => overlap(own, other) > limit)) continue;
        kept.push(own);
        found.push(batch, one, box);
      }
    }
  return TensorValue.known(found, [found.length / 3, 3], "int64");
}

interface RoiAttributes {
  readonly coordinate_transformation_mode: string;
  readonly mode: string;
  readonly output_height: number;
  readonly output_width: number;
  readonly sampling_ratio: number;
  readonly spatial_scale: number;
}

/** Sample points of each cell of each box, interpolated between four elements; their mean or maximum. */
function roiAlign(call: Call<RoiAttributes>): Output {
  const { attributes: a } = call;
  const x = call.tensor(0);
  const rois = call.host(1);
  const batch = call.host(2);
  const [channels, height, width] = [at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
  const shift = a.coordinate_transformation_mode === "half_pixel" ? 0.5 : 0;
  const cells = Array.from({ length: at(call.value(1).shape, 0) }, (_, roi) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = Array.from(
      { length: 4 },
      (_, one) => (rois[4 * roi + one] ?? Number.NaN) * a.spatial_scale - shift,
    );
    const least = shift === 0 ? 1 : 0;
    if (!(a.output_height * a.output_width <= 2 ** 20))
      throw call.fail(`an output of ${a.output_height} × ${a.output_width} cells for each box is more than ${2 ** 20}`);
    const [h, w] = [Math.max(y2 - y1, least) / a.output_height, Math.max(x2 - x1, least) / a.output_width];
    const [rows, columns] = a.sampling_ratio > 0 ? [a.sampling_ratio, a.sampling_ratio] : [Math.ceil(h), Math.ceil(w)];
    const points: number[] = [];
    for (let i = 0; i < a.output_height; i++)
      for (let j = 0; j < a.output_width; j++)
        for (let r = 0; r < rows; r++)
          for (let s = 0; s < columns; s++)
            points.push(y1 + (i + (r + 0.5) / rows) * h, x1 + (j + (s + 0.5) / columns) * w);
    const count = rows * columns;
    const image = x.select(0, batch[roi] ?? Number.NaN).reshape(channels, height * width);
    const values = [0, 1, 2, 3].map((corner) => cornerOf(image, points, corner, height, width));
    const cell = (t: Tensor): Tensor => t.reshape(channels, a.output_height, a.output_width, count);
    if (a.mode === "max")
      return values
        .map(cell)
        .reduce((p, q) => p.maximum(q))
        .amax(3);
    return values
      .map(cell)
      .reduce((p, q) => p.add(q))
      .mean(3);
  });
  if (cells.length === 0)
    return TensorValue.known([], [0, channels, a.output_height, a.output_width], call.value(0).type);
  return cat(
    cells.map((cell) => cell.unsqueeze(0)),
    0,
  );
}

/** One of the four elements around each point, times its weight. */
function cornerOf(image: Tensor, points: readonly number[], corner: number, height: number, width: number): Tensor {
  const count = points.length / 2;
  const [places, shares] = [new Int32Array(count), new Float32Array(count)];
  for (let point = 0; point < count; point++) {
    const [rawY, rawX] = [at(points, 2 * point), at(points, 2 * point + 1)];
    if (rawY < -1 || rawY > height || rawX < -1 || rawX > width) continue;
    const along = (raw: number, size: number, high: boolean): readonly [number, number] => {
      const value = Math.max(raw, 0);
      const low = Math.min(Math.floor(value), size - 1);
      const fraction = low >= size - 1 ? 0 : value - low;
      return high ? [Math.min(low + 1, size - 1), fraction] : [low, 1 - fraction];
    };
    const [y, ys] = along(rawY, height, corner > 1);
    const [x, xs] = along(rawX, width, corner % 2 === 1);
    places[point] = y * width + x;
    shares[point] = ys * xs;
  }
  return image.indexSelect(1, tensor(places)).mul(tensor(shares).to(image.dtype));
}

export const samples: Operators = {
  GridSample: rule({ align_corners: int(0), mode: string("linear"), padding_mode: string("zeros") }, (call) => {
    const { mode, padding_mode: padding, align_corners } = call.attributes;
    const name = mode === "bilinear" ? "linear" : mode === "bicubic" ? "cubic" : mode;
    const found = Object.hasOwn(taps, name) ? taps[name] : undefined;
    if (found === undefined) throw call.fail(`the mode ${JSON.stringify(mode)} is not one of nearest, linear, cubic`);
    return sampled(call.tensor(0), call.tensor(1), {
      mode: found,
      nearest: name === "nearest",
      padding,
      aligned: align_corners === 1,
    });
  }),
  AffineGrid: rule({ align_corners: int(0) }, affineGrid, { fixed: [1] }),
  NonMaxSuppression: rule({ center_point_box: int(0) }, nonMaxSuppression, { fixed: [2, 3, 4] }),
  RoiAlign: rule(
    {
      coordinate_transformation_mode: string("half_pixel"),
      mode: string("avg"),
      output_height: int(1),
      output_width: int(1),
      sampling_ratio: int(0),
      spatial_scale: float(1),
    },
    roiAlign,
  ),
};
