// Operators that read and write at computed positions: Gather, Scatter, TopK, OneHot, NonZero, Unique.

import { at } from "../../../graph/at.ts";
import { computedIn, rangeOf } from "../../../graph/dtype.ts";
import { sizeOf } from "../../../graph/shape.ts";
import { arange, type Tensor, tensor, where } from "../../../tensor/index.ts";
import { int, maybeInt, string } from "./attributes.ts";
import { smallHost, stridesOf } from "./hosts.ts";
import { type Call, type Operators, type Output, rule, typed, versions } from "./rule.ts";
import { TensorValue } from "./values.ts";

/** Turns indices counted from the end into ones from the start. */
function wrappedIndex(index: TensorValue, size: number): Tensor {
  if (index.constant && index.size <= 4096) {
    const host = index.host("the index");
    const places = Int32Array.from(host, (place) => (place < 0 ? place + size : place));
    return tensor(places, { shape: [...index.shape] });
  }
  const t = index.tensor.to("int32");
  return where(t.lt(0), t.add(size), t);
}

function gather(call: Call<{ readonly axis: number }>): Output {
  const [data, index] = [call.value(0), call.value(1)];
  const axis = call.axis(call.attributes.axis, data.rank);
  const [known, places] = [smallHost(data), smallHost(index)];
  const size = at(data.shape, axis);
  if (data.rank === 1 && known !== undefined && places !== undefined) {
    const picked = Array.from(places, (place) => known[place < 0 ? place + size : place]);
    if (picked.every((one) => one !== undefined)) return TensorValue.known(picked, index.shape, data.type);
    throw call.fail(`an index of [${Array.from(places).join(", ")}] is outside a dim of ${size}`);
  }
  const flat = data.tensor.indexSelect(axis, wrappedIndex(index, size).reshape(index.size));
  return typed(flat.reshape([...data.shape.slice(0, axis), ...index.shape, ...data.shape.slice(axis + 1)]), data.type);
}

/** The flat position of each index tuple in the first dims of a shape. */
function flatPlaces(index: TensorValue, shape: readonly number[]): Tensor {
  const depth = at(index.shape, index.rank - 1);
  const strides = stridesOf(shape.slice(0, depth));
  const t = index.tensor.to("int32");
  let place: Tensor | undefined;
  for (let dim = 0; dim < depth; dim++) {
    const raw = t.select(index.rank - 1, dim);
    const step = where(raw.lt(0), raw.add(at(shape, dim)), raw).mul(at(strides, dim));
    place = place === undefined ? step : place.add(step);
  }
  return place ?? arange(0);
}

function gatherNd(call: Call<{ readonly batch_dims: number }>): Output {
  const [data, index] = [call.value(0), call.value(1)];
  const { batch_dims: batches } = call.attributes;
  const depth = at(index.shape, index.rank - 1);
  const lead = data.shape.slice(0, batches);
  const inner = data.shape.slice(batches, batches + depth);
  const tail = data.shape.slice(batches + depth);
  const outer = index.shape.slice(batches, -1);
  const [b, count, wide] = [sizeOf(lead), sizeOf(outer), sizeOf(tail)];
  const places = flatPlaces(index, inner).reshape(b, count);
  const offsets = arange(b).reshape(b, 1).mul(sizeOf(inner));
  const rows = data.tensor.reshape(b * sizeOf(inner), wide);
  const picked = rows.indexSelect(0, places.add(offsets).reshape(b * count));
  return typed(picked.reshape([...lead, ...outer, ...tail]), data.type);
}

type Combine = "none" | "add" | "mul" | "max" | "min";
const combines: readonly Combine[] = ["none", "add", "mul", "max", "min"];

/**
 * Writes rows [count, wide] at positions of rows [size, wide]. Sums accumulate. If plain writes share a position, the last one wins.
 * Products and extremes include all of them.
 */
function scatterRows(data: Tensor, places: Tensor, updates: Tensor, combine: Combine): Tensor {
  const [size = 0, wide = 0] = data.shape;
  const [count = 0] = places.shape;
  if (count === 0) return data;
  const dtype = data.dtype;
  const index = places.reshape(count, 1).expand(count, wide);
  if (combine === "add")
    return data
      .to(dtype === "bool" ? "int32" : dtype)
      .scatterAdd(0, index, updates)
      .to(dtype);
  if (combine === "none") {
    // The last write to each position has the largest number; numbers start at 1.
    const numbers = arange(1, count + 1).reshape(1, count);
    const hits = places.reshape(1, count).eq(arange(size).reshape(size, 1));
    const last = where(hits, numbers, 0).to("int32").amax(1);
    const chosen = updates.indexSelect(0, last.maximum(1).sub(1));
    return where(last.reshape(size, 1).gt(0), chosen, data);
  }
  const hits = places.reshape(1, count, 1).eq(arange(size).reshape(size, 1, 1));
  const apart = updates.reshape(1, count, wide);
  const neutral = combine === "mul" ? 1 : rangeOf(computedIn(dtype))[combine === "max" ? 0 : 1];
  const spread = where(hits, apart, neutral).to(dtype);
  if (combine === "mul") return data.mul(spread.prod(1));
  return combine === "max" ? data.maximum(spread.amax(1)) : data.minimum(spread.amin(1));
}

function combineOf(call: Call<{ readonly reduction: string }>): Combine {
  const found = combines.find((one) => one === call.attributes.reduction);
  if (found === undefined)
    throw call.fail(`the reduction ${JSON.stringify(call.attributes.reduction)} is not one of ${combines.join(", ")}`);
  return found;
}

function scatterElements(call: Call<{ readonly axis: number; readonly reduction: string }>): Output {
  const [data, index] = [call.value(0), call.value(1)];
  const axis = call.axis(call.attributes.axis, data.rank);
  const combine = combineOf(call);
  const updates = call.tensor(2);
  const places = wrappedIndex(index, at(data.shape, axis));
  if (combine === "add" && data.shape.every((size, dim) => dim === axis || size === index.shape[dim]))
    return typed(data.tensor.scatterAdd(axis, places, updates), data.type);
  // Each element is a row of one. Its flat position is that of its own index, moved along the axis.
  const strides = stridesOf(data.shape);
  let flat = places.mul(at(strides, axis));
  for (const [dim, size] of index.shape.entries()) {
    if (dim === axis) continue;
    flat = flat.add(
      arange(size)
        .mul(at(strides, dim))
        .reshape(index.shape.map((_, one) => (one === dim ? size : 1))),
    );
  }
  const out = scatterRows(
    data.tensor.reshape(data.size, 1),
    flat.reshape(index.size),
    updates.reshape(index.size, 1),
    combine,
  );
  return typed(out.reshape([...data.shape]), data.type);
}

function scatterNd(call: Call<{ readonly reduction: string }>): Output {
  const [data, index] = [call.value(0), call.value(1)];
  const depth = at(index.shape, index.rank - 1);
  const count = sizeOf(index.shape.slice(0, -1));
  const [rows, wide] = [sizeOf(data.shape.slice(0, depth)), sizeOf(data.shape.slice(depth))];
  const places = flatPlaces(index, data.shape).reshape(count);
  const out = scatterRows(
    data.tensor.reshape(rows, wide),
    places,
    call.tensor(2).reshape(count, wide),
    combineOf(call),
  );
  return typed(out.reshape([...data.shape]), data.type);
}

/** The positions of nonzero values in row-major order; their number depends on the values. */
function nonZero(call: Call<unknown>): Output {
  const value = call.value(0);
  const host = call.host(0);
  const strides = stridesOf(value.shape);
  const places: number[] = [];
  for (let place = 0; place < host.length; place++) if (host[place] !== 0) places.push(place);
  const rank = Math.max(1, value.rank);
  const out = Array.from({ length: rank }, (_, dim) =>
    places.map((place) => Math.floor(place / at(strides, dim)) % at(value.shape, dim)),
  );
  return TensorValue.known(out.flat(), [rank, places.length], "int64");
}

function compress(call: Call<{ readonly axis: number | undefined }>): Output {
  const value = call.value(0);
  const { axis } = call.attributes;
  const dim = axis === undefined ? 0 : call.axis(axis, value.rank);
  const x = axis === undefined ? value.tensor.reshape(value.size) : value.tensor;
  const kept = Array.from(call.host(1)).flatMap((keep, place) => (keep !== 0 ? [place] : []));
  return typed(x.indexSelect(dim, tensor(Int32Array.from(kept))), value.type);
}

function unique(call: Call<{ readonly axis: number | undefined; readonly sorted: number }>): Output[] {
  const value = call.value(0);
  const { axis, sorted } = call.attributes;
  const dim = axis === undefined ? 0 : call.axis(axis, value.rank);
  const flat = axis === undefined ? value.tensor.reshape(value.size) : value.tensor;
  const rows = at(flat.shape, dim);
  const front = flat
    .permute(dim, ...[...flat.shape.keys()].filter((one) => one !== dim))
    .reshape(rows, rows === 0 ? 0 : flat.size / rows);
  const host = TensorValue.of(front, value.type, value.constant).host(`${call.where}: input 0`);
  const wide = at(front.shape, 1);
  const rowOf = (row: number): number[] =>
    Array.from({ length: wide }, (_, column) => Number(host[row * wide + column]));
  const found = new Map<string, { row: readonly number[]; first: number; count: number }>();
  for (let row = 0; row < rows; row++) {
    const key = rowOf(row).join();
    const known = found.get(key);
    if (known === undefined) found.set(key, { row: rowOf(row), first: row, count: 1 });
    else known.count++;
  }
  const order = [...found.entries()];
  if (sorted === 1)
    order.sort(([, a], [, b]) => {
      const differs = a.row.findIndex((one, place) => one !== b.row[place]);
      return differs < 0 ? 0 : at(a.row, differs) - at(b.row, differs);
    });
  const numbers = new Map(order.map(([key], place) => [key, place]));
  const list = (values: readonly number[]): TensorValue => TensorValue.known(values, [values.length], "int64");
  const firsts = order.map(([, { first }]) => first);
  return [
    typed(flat.indexSelect(dim, tensor(Int32Array.from(firsts))), value.type),
    list(firsts),
    list(Array.from({ length: rows }, (_, row) => numbers.get(rowOf(row).join()) ?? -1)),
    list(order.map(([, { count }]) => count)),
  ];
}

function topK(call: Call<{ readonly axis: number; readonly largest: number }>, k: number): Output[] {
  const value = call.value(0);
  const dim = call.axis(call.attributes.axis, value.rank);
  if (k > at(value.shape, dim)) throw call.fail(`the ${k} largest of ${at(value.shape, dim)} elements`);
  const { values, indices } = value.tensor.topk(k, dim, { largest: call.attributes.largest === 1 });
  return [typed(values.to(value.tensor.dtype), value.type), typed(indices, "int64")];
}

const scatterRule = rule({ axis: int(0), reduction: string("none") }, scatterElements);

export const indexing: Operators = {
  Gather: rule({ axis: int(0) }, gather),
  GatherElements: rule({ axis: int(0) }, (call) => {
    const data = call.value(0);
    const axis = call.axis(call.attributes.axis, data.rank);
    const index = call.value(1);
    let x = data.tensor;
    // The other dims of the index may be shorter.
    for (const [dim, size] of index.shape.entries())
      if (dim !== axis && size < at(x.shape, dim)) x = x.narrow(dim, 0, size);
    return typed(x.gather(axis, wrappedIndex(index, at(data.shape, axis))), data.type);
  }),
  GatherND: rule({ batch_dims: int(0) }, gatherNd),
  Scatter: scatterRule,
  ScatterElements: scatterRule,
  ScatterND: rule({ reduction: string("none") }, scatterNd),
  TensorScatter: rule({ axis: int(-2), mode: string("linear") }, (call) => {
    const cache = call.value(0);
    const update = call.tensor(1);
    const dim = call.axis(call.attributes.axis, cache.rank);
    const [size, count] = [at(cache.shape, dim), at(update.shape, dim)];
    const batch = at(cache.shape, 0);
    const along = (one: number, t: Tensor): Tensor =>
      t.reshape(cache.shape.map((_, d) => (d === one ? at(t.shape, 0) : 1)));
    const start = along(0, call.maybe(2)?.to("int32") ?? tensor(new Int32Array(batch)));
    const steps = along(dim, arange(size));
    const raw = steps.sub(start);
    const offset = call.attributes.mode === "circular" ? where(raw.lt(0), raw.add(size), raw) : raw;
    const inside = offset.ge(0).logicalAnd(offset.lt(count));
    const picked = update.gather(dim, offset.clamp(0, count - 1).expand([...cache.shape]));
    return typed(where(inside, picked, cache.tensor), cache.type);
  }),
  OneHot: rule(
    { axis: int(-1) },
    (call) => {
      const index = call.value(0);
      const depth = call.number(1);
      const values = call.value(2);
      const axis = call.axis(call.attributes.axis, index.rank + 1);
      const places = index.tensor.to("int32").unsqueeze(axis);
      const classes = arange(depth).reshape(
        Array.from({ length: index.rank + 1 }, (_, dim) => (dim === axis ? depth : 1)),
      );
      const hit = where(places.lt(0), places.add(depth), places).eq(classes);
      const [off, on] = [values.tensor.narrow(0, 0, 1).reshape([]), values.tensor.narrow(0, 1, 1).reshape([])];
      return typed(where(hit, on, off), values.type);
    },
    { fixed: [1] },
  ),
  TopK: versions({
    1: rule({ axis: int(-1), k: int(), largest: int(1), sorted: int(1) }, (call) => topK(call, call.attributes.k)),
    10: rule({ axis: int(-1), largest: int(1), sorted: int(1) }, (call) => topK(call, call.number(1)), { fixed: [1] }),
  }),
  NonZero: rule({}, nonZero),
  Compress: rule({ axis: maybeInt }, compress),
  Unique: rule({ axis: maybeInt, sorted: int(1) }, unique),
};
