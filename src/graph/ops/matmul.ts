// Matrix products: one contraction op over any number of batch, row, column and inner dims; PyTorch's matmul on top of it.

import { apply } from "../apply.ts";
import { composed } from "../compose.ts";
import { promote } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { describeType, gradient, type Node, type Op, type TensorType } from "../node.ts";
import { broadcastShapes, formatShape, type Shape, sameShape } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { permute, reshape } from "./movement.ts";

/** The number of leading dims shared by both operands, and the number of dims summed over. */
export type DotAttributes = { readonly batch: number; readonly inner: number };

/**
 * out[batch, m, n] = Σ_k a[batch, m, k] · b[batch, k, n], where each of batch, m, n and k stands for any number of dims.
 * The first `batch` dims are shared, `inner` dims are summed over, the rest are kept.
 */
export const dotOp: Op<DotAttributes> = {
  name: "matmul",
  infer(inputs, attributes) {
    const [a, b] = operands(inputs);
    const { batch, m, n, k } = split(a, b, attributes);
    if (a.dtype !== b.dtype) {
      const wider = promote(a.dtype, b.dtype);
      throw new ShapeError(
        `matmul: dtypes differ, ${describeType(a)} @ ${describeType(b)}; convert the ${a.dtype === wider ? "right" : "left"} side with .to("${wider}")`,
      );
    }
    if (a.dtype === "bool") throw new ShapeError(`matmul: bool has no products to sum; convert both with .to("int32")`);
    const fits =
      sameShape(batch, b.shape.slice(0, attributes.batch)) &&
      sameShape(k, b.shape.slice(attributes.batch, attributes.batch + attributes.inner));
    if (!fits) throw innerSizesDiffer(a.shape, b.shape, k.at(-1), b.shape[attributes.batch + attributes.inner - 1]);
    return { shape: [...batch, ...m, ...n], dtype: a.dtype };
  },
  gradient: gradient(({ node, grad, needs }) => {
    const [a, b] = operands(node.inputs);
    const { batch, m, n, k } = split(a, b, node.attributes);
    // Both gradients are products of the same kind, with the kept and summed dims of the operands swapped.
    return [
      needs(0) ? dot(grad, swapGroups(b, batch.length, k.length), batch.length, n.length) : undefined,
      needs(1) ? dot(swapGroups(a, batch.length, m.length), grad, batch.length, m.length) : undefined,
    ];
  }),
  rule: {
    kind: "contract",
    contract(attributes, inputTypes) {
      const [a, b] = operands(inputTypes);
      return {
        ...split(a, b, attributes),
        a: (batch, m, k) => [...batch, ...m, ...k],
        b: (batch, k, n) => [...batch, ...k, ...n],
        output: (batch, m, n) => [...batch, ...m, ...n],
      };
    },
  },
};

function operands<T extends TensorType>(inputs: readonly T[]): [T, T] {
  const [a, b] = inputs;
  if (a === undefined || b === undefined) throw new ShapeError(`matmul: takes two tensors, got ${inputs.length}`);
  return [a, b];
}

function split(a: TensorType, b: TensorType, { batch, inner }: DotAttributes) {
  return {
    batch: a.shape.slice(0, batch),
    m: a.shape.slice(batch, a.shape.length - inner),
    n: b.shape.slice(batch + inner),
    k: a.shape.slice(a.shape.length - inner),
  };
}

function innerSizesDiffer(a: Shape, b: Shape, left = 1, right = 1): ShapeError {
  const side = b.length === 1 ? "only dim" : b.length === 2 ? "first" : "second to last";
  return new ShapeError(
    `matmul: inner sizes differ, ${formatShape(a)} @ ${formatShape(b)} — ${left} (last of the left) must equal ${right} (${side} of the right)`,
  );
}

/** [batch, x, y] → [batch, y, x], where x stands for `first` dims. */
function swapGroups(x: Node, batch: number, first: number): Node {
  const dims = x.shape.map((_, dim) => dim);
  return permute(x, [...dims.slice(0, batch), ...dims.slice(batch + first), ...dims.slice(batch, batch + first)]);
}

/** The general product: `a` is [batch, m, k], `b` is [batch, k, n]; `batch` and `inner` are the numbers of dims of batch and k. */
export function dot(a: Node, b: Node, batch: number, inner: number): Node {
  return apply(dotOp, [a, b], { batch, inner });
}

/**
 * The matrix product of the last two dims, with the leading dims broadcast (torch.matmul). A 1-d operand is a row on the
 * left or a column on the right, and its dim is dropped from the result.
 * Shapes: [..., m, k] @ [..., k, n] → [..., m, n]; [k] @ [k] → []; [..., m, k] @ [k] → [..., m]; [k] @ [..., k, n] → [..., n].
 * Throws ShapeError if the inner sizes differ, an operand is a scalar, or the dtypes differ.
 */
export const matmul = (a: Node, b: Node): Node => composed("matmul", [a, b], {}, product(a, b));

function product(a: Node, b: Node): Node {
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError(
      `matmul: needs at least one dim on both sides, got ${formatShape(a.shape)} @ ${formatShape(b.shape)}; use mul for scalars`,
    );
  }
  const inner = b.shape.length === 1 ? 0 : b.shape.length - 2;
  if (a.shape.at(-1) !== b.shape[inner]) throw innerSizesDiffer(a.shape, b.shape, a.shape.at(-1), b.shape[inner]);
  // If the right side has no batch dims, it is multiplied with all rows of the left at once, without copies.
  if (b.shape.length <= 2) return dot(a, b, 0, 1);
  const batchB = b.shape.slice(0, -2);
  const rank = batchB.length;
  if (a.shape.length <= 2) {
    // [m, k] @ [batch, k, n]: the batch joins the columns.
    const columns = permute(b, [rank, ...batchB.map((_, dim) => dim), rank + 1]);
    const inFront = dot(a, columns, 0, 1);
    if (a.shape.length === 1) return inFront;
    return permute(inFront, [...batchB.map((_, dim) => dim + 1), 0, rank + 1]);
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), batchB, "matmul");
  return dot(broadcastBatch(a, batch), broadcastBatch(b, batch), batch.length, 1);
}

function broadcastBatch(x: Node, batch: Shape): Node {
  const missing = batch.length - (x.shape.length - 2);
  const padded = missing > 0 ? reshape(x, [...new Array<number>(missing).fill(1), ...x.shape]) : x;
  return expand(padded, [...batch, ...x.shape.slice(-2)]);
}
