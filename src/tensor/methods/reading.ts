// Methods of Tensor whose result size depends on values: they read the values, synchronously or later, and cannot be used in a compiled function.
import { isInteger, type TypedArray } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { expand } from "../../graph/ops/broadcast.ts";
import { full } from "../../graph/ops/creation.ts";
import * as el from "../../graph/ops/elementwise.ts";
import * as ix from "../../graph/ops/indexing.ts";
import * as mv from "../../graph/ops/movement.ts";
import { movedim } from "../../graph/ops/rearrange.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { broadcastShapes, normalizeAxis, type Shape, stridesOf } from "../../graph/shape.ts";
import { countsOf, groupRows, placesOf, rowsOf } from "../groupRows.ts";
import type { Tensor } from "../tensor.ts";
import { constantNode, made, nodeOf, Operable } from "./operable.ts";
import { ProductMethods } from "./products.ts";

export interface UniqueOptions {
  /** Slices of this dim are compared. Default: elements. */
  readonly dim?: number | undefined;
}
const uniqueKinds: OptionKinds<UniqueOptions> = { dim: kind.number };

/** The unique values, the index of each element among them, and their counts. */
export interface Unique {
  readonly values: Tensor;
  readonly inverse: Tensor;
  readonly counts: Tensor;
}

export interface BincountOptions {
  /** The weight of each element. Default 1. */
  readonly weights?: Tensor | undefined;
  /** The least number of counts. Default 0. */
  readonly minlength?: number;
}
const bincountKinds: OptionKinds<BincountOptions> = {
  weights: kind.of<Tensor>("a tensor", (value) => value instanceof Operable),
  minlength: kind.number,
};

const int32 = (values: TypedArray, shape: Shape = [values.length]) => constantNode(values, shape, "int32");

export abstract class ReadingMethods<S extends Shape = Shape> extends ProductMethods<S> {
  /** The positions of the non-zero elements, row by row: [count, dims] (torch.nonzero). */
  async nonzero(): Promise<Tensor> {
    return ReadingMethods.#nonzero(this, await this.data());
  }
  nonzeroSync(): Tensor {
    return ReadingMethods.#nonzero(this, this.dataSync());
  }
  static #nonzero(self: Operable, data: TypedArray): Tensor {
    const strides = stridesOf(self.shape);
    const places = placesOf(data);
    const rank = self.shape.length;
    const found = new Int32Array(places.length * rank);
    self.shape.forEach((extent, dim) => {
      const stride = strides[dim] as number;
      for (let k = 0; k < places.length; k++)
        found[k * rank + dim] = Math.floor((places[k] as number) / stride) % extent;
    });
    return self[made](int32(found, [places.length, rank]), []);
  }

  /** The elements where the mask holds, in order. */
  async maskedSelect(mask: Tensor): Promise<Tensor> {
    const wide = ReadingMethods.#wide(this, mask);
    return ReadingMethods.#maskedSelect(this, wide.shape, await wide.data());
  }
  maskedSelectSync(mask: Tensor): Tensor {
    const wide = ReadingMethods.#wide(this, mask);
    return ReadingMethods.#maskedSelect(this, wide.shape, wide.dataSync());
  }
  /** The mask of the common shape. */
  static #wide(self: Operable, mask: Tensor): Tensor {
    const holds = nodeOf("maskedSelect", mask, "the mask");
    return mask.expand(broadcastShapes(self.shape, holds.shape, "maskedSelect"));
  }
  static #maskedSelect(self: Operable, shape: Shape, holds: TypedArray): Tensor {
    const flat = mv.reshape(expand(self.node, shape), [-1]);
    return self[made](ix.trustedIndexSelect(flat, 0, int32(placesOf(holds))), [self]);
  }

  /** The unique values in ascending order, with the index of each element among them and their counts. */
  unique(options: UniqueOptions = {}): Promise<Unique> {
    const axis = ReadingMethods.#axis(this, "unique", options);
    return ReadingMethods.#slices(this, axis)
      .data()
      .then((data) => ReadingMethods.#grouped(this, axis, false, data));
  }
  uniqueSync(options: UniqueOptions = {}): Unique {
    const axis = ReadingMethods.#axis(this, "unique", options);
    return ReadingMethods.#grouped(this, axis, false, ReadingMethods.#slices(this, axis).dataSync());
  }
  /** Merges consecutive equal values. */
  uniqueConsecutive(options: UniqueOptions = {}): Promise<Unique> {
    const axis = ReadingMethods.#axis(this, "uniqueConsecutive", options);
    return ReadingMethods.#slices(this, axis)
      .data()
      .then((data) => ReadingMethods.#grouped(this, axis, true, data));
  }
  uniqueConsecutiveSync(options: UniqueOptions = {}): Unique {
    const axis = ReadingMethods.#axis(this, "uniqueConsecutive", options);
    return ReadingMethods.#grouped(this, axis, true, ReadingMethods.#slices(this, axis).dataSync());
  }
  static #axis(self: Operable, where: string, options: UniqueOptions): number | undefined {
    const { dim } = checkOptions(where, options, uniqueKinds);
    return dim === undefined ? dim : normalizeAxis(dim, self.shape.length, where);
  }
  /** What is compared, in front. */
  static #slices(self: Operable, axis: number | undefined): Operable {
    return axis === undefined ? self : self[made](movedim(self.node, axis, 0), []);
  }
  static #grouped(self: Operable, axis: number | undefined, consecutive: boolean, data: TypedArray): Unique {
    const extent = axis === undefined ? data.length : (self.shape[axis] as number);
    const { groups, firsts } = groupRows(rowsOf(data), extent, consecutive);
    const flat = axis === undefined ? mv.reshape(self.node, [-1]) : self.node;
    return {
      values: self[made](el.stopGradient(ix.trustedIndexSelect(flat, axis ?? 0, int32(firsts))), []),
      inverse: self[made](int32(groups, axis === undefined ? self.shape : [extent]), []),
      counts: self[made](int32(countsOf(groups, firsts.length)), []),
    };
  }

  /** How often each integer from 0 upwards occurs in a vector. */
  bincount(options: BincountOptions = {}): Promise<Tensor> {
    const known = checkOptions("bincount", options, bincountKinds);
    return this.data().then((data) => ReadingMethods.#bincount(this, known, data));
  }
  bincountSync(options: BincountOptions = {}): Tensor {
    return ReadingMethods.#bincount(this, options, this.dataSync());
  }
  static #bincount(self: Operable, options: BincountOptions, data: TypedArray): Tensor {
    const { weights, minlength = 0 } = checkOptions("bincount", options, bincountKinds);
    if (self.shape.length !== 1 || !isInteger(self.dtype))
      throw new HebbError(`bincount: takes a vector of whole numbers, got ${self.dtype} of ${self.shape.length} dims`);
    if (!Number.isInteger(minlength) || minlength < 0)
      throw new HebbError(`bincount: minlength must be a whole number of 0 or more, got ${minlength}`);
    const numbers = countsOf(data, minlength);
    if (weights === undefined) return self[made](int32(numbers), []);
    const added = nodeOf("bincount", weights, "the weights");
    const wide = added.dtype === "float32" ? added : el.cast(added, "float64");
    const counts = ix.scatterAdd(full([numbers.length], 0, wide.dtype), 0, self.node, wide);
    return self[made](el.stopGradient(counts), []);
  }
}
