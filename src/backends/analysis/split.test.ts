// Which long reductions are split for threads, at each limit, and where their parts lie.
import { describe, expect, it } from "vitest";
import { runKernels } from "../../../test/runKernels.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import { add, axisValue, int, load, localValue, mul, newAxis, newLocal } from "../../graph/scalar.ts";
import { splitReductions } from "./split.ts";
import { extentOf } from "./steps.ts";

/** Reductions over these axes for so many results, each of its dtype, and their stores. */
function kernel(
  results: number,
  extents: readonly number[],
  dtypes: readonly ElementType[] = ["float32"],
  first: Statement[] = [],
) {
  const row = newAxis(results);
  const body = dtypes.flatMap((dtype, k): Statement[] => {
    const axes = extents.map(newAxis);
    const place = axes.reduce((sum, axis) => add(mul(sum, int(axis.extent)), axisValue(axis)), axisValue(row));
    const local = newLocal(dtype);
    return [
      { kind: "reduce", local, combine: "sum", axes, value: load(k, place, dtype) },
      { kind: "let", local: newLocal(dtype), value: localValue(local) },
    ];
  });
  return { kind: "loops", name: "sums", axes: [row], body: [...first, ...body] } as const satisfies LoopKernel;
}

function split(given: LoopKernel) {
  let bytes = 0;
  const phases = splitReductions(given, {
    needShared: (needed) => {
      bytes = Math.max(bytes, needed);
    },
    sharedBuffer: (dtype) => 100 + ["float32", "float64", "uint8"].indexOf(dtype),
  });
  return { phases, bytes };
}

describe("a reduction is split", () => {
  it.each([
    ["of 65,536 elements", kernel(1, [65536]), true],
    ["of one less", kernel(1, [65535]), false],
    ["of 64 results, which have as many together", kernel(64, [1024]), true],
    ["of 65 results", kernel(65, [65536]), false],
    ["whose longest axis has two elements for each part", kernel(1, [8, 128, 64]), true],
    ["whose longest axis has 127", kernel(1, [127, 127, 127]), false],
    [
      "behind a value",
      kernel(1, [65536], ["float32"], [{ kind: "let", local: newLocal("float32"), value: load(9, int(0), "float32") }]),
      true,
    ],
    [
      "behind a store, which might change what it reads",
      kernel(1, [65536], ["float32"], [{ kind: "store", buffer: 9, index: int(0), value: load(9, int(1), "float32") }]),
      false,
    ],
  ] as const)("%s: %#", (_, given, expected) => {
    const { phases } = split(given);
    expect(phases.length).toBe(expected ? 2 : 1);
    if (!expected) expect(phases[0]?.body).toEqual(given.body);
  });
});

const reductions = (phase: LoopKernel | undefined) =>
  (phase?.body ?? []).flatMap((statement) => (statement.kind === "reduce" ? [statement] : []));

it("parts are of one length, what is left is reduced last, and all are counted once", () => {
  const { phases, bytes } = split(kernel(2, [64 * 1000 + 7, 3]));
  const [parts, rest] = phases;
  expect(parts?.axes.map(({ extent }) => extent)).toEqual([64, 2]);
  expect(reductions(parts).map(({ axes }) => axes.map(({ extent }) => extent))).toEqual([[1000, 3]]);
  expect(reductions(rest).map(({ axes, parts: isOfParts }) => [extentOf(axes), isOfParts === true])).toEqual([
    [64, true],
    [21, false],
  ]);
  expect(bytes).toBe(64 * 2 * 4);
});

it("parts of several dtypes lie behind one another", () => {
  const { phases, bytes } = split(kernel(3, [65536], ["float64", "uint8", "float32"]));
  const stores = phases.flatMap(({ axes, body }) =>
    body.flatMap((statement) => {
      if (statement.kind !== "store") return [];
      // The place of the first part of the first result.
      const zero = new Set(axes.map(({ id }) => id));
      const valueAt = (index: typeof statement.index): number => {
        if (index.kind === "const") return index.value;
        if (index.kind === "axis") return zero.has(index.axis.id) ? 0 : Number.NaN;
        if (index.kind !== "binary") return Number.NaN;
        const [a, b] = [valueAt(index.a), valueAt(index.b)];
        return index.fn === "add" ? a + b : index.fn === "mul" ? a * b : Number.NaN;
      };
      return [[statement.buffer, valueAt(statement.index)]];
    }),
  );
  const part = 64 * 3;
  expect(stores).toEqual([
    [101, 0],
    [102, part * 8],
    [100, (part * 8 + part) / 4],
  ]);
  expect(bytes).toBe(part * (8 + 1 + 4));
});

it("of axes of one length the outermost is split", () => {
  const given = kernel(1, [256, 256]);
  const { phases } = split(given);
  const [first, second] = reductions(given)[0]?.axes ?? [];
  expect(reductions(phases[0])[0]?.axes[1]).toBe(second);
  expect(reductions(phases[0])[0]?.axes).not.toContain(first);
});

describe("the phases together give what the kernel gives", () => {
  /** For each row a sum, and the largest of what is less than it. */
  const rows = (results: number, extents: readonly number[]): LoopKernel => {
    const row = newAxis(results);
    const [one, other] = [extents.map(newAxis), extents.map(newAxis)];
    const place = (axes: typeof one) =>
      axes.reduce((at, axis) => add(mul(at, int(axis.extent)), axisValue(axis)), axisValue(row));
    const [sum, twice, most] = [newLocal("float64"), newLocal("float64"), newLocal("float64")];
    const store = (buffer: number, local: typeof sum): Statement => ({
      kind: "store",
      buffer,
      index: axisValue(row),
      value: localValue(local),
    });
    const value = load(0, place(other), "float64");
    return {
      kind: "loops",
      name: "rows",
      axes: [row],
      body: [
        { kind: "reduce", local: sum, combine: "sum", axes: one, value: load(0, place(one), "float64") },
        { kind: "let", local: twice, value: add(localValue(sum), localValue(sum)) },
        { kind: "reduce", local: most, combine: "max", axes: other, value: add(value, localValue(twice)) },
        store(1, sum),
        store(2, most),
      ],
    };
  };
  it.each([
    ["in parts that leave nothing", 1, [65536]],
    ["in parts that leave one", 1, [65537]],
    ["with another axis inside", 2, [64 * 171 + 5, 3]],
    ["with another axis around", 3, [2, 64 * 172 + 63]],
  ] as const)("%s", (_, results, extents) => {
    const given = rows(results, extents);
    const { phases, bytes } = split(given);
    expect(phases).toHaveLength(3);
    const length = results * extentOf(extents.map(newAxis));
    const arrays = [
      Float64Array.from({ length }, (_, i) => ((i * 7919) % 1009) - 500),
      new Float64Array(results),
      new Float64Array(results),
    ];
    // Buffer 101 is the shared memory.
    const scratch = Array.from({ length: 99 }, (_, k) => new Float64Array(k === 98 ? bytes / 8 : 1));
    const expected = runKernels([given], arrays);
    expect(runKernels(phases, [...arrays, ...scratch]).slice(0, 3)).toEqual(expected);
  });
});
