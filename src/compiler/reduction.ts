// The dims that a reduction walks: those of its input that it keeps, and those that it reduces.
import { at } from "../graph/at.ts";
import { InternalError } from "../graph/errors.ts";
import type { Combine, Node } from "../graph/node.ts";
import type { Scalar } from "../graph/scalar.ts";
import { unflatten } from "./indexing.ts";

interface Reduction {
  readonly input: Node;
  readonly kept: readonly number[];
  readonly reduced: readonly number[];
  /** Whether the reduced dims come last, so that kept × reduced is the row-major order of the input. */
  readonly rowMajor: boolean;
  readonly combine: Combine;
}

export function reductionOf(node: Node): Reduction {
  const { rule } = node.op;
  const input = node.inputs[0] as Node;
  if (rule.kind !== "reduce") throw new InternalError("not a reduction");
  const axes = rule.axes(node.attributes);
  const wide = input.shape.map((_, axis) => axis).filter((axis) => input.shape[axis] !== 1);
  const kept = wide.filter((axis) => !axes.includes(axis));
  const reduced = wide.filter((axis) => axes.includes(axis));
  const rowMajor = (kept[kept.length - 1] ?? -1) < (reduced[0] ?? Number.POSITIVE_INFINITY);
  return { input, kept, reduced, rowMajor, combine: rule.combine };
}

/** The input's index, from the flat index over kept dims and the flat index over reduced dims. */
export function reductionIndex(
  input: Node,
  kept: readonly number[],
  reduced: readonly number[],
  outer: Scalar,
  inner: Scalar,
): Scalar[] {
  const index: Scalar[] = input.shape.map(() => ({ kind: "const", dtype: "int32", value: 0 }));
  const place = (axes: readonly number[], flat: Scalar): void => {
    const parts = unflatten(
      flat,
      axes.map((axis) => at(input.shape, axis)),
    );
    axes.forEach((axis, part) => {
      index[axis] = parts[part] as Scalar;
    });
  };
  place(kept, outer);
  place(reduced, inner);
  return index;
}

/** Equal for reductions that walk the same dims. */
export function reductionKey(node: Node): string {
  const { input, reduced } = reductionOf(node);
  return `${input.shape.join()} over ${reduced.join()}`;
}
