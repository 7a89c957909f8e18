// Pools: the maximum, mean or norm of each window, over any number of spatial dims.

import { at } from "../../../graph/at.ts";
import { computedIn, rangeOf } from "../../../graph/dtype.ts";
import { sizeOf } from "../../../graph/shape.ts";
import { arange, type Tensor, tensor, where, zeros } from "../../../tensor/index.ts";
import { int, maybeInts } from "./attributes.ts";
import { stridesOf } from "./hosts.ts";
import { windows } from "./nodes.ts";
import { padded } from "./padding.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";
import { type Geometry, geometryOf, poolKinds, type WindowAttributes } from "./windows.ts";

type PoolCall = Call<WindowAttributes & { readonly ceil_mode: number }>;

interface Pool extends Geometry {
  /** Number of windows along each dim. */
  readonly counts: readonly number[];
  /** Padding, including the overhang of the last windows. */
  readonly reach: readonly (readonly [number, number])[];
}

function poolOf(call: PoolCall, x: Tensor): Pool {
  if (x.rank < 3) throw call.fail(`the input [${x.shape.join(", ")}] has no spatial dims`);
  const sizes = x.shape.slice(2);
  const geometry = geometryOf(call, sizes);
  const { kernel, stride, dilation, pads } = geometry;
  const counts = sizes.map((size, dim) => {
    const [before, after] = at(pads, dim);
    const [step, span] = [at(stride, dim), (at(kernel, dim) - 1) * at(dilation, dim) + 1];
    const room = (size + before + after - span) / step;
    const count = (call.attributes.ceil_mode === 1 ? Math.ceil(room) : Math.floor(room)) + 1;
    if (count < 1)
      throw call.fail(`a window of ${span} does not fit a dim of ${size} with pads of ${before} and ${after}`);
    // A window that begins in the end padding does not count.
    return call.attributes.ceil_mode === 1 && (count - 1) * step >= size + before ? count - 1 : count;
  });
  const reach = sizes.map((size, dim): [number, number] => {
    const [before] = at(pads, dim);
    const last = (at(counts, dim) - 1) * at(stride, dim) + (at(kernel, dim) - 1) * at(dilation, dim) + 1;
    return [before, last - size - before];
  });
  return { ...geometry, counts, reach };
}

/** [N, C, ...counts, ...kernel], padded with a value. */
function windowsOf(x: Tensor, pool: Pool, value: number): Tensor {
  const wide = padded(x, [[0, 0], [0, 0], ...pool.reach], "constant", value);
  return windows(wide, pool, pool.counts);
}
const kernelDims = (x: Tensor, pool: Pool): number[] => pool.kernel.map((_, dim) => x.rank + dim);

const lowest = (x: Tensor): number => rangeOf(computedIn(x.dtype))[0];

/** The index of the maximum of each window, among all elements of x. */
function placesOf(x: Tensor, pool: Pool, storageOrder: number): Tensor {
  const { kernel, stride, dilation, counts, pads } = pool;
  const rank = kernel.length;
  const sizes = x.shape.slice(2);
  const found = windowsOf(x, pool, lowest(x))
    .reshape([...x.shape.slice(0, 2), ...counts, sizeOf(kernel)])
    .argmax(2 + rank);
  const strides = storageOrder === 1 ? stridesOf([...sizes].reverse()).reverse() : stridesOf(sizes);
  let place = arange(at(x.shape, 0) * at(x.shape, 1))
    .mul(sizeOf(sizes))
    .reshape([at(x.shape, 0), at(x.shape, 1), ...counts.map(() => 1)]);
  const inner = stridesOf(kernel);
  for (const dim of kernel.keys()) {
    // The element's row in the window along this dim, from a table.
    const rows = Int32Array.from(
      { length: sizeOf(kernel) },
      (_, one) => Math.floor(one / at(inner, dim)) % at(kernel, dim),
    );
    const row = tensor(rows).indexSelect(0, found.reshape(found.size)).reshape(found.shape).mul(at(dilation, dim));
    const start = arange(at(counts, dim)).mul(at(stride, dim)).sub(at(pads, dim)[0]);
    const along = start.reshape(found.shape.map((size, one) => (one === dim + 2 ? size : 1)));
    place = place.add(row.add(along).mul(at(strides, dim)));
  }
  return place;
}

function maxPool(
  call: Call<WindowAttributes & { readonly ceil_mode: number; readonly storage_order: number }>,
): Output[] {
  const { tensor: x, type } = call.value(0);
  const pool = poolOf(call, x);
  const largest = windowsOf(x, pool, lowest(x)).amax(kernelDims(x, pool));
  if (!call.wants(1)) return [typed(largest, type)];
  return [typed(largest, type), typed(placesOf(x, pool, call.attributes.storage_order), "int64")];
}

function averagePool(
  call: Call<WindowAttributes & { readonly ceil_mode: number; readonly count_include_pad: number }>,
): Output {
  const { tensor: x, type } = call.value(0);
  const pool = poolOf(call, x);
  let mean = windowsOf(x, pool, 0).sum(kernelDims(x, pool));
  // Number of elements per window, dim by dim.
  for (const [dim, size] of x.shape.slice(2).entries()) {
    const [before, after] = at(pool.pads, dim);
    const [low, high] = call.attributes.count_include_pad === 1 ? [-before, size + after] : [0, size];
    const counts = Float64Array.from({ length: at(pool.counts, dim) }, (_, window) => {
      const start = window * at(pool.stride, dim) - before;
      const places = Array.from({ length: at(pool.kernel, dim) }, (_, one) => start + one * at(pool.dilation, dim));
      return places.filter((place) => place >= low && place < high).length;
    });
    const divisor = tensor(Float32Array.from(counts)).reshape(
      mean.shape.map((own, one) => (one === dim + 2 ? own : 1)),
    );
    mean = mean.div(divisor.to(x.dtype));
  }
  return typed(mean, type);
}

const allSpatial = (x: Tensor): number[] => [...x.shape.keys()].slice(2);

/** (Σ |x|ᵖ)^(1/p) over some dims. */
function lpNorm(x: Tensor, dims: number[], p: number, keepdim: boolean): Tensor {
  if (p === 1) return x.abs().sum(dims, keepdim);
  if (p === 2) return x.norm(2, dims, keepdim);
  return x
    .abs()
    .pow(p)
    .sum(dims, keepdim)
    .pow(1 / p);
}

function unpool(call: Call<WindowAttributes>): Output {
  const { tensor: x, type } = call.value(0);
  const { kernel, stride, pads } = geometryOf(call, x.shape.slice(2));
  const sizes = x.shape
    .slice(2)
    .map((size, dim) => (size - 1) * at(stride, dim) + at(kernel, dim) - at(pads, dim)[0] - at(pads, dim)[1]);
  const own = [...x.shape.slice(0, 2), ...sizes];
  // Indices refer to the pooled tensor; a larger output is requested by its shape.
  const wanted = call.maybeNumbers(2) ?? own;
  const flat = zeros([sizeOf(own)])
    .to(x.dtype)
    .scatterAdd(0, call.tensor(1).reshape(x.size), x.reshape(x.size));
  const placed = flat.reshape(own);
  return typed(
    padded(
      placed,
      own.map((size, dim): [number, number] => [0, at(wanted, dim) - size]),
      "constant",
      0,
    ),
    type,
  );
}

export const pools: Operators = {
  MaxPool: rule({ ...poolKinds, storage_order: int(0) }, maxPool),
  AveragePool: rule({ ...poolKinds, count_include_pad: int(0) }, averagePool),
  LpPool: rule({ ...poolKinds, p: int(2) }, (call) => {
    const x = call.tensor(0);
    const pool = poolOf(call, x);
    return lpNorm(windowsOf(x, pool, 0), kernelDims(x, pool), call.attributes.p, false);
  }),
  GlobalAveragePool: rule({}, (call) => call.tensor(0).mean(allSpatial(call.tensor(0)), true)),
  GlobalMaxPool: rule({}, (call) => call.tensor(0).amax(allSpatial(call.tensor(0)), true)),
  GlobalLpPool: rule({ p: int(2) }, (call) =>
    lpNorm(call.tensor(0), allSpatial(call.tensor(0)), call.attributes.p, true),
  ),
  LpNormalization: rule({ axis: int(-1), p: int(2) }, (call) => {
    const x = call.tensor(0);
    const norm = lpNorm(x, [call.axis(call.attributes.axis, x.rank)], call.attributes.p, true);
    return where(norm.eq(0), 0, x.div(where(norm.eq(0), 1, norm))).to(x.dtype);
  }),
  MaxUnpool: rule(
    {
      auto_pad: poolKinds.auto_pad,
      dilations: maybeInts,
      kernel_shape: maybeInts,
      pads: maybeInts,
      strides: maybeInts,
    },
    unpool,
    { fixed: [2] },
  ),
};
