// Which reductions become one loop: those over the same extents, of one kind, that do not need one another.
import { describe, expect, it } from "vitest";
import { runKernels } from "../../../test/runKernels.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import { add, axisValue, int, load, localValue, newAxis, newLocal, type Scalar } from "../../graph/scalar.ts";
import { axesIn } from "./axes.ts";
import { mergeReductions } from "./mergeReductions.ts";

type Reduce = Extract<Statement, { kind: "reduce" }>;

const row = newAxis(4);

function reduce(extents: readonly number[], dtype: ElementType = "float32", more: Partial<Reduce> = {}): Reduce {
  const axes = extents.map(newAxis);
  const index = axes.map(axisValue).reduce(add, axisValue(row));
  return { kind: "reduce", local: newLocal(dtype), combine: "sum", axes, value: load(0, index, dtype), ...more };
}
const bind = (value: Scalar): Statement => ({ kind: "let", local: newLocal(value.dtype), value });
const store = (value: Scalar): Statement => ({ kind: "store", buffer: 1, index: int(0), value });

/** Statements by their places before, in groups of reductions that share their axes. */
function merged(...body: readonly Statement[]): string {
  const kernel: LoopKernel = { kind: "loops", name: "rows", axes: [row], body };
  const groups: number[][] = [];
  let axes: Reduce["axes"] | undefined;
  for (const statement of mergeReductions(kernel).body) {
    const place = body.findIndex(
      (one) =>
        one === statement || (one.kind === "reduce" && statement.kind === "reduce" && one.local === statement.local),
    );
    if (statement.kind === "reduce" && axes === statement.axes) groups.at(-1)?.push(place);
    else groups.push([place]);
    axes = statement.kind === "reduce" ? statement.axes : undefined;
    if (statement.kind === "reduce") {
      // Its value is over its own axes.
      const own = new Set([row.id, ...statement.axes.map(({ id }) => id)]);
      for (const id of axesIn(statement.value)) expect(own).toContain(id);
    }
  }
  return groups.map((group) => group.join("+")).join(" ");
}

describe("reductions", () => {
  it("over the same extents are one loop, whatever they combine", () => {
    expect(merged(reduce([8, 3]), reduce([8, 3], "float32", { combine: "max" }))).toBe("0+1");
  });
  it("over others are two, as are those of another dtype or of long sums", () => {
    expect(merged(reduce([8, 3]), reduce([8, 4]))).toBe("0 1");
    expect(merged(reduce([8, 3]), reduce([8]))).toBe("0 1");
    expect(merged(reduce([8]), reduce([8, 3]))).toBe("0 1");
    expect(merged(reduce([8]), reduce([8], "float64"))).toBe("0 1");
    expect(merged(reduce([8]), reduce([8], "float32", { parts: true }))).toBe("0 1");
    expect(merged(reduce([8], "float32", { parts: true }), reduce([8], "float32", { parts: true }))).toBe("0+1");
  });
  it("are four in one loop at most", () => {
    const six = Array.from({ length: 6 }, () => reduce([8]));
    expect(merged(...six.slice(0, 4))).toBe("0+1+2+3");
    expect(merged(...six.slice(0, 5))).toBe("0+1+2+3 4");
  });
  it("go to the last that they fit, past others and past values", () => {
    const first = reduce([8]);
    expect(merged(first, reduce([9]), bind(int(3)), reduce([8]))).toBe("0+3 1 2");
    expect(merged(first, reduce([9]), reduce([9]), reduce([8]))).toBe("0+3 1+2");
  });
  it("stay behind what they need, and behind stores", () => {
    const first = reduce([8]);
    const second = reduce([8]);
    const needing = reduce([8], "float32", { value: localValue(first.local) });
    expect(merged(first, needing)).toBe("0 1");
    expect(merged(first, second, reduce([8], "float32", { value: localValue(second.local) }))).toBe("0+1 2");
    const value = bind(localValue(first.local));
    if (value.kind !== "let") throw new Error("a value");
    expect(merged(first, value, reduce([8], "float32", { value: localValue(value.local) }))).toBe("0 1 2");
    expect(merged(first, store(localValue(first.local)), reduce([8]))).toBe("0 1 2");
  });
});

it("merged reductions give what they gave apart", () => {
  const [sum, longer, product] = [
    reduce([3, 2], "float64"),
    reduce([5], "float64", { combine: "max" }),
    reduce([3, 2], "float64", { combine: "prod" }),
  ];
  const stores = [sum, longer, product].map(
    ({ local }, k): Statement => ({
      kind: "store",
      buffer: 1,
      index: add(axisValue(row), int(4 * k)),
      value: localValue(local),
    }),
  );
  const kernel: LoopKernel = { kind: "loops", name: "rows", axes: [row], body: [sum, longer, product, ...stores] };
  const arrays = [Float64Array.from({ length: 12 }, (_, i) => (i * 5) % 7), new Float64Array(12)];
  expect(runKernels([mergeReductions(kernel)], arrays)).toEqual(runKernels([kernel], arrays));
});
