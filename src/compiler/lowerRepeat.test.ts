// Checks inside loops keep their numbers in the program, whatever else the body computes.
import { expect, it } from "vitest";
import { inputNode } from "../../test/conformance/run.ts";
import { add, tanh } from "../graph/ops/elementwise.ts";
import { gather } from "../graph/ops/indexing.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { finalOf, loop, stackOf } from "../graph/ops/scan.ts";
import { stepLeaf } from "../graph/ops/scanBody.ts";
import { compileGraph } from "./compile.ts";
import type { Instruction } from "./kernel.ts";

const [steps, rows, width] = [5, 4, 3];

function recurrence() {
  const initial = inputNode({ shape: [rows, width], dtype: "float32" });
  const weight = inputNode({ shape: [width, width], dtype: "float32" });
  const places = inputNode({ shape: [steps, rows, width], dtype: "int32" });
  const [state, place] = [stepLeaf(initial), stepLeaf({ shape: [rows, width], dtype: "int32" })];
  const next = tanh(matmul(gather(state, 0, place), weight));
  const whole = loop(
    { carried: [state], rows: [place], next: [next], outputs: [next], keeps: "costly" },
    { initial: [initial], stacked: [places], steps, reverse: false },
  );
  return { initial, next, whole };
}

const sitesOf = (instruction: Instruction): number[] =>
  instruction.kind === "repeat"
    ? instruction.body.flatMap(sitesOf)
    : instruction.kind === "loops"
      ? instruction.body.flatMap((statement) => (statement.kind === "check" ? [statement.site] : []))
      : [];

it("numbers the checks of a loop after the preceding ones", () => {
  const { initial, whole } = recurrence();
  const before = gather(initial, 0, inputNode({ shape: [rows, width], dtype: "int32" }));
  const { program } = compileGraph("checks", [{ node: add(before, finalOf(whole, 0)) }]);
  expect(program.checks).toHaveLength(2);
  expect(program.kernels.flatMap(sitesOf).sort()).toEqual([0, 1]);
  const found = program.kernels.findIndex(({ kind }) => kind === "repeat");
  const inside = sitesOf(program.kernels[found] as Instruction);
  expect(inside).toHaveLength(1);
  // Each site names its index: inside the loop, that of one step.
  expect(program.checks[inside[0] as number]?.shape).toEqual([rows, width]);
});

it("keeps two states if only the last is requested, and all of them if each is", () => {
  const { whole, next } = recurrence();
  const states = (outputs: Parameters<typeof compileGraph>[1]): number[] =>
    compileGraph("states", outputs).program.buffers.flatMap(({ name, length }) => (name === "states" ? [length] : []));
  expect(states([{ node: finalOf(whole, 0) }])).toEqual([2 * rows * width]);
  expect(states([{ node: stackOf(whole, next) }])).toEqual([(steps + 1) * rows * width]);
});
