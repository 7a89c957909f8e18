// The kernel of a check: it fails the run if an element of an index is out of range.

import type { Node } from "../graph/node.ts";
import type { CheckAttributes } from "../graph/ops/check.ts";
import { type Axis, binary, int, localValue, newLocal, type Scalar } from "../graph/scalar.ts";
import type { IndexCheck, LoopKernel } from "./kernel.ts";

/** An index that must be in range: the fast test of every run, and the search for the element after a failure. */
export interface CheckGroup {
  readonly kind: "check";
  readonly node: Node<CheckAttributes>;
  readonly axes: readonly Axis[];
  readonly value: Scalar;
  readonly search: { readonly axes: readonly Axis[]; readonly value: Scalar; readonly place: Scalar };
}

const signBit = int(-(2 ** 31));

/**
 * The largest element, with negative ones counted as larger than all others: flipping the sign bit gives the order of unsigned
 * numbers. After a failure, a serial search finds the element, the same on every backend and with any number of threads.
 */
export function lowerCheck({ node, axes, value, search }: CheckGroup, name: string, site: number): LoopKernel {
  const { extent } = node.attributes;
  const largest = newLocal("int32");
  const holds = binary("lt", localValue(largest), int(extent - 2 ** 31));
  return {
    kind: "loops",
    name,
    axes: [],
    body: [
      { kind: "reduce", local: largest, combine: "max", axes, value: binary("xor", value, signBit) },
      { kind: "check", site, holds, axes: search.axes, index: search.value, place: search.place, extent },
    ],
  };
}

export const describeCheck = ({ attributes, shape, scope }: Node<CheckAttributes>): IndexCheck => ({
  ...attributes,
  shape,
  scope,
});
