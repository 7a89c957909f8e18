// The axes in an expression: finding those it depends on, and substituting others.
import { canonical, rewrite, visitScalar } from "../../compiler/indexing.ts";
import type { Scalar } from "../../graph/scalar.ts";

/** The expression with axes replaced, indices in canonical form. */
export function replaceAxes(value: Scalar, by: ReadonlyMap<number, Scalar>): Scalar {
  const done = new Map<Scalar, Scalar>();
  const replace = (scalar: Scalar): Scalar =>
    rewrite(
      scalar,
      (part) => {
        if (part.kind === "axis") return by.get(part.axis.id);
        return part.kind === "load" ? { ...part, index: canonical(replace(part.index)) } : undefined;
      },
      done,
    );
  return replace(value);
}

export function axesIn(value: Scalar): ReadonlySet<number> {
  const axes = new Set<number>();
  visitScalar(value, (scalar) => {
    if (scalar.kind === "axis") axes.add(scalar.axis.id);
  });
  return axes;
}
