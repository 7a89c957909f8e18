// How contractions are computed, as text: the plan of each shape on each machine. A change here is a change of speed.
import { expect, it } from "vitest";
import { planContraction } from "../../src/backends/contraction/choose.ts";
import type { Machine } from "../../src/backends/contraction/machine.ts";
import type { Plan } from "../../src/backends/contraction/plan.ts";
import { everyMachine, kernelOf, type Shape, shapes, workOf } from "./kernels.ts";

/** The packed operands. */
function packing(plan: Plan): string {
  if (plan.kind !== "outer") return plan.kind;
  const packed = [plan.packA ? "A ahead" : "", plan.packB === "no" ? "" : `B ${plan.packB}`].filter(
    (side) => side !== "",
  );
  return packed.length === 0 ? "in place" : `packs ${packed.join(", ")}`;
}

function described(shape: Shape, machine: Machine): string {
  const plan = planContraction(kernelOf(shape), machine, () => undefined);
  const { m, n, mr, nr, kc, lanes, epilogueLanes } = plan;
  const { nanoseconds, units } = workOf(plan, machine);
  return [
    `${m.extent} x ${n.extent} in tiles of ${mr} x ${nr}, kc ${kc}`,
    `${lanes} lanes`,
    packing(plan),
    `epilogue along ${epilogueLanes}`,
    `${units.count} units of ${units.rows} x ${units.columns} panels`,
    `${nanoseconds.toPrecision(3)} ns`,
  ].join("; ");
}

it("plans are as they were", async () => {
  const lines = shapes.flatMap(([name, shape]) => [
    name,
    // WebAssembly computes with operands that are converted beforehand.
    ...Object.entries(everyMachine)
      .filter(([machine]) => shape.stored === undefined || machine !== "wasm")
      .map(([machine, about]) => `  ${machine.padEnd(8)} ${described(shape, about)}`),
  ]);
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("plans.txt");
});

it("packs where copies are free, and does not where they are expensive", () => {
  const kernel = (): ReturnType<typeof kernelOf> => kernelOf(shapes[0]?.[1] as Shape);
  const { avx512 } = everyMachine;
  if (avx512 === undefined) throw new Error("the machine has no description");
  const costing = (copied: number): string =>
    packing(
      planContraction(kernel(), { ...avx512, costs: { ...avx512.costs, copied, transposed: copied } }, () => undefined),
    );
  expect(costing(0)).toContain("B");
  expect(costing(1000)).toBe("in place");
});
