// Tensors from JavaScript values and from rules: tensor, zeros, ones, full, eye, arange, linspace.
import { allocate, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { full as fullNode } from "../graph/ops/creation.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { type NestedArray, Tensor } from "./tensor.ts";

export interface CreationOptions {
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
}

type Nested = NestedArray | boolean | readonly Nested[];

function finish<S extends Shape>(tensor: Tensor, options: CreationOptions): Tensor<S> {
  if (options.requiresGrad === true) tensor.requiresGrad = true;
  return tensor as Tensor<S>;
}

/**
 * A tensor from a number, nested arrays, or a typed array (with `shape`, else one-dimensional). The data is copied.
 * Numbers become float32, booleans bool; a typed array keeps its type (Uint8Array: uint8).
 */
export function tensor<const S extends Shape = Shape>(
  data: Nested | TypedArray,
  options: CreationOptions & { readonly shape?: S } = {},
): Tensor<S> {
  if (ArrayBuffer.isView(data)) {
    const dtype =
      options.dtype ??
      (data instanceof Float64Array
        ? "float64"
        : data instanceof Int32Array
          ? "int32"
          : data instanceof Uint8Array
            ? "uint8"
            : "float32");
    const shape = options.shape ?? [data.length];
    return finish(fromFlat(data, shape, dtype), options);
  }
  const shape: number[] = [];
  for (let level: Nested = data as Nested; Array.isArray(level); level = level[0] as Nested) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: number[] = [];
  const state = { booleans: true };
  collect(data as Nested, shape, 0, flat, state);
  const dtype = options.dtype ?? (state.booleans && flat.length > 0 ? "bool" : "float32");
  return finish(fromFlat(flat, options.shape ?? shape, dtype), options);
}

function collect(value: Nested, shape: Shape, axis: number, flat: number[], state: { booleans: boolean }): void {
  if (Array.isArray(value)) {
    if (value.length !== shape[axis]) {
      throw new ShapeError(
        `tensor: the arrays are ragged: at depth ${axis} one has ${value.length} elements, the first has ${shape[axis] ?? "none"}; all must be equally long`,
      );
    }
    for (const part of value) collect(part as Nested, shape, axis + 1, flat, state);
    return;
  }
  if (axis !== shape.length)
    throw new ShapeError(
      `tensor: the arrays are ragged: a single value stands at depth ${axis} where others are arrays`,
    );
  if (typeof value === "boolean") flat.push(value ? 1 : 0);
  else if (typeof value === "number") {
    state.booleans = false;
    flat.push(value);
  } else throw new HebbError(`tensor: takes numbers and booleans, got ${value === null ? "null" : typeof value}`);
}

function fromFlat(values: ArrayLike<number>, shape: Shape, dtype: DType): Tensor {
  checkShape("tensor", shape);
  if (sizeOf(shape) !== values.length)
    throw new ShapeError(
      `tensor: ${values.length} values do not fill the shape ${formatShape(shape)}, which holds ${sizeOf(shape)}`,
    );
  const data = allocate(dtype, values.length);
  if (dtype === "bool") for (let place = 0; place < values.length; place++) data[place] = values[place] ? 1 : 0;
  else data.set(values);
  return new Tensor(undefined, { shape: [...shape], dtype, data });
}

function checkShape(where: string, shape: Shape): void {
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    throw new ShapeError(`${where}: sizes must be whole numbers of 0 or more, got ${formatShape(shape)}`);
  }
}

/** A tensor of one value. Default dtype float32. */
export function full<const S extends Shape>(shape: S, value: number, options: CreationOptions = {}): Tensor<S> {
  checkShape("full", shape);
  return finish(Tensor.of(fullNode([...shape], value, options.dtype ?? "float32")), options);
}

export const zeros = <const S extends Shape>(shape: S, options: CreationOptions = {}): Tensor<S> =>
  full(shape, 0, options);
export const ones = <const S extends Shape>(shape: S, options: CreationOptions = {}): Tensor<S> =>
  full(shape, 1, options);
export const zerosLike = (like: Tensor, options: CreationOptions = {}): Tensor =>
  full(like.shape, 0, { dtype: like.dtype, ...options });
export const onesLike = (like: Tensor, options: CreationOptions = {}): Tensor =>
  full(like.shape, 1, { dtype: like.dtype, ...options });

/** The identity matrix, n × m (m defaults to n). */
export function eye(n: number, m = n, options: CreationOptions = {}): Tensor {
  checkShape("eye", [n, m]);
  const data = allocate(options.dtype ?? "float32", n * m);
  for (let place = 0; place < Math.min(n, m); place++) data[place * m + place] = 1;
  return finish(new Tensor(undefined, { shape: [n, m], dtype: options.dtype ?? "float32", data }), options);
}

/** start, start + step, … below end. arange(5) counts from 0. Default dtype int32 for whole numbers, else float32. */
export function arange(start: number, end?: number, step = 1, options: CreationOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  if (step === 0 || !Number.isFinite((to - from) / step))
    throw new HebbError(`arange: cannot count from ${from} to ${to} in steps of ${step}`);
  const length = Math.max(0, Math.ceil((to - from) / step));
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? "int32" : "float32");
  const data = allocate(dtype, length);
  for (let place = 0; place < length; place++) data[place] = from + place * step;
  return finish(new Tensor(undefined, { shape: [length], dtype, data }), options);
}

/** `steps` values from start to end, both included. */
export function linspace(start: number, end: number, steps: number, options: CreationOptions = {}): Tensor {
  checkShape("linspace", [steps]);
  const dtype = options.dtype ?? "float32";
  const data = allocate(dtype, steps);
  const width = steps > 1 ? (end - start) / (steps - 1) : 0;
  for (let place = 0; place < steps; place++)
    data[place] = place === steps - 1 && steps > 1 ? end : start + place * width;
  return finish(new Tensor(undefined, { shape: [steps], dtype, data }), options);
}
