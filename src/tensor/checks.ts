// Checked positions and values, with the words that errors use for them.
import { type CheckSite, checkHolds, checkIndex, type ValueSite } from "../graph/ops/check.ts";
import { sigmoidOp } from "../graph/ops/elementwise.ts";
import { positions } from "../graph/ops/indexing.ts";
import { requireCheck } from "./lazy.ts";
import { Tensor } from "./tensor.ts";

/**
 * The index as int32. Each element must be at least 0 and below `extent`; otherwise the run fails before it assigns anything, even if the result is
 * unused.
 */
export function checked(index: Tensor, extent: number, site: CheckSite): Tensor {
  const node = checkIndex(positions(site.by, index.node), extent, site);
  if (node === index.node) return index;
  requireCheck(node);
  return Tensor.from(node, [index]);
}

/** Labels, each checked to be a class of its row. */
export const checkedLabels = (by: string, labels: Tensor, classes: number): Tensor =>
  checked(labels, classes, { by, item: "label", count: "the number of classes", unit: "row" });

/** Each element of `holds` must be true; otherwise the run fails before it assigns anything, even if the values are unused. */
export function requireThat(holds: Tensor, site: ValueSite): void {
  if (holds.size > 0) requireCheck(checkHolds(holds.node, site));
}

/** Values must lie between 0 and 1, like the outputs of a sigmoid. NaN passes: it shows in the result. */
export function requireUnit(values: Tensor, by: string, what: string, remedy: string): void {
  if (values.node.op === sigmoidOp) return;
  const plain = values.detach();
  requireThat(plain.lt(0).logicalOr(plain.gt(1)).logicalNot(), {
    by,
    fault: `${what} is not between 0 and 1; ${remedy}`,
  });
}
