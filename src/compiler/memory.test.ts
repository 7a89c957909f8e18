// Memory is overwritten only after its last read.
import { describe, expect, it } from "vitest";
import { type Axis, add, axisValue, int, load, localValue, mul, newAxis, newLocal, unary } from "../graph/scalar.ts";
import { compile, rand, type Tensor } from "../tensor/index.ts";
import { flatAxes } from "./indexing.ts";
import type { ContractionKernel, LoopKernel } from "./kernel.ts";
import { inPlaceTemporaries, inPlaceUpdates, lifetimes } from "./memory.ts";

describe("inPlaceTemporaries", () => {
  const rows = 8;
  const columns = 32;
  const axes = [newAxis(rows), newAxis(columns)];
  const flat = flatAxes(axes);
  const turned = add(axisValue(axes[0] as Axis), mul(axisValue(axes[1] as Axis), int(rows)));
  const drafts = Array.from({ length: 6 }, (_, id) => ({ id, dtype: "float32" as const, length: rows * columns }));
  /** to = -from, each at its own index. */
  const negated = (from: number, to: number, read = flat, write = flat): LoopKernel => ({
    kind: "loops",
    name: "neg",
    axes,
    body: [{ kind: "store", buffer: to, index: write, value: unary("neg", load(from, read, "float32")) }],
  });

  it("gives a chain one buffer, and values that are read again their own", () => {
    const chain = [negated(9, 0), negated(0, 1), negated(1, 2), negated(0, 3), negated(2, 9), negated(3, 9)];
    expect([...inPlaceTemporaries(chain, drafts)].map(([id, { buffer }]) => [id, buffer])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  it("reuses an input's memory after its last read, for a value of the same type and length", () => {
    const homes = (
      kernels: readonly LoopKernel[],
      of: (id: number) => Partial<(typeof drafts)[number]> = () => ({}),
    ): number[][] =>
      [
        ...inPlaceTemporaries(
          kernels,
          drafts.map((draft) => ({ ...draft, ...of(draft.id) })),
        ),
      ].map(([id, { buffer }]) => [id, buffer]);
    const chain = [negated(9, 0), negated(0, 1), negated(1, 9)];
    expect(homes(chain)).toEqual([[1, 0]]);
    expect(homes(chain, (id) => ({ length: id === 1 ? 8 : 256 }))).toEqual([]);
    expect(homes(chain, (id) => ({ dtype: id === 1 ? ("float64" as never) : "float32" }))).toEqual([]);
    // Read at the next index, or read again later.
    expect(homes([negated(9, 0), negated(0, 1, add(flat, int(1))), negated(1, 9)])).toEqual([]);
    expect(homes([negated(9, 0), negated(0, 1), negated(0, 9), negated(1, 9)])).toEqual([]);
    // With two free ones, each value takes one.
    const both: LoopKernel = { ...negated(0, 2), body: [...negated(0, 2).body, ...negated(1, 3).body] };
    const first: LoopKernel = { ...negated(9, 0), body: [...negated(9, 0).body, ...negated(9, 1).body] };
    const last: LoopKernel = { ...negated(2, 9), body: [...negated(2, 9).body, ...negated(3, 8).body] };
    expect(homes([first, both, last])).toEqual([
      [2, 0],
      [3, 1],
    ]);
    const late: LoopKernel = { ...both, body: [...negated(1, 3).body, ...negated(0, 2).body] };
    expect(homes([first, late, last])).toEqual([
      [3, 1],
      [2, 0],
    ]);
    // If both read the same value, only the one stored after all reads may take its memory.
    const one: LoopKernel = { ...both, body: [...negated(0, 3).body, ...negated(0, 2).body] };
    expect(homes([negated(9, 0), one, last])).toEqual([[2, 0]]);
  });

  it("does not reuse memory for short runs, or for accumulated values", () => {
    const short = [newAxis(16), newAxis(15)];
    const long = [newAxis(15), newAxis(16)];
    const over = (own: readonly Axis[]): LoopKernel[] => {
      const at = flatAxes(own);
      const turned = add(axisValue(own[0] as Axis), mul(axisValue(own[1] as Axis), int((own[0] as Axis).extent)));
      return [negated(9, 0), { ...negated(0, 1, turned, turned), axes: own }, { ...negated(1, 9, at, at), axes: own }];
    };
    // The first axis steps to the next element.
    expect(inPlaceTemporaries(over(short), drafts).size).toBe(1);
    expect(inPlaceTemporaries(over(long), drafts).size).toBe(0);
    const [store] = negated(0, 1).body;
    const adding = { ...negated(0, 1), body: [{ ...store, accumulate: true } as never] };
    expect(inPlaceTemporaries([negated(9, 0), adding, negated(1, 9)], drafts).size).toBe(0);
  });

  it("does not reuse memory read and written in different orders", () => {
    const chain = [negated(9, 0), negated(0, 1, flat, turned), negated(1, 2, turned, flat), negated(2, 9)];
    expect(inPlaceTemporaries(chain, drafts).size).toBe(0);
  });

  it("does not reuse the operands of a contraction, which may be packed again while results are stored", () => {
    const [m, k] = [newAxis(rows * columns), newAxis(1)];
    const result = newLocal("float32");
    const product = (from: number, to: number): ContractionKernel => ({
      kind: "contraction",
      name: "matmul",
      dtype: "float32",
      batch: [],
      m: [m],
      n: [],
      k: [k],
      a: load(from, axisValue(m), "float32"),
      b: load(9, int(0), "float32"),
      result,
      epilogue: [
        {
          kind: "store",
          buffer: to,
          index: axisValue(m),
          value: add(localValue(result), load(from, axisValue(m), "float32")),
        },
      ],
    });
    expect(inPlaceTemporaries([negated(9, 0), product(0, 1), negated(1, 9)], drafts).size).toBe(0);
    expect(inPlaceUpdates([product(0, 1)])(0, 1)).toBe(false);
    expect(inPlaceUpdates([negated(0, 1)])(0, 1)).toBe(true);
  });

  it("lets an update overwrite its cell if nothing reads the old value any more", () => {
    const answer = (...kernels: readonly LoopKernel[]): boolean => inPlaceUpdates(kernels)(0, 1);
    expect(answer(negated(2, 1))).toBe(true);
    expect(answer(negated(0, 2), negated(2, 1))).toBe(true);
    expect(answer(negated(2, 1), negated(0, 3))).toBe(false);
    expect(answer(negated(2, 1), negated(3, 1))).toBe(false);
    expect(answer(negated(2, 3))).toBe(false);
    expect(answer(negated(0, 1, turned))).toBe(false);
    // The old value is read before the new one is stored, and not afterwards.
    const body = (...kernels: readonly LoopKernel[]): LoopKernel => ({
      ...negated(0, 1),
      body: kernels.flatMap((kernel) => kernel.body),
    });
    expect(answer(body(negated(0, 2), negated(0, 1)))).toBe(true);
    expect(answer(body(negated(0, 1), negated(0, 2)))).toBe(false);
    expect(answer(body(negated(0, 1), negated(2, 0)))).toBe(false);
    expect(answer(body(negated(2, 0), negated(0, 1)))).toBe(true);
  });

  it("reports the first and last use of each value", () => {
    const chain = [negated(9, 0), negated(0, 1), negated(0, 2), negated(1, 9)];
    const lives = lifetimes(chain, [...drafts.slice(0, 3), { id: 5, dtype: "float64", length: 0 }]);
    expect(lives.map(({ id, firstUse, lastUse }) => [id, firstUse, lastUse])).toEqual([
      [0, 0, 2],
      [1, 1, 3],
      [2, 2, 2],
    ]);
    expect(lifetimes([negated(9, 5)], [{ id: 5, dtype: "float64", length: 0 }])[0]?.bytes).toBe(8);
    expect(() => lifetimes([negated(0, 9)], drafts)).toThrow("buffer 0 is read and never written");
  });

  it("computes a softmax in the memory of its scores", () => {
    const head = compile((q: Tensor, k: Tensor, v: Tensor) => q.matmul(k.transpose(0, 1)).softmax(-1).matmul(v));
    const [q, k, v] = [rand([64, 32]), rand([64, 32]), rand([64, 32])];
    expect(head(q, k, v).dataSync()).toEqual(q.matmul(k.transpose(0, 1)).softmax(-1).matmul(v).dataSync());
    const [, bytes] = /arena of (\d+) bytes/.exec(head.explain()) ?? [];
    // The scores, and two numbers per row.
    expect(Number(bytes)).toBeLessThanOrEqual(64 * 64 * 4 + 2 * 64 * 4);
  });
});
