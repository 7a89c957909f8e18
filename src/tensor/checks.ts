// Tensors of positions that are checked, with the words in which an error speaks of them.
import { type CheckSite, checkIndex } from "../graph/ops/check.ts";
import { positions } from "../graph/ops/indexing.ts";
import { requireCheck } from "./lazy.ts";
import { Tensor } from "./tensor.ts";

/**
 * The index as int32, each element of which must be at least 0 and below `extent`: else the run fails before it assigns
 * anything, whatever becomes of the result.
 */
export function checked(index: Tensor, extent: number, site: CheckSite): Tensor {
  const node = checkIndex(positions(site.by, index.node), extent, site);
  if (node === index.node) return index;
  requireCheck(node);
  return Tensor.from(node, [index]);
}

/** Labels, each of which is a class of its row. */
export const checkedLabels = (by: string, labels: Tensor, classes: number): Tensor =>
  checked(labels, classes, { by, item: "label", count: "the number of classes", unit: "row" });
