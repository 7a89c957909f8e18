// Checks of indices: when they come, and what a failed one stops.
import { visitScalar } from "./indexing.ts";
import type { Kernel, Program } from "./kernel.ts";
import { storedBuffers, visitKernel } from "./lower.ts";

/** The checks of a kernel, as text: the buffers that an index comes from, and its extent. */
export function checksOf(kernel: Kernel): ReadonlySet<string> {
  const checks = new Set<string>();
  visitKernel(kernel, (scalar) => {
    if (scalar.kind !== "guard") return;
    const buffers = new Set<number>();
    visitScalar(scalar.index, (part) => {
      if (part.kind === "load") buffers.add(part.buffer);
    });
    checks.add(`${[...buffers].join()} < ${scalar.extent}`);
  });
  return checks;
}

/** Kernels that write arguments and come after a check. Backends leave them out of a run in which a check has failed. */
export function stoppedKernels(program: Program): ReadonlySet<Kernel> {
  const first = program.kernels.findIndex((kernel) => checksOf(kernel).size > 0);
  const late = first < 0 ? [] : program.kernels.slice(first + 1);
  return new Set(late.filter((kernel) => writtenSlots(program, kernel).length > 0));
}

/** Slots of arguments that may have been written when a check fails in the kernel at this place. */
export function slotsWrittenUntil(program: Program, place: number): ReadonlySet<number> {
  return new Set(program.kernels.slice(0, place + 1).flatMap((kernel) => writtenSlots(program, kernel)));
}

/** Slots of the arguments that a kernel writes. */
function writtenSlots({ buffers }: Program, kernel: Kernel): number[] {
  return [...storedBuffers(kernel)].flatMap((id) => {
    const placement = buffers[id]?.placement;
    return placement?.kind === "argument" ? [placement.slot] : [];
  });
}
