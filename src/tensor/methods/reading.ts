// Methods of Tensor whose results have as many elements as the values say: they read the values, at once or later, and have no place in a compiled function.
import { isFloat, type TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { expand } from "../../graph/ops/broadcast.ts";
import { full } from "../../graph/ops/creation.ts";
import * as el from "../../graph/ops/elementwise.ts";
import * as ix from "../../graph/ops/indexing.ts";
import * as mv from "../../graph/ops/movement.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { broadcastShapes, normalizeAxis, type Shape, sizeOf, stridesOf } from "../../graph/shape.ts";
import type { Tensor } from "../tensor.ts";
import { constantNode, made, nodeOf, Operable } from "./operable.ts";
import { ProductMethods } from "./products.ts";

export interface UniqueOptions {
  /** Slices of this dim are compared. Default: elements. */
  readonly dim?: number | undefined;
}
const uniqueKinds: OptionKinds<UniqueOptions> = { dim: kind.number };

/** Each value once, where each element went, and how many went there. */
export interface Unique {
  readonly values: Tensor;
  readonly inverse: Tensor;
  readonly counts: Tensor;
}

export interface BincountOptions {
  /** What an element counts. Default 1. */
  readonly weights?: Tensor | undefined;
  /** There are so many counts at least. Default 0. */
  readonly minlength?: number;
}
const bincountKinds: OptionKinds<BincountOptions> = {
  weights: kind.of<Tensor>("a tensor", (value) => value instanceof Operable),
  minlength: kind.number,
};

const int32 = (values: readonly number[], shape: Shape = [values.length]) =>
  constantNode(Int32Array.from(values), shape, "int32");

export abstract class ReadingMethods<S extends Shape = Shape> extends ProductMethods<S> {
  /** The places of what is not 0, row by row: [count, dims] (torch.nonzero). */
  async nonzero(): Promise<Tensor> {
    return this.#nonzero(await this.data());
  }
  nonzeroSync(): Tensor {
    return this.#nonzero(this.dataSync());
  }
  #nonzero(data: TypedArray): Tensor {
    const strides = stridesOf(this.shape);
    const places: number[] = [];
    for (let place = 0; place < data.length; place++) if (data[place] !== 0) places.push(place);
    const rank = this.shape.length;
    const found = places.flatMap((place) =>
      this.shape.map((extent, dim) => Math.floor(place / (strides[dim] as number)) % extent),
    );
    return this[made](int32(found, [places.length, rank]), []);
  }

  /** The elements where the mask holds, in order. */
  async maskedSelect(mask: Tensor): Promise<Tensor> {
    nodeOf("maskedSelect", mask, "the mask");
    return this.#maskedSelect(mask, await mask.data());
  }
  maskedSelectSync(mask: Tensor): Tensor {
    nodeOf("maskedSelect", mask, "the mask");
    return this.#maskedSelect(mask, mask.dataSync());
  }
  #maskedSelect(mask: Tensor, holds: TypedArray): Tensor {
    const shape = broadcastShapes(this.shape, mask.shape, "maskedSelect");
    const all = mask.expand(shape);
    const places: number[] = [];
    const strides = stridesOf(mask.shape);
    const wide = stridesOf(shape);
    const lead = shape.length - mask.shape.length;
    for (let place = 0; place < sizeOf(all.shape); place++) {
      let own = 0;
      mask.shape.forEach((extent, dim) => {
        if (extent === 1) return;
        own +=
          (Math.floor(place / (wide[dim + lead] as number)) % (shape[dim + lead] as number)) * (strides[dim] as number);
      });
      if (holds[own] !== 0) places.push(place);
    }
    const flat = mv.reshape(expand(this.node, shape), [-1]);
    return this[made](ix.trustedIndexSelect(flat, 0, int32(places)), [this]);
  }

  /** Each value once, from the least to the largest, with where each element went and how many there are. */
  unique(options: UniqueOptions = {}): Promise<Unique> {
    const known = checkOptions("unique", options, uniqueKinds);
    return this.data().then((data) => this.#unique("unique", known, data, false));
  }
  uniqueSync(options: UniqueOptions = {}): Unique {
    return this.#unique("unique", options, this.dataSync(), false);
  }
  /** Runs of equal values as one each. */
  uniqueConsecutive(options: UniqueOptions = {}): Promise<Unique> {
    const known = checkOptions("uniqueConsecutive", options, uniqueKinds);
    return this.data().then((data) => this.#unique("uniqueConsecutive", known, data, true));
  }
  uniqueConsecutiveSync(options: UniqueOptions = {}): Unique {
    return this.#unique("uniqueConsecutive", options, this.dataSync(), true);
  }
  #unique(where: string, options: UniqueOptions, data: TypedArray, consecutive: boolean): Unique {
    const { dim } = checkOptions(where, options, uniqueKinds);
    const axis = dim === undefined ? 0 : normalizeAxis(dim, this.shape.length, where);
    const shape = dim === undefined ? [data.length] : this.shape;
    const extent = shape[axis] as number;
    const inner = sizeOf(shape.slice(axis + 1));
    const width = extent === 0 ? 0 : data.length / extent;
    const element = (row: number, k: number): number =>
      data[Math.floor(k / inner) * extent * inner + row * inner + (k % inner)] as number;
    // NaN equals nothing, itself included, and comes last.
    const compare = (a: number, b: number): number => {
      for (let k = 0; k < width; k++) {
        const [x, y] = [element(a, k), element(b, k)];
        if (x < y) return -1;
        if (x > y) return 1;
        if (x !== y) return Number.isNaN(x) ? 1 : -1;
      }
      return 0;
    };
    const order = Array.from({ length: extent }, (_, row) => row);
    if (!consecutive) order.sort((a, b) => compare(a, b) || a - b);
    const [firsts, counts, inverse]: [number[], number[], number[]] = [[], [], new Array<number>(extent).fill(0)];
    order.forEach((row, place) => {
      if (place > 0 && compare(order[place - 1] as number, row) === 0) counts.push((counts.pop() ?? 0) + 1);
      else {
        firsts.push(row);
        counts.push(1);
      }
      inverse[row] = firsts.length - 1;
    });
    const flat = dim === undefined ? mv.reshape(this.node, [-1]) : this.node;
    return {
      values: this[made](el.stopGradient(ix.trustedIndexSelect(flat, axis, int32(firsts))), []),
      inverse: this[made](int32(inverse, dim === undefined ? this.shape : [extent]), []),
      counts: this[made](int32(counts), []),
    };
  }

  /** How often each whole number from 0 on stands in a vector. */
  bincount(options: BincountOptions = {}): Promise<Tensor> {
    const known = checkOptions("bincount", options, bincountKinds);
    return this.data().then((data) => this.#bincount(known, data));
  }
  bincountSync(options: BincountOptions = {}): Tensor {
    return this.#bincount(options, this.dataSync());
  }
  #bincount(options: BincountOptions, data: TypedArray): Tensor {
    const { weights, minlength = 0 } = checkOptions("bincount", options, bincountKinds);
    if (this.shape.length !== 1 || isFloat(this.dtype))
      throw new HebbError(`bincount: takes a vector of whole numbers, got ${this.dtype} of ${this.shape.length} dims`);
    if (!Number.isInteger(minlength) || minlength < 0)
      throw new HebbError(`bincount: minlength must be a whole number from 0, got ${minlength}`);
    let length = minlength;
    for (const value of data) {
      if (value < 0) throw new HebbError(`bincount: counts numbers from 0 on, got ${value}`);
      length = Math.max(length, value + 1);
    }
    const added = weights === undefined ? full(this.shape, 1, "int32") : nodeOf("bincount", weights, "the weights");
    const wide = weights === undefined || added.dtype === "float32" ? added : el.cast(added, "float64");
    const counts = ix.scatterAdd(full([length], 0, wide.dtype), 0, this.node, wide);
    return this[made](el.stopGradient(counts), []);
  }
}
