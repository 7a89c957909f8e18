// Arrays that a training keeps to go back to. With a sharded optimizer each rank holds a part, and together they gather the whole.
import type { HostArray, NamedArrays, Writable } from "../formats/index.ts";
import { widen } from "../formats/stored/array.ts";
import { at } from "../graph/at.ts";
import { allocate, type DType, type TypedArray } from "../graph/dtype.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Communicator } from "../runtime/index.ts";
import { Tensor } from "../tensor/index.ts";
import { eachOf, type Reading } from "../tensor/reading.ts";

/** This rank's part of an array: ⌈size / ranks⌉ elements of its flat form, zeros past its end. */
export interface PartOf<Values> {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly part: Values;
}

export type Held = HostArray | PartOf<TypedArray>;
export type NamedHeld = Readonly<Record<string, Held>>;

/** What can be held: values that every rank has, or a part. */
export type Holdable = Writable | PartOf<Tensor | TypedArray>;
export type NamedHoldable = Readonly<Record<string, Holdable>>;

/** Smaller arrays are held whole: a message for each would cost more than the memory. */
const worthSharing = 1024;

export class Holdings {
  /** Undefined: every array is held whole. */
  readonly #world: Communicator | undefined;

  constructor(world: Communicator | undefined) {
    this.#world = world;
  }

  /** Reads device values, all in one wait. */
  *take(state: NamedHoldable): Reading<NamedHeld> {
    const held: Record<string, Held> = Object.create(null);
    const read: { readonly name: string; readonly tensor: Tensor; hold(values: TypedArray): Held }[] = [];
    for (const [name, given] of Object.entries(state)) {
      const { shape } = given;
      if (given instanceof Tensor)
        read.push({ name, tensor: given, hold: (data) => this.#ofWhole({ dtype: given.dtype, shape, data }) });
      else if ("data" in given) held[name] = this.#ofWhole(given);
      else if ("bytes" in given) held[name] = this.#ofWhole(widen(given));
      else if (given.part instanceof Tensor) {
        const { dtype } = given;
        read.push({ name, tensor: given.part, hold: (part) => ({ dtype, shape, part }) });
      } else held[name] = { dtype: given.dtype, shape, part: given.part };
    }
    const values = yield* eachOf(
      read.map(({ tensor }) => tensor),
      (array, place) => at(read, place).hold(array),
    );
    read.forEach(({ name }, place) => {
      held[name] = at(values, place);
    });
    return held;
  }

  hold(arrays: NamedArrays): NamedHeld {
    return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, this.#ofWhole(array)]));
  }

  #ofWhole(array: HostArray): Held {
    const { dtype, shape, data } = array;
    const world = this.#world;
    if (world === undefined || data.length < worthSharing) return array;
    const length = Math.ceil(data.length / world.size);
    const part = allocate(dtype, length);
    part.set(data.subarray(Math.min(data.length, world.rank * length), (world.rank + 1) * length));
    return { dtype, shape, part };
  }

  /** The whole arrays. All ranks must call it. */
  whole(held: NamedHeld): NamedArrays {
    const arrays: Record<string, HostArray> = Object.create(null);
    for (const [name, array] of Object.entries(held)) arrays[name] = "data" in array ? array : this.#joined(array);
    return arrays;
  }

  #joined({ dtype, shape, part }: PartOf<TypedArray>): HostArray {
    const all = this.#world?.allGather(part) ?? part;
    return { dtype, shape, data: all.subarray(0, sizeOf(shape)) };
  }
}

/** The values of an array, or of a part of one. */
export const valuesIn = (held: Held): TypedArray => ("data" in held ? held.data : held.part);
