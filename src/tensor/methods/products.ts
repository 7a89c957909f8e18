// Methods of Tensor that multiply matrices and vectors.

import { loweredDType } from "../../graph/apply.ts";
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import type { Node } from "../../graph/node.ts";
import * as el from "../../graph/ops/elementwise.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import * as pr from "../../graph/ops/products.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { broadcastShapes, formatShape, type Shape, sameShape } from "../../graph/shape.ts";
import type { MatmulOperand, MatmulShape } from "../shapeTypes.ts";
import type { Tensor } from "../tensor.ts";
import { IndexingMethods } from "./indexing.ts";
import { made, nodeOf, type Operable, withTensors } from "./operable.ts";

export interface AddProductOptions {
  /** The factor of this tensor; at 0 the tensor is ignored, even NaN. Default 1. */
  readonly beta?: number;
  /** The factor of the product. Default 1. */
  readonly alpha?: number;
}
const addProductKinds: OptionKinds<AddProductOptions> = { beta: kind.number, alpha: kind.number };

function needsDims(where: string, x: Node, dims: number, what: string): void {
  if (x.shape.length !== dims)
    throw new ShapeError(
      `${where}: ${what} must have ${dims} ${dims === 1 ? "dim" : "dims"}, got ${formatShape(x.shape)}`,
    );
}

/** The operand of a product, in the dtype that autocast gives it. */
const loweredNode = (x: Node): Node => el.cast(x, loweredDType(x.dtype));

type Product = (a: Node, b: Node) => Node;
/** The matrix product of operands with given numbers of dims. */
const productOf =
  (where: string, left: number, right: number): Product =>
  (a, b) => {
    needsDims(where, a, left, "the left side");
    needsDims(where, b, right, "the right side");
    return matmul(loweredNode(a), loweredNode(b));
  };

interface AddedProduct {
  readonly where: string;
  readonly product: Product;
  readonly options: AddProductOptions;
}

/** beta · x + alpha · a b. */
function added(x: Operable, a: Tensor, b: Tensor, { where, product, options }: AddedProduct): Tensor {
  const { beta = 1, alpha = 1 } = checkOptions(where, options, addProductKinds);
  return withTensors(x, where, { "the left side": a, "the right side": b }, (own, left, right) => {
    const whole = product(left, right);
    if (!sameShape(broadcastShapes(own.shape, whole.shape, where), whole.shape))
      throw new ShapeError(
        `${where}: ${formatShape(own.shape)} does not broadcast to the product ${formatShape(whole.shape)}`,
      );
    const scaled = alpha === 1 ? whole : el.mul(whole, el.scalarLike(alpha, whole));
    if (beta === 0) return scaled;
    return el.add(beta === 1 ? own : el.mul(own, el.scalarLike(beta, own)), scaled);
  });
}

export abstract class ProductMethods<S extends Shape = Shape> extends IndexingMethods<S> {
  /** Matrix product with PyTorch's rules for vectors and batches. */
  matmul<A extends Shape, B extends Shape>(
    this: Tensor<A>,
    other: MatmulOperand<A, B, Tensor<B>>,
  ): Tensor<MatmulShape<A, B>> {
    const right: Tensor = other;
    const product = matmul(loweredNode(this.node), loweredNode(nodeOf("matmul", right, "the right side")));
    return this[made](product, [this, right]) as Tensor<MatmulShape<A, B>>;
  }
  /** The product of two matrices. */
  mm(other: Tensor): Tensor {
    return withTensors(this, "mm", { "the right side": other }, productOf("mm", 2, 2));
  }
  /** The product of a matrix and a vector. */
  mv(vector: Tensor): Tensor {
    return withTensors(this, "mv", { "the vector": vector }, productOf("mv", 2, 1));
  }
  /** The products of two batches of matrices. */
  bmm(other: Tensor): Tensor {
    return withTensors(this, "bmm", { "the right side": other }, productOf("bmm", 3, 3));
  }
  /** The sum of the products of two vectors. */
  dot(other: Tensor): Tensor {
    return withTensors(this, "dot", { "the other": other }, productOf("dot", 1, 1));
  }
  /** The same as dot, because there are no complex dtypes. */
  vdot(other: Tensor): Tensor {
    return withTensors(this, "vdot", { "the other": other }, productOf("vdot", 1, 1));
  }
  /** Sums of products over the last dim of both. */
  inner(other: Tensor): Tensor {
    return withTensors(this, "inner", { "the other": other }, pr.inner);
  }
  /** Every element of a vector times every element of another. */
  outer(other: Tensor): Tensor {
    return withTensors(this, "outer", { "the other": other }, pr.outer);
  }
  /** The Kronecker product: each element times the whole other tensor, block by block. */
  kron(other: Tensor): Tensor {
    return withTensors(this, "kron", { "the other": other }, pr.kron);
  }
  /** The cross product of the vectors of size 3 along a dim. */
  cross(other: Tensor, dim = -1): Tensor {
    return withTensors(this, "cross", { "the other": other }, (x, y) => pr.cross(x, y, dim));
  }
  /** beta · this + alpha · a b, for matrices. */
  addmm(a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor {
    return added(this, a, b, { where: "addmm", product: productOf("addmm", 2, 2), options });
  }
  /** beta · this + alpha · a b, for a matrix and a vector. */
  addmv(a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor {
    return added(this, a, b, { where: "addmv", product: productOf("addmv", 2, 1), options });
  }
  /** beta · this + alpha · a bᵀ, for vectors. */
  addr(a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor {
    return added(this, a, b, { where: "addr", product: pr.outer, options });
  }
  /** beta · this + alpha · a b, for batches. */
  baddbmm(a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor {
    return added(this, a, b, { where: "baddbmm", product: productOf("baddbmm", 3, 3), options });
  }
  /** beta · this + alpha · Σ a b over the batch. */
  addbmm(a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor {
    return added(this, a, b, { where: "addbmm", product: pr.batchSum, options });
  }
}
