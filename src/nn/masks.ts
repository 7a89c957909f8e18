// Removes masked values. Padding may hold anything, even NaN, and 0 · NaN is NaN, so it is replaced before any computation.
import { ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { type Tensor, where } from "../tensor/index.ts";

/** Where a layer's mask hides a key: true for booleans, −∞ for floats. */
export const hiddenBy = (mask: Tensor): Tensor => (mask.dtype === "bool" ? mask : mask.eq(Number.NEGATIVE_INFINITY));

/** x with 0 in place of masked values that are not finite. Finite padding stays: as a query it has results, as in PyTorch. */
export const withoutJunk = (x: Tensor, unseen: Tensor | undefined): Tensor =>
  unseen === undefined ? x : where(unseen.logicalAnd(x.isfinite().logicalNot()), 0, x);

/** The masks of an attention, and the sequences that they cover. */
export interface Masked {
  readonly name: string;
  /** [N, S] or [S] */
  readonly keyPaddingMask: Tensor | undefined;
  /** [L, S] or [N · heads, L, S] */
  readonly attnMask: Tensor | undefined;
  readonly query: Tensor;
  readonly key: Tensor;
  readonly heads: number;
  readonly batchFirst: boolean;
}

/** True for the keys hidden from every query, in the layout of the key with 1 in place of features; undefined without masks. */
export function unseenKeys(masked: Masked): Tensor | undefined {
  const { name, keyPaddingMask, attnMask, query, key, heads, batchFirst } = masked;
  const single = key.rank === 2;
  const [batch = 1, sources = 0] = single ? [1, key.shape[0]] : batchFirst ? key.shape : [key.shape[1], key.shape[0]];
  const length = query.shape[!single && batchFirst ? 1 : 0] ?? 0;
  if (keyPaddingMask !== undefined && keyPaddingMask.size !== batch * sources)
    throw new ShapeError(
      `${name}: keyPaddingMask must be ${formatShape([batch, sources])}, got ${formatShape(keyPaddingMask.shape)}`,
    );
  const padded = keyPaddingMask === undefined ? undefined : hiddenBy(keyPaddingMask).reshape([batch, sources]);
  const unseen =
    attnMask === undefined ? padded : either(padded, unseenByAll(name, attnMask, [batch, heads, length, sources]));
  if (unseen === undefined || single) return unseen?.reshape([sources, 1]);
  return (batchFirst ? unseen : unseen.transpose(0, 1)).unsqueeze(-1);
}

function unseenByAll(
  name: string,
  mask: Tensor,
  [batch, heads, length, sources]: readonly [number, number, number, number],
): Tensor {
  const [all, each] = [
    [length, sources],
    [batch * heads, length, sources],
  ];
  if (sameShape(mask.shape, all)) return hiddenBy(mask).all(0, true);
  if (sameShape(mask.shape, each)) return hiddenBy(mask).reshape([batch, heads, length, sources]).all([1, 2]);
  throw new ShapeError(
    `${name}: attnMask must be ${formatShape(all)} or ${formatShape(each)}, got ${formatShape(mask.shape)}`,
  );
}

const either = (a: Tensor | undefined, b: Tensor): Tensor => (a === undefined ? b : a.logicalOr(b));
