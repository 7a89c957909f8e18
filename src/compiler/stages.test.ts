// The limits of one kernel: stages, expressions, and chains of dependent operations.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { add, axisValue, load, localValue, newAxis, newLocal, type Scalar, unary } from "../graph/scalar.ts";
import { type Stage, Stages } from "./stages.ts";

const axis = newAxis(8);
const loaded = (buffer: number): Scalar => load(buffer, axisValue(axis), "float32");
/** `length` operations in a chain. */
const chain = (length: number, from: Scalar): Scalar =>
  Array.from({ length }).reduce<Scalar>((value) => unary("neg", value), from);
const stage = (value: Scalar): Stage => ({
  node: inputNode({ shape: [8], dtype: "float32" }),
  local: newLocal("float32"),
  level: "full",
  index: [axisValue(axis)],
  value,
});

describe("a kernel is full", () => {
  it("with 256 stages", () => {
    const stages = new Stages();
    const value = loaded(0);
    for (let count = 0; count < 255; count++) stages.add(stage(value));
    expect(stages.isFull).toBe(false);
    stages.add(stage(value));
    expect(stages.isFull).toBe(true);
  });
  it("with 4096 distinct expressions, each counted once", () => {
    const stages = new Stages();
    const read = loaded(0);
    // The index and the load are the first two.
    const value = chain(4093, read);
    for (let count = 0; count < 100; count++) stages.add(stage(value));
    expect(stages.isFull).toBe(false);
    stages.add(stage(unary("abs", read)));
    expect(stages.isFull).toBe(true);
  });
});

describe("a chain of operations", () => {
  // The index and the load below it are the first two.
  const most = chain(254, loaded(0));
  it("has at most 256, but the first stage is always accepted", () => {
    const stages = new Stages();
    expect(stages.add(stage(chain(1000, loaded(0))))).toBe(true);
    expect(stages.add(stage(most))).toBe(true);
    expect(stages.add(stage(chain(1, most)))).toBe(false);
  });
  it("continues through the values of other stages", () => {
    const stages = new Stages();
    const first = stage(chain(100, loaded(0)));
    stages.add(first);
    const own = localValue(first.local);
    expect(stages.add(stage(chain(155, own)))).toBe(false);
    expect(stages.add(stage(add(loaded(1), chain(153, own))))).toBe(true);
    expect(stages.all).toHaveLength(2);
  });
  it("counts each element of a sum of 16, which may be unrolled, and none of a longer one", () => {
    for (const [reduced, rest] of [
      [16, 239],
      [17, 256],
    ] as const) {
      const stages = new Stages();
      // An index, a load, and 15 additions or the result of a loop.
      const sum = stage(loaded(0));
      stages.add(sum, reduced);
      const own = localValue(sum.local);
      expect(stages.add(stage(chain(rest + 1, own)))).toBe(false);
      expect(stages.add(stage(chain(rest, own)))).toBe(true);
    }
  });
  it("that is rejected leaves no trace", () => {
    const stages = new Stages();
    stages.add(stage(loaded(0)));
    const long = stage(chain(300, loaded(1)));
    expect(stages.add(long, 1, long.node)).toBe(false);
    expect(stages.all).toHaveLength(1);
    expect(stages.of(long.node)).toBeUndefined();
    expect(stages.unfinished.size).toBe(0);
  });
});
