// Operators that move elements: reshapes, slices, pads, tiles, splits.
import { at } from "../../../graph/at.ts";
import { broadcastShapes, sizeOf } from "../../../graph/shape.ts";
import { arange, cat, type Tensor, where } from "../../../tensor/index.ts";
import { float, int, ints, maybeInt, maybeInts, string } from "./attributes.ts";
import { smallHost } from "./hosts.ts";
import { type PadMode, padded } from "./padding.ts";
import { type Call, type Operators, type Output, rule, typed, versions } from "./rule.ts";
import { TensorValue } from "./values.ts";

/** Reshapes a value; a known array stays known. */
function reshaped(value: TensorValue, shape: readonly number[]): Output {
  const host = smallHost(value, true);
  return host === undefined
    ? typed(value.tensor.reshape([...shape]), value.type)
    : TensorValue.known(host, shape, value.type);
}

function reshape(call: Call<{ readonly allowzero: number }>, wanted: readonly number[]): Output {
  const value = call.value(0);
  if (call.attributes.allowzero === 0 && wanted.lastIndexOf(0) >= value.rank)
    throw call.fail(`a size of 0 keeps a dim that [${value.shape.join(", ")}] does not have`);
  const sizes = wanted.map((size, dim) =>
    size === 0 && call.attributes.allowzero === 0 ? at(value.shape, dim) : size,
  );
  const open = sizes.indexOf(-1);
  if (open >= 0) {
    const rest = sizes.reduce((product, size, dim) => (dim === open ? product : product * size), 1);
    sizes[open] = rest === 0 ? 0 : value.size / rest;
  }
  if (sizes.some((size) => !Number.isInteger(size) || size < 0) || sizeOf(sizes) !== value.size)
    throw call.fail(
      `${value.size} elements of shape [${value.shape.join(", ")}] do not fill the shape [${wanted.join(", ")}]`,
    );
  return reshaped(value, sizes);
}

function squeeze(call: Call<unknown>, given: readonly number[] | undefined): Output {
  const value = call.any(0);
  if (value.kind !== "tensor") throw call.fail("its input is not a tensor");
  const axes = given === undefined ? undefined : call.axes(given, value.rank);
  for (const axis of axes ?? [])
    if (value.shape[axis] !== 1) throw call.fail(`dim ${axis} of [${value.shape.join(", ")}] is not of size 1`);
  return reshaped(
    value,
    value.shape.filter((size, dim) => (axes === undefined ? size !== 1 : !axes.includes(dim))),
  );
}

function unsqueeze(call: Call<unknown>, given: readonly number[]): Output {
  const value = call.value(0);
  const axes = call.axes(given, value.rank + given.length);
  const rest = [...value.shape];
  const sizes = Array.from({ length: value.rank + given.length }, (_, dim) =>
    axes.includes(dim) ? 1 : (rest.shift() ?? 1),
  );
  return reshaped(value, sizes);
}

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** A slice with a step of either sign; bounds are clamped to the ends. */
function slice(call: Call<unknown>, value: TensorValue, cuts: readonly Cut[]): Output {
  const bounds = cuts.map(({ axis, start, end, step }) => {
    const dim = call.axis(axis, value.rank);
    const size = at(value.shape, dim);
    if (step === 0) throw call.fail("a step of 0 never ends");
    const clip = (place: number): number => {
      const from = place < 0 ? place + size : place;
      return step > 0 ? Math.min(Math.max(from, 0), size) : Math.min(Math.max(from, -1), size - 1);
    };
    const [first, last] = [clip(start), clip(end)];
    return { dim, first, step, count: Math.max(0, Math.ceil((last - first) / step)) };
  });
  const host = value.rank === 1 ? smallHost(value, true) : undefined;
  const [only] = bounds;
  if (host !== undefined && bounds.length === 1 && only !== undefined) {
    const { first, step, count } = only;
    const out = Array.from(host).filter(
      (_, place) => (place - first) % step === 0 && (place - first) / step >= 0 && (place - first) / step < count,
    );
    return TensorValue.known(step < 0 ? out.reverse() : out, [count], value.type);
  }
  let out = value.tensor;
  for (const { dim, first, step, count } of bounds) {
    if (step > 0) out = out.slice(dim, first, first + (count - 1) * step + (count > 0 ? 1 : 0), step);
    else {
      const size = at(out.shape, dim);
      const from = size - 1 - first;
      out = count === 0 ? out.narrow(dim, 0, 0) : out.flip(dim).slice(dim, from, from - (count - 1) * step + 1, -step);
    }
    if (count === 0) out = out.narrow(dim, 0, 0);
  }
  return typed(out, value.type);
}

const sliceOld = rule({ axes: maybeInts, starts: ints(), ends: ints() }, (call) => {
  const { starts, ends, axes } = call.attributes;
  const cuts = starts.map((start, place) => ({ axis: axes?.[place] ?? place, start, end: at(ends, place), step: 1 }));
  return slice(call, call.value(0), cuts);
});
const sliceNew = rule(
  {},
  (call) => {
    const [starts, ends, axes, steps] = [call.numbers(1), call.numbers(2), call.maybeNumbers(3), call.maybeNumbers(4)];
    const cuts = starts.map((start, place) => ({
      axis: axes?.[place] ?? place,
      start,
      end: at(ends, place),
      step: steps === undefined ? 1 : at(steps, place),
    }));
    return slice(call, call.value(0), cuts);
  },
  { fixed: [1, 2, 3, 4] },
);

function concat(call: Call<{ readonly axis: number }>): Output {
  const values = call.inputs.map((_, place) => call.value(place));
  const [first] = values;
  if (first === undefined) throw call.fail("it takes at least one input");
  const axis = call.axis(call.attributes.axis, first.rank);
  const hosts = values.map((value) => smallHost(value));
  if (first.rank === 1 && !hosts.includes(undefined)) {
    const all = hosts.flatMap((host) => Array.from(host ?? []));
    return TensorValue.known(all, [all.length], first.type);
  }
  return typed(
    cat(
      values.map((value) => value.tensor),
      axis,
    ),
    first.type,
  );
}

/** Sizes of the parts of a split. */
function partsOf(
  call: Call<{ readonly num_outputs: number | undefined }>,
  size: number,
  given: readonly number[] | undefined,
): readonly number[] {
  if (given !== undefined) {
    if (given.some((part) => part < 0) || given.reduce((sum, part) => sum + part, 0) !== size)
      throw call.fail(`parts of [${given.join(", ")}] do not make up a dim of ${size}`);
    return given;
  }
  const count = call.attributes.num_outputs ?? call.outputs.length;
  if (count !== call.outputs.length) throw call.fail(`${count} parts go to ${call.outputs.length} outputs`);
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, place) => Math.max(0, Math.min(part, size - place * part)));
}

function split(
  call: Call<{ readonly axis: number; readonly num_outputs: number | undefined }>,
  given: readonly number[] | undefined,
): Output[] {
  const value = call.value(0);
  const axis = call.axis(call.attributes.axis, value.rank);
  let start = 0;
  const host = value.rank === 1 ? smallHost(value) : undefined;
  return partsOf(call, at(value.shape, axis), given).map((part) => {
    start += part;
    if (host !== undefined) return TensorValue.known(Array.from(host).slice(start - part, start), [part], value.type);
    return typed(value.tensor.narrow(axis, start - part, part), value.type);
  });
}

const padModes: readonly PadMode[] = ["constant", "reflect", "edge", "wrap"];

/** Padding of all dims: [begins…, ends…] of the given axes; negative values crop. */
function pad(
  call: Call<{ readonly mode: string }>,
  pads: readonly number[],
  value: number,
  given?: readonly number[],
): Output {
  const x = call.value(0);
  const mode = padModes.find((one) => one === call.attributes.mode);
  if (mode === undefined)
    throw call.fail(`the mode ${JSON.stringify(call.attributes.mode)} is not one of ${padModes.join(", ")}`);
  const axes = given === undefined ? x.shape.map((_, dim) => dim) : call.axes(given, x.rank);
  if (pads.length !== 2 * axes.length) throw call.fail(`${pads.length} pads do not fit ${axes.length} dims`);
  const all = x.shape.map((): [number, number] => [0, 0]);
  for (const [place, axis] of axes.entries()) all[axis] = [at(pads, place), at(pads, place + axes.length)];
  return typed(padded(x.tensor, all, mode, value), x.type);
}

const transposed = (x: Tensor, perm: readonly number[]): Tensor => x.permute([...perm]);

export const shapes: Operators = {
  Reshape: versions({
    1: rule({ shape: ints(), consumed_inputs: maybeInts, allowzero: int(0) }, (call) =>
      reshape(call, call.attributes.shape),
    ),
    5: rule({ allowzero: int(0) }, (call) => reshape(call, call.numbers(1)), { fixed: [1] }),
  }),
  Flatten: rule({ axis: int(1) }, (call) => {
    const value = call.value(0);
    const axis = call.attributes.axis === value.rank ? value.rank : call.axis(call.attributes.axis, value.rank);
    return reshaped(value, [sizeOf(value.shape.slice(0, axis)), sizeOf(value.shape.slice(axis))]);
  }),
  Squeeze: rule({ axes: maybeInts }, (call) => squeeze(call, call.maybeNumbers(1) ?? call.attributes.axes), {
    fixed: [1],
  }),
  Unsqueeze: rule({ axes: maybeInts }, (call) => unsqueeze(call, call.attributes.axes ?? call.numbers(1)), {
    fixed: [1],
  }),
  Transpose: rule({ perm: maybeInts }, (call) => {
    const value = call.value(0);
    const perm = call.attributes.perm ?? [...value.shape.keys()].reverse();
    if (perm.length !== value.rank) throw call.fail(`${perm.length} dims are not those of a tensor with ${value.rank}`);
    return typed(transposed(value.tensor, call.axes(perm, value.rank)), value.type);
  }),
  Concat: rule({ axis: int() }, concat),
  Split: versions({
    1: rule({ axis: int(0), split: maybeInts, num_outputs: maybeInt }, (call) => split(call, call.attributes.split)),
    13: rule({ axis: int(0), num_outputs: maybeInt }, (call) => split(call, call.maybeNumbers(1)), { fixed: [1] }),
  }),
  Slice: versions({ 1: sliceOld, 10: sliceNew }),
  Expand: rule(
    {},
    (call) => {
      const value = call.value(0);
      const shape = broadcastShapes(value.shape, call.numbers(1), "Expand");
      const host = smallHost(value);
      if (host !== undefined && host.length === 1 && sizeOf(shape) <= 256)
        return TensorValue.known(new Array<number>(sizeOf(shape)).fill(Number(host[0])), shape, value.type);
      return typed(value.tensor.expand([...shape]), value.type);
    },
    { fixed: [1] },
  ),
  Tile: rule(
    {},
    (call) => {
      const value = call.value(0);
      const repeats = call.numbers(1);
      if (repeats.length !== value.rank) throw call.fail(`${repeats.length} repeats do not fit ${value.rank} dims`);
      return typed(repeats.length === 0 ? value.tensor : value.tensor.repeat(repeats), value.type);
    },
    { fixed: [1] },
  ),
  Pad: versions({
    1: rule({ mode: string("constant"), pads: ints(), value: float(0) }, (call) =>
      pad(call, call.attributes.pads, call.attributes.value),
    ),
    11: rule(
      { mode: string("constant") },
      (call) => pad(call, call.numbers(1), call.maybeNumber(2) ?? 0, call.maybeNumbers(3)),
      {
        fixed: [1, 2, 3],
      },
    ),
  }),
  DepthToSpace: rule({ blocksize: int(), mode: string("DCR") }, (call) => {
    const { tensor: x, type, shape } = call.value(0);
    const [n = 1, c = 1, h = 1, w = 1] = shape;
    const { blocksize: b, mode } = call.attributes;
    const rest = c / (b * b);
    const apart =
      mode === "CRD"
        ? x.reshape(n, rest, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
        : x.reshape(n, b, b, rest, h, w).permute(0, 3, 4, 1, 5, 2);
    return typed(apart.reshape(n, rest, h * b, w * b), type);
  }),
  SpaceToDepth: rule({ blocksize: int(), mode: string("DCR") }, (call) => {
    const { tensor: x, type, shape } = call.value(0);
    const [n = 1, c = 1, h = 1, w = 1] = shape;
    const { blocksize: b, mode } = call.attributes;
    const apart = x.reshape(n, c, h / b, b, w / b, b);
    const moved = mode === "CRD" ? apart.permute(0, 1, 3, 5, 2, 4) : apart.permute(0, 3, 5, 1, 2, 4);
    return typed(moved.reshape(n, c * b * b, h / b, w / b), type);
  }),
  Trilu: rule(
    { upper: int(1) },
    (call) => {
      const { tensor: x, type } = call.value(0);
      const k = Math.max(-(2 ** 30), Math.min(2 ** 30, call.maybeNumber(1) ?? 0));
      const [rows = 1, columns = 1] = x.shape.slice(-2);
      const diagonal = Math.max(-rows - 1, Math.min(columns + 1, k));
      const numbers = x.dtype === "bool" ? x.to("uint8") : x;
      return typed((call.attributes.upper === 1 ? numbers.triu(diagonal) : numbers.tril(diagonal)).to(x.dtype), type);
    },
    { fixed: [1] },
  ),
  CenterCropPad: rule(
    { axes: maybeInts },
    (call) => {
      const value = call.value(0);
      const axes =
        call.attributes.axes === undefined
          ? value.shape.map((_, dim) => dim)
          : call.axes(call.attributes.axes, value.rank);
      let out = value.tensor;
      for (const [place, size] of call.numbers(1).entries()) {
        const dim = at(axes, place);
        const own = at(out.shape, dim);
        if (size <= own) out = out.narrow(dim, Math.floor((own - size) / 2), size);
        else {
          const before = Math.floor((size - own) / 2);
          out = out.pad(
            out.shape.map((_, one): [number, number] => (one === dim ? [before, size - own - before] : [0, 0])),
          );
        }
      }
      return typed(out, value.type);
    },
    { fixed: [1] },
  ),
  ReverseSequence: rule({ batch_axis: int(1), time_axis: int(0) }, (call) => {
    const { tensor: x, type } = call.value(0);
    return typed(reversed(x, call.tensor(1), call.attributes.time_axis, call.attributes.batch_axis), type);
  }),
};

/** Reverses the first `lengths` steps of each sample, and keeps the rest. */
export function reversed(x: Tensor, lengths: Tensor, time: number, batch: number): Tensor {
  const along = (dim: number, values: Tensor): Tensor =>
    values.reshape(x.shape.map((size, one) => (one === dim ? size : 1)));
  const steps = along(time, arange(at(x.shape, time)));
  const ends = along(batch, lengths.to("int32"));
  const index = where(steps.lt(ends), ends.sub(steps).sub(1), steps).expand([...x.shape]);
  return x.gather(time, index);
}
