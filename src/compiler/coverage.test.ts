// What verifyCoverage detects in a buffer that is written in parts.
import { describe, expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { add, mul } from "../graph/ops/elementwise.ts";
import { scatterAdd } from "../graph/ops/indexing.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { cat, permute } from "../graph/ops/movement.ts";
import * as scalar from "../graph/scalar.ts";
import { compileGraph } from "./compile.ts";
import type { BufferInfo, Instruction, Kernel, LoopKernel, Program } from "./kernel.ts";
import { loadedBuffers, storedBuffers } from "./lower.ts";
import { verify } from "./verify.ts";

const axis = scalar.newAxis(4);
const at = (start: number): scalar.Scalar => scalar.add(scalar.axisValue(axis), scalar.int(start));
const loop = (name: string, body: LoopKernel["body"]): LoopKernel => ({ kind: "loops", name, axes: [axis], body });

const part = (start: number): Kernel =>
  loop(`part ${start}`, [{ kind: "store", buffer: 1, index: at(start), value: scalar.load(0, at(0), "float32") }]);
const read = (start: number): Kernel =>
  loop(`read ${start}`, [{ kind: "store", buffer: 2, index: at(0), value: scalar.load(1, at(start), "float32") }]);

function programOf(...kernels: readonly Kernel[]): Program {
  const buffers: BufferInfo[] = [
    { id: 0, name: "x", dtype: "float32", length: 4, placement: { kind: "argument", slot: 0 } },
    { id: 1, name: "whole", dtype: "float32", length: 12, placement: { kind: "arena", byteOffset: 0 } },
    { id: 2, name: "y", dtype: "float32", length: 4, placement: { kind: "argument", slot: 1 } },
  ];
  return { name: "test", buffers, kernels, checks: [], argumentCount: 2, windowCount: 0, arenaBytes: 64 };
}

describe("verifyCoverage", () => {
  it("allows reading the whole once all parts are written, and a part once it is written", () => {
    verify(programOf(part(0), part(8), part(4), read(0), read(2), read(8)));
    verify(programOf(part(4), read(4), part(0), read(0), read(3), part(8), read(6)));
  });

  it("regards a buffer with a single writer as complete after it", () => {
    verify(programOf(part(0), read(4)));
  });

  it("detects a read of elements that no part has written yet", () => {
    expect(() => verify(programOf(part(0), read(4), part(4), part(8)))).toThrow(
      /kernel read 4 reads elements 4 to 7 of buffer 1 before all of them are written/,
    );
    expect(() => verify(programOf(part(0), part(8), read(2), part(4)))).toThrow(/reads elements 2 to 5/);
    expect(() => verify(programOf(part(8), part(0), read(6), part(4)))).toThrow(/reads elements 6 to 9/);
  });

  it("lets a kernel read back its own elements, and no others", () => {
    const back = (start: number): Kernel =>
      loop("back", [
        { kind: "store", buffer: 1, index: at(4), value: scalar.load(0, at(0), "float32") },
        { kind: "store", buffer: 2, index: at(0), value: scalar.load(1, at(start), "float32") },
      ]);
    verify(programOf(part(0), back(4), part(8)));
    verify(programOf(part(0), back(0), part(8)));
    expect(() => verify(programOf(part(0), back(5), part(8)))).toThrow(/kernel back reads elements 5 to 8/);
  });

  it("detects any reader of a cat or a scatter moved before its last writer", () => {
    const x = inputNode({ shape: [16, 16], dtype: "float32" });
    const i = inputNode({ shape: [4, 16], dtype: "int32" });
    const whole = cat([add(x, x), mul(x, x), matmul(x, x)], 0);
    const graphs = {
      cat: matmul(permute(whole, [1, 0]), whole),
      scatter: matmul(scatterAdd(mul(x, x), 0, i, inputNode({ shape: [4, 16], dtype: "float32" })), x),
    };
    for (const [name, node] of Object.entries(graphs)) {
      const { program } = compileGraph(name, [{ node }]);
      const { kernels } = program;
      const stores = kernels.flatMap((kernel) => [...storedBuffers(kernel)]);
      const shared = stores.find((id, place) => stores.indexOf(id) !== place);
      expect(shared, name).toBeDefined();
      const writers = kernels.filter((kernel) => storedBuffers(kernel).has(shared ?? -1));
      const reader = kernels.findIndex((kernel) => loadedBuffers(kernel).has(shared ?? -1));
      const early = (kernel: Instruction): Program => {
        const moved = kernels.filter((_, place) => place !== reader);
        moved.splice(moved.indexOf(kernel), 0, kernels[reader] as Instruction);
        return { ...program, kernels: moved };
      };
      // A scatter's base covers all of it; later additions are a matter of order, not of coverage.
      for (const writer of name === "cat" ? writers : writers.slice(0, 1))
        expect(() => verify(early(writer)), `${name}, before ${writer.name}`).toThrow(/before/);
    }
  });
});
