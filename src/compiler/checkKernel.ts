// The kernel of a check: it looks for the first element of an index that is out of range, and fails the run where there is one.

import type { Node } from "../graph/node.ts";
import type { CheckAttributes } from "../graph/ops/check.ts";
import { type Axis, and, binary, int, type Local, localValue, type Scalar, select } from "../graph/scalar.ts";
import { sizeOf } from "../graph/shape.ts";
import type { LoopKernel } from "./kernel.ts";

/** An index that must lie in a range: the first of its elements that does not is looked for. */
export interface CheckGroup {
  readonly kind: "check";
  readonly node: Node<CheckAttributes>;
  readonly axes: readonly Axis[];
  readonly place: Scalar;
  readonly value: Scalar;
  /** The place that was found, and the element there. */
  readonly found: Local;
  readonly foundValue: Scalar;
}

/** Looks for the first element out of range: the same one on every backend, with any number of threads. */
export function lowerCheck(group: CheckGroup, name: string, site: number): LoopKernel {
  const { node, axes, place, value, found, foundValue } = group;
  const none = int(sizeOf(node.shape));
  const inRange = and(binary("ge", value, int(0)), binary("lt", value, int(node.attributes.extent)));
  const holds = binary("ge", localValue(found), none);
  return {
    kind: "loops",
    name,
    axes: [],
    body: [
      { kind: "reduce", local: found, combine: "min", axes, value: select(inRange, none, place) },
      { kind: "check", site, holds, index: select(holds, int(0), foundValue), place: localValue(found) },
    ],
  };
}
