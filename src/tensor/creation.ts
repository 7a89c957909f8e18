// Tensors from JavaScript values and from rules: tensor, zeros, ones, full, eye, arange, linspace.
import { allocate, type DType, dtypeOf, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { full as fullNode } from "../graph/ops/creation.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkRank, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { flatten, type Nested } from "./nested.ts";
import { notATensor } from "./refusals.ts";
import { Tensor } from "./tensor.ts";

export interface CreationOptions {
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
}

const creationKinds: OptionKinds<CreationOptions> = { dtype: kind.dtype, requiresGrad: kind.boolean };
type TensorOptions = CreationOptions & { readonly shape?: Shape };
const tensorKinds: OptionKinds<TensorOptions> = { ...creationKinds, shape: kind.numbers };

/** Typed arrays whose type is not a dtype: they get the dtype that holds their values. */
type OtherTypedArray =
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

function finish<S extends Shape>(tensor: Tensor, options: CreationOptions): Tensor<S> {
  if (options.requiresGrad === true) tensor.requiresGrad = true;
  return tensor as Tensor<S>;
}

/**
 * A tensor from a number, nested arrays, or a typed array (with `shape`, else one-dimensional). The data is copied.
 * Numbers become float32, booleans bool; a typed array keeps its type (Int8Array: int8).
 */
export function tensor<const S extends Shape = Shape>(
  data: Nested | TypedArray | OtherTypedArray,
  options: CreationOptions & { readonly shape?: S } = {},
): Tensor<S> {
  checkOptions<TensorOptions>("tensor", options, tensorKinds);
  if (ArrayBuffer.isView(data)) {
    const { values, dtype } = typedValues(data, options.dtype);
    return finish(fromFlat(values, options.shape ?? [values.length], dtype), options);
  }
  const { values, shape, booleans } = flatten("tensor", data as Nested);
  const dtype = options.dtype ?? (booleans ? "bool" : "float32");
  return finish(fromFlat(values, options.shape ?? shape, dtype), options);
}

/** The numbers of a typed array, and the dtype that holds them: the one of the same name if there is one. */
function typedValues(data: ArrayBufferView, dtype: DType | undefined): { values: ArrayLike<number>; dtype: DType } {
  if (data instanceof Uint32Array || data instanceof BigInt64Array || data instanceof BigUint64Array)
    return { values: wholeNumbers(data, dtype ?? "int32"), dtype: dtype ?? "int32" };
  if (holdsNumbers(data)) return { values: data, dtype: dtype ?? dtypeOf(data) };
  throw new HebbError(`tensor: takes typed arrays of numbers, got ${kind.describe(data)}`);
}

/** Any typed array, such as Float16Array, which not every runtime has. */
const holdsNumbers = (data: ArrayBufferView): data is ArrayBufferView & ArrayLike<number> =>
  "length" in data && (data.length === 0 || (0 in data && typeof data[0] === "number"));

/** Whole numbers that the dtype must hold exactly: otherwise rounding could merge two labels into one class. */
function wholeNumbers(data: ArrayLike<number | bigint>, dtype: DType): Float64Array {
  const cell = allocate(dtype, 1);
  return Float64Array.from({ length: data.length }, (_, place) => {
    const value = data[place] ?? 0;
    const number = Number(value);
    cell[0] = number;
    if (cell[0] !== number || (typeof value === "bigint" && BigInt(number) !== value))
      throw new HebbError(
        `tensor: ${value} (at ${place}) does not fit ${dtype}; ${dtype === "float64" ? "" : 'pass { dtype: "float64" }, which holds whole numbers up to 2^53, or '}encode the values as classes`,
      );
    return number;
  });
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

/** Sizes given as a list or one by one, optionally followed by options: zeros([2, 3], { dtype }), zeros(2, 3). */
export type ShapeAndOptions<O> = readonly [shape: Shape, options?: O | undefined] | readonly number[];

export function shapeAndOptions<O extends object>(
  where: string,
  given: ShapeAndOptions<O>,
  kinds: OptionKinds<O>,
): { shape: Shape; options: Partial<O> } {
  const [first, second] = given;
  if (typeof first === "number") {
    checkShape(where, given as readonly number[]);
    return { shape: given as readonly number[], options: {} };
  }
  checkShape(where, first as Shape);
  return { shape: first as Shape, options: second === undefined ? {} : checkOptions(where, second as O, kinds) };
}

export function checkShape(where: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${where}: the shape must be a list of sizes such as [2, 3], got ${kind.describe(shape)}`);
  checkRank(where, shape);
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    throw new ShapeError(`${where}: sizes must be whole numbers of 0 or more, got ${formatShape(shape)}`);
  }
}

/** A tensor filled with one value. Default dtype float32. */
export function full<const S extends Shape>(shape: S, value: number, options: CreationOptions = {}): Tensor<S> {
  checkShape("full", shape);
  if (typeof value !== "number") throw new HebbError(`full: the value must be a number, got ${kind.describe(value)}`);
  const { dtype = "float32" } = checkOptions("full", options, creationKinds);
  return finish(Tensor.of(fullNode([...shape], value, dtype)), options);
}

type Filled = {
  <const S extends Shape>(shape: S, options?: CreationOptions): Tensor<S>;
  (...shape: number[]): Tensor;
};

const filled =
  (where: string, value: number): Filled =>
  (...args: ShapeAndOptions<CreationOptions>): Tensor => {
    const { shape, options } = shapeAndOptions(where, args, creationKinds);
    return full(shape, value, options);
  };

/** zeros([2, 3]) or zeros(2, 3). */
export const zeros = /* @__PURE__ */ filled("zeros", 0);
/** ones([2, 3]) or ones(2, 3). */
export const ones = /* @__PURE__ */ filled("ones", 1);

function filledLike(where: string, like: Tensor, value: number, options: CreationOptions): Tensor {
  if (!(like instanceof Tensor)) throw notATensor(where, "the input", like);
  return full(like.shape, value, { dtype: like.dtype, ...checkOptions(where, options, creationKinds) });
}
export const zerosLike = (like: Tensor, options: CreationOptions = {}): Tensor =>
  filledLike("zerosLike", like, 0, options);
export const onesLike = (like: Tensor, options: CreationOptions = {}): Tensor =>
  filledLike("onesLike", like, 1, options);

/** The identity matrix, n × m (m defaults to n). */
export function eye(n: number, m = n, options: CreationOptions = {}): Tensor {
  checkShape("eye", [n, m]);
  checkOptions("eye", options, creationKinds);
  const data = allocate(options.dtype ?? "float32", n * m);
  for (let place = 0; place < Math.min(n, m); place++) data[place * m + place] = 1;
  return finish(new Tensor(undefined, { shape: [n, m], dtype: options.dtype ?? "float32", data }), options);
}

/** start, start + step, … below end. arange(5) counts from 0. Default dtype int32 for whole numbers, else float32. */
export function arange(start: number, end?: number, step = 1, options: CreationOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  for (const bound of [from, to, step]) checkKind("arange", "a bound", bound, kind.number);
  checkOptions("arange", options, creationKinds);
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
  for (const bound of [start, end]) checkKind("linspace", "a bound", bound, kind.number);
  checkOptions("linspace", options, creationKinds);
  const dtype = options.dtype ?? "float32";
  const data = allocate(dtype, steps);
  const width = steps > 1 ? (end - start) / (steps - 1) : 0;
  for (let place = 0; place < steps; place++)
    data[place] = place === steps - 1 && steps > 1 ? end : start + place * width;
  return finish(new Tensor(undefined, { shape: [steps], dtype, data }), options);
}
