// The values on the edges of an imported graph: tensors with their ONNX type, sequences, optionals, strings.
import type { DType, TypedArray } from "../../../graph/dtype.ts";
import { HebbError } from "../../../graph/errors.ts";
import { numbersOf } from "../../../graph/halves.ts";
import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import { engine } from "../../../runtime/index.ts";
import { currentTrace, type State, Tensor } from "../../../tensor/index.ts";
import { knownValue } from "../../../tensor/lazy.ts";
import { dtypeOf, type ElementType } from "../elementTypes.ts";
import type { OnnxArray } from "../tensors.ts";

/** Values known while the graph is built, in row-major order. Whole numbers beyond 2^53 are rounded. */
export type Host = ArrayLike<number>;

/** A tensor with its ONNX type. A tensor that depends only on shapes and constants is `constant`: its values can be read at any time. */
export class TensorValue {
  readonly kind = "tensor";
  readonly type: ElementType;
  readonly shape: Shape;
  readonly constant: boolean;
  /** The parameter or buffer behind the tensor, if any, which normalisation updates. */
  readonly state: State | undefined;
  #tensor: Tensor | undefined;
  #host: Host | undefined;

  private constructor(
    type: ElementType,
    shape: Shape,
    from: { tensor?: Tensor; host?: Host; constant: boolean; state?: State },
  ) {
    this.type = type;
    this.shape = shape;
    this.#tensor = from.tensor;
    this.#host = from.host;
    this.constant = from.constant;
    this.state = from.state;
  }

  static of(tensor: Tensor, type: ElementType, constant = false): TensorValue {
    return new TensorValue(type, tensor.shape, { tensor, constant });
  }

  static ofState(state: State, type: ElementType): TensorValue {
    return new TensorValue(type, state.shape, { tensor: state, constant: false, state });
  }

  /** A tensor of known values: a shape, a constant. */
  static known(host: Host, shape: Shape, type: ElementType): TensorValue {
    return new TensorValue(type, shape, { host, constant: true });
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  get tensor(): Tensor {
    if (this.#tensor === undefined) {
      const dtype = dtypeOf(this.type);
      if (dtype === undefined) throw new HebbError(`a value of type ${this.type} is not a tensor`);
      const data = fill(dtype, this.#host ?? []);
      this.#tensor = new Tensor(undefined, { shape: [...this.shape], dtype, data });
    }
    return this.#tensor;
  }

  /** Whether its values can be read now. */
  get readable(): boolean {
    return this.constant || currentTrace() === undefined;
  }

  /** The values: known ones, or those of a tensor outside compile. `what` begins the error message. */
  host(what: string): Host {
    if (this.#host !== undefined) return this.#host;
    if (!this.readable)
      throw new HebbError(
        `${what} depends on the values of the inputs, which a compiled function does not have while it is recorded; call forward without compile, or make it a constant of the model`,
      );
    const values = this.constant ? constantData(this.tensor) : this.tensor.dataSync();
    if (this.constant) this.#host = values;
    return values;
  }

  /** The same values under another type of the same dtype. */
  as(type: ElementType): TensorValue {
    if (type === this.type) return this;
    return new TensorValue(type, this.shape, {
      constant: this.constant,
      ...(this.#tensor === undefined ? {} : { tensor: this.#tensor }),
      ...(this.#host === undefined ? {} : { host: this.#host }),
    });
  }

  /** The known values, if they are already on the host or few enough to read. */
  get small(): Host | undefined {
    return this.#host;
  }
}

/** The values of a tensor made of constants, computed outside the current trace. */
function constantData(tensor: Tensor): TypedArray {
  const { memory } = engine();
  const known = knownValue(tensor.node) ?? engine().evaluate([tensor.node], [], knownValue)[0];
  if (known === undefined) throw new HebbError("a constant has no value");
  return numbersOf(tensor.dtype, memory.read(known));
}

function fill(dtype: DType, host: Host): TypedArray {
  switch (dtype) {
    case "float64":
      return Float64Array.from(host);
    case "float32":
    case "float16":
    case "bfloat16":
      return Float32Array.from(host);
    case "int16":
      return Int16Array.from(host);
    case "int8":
      return Int8Array.from(host);
    case "uint8":
    case "bool":
      return Uint8Array.from(host);
    case "int32": {
      const data = new Int32Array(host.length);
      for (let at = 0; at < data.length; at++) {
        const value = host[at] ?? Number.NaN;
        if (!(value >= -2147483648 && value <= 2147483647))
          throw new HebbError(`the whole number ${value} does not fit int32, in which tensors keep whole numbers`);
        data[at] = value;
      }
      return data;
    }
  }
}

/** A list of values. */
export interface SequenceValue {
  readonly kind: "sequence";
  readonly items: readonly Value[];
}

/** An empty optional. A filled optional is its value. */
export interface NothingValue {
  readonly kind: "nothing";
}

/** Texts can be compared and passed on, but not computed with. */
export interface TextValue {
  readonly kind: "text";
  readonly shape: Shape;
  readonly texts: readonly string[];
}

export type Value = TensorValue | SequenceValue | NothingValue | TextValue;

export const sequence = (items: readonly Value[]): SequenceValue => ({ kind: "sequence", items });
export const nothing: NothingValue = { kind: "nothing" };

/** The value of an array in a file. */
export function valueOf(array: OnnxArray, where: string): Value {
  if (array.strings !== undefined) return { kind: "text", shape: array.shape, texts: array.strings };
  if (array.exact !== undefined)
    return TensorValue.known(Float64Array.from(array.exact, Number), array.shape, array.type);
  if (array.array === undefined)
    throw new HebbError(`${where} is of type ${array.type}, of which there are no tensors`);
  return TensorValue.known(array.array.data, array.shape, array.type);
}

/** A short description of a value, for messages. */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case "tensor":
      return `${value.type} ${formatShape(value.shape)}`;
    case "text":
      return `string ${formatShape(value.shape)}`;
    case "sequence":
      return `a sequence of ${value.items.length}`;
    case "nothing":
      return "an empty optional";
  }
}
