// Stages: the outputs of each, and everything they need, come before the next stage.
import { expect, it } from "vitest";
import { add, constant, int, load } from "../graph/scalar.ts";
import type { LoopKernel } from "./kernel.ts";
import { orderInStages } from "./stageOrder.ts";

/** A kernel that reads some buffers and writes one. */
const kernel = (name: string, loads: readonly number[], buffer: number): LoopKernel => ({
  kind: "loops",
  name,
  axes: [],
  body: [
    {
      kind: "store",
      buffer,
      index: int(0),
      value: loads.map((from) => load(from, int(0), "float32")).reduce(add, constant(0, "float32")),
    },
  ],
});

const names = (kernels: readonly { readonly name?: string }[]): unknown[] => kernels.map(({ name }) => name);

it("moves the outputs of an early stage forward, with everything they need", () => {
  const kernels = [
    kernel("a", [], 0),
    kernel("late", [0], 1),
    kernel("b", [0], 2),
    kernel("early", [2], 3),
    kernel("free", [], 4),
  ];
  const staged = orderInStages(kernels, 2, (buffer) => (buffer === 3 ? 0 : undefined));
  expect(names(staged.kernels as LoopKernel[])).toEqual(["a", "b", "early", "late", "free"]);
  expect(staged.stageEnds).toEqual([3, 5]);
});

it("keeps a reader before the kernel that overwrites its input", () => {
  const kernels = [kernel("reads", [0], 1), kernel("overwrites", [], 0)];
  const staged = orderInStages(kernels, 3, (buffer) => (buffer === 0 ? 1 : undefined));
  expect(names(staged.kernels as LoopKernel[])).toEqual(["reads", "overwrites"]);
  expect(staged.stageEnds).toEqual([0, 2, 2]);
});
