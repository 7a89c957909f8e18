// Groups the kernels of a program into stages: between them the caller pauses, passes in what has arrived, and takes what is ready.
import { at } from "../graph/at.ts";
import { hasChecks } from "./checks.ts";
import type { Instruction } from "./kernel.ts";
import { storedBuffers } from "./lower.ts";
import { dependences } from "./order.ts";

/**
 * The same kernels: those of each stage, with everything they need, before those of the next, otherwise in the given order. `stageOf`: the
 * stage that must produce a buffer, from 0; undefined: the last, or where it is needed. Checks and their dependencies come first.
 */
export function orderInStages(
  kernels: readonly Instruction[],
  stageCount: number,
  stageOf: (buffer: number) => number | undefined,
): { readonly kernels: Instruction[]; readonly stageEnds: number[] } {
  const last = stageCount - 1;
  const stages = kernels.map((kernel) => {
    if (hasChecks(kernel)) return 0;
    return [...storedBuffers(kernel)].reduce((least, buffer) => Math.min(least, stageOf(buffer) ?? last), last);
  });
  const { after } = dependences(kernels);
  // Readers come later in the list, so their stages are already known.
  for (let place = kernels.length - 1; place >= 0; place--)
    for (const next of at(after, place)) stages[place] = Math.min(at(stages, place), at(stages, next));
  const places = [...kernels.keys()].sort((a, b) => at(stages, a) - at(stages, b) || a - b);
  const stageEnds = Array.from(
    { length: stageCount },
    (_, stage) => places.filter((place) => at(stages, place) <= stage).length,
  );
  return { kernels: places.map((place) => at(kernels, place)), stageEnds };
}
