// check: asserts that an index is in range, or that values satisfy a condition. An effect: it runs even if its value is unused.

import { apply } from "../apply.ts";
import { ShapeError } from "../errors.ts";
import { isOp, type Node, notDifferentiable, type Op } from "../node.ts";
import { formatShape, mostElements, sizeOf } from "../shape.ts";
import { cast, logicalNot } from "./elementwise.ts";

/** The error for a value that violates a condition: "bernoulli: at [2], the probability is not between 0 and 1". */
export type ValueSite = {
  readonly by: string;
  /** The fault and the remedy. */
  readonly fault: string;
  readonly unit?: "row";
};

/** The error for an index out of range: "crossEntropy: in row 3, label 7 is out of range, …". */
export type CheckSite = {
  /** The function that checks: "crossEntropy". */
  readonly by: string;
  /** The caller's word for the index: "label". */
  readonly item: string;
  /** The meaning of the limit: "the number of classes". */
  readonly count: string;
  /** The name of the first dim of the index, if it has one. */
  readonly unit?: "row";
};

/** The index must be at least 0 and below `extent`. For values it is 0 where the condition holds and 1 elsewhere. */
export type CheckAttributes = (CheckSite | ValueSite) & { readonly extent: number };

export const checkOp: Op<CheckAttributes> = {
  name: "check",
  infer: ([index], site) => {
    const { shape, dtype } = index as Node;
    const { by, extent } = site;
    if ("item" in site && extent <= 0 && sizeOf(shape) > 0)
      throw new ShapeError(`${by}: ${site.count} is ${extent}, so there is no ${site.item}`);
    if (sizeOf(shape) > mostElements || extent > mostElements)
      throw new ShapeError(
        "item" in site
          ? `${by}: looks up ${formatShape(shape)} indices, and ${site.count} is ${extent}; neither can be more than ${mostElements}, compute it in parts`
          : `${by}: checks ${formatShape(shape)} values, but at most ${mostElements} can be checked at once; compute it in parts`,
      );
    return { shape, dtype };
  },
  gradient: notDifferentiable("an index is an integer, and integers have no gradient"),
  rule: { kind: "check" },
};

export const isCheck = (node: Node): node is Node<CheckAttributes> => isOp(node, checkOp);

/** Checks that a condition holds everywhere: `holds` is a bool per element. */
export const checkHolds = (holds: Node, site: ValueSite): Node =>
  apply(checkOp, [cast(logicalNot(holds), "int32")], { ...site, extent: 1 });

/** The index with a check, unless an earlier check guarantees as much and its result was only rearranged since. */
export function checkIndex(index: Node, extent: number, site: CheckSite): Node {
  let origin: Node | undefined = index;
  while (origin !== undefined && origin.op.traits?.view !== undefined) origin = origin.inputs[0];
  const promised = origin !== undefined && isCheck(origin) ? origin.attributes.extent : Number.POSITIVE_INFINITY;
  return promised <= extent || sizeOf(index.shape) === 0 ? index : apply(checkOp, [index], { ...site, extent });
}
