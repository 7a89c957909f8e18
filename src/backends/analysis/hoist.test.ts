// What is computed before loops: all that they do not change and that may be computed there, each value once.
import { describe, expect, it } from "vitest";
import {
  add,
  axisValue,
  binary,
  constant,
  int,
  load,
  mul,
  newAxis,
  type Scalar,
  select,
  unary,
} from "../../graph/scalar.ts";
import { hoistInvariants, nestLoops } from "./hoist.ts";
import type { Step } from "./steps.ts";
import { type Value, ValueTable } from "./values.ts";

const [outer, inner] = [newAxis(10), newAxis(10)];
const [o, i] = [axisValue(outer), axisValue(inner)];
/** Buffer 9 is stored to; all have 100 elements. */
const table = new ValueTable((buffer) => ({ length: 100, stored: buffer === 9 }));
const read = (buffer: number, at: Scalar): Scalar => load(buffer, at, "float32");

/** What is computed before the loop over `inner`, in order, and the parts of each address that are known there. */
function hoisted(values: readonly Scalar[], at: Scalar = i, inSums = false) {
  const steps = values.map(
    (value): Step => ({
      kind: "store",
      buffer: 9,
      index: table.linear(at),
      value: table.of(value),
      accumulate: false,
    }),
  );
  const computed: Value[] = [];
  const addresses: unknown[] = [];
  hoistInvariants(steps, new Set([inner.id]), {
    compute: (value) => void computed.push(value),
    ...(inSums && {
      address: (buffer, { terms }, isKnown) =>
        void addresses.push([buffer, terms.map(({ atom }) => [atom, isKnown(atom)])]),
    }),
  });
  return { computed, addresses };
}
const of = (scalar: Scalar): Value => table.of(scalar);

describe("before a loop", () => {
  const [fixed, moving] = [unary("exp", read(0, o)), unary("exp", read(1, i))];
  it("the largest parts that it does not change are computed, each once, and no constants", () => {
    expect(hoisted([mul(fixed, moving)]).computed).toEqual([of(fixed)]);
    expect(hoisted([mul(fixed, moving), add(moving, fixed)]).computed).toEqual([of(fixed)]);
    expect(hoisted([mul(mul(moving, fixed), mul(moving, fixed))]).computed).toEqual([of(fixed)]);
    expect(hoisted([add(moving, constant(2, "float32"))]).computed).toEqual([]);
    expect(hoisted([fixed]).computed).toEqual([of(fixed)]);
  });
  it("what the kernel stores to is not read", () => {
    expect(hoisted([add(moving, unary("exp", read(9, o)))]).computed).toEqual([of(o)]);
  });
  it("what may fault is read only where it is needed in any case", () => {
    const [unsafe, safe] = [read(2, add(o, int(95))), read(3, o)];
    const condition = binary("lt", moving, read(4, o));
    expect(hoisted([add(moving, unsafe)]).computed).toEqual([of(unsafe)]);
    expect(hoisted([select(condition, unsafe, moving)]).computed).toEqual([of(read(4, o)), of(o)]);
    expect(hoisted([select(condition, moving, unsafe)]).computed).toEqual([of(read(4, o)), of(o)]);
    expect(hoisted([select(condition, safe, moving)]).computed).toEqual([of(read(4, o)), of(safe)]);
    expect(hoisted([select(condition, moving, safe)]).computed).toEqual([of(read(4, o)), of(safe)]);
    // Needed in any case after all.
    expect(hoisted([select(condition, unsafe, moving), unsafe]).computed).toContain(of(unsafe));
  });
  it("the parts of places are computed, those that may fault too, or added up", () => {
    const row = binary("mod", o, int(3));
    const anywhere = load(5, add(o, int(95)), "int32");
    expect(hoisted([moving], add(add(mul(row, int(10)), i), anywhere)).computed).toEqual([of(row), of(anywhere)]);
    const twice = mul(binary("mod", i, add(o, int(7))), int(2));
    const { computed, addresses } = hoisted([constant(1, "float32")], add(add(mul(row, int(10)), i), twice), true);
    expect(computed).toEqual([of(add(o, int(7)))]);
    expect(addresses).toEqual([
      [9, table.linear(add(add(mul(row, int(10)), i), twice)).terms.map(({ atom }) => [atom, atom === of(row)])],
    ]);
  });
  it("an address on one side of a choice knows no part that may fault", () => {
    const anywhere = load(5, add(o, int(95)), "int32");
    const chosen = select(binary("lt", moving, constant(0, "float32")), read(6, add(anywhere, i)), moving);
    const { addresses } = hoisted([chosen], int(0), true);
    const terms = table.linear(add(anywhere, i)).terms.map(({ atom }) => [atom, false]);
    expect(addresses).toContainEqual([6, terms]);
  });
});

it("loops lie in one another, and before each inner one is hoisted what the rest does not change", () => {
  const names = new Map([newAxis(2), newAxis(3), newAxis(4)].map((axis, at) => [axis, "abc"[at]]));
  const [a, b, c] = [...names.keys()];
  const written = (axes: readonly (typeof a)[], inside: readonly (typeof a)[]): string => {
    const out: string[] = [];
    const present = (list: readonly (typeof a)[]) => list.flatMap((axis) => (axis === undefined ? [] : [axis]));
    nestLoops(
      present(axes),
      present(inside),
      {
        loop: (axis, body) => {
          out.push(`${names.get(axis)}{`);
          body();
          out.push("}");
        },
        hoist: (rest) => out.push(`[${rest.map((axis) => names.get(axis)).join("")}]`),
      },
      () => out.push("body"),
    );
    return out.join(" ");
  };
  expect(written([a, b], [c])).toBe("a{ [bc] b{ [c] body } }");
  expect(written([a, b], [])).toBe("a{ [b] b{ body } }");
  expect(written([], [c])).toBe("body");
});
