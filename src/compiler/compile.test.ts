// The interface of a program: written state, results requested twice, stages, and the report of a failed check.
import { afterAll, describe, expect, it, test } from "vitest";
import { inputNode, Runner, valueOf } from "../../test/conformance/run.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";
import { type Source, sourceNode } from "../graph/node.ts";
import { add, exp, mul, scalarLike } from "../graph/ops/elementwise.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { flip } from "../graph/ops/movement.ts";
import { sum } from "../graph/ops/reduce.ts";
import { describeFailure } from "./checks.ts";
import { compileGraph } from "./compile.ts";
import type { IndexCheck } from "./kernel.ts";

const device = createReferenceDevice();
afterAll(() => device.close());

class CellStand implements Source {
  readonly sourceKind = "state";
}

describe("state", () => {
  const x = inputNode({ shape: [4], dtype: "float32" });
  const wanted = add(x, scalarLike(1, x));

  /** Runs a graph on x = 1, 2, 3, 4 with all cells at 10; returns the final contents of the slots. */
  const run = (outputs: Parameters<typeof compileGraph>[1]): readonly (readonly number[])[] => {
    const { program, slots } = compileGraph("state", outputs);
    expect(slots).toHaveLength(program.argumentCount);
    const blocks = slots.map((slot) => {
      const block = device.allocate(16);
      const isState = slot.kind === "source" && slot.source.sourceKind === "state";
      device.write(block, isState ? new Float32Array(4).fill(10) : Float32Array.of(1, 2, 3, 4));
      return block;
    });
    const executable = device.compile(program);
    expect(executable.run(blocks)).toBeUndefined();
    executable.release();
    const found = slots.map((slot, place) => {
      const block = blocks[place];
      if (block === undefined) throw new Error("a block for each slot");
      const values = [...device.read(block, "float32", 4)];
      device.free(block);
      return slot.kind === "source" && slot.source === x.source ? [] : values;
    });
    return found.filter((values) => values.length > 0);
  };

  it("that nothing reads is still written", () => {
    expect(run([{ node: wanted, updates: new CellStand() }])).toEqual([[2, 3, 4, 5]]);
  });
  it("takes a value that is also a result, or goes to two cells", () => {
    const twice = [
      { node: wanted, updates: new CellStand() },
      { node: wanted, updates: new CellStand() },
    ];
    expect(run(twice)).toEqual([
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ]);
    expect(run([{ node: wanted }, ...twice.slice(1)])).toEqual([
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ]);
  });
  it("is read before it is overwritten", () => {
    const cell = new CellStand();
    const old = sourceNode({ shape: [4], dtype: "float32" }, cell);
    const results = run([{ node: mul(old, wanted), updates: cell }, { node: add(old, x) }]);
    expect(new Set(results.map((values) => values.join()))).toEqual(new Set(["20,30,40,50", "11,12,13,14"]));
  });
  it("is written in place, without a copy, if nothing reads the old value afterwards", () => {
    const kernels = (...outputs: Parameters<typeof compileGraph>[1]): string[] =>
      compileGraph("state", outputs).program.kernels.map(({ name }) => name);
    const cell = new CellStand();
    const old = sourceNode({ shape: [4], dtype: "float32" }, cell);
    expect(kernels({ node: wanted, updates: cell })).toEqual(["add"]);
    expect(kernels({ node: mul(old, wanted), updates: cell })).toEqual(["mul"]);
    expect(kernels({ node: wanted, updates: cell }, { node: wanted })).toEqual(["add", "copy"]);
    expect(kernels({ node: sum(mul(old, wanted), [0], true), updates: new CellStand() })).toEqual(["sum"]);
    // The sum is complete before the first element is overwritten. In another order, elements would be lost.
    expect(kernels({ node: mul(sum(old, [0], true), old), updates: cell })).toEqual(["sum+mul"]);
    expect(kernels({ node: mul(flip(old, [0]), old), updates: cell })).toEqual(["mul", "copy"]);
  });
  it("takes the value of an argument, and of another cell", () => {
    expect(run([{ node: x, updates: new CellStand() }])).toEqual([[1, 2, 3, 4]]);
  });
});

describe("stages", () => {
  const x = inputNode({ shape: [4], dtype: "float32" });
  it("are absent if no output names one", () => {
    expect(compileGraph("plain", [{ node: exp(x) }]).program.stageEnds).toBeUndefined();
    expect(compileGraph("first", [{ node: exp(x), stage: 0 }]).program.stageEnds).toBeUndefined();
  });
  it("end after the kernels of their outputs", () => {
    const [a, b] = [exp(x), sum(exp(mul(x, x)))];
    const { program } = compileGraph("two", [
      { node: b, stage: 1 },
      { node: a, stage: 0 },
      { node: exp(a), stage: 2 },
    ]);
    expect(program.stageEnds).toHaveLength(3);
    expect(program.stageEnds?.at(-1)).toBe(program.kernels.length);
  });
});

it("returns a result requested twice in both places", () => {
  const x = inputNode({ shape: [2, 2], dtype: "float32" });
  const y = matmul(x, x);
  const runner = new Runner(device, [x], [y, y, x]);
  const results = runner.run([valueOf("float32", [2, 2], [1, 2, 3, 4])]);
  runner.release();
  expect(results.map(({ data }) => data)).toEqual([
    [7, 10, 15, 22],
    [7, 10, 15, 22],
    [1, 2, 3, 4],
  ]);
});

describe("a failed check is reported", () => {
  const check = { by: "lookup", item: "index", count: "the rows", extent: 5, scope: "" };
  test.each([
    ["in a row", { unit: "row", shape: [4] }, 3, "lookup: in row 3, index 7 is out of range"],
    [
      "in a row, with its remaining coordinates",
      { unit: "row", shape: [4, 2, 3] },
      10,
      "lookup: in row 1 at [1, 1], index 7",
    ],
    ["at coordinates", { unit: undefined, shape: [4, 3] }, 7, "lookup: at [2, 1], index 7"],
    ["for a single index", { unit: undefined, shape: [] }, 0, "lookup: index 7 is out of range"],
    ["in a layer", { unit: "row", shape: [4], scope: "0.embed" }, 1, 'the rows (in "0.embed")'],
    [
      "with a message of its own",
      { unit: "row", shape: [4], fault: "no number is above 0" },
      1,
      "in row 1, no number is",
    ],
  ])("%s", (_, more, place, message) => {
    const checks = [{ ...check, ...more } as IndexCheck];
    const { program } = compileGraph("empty", []);
    expect(describeFailure({ ...program, checks }, { site: 0, index: 7, place })).toContain(message);
  });
});
