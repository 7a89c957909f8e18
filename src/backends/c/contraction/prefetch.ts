// Prefetches the memory of a contraction's epilogue while a tile is computed.

import { extentOf, type Step, visitSteps } from "../../analysis/steps.ts";
import { type Linear, linearKey, strideAlong, visitParts } from "../../analysis/values.ts";
import type { Plan } from "../../contraction/plan.ts";
import { type Code, code, joined } from "../code.ts";
import type { Expressions } from "../expressions.ts";
import { endless } from "./tile.ts";

export interface Prefetch {
  /** Cache lines in one row of the tile. */
  readonly lines: number;
  readonly streams: number;
  /** Declares the list `ahead` for the tile at (r, c); `anywhere` is any readable address. */
  list(anywhere: string): Code;
}

/** Smaller results stay in the L2 cache anyway. */
const worthPrefetching = 256 * 1024;
const mostStreams = 6;
const lineBytes = 64;

export function prefetchOf(e: Expressions, plan: Plan, steps: readonly Step[], bytes: number): Prefetch | undefined {
  const { m: row, n: column } = plan;
  const alongColumns = plan.epilogueLanes === "n";
  const [inner, outer] = alongColumns ? [column, row] : [row, column];
  const [innerSize, outerSize] = alongColumns ? [plan.nr, plan.mr] : [plan.mr, plan.nr];
  const streams = new Map<string, { readonly buffer: number; readonly index: Linear; readonly stride: number }>();
  const add = (buffer: number, index: Linear): void => {
    if (index.terms.some(({ atom }) => atom.kind !== "axis")) return;
    const stride = strideAlong(index, outer);
    if (strideAlong(index, inner) !== 1 || stride * bytes < lineBytes) return;
    const key = `${buffer}:${linearKey(index)}`;
    streams.set(key, { buffer, index, stride });
  };
  for (const step of steps) if (step.kind === "store") add(step.buffer, step.index);
  const visit = visitParts((value) => {
    if (value.kind === "load") add(value.buffer, value.index);
    return value.kind !== "load";
  });
  visitSteps(steps, visit, () => undefined);
  const points = extentOf([...plan.batch, row, column]);
  if (streams.size === 0 || streams.size * points * bytes < worthPrefetching) return undefined;
  const asked = [...streams.values()].slice(0, mostStreams);
  // Rows that are not aligned to cache lines may touch one more.
  const even = [innerSize, ...asked.map(({ stride }) => stride)].every((size) => (size * bytes) % lineBytes === 0);
  return {
    lines: Math.ceil((innerSize * bytes) / lineBytes) + (even ? 0 : 1),
    streams: asked.length,
    list(anywhere) {
      let text: Code = [];
      e.scope(() => {
        e.bindAxis(inner, `(${alongColumns ? "c" : "r"} * ${innerSize})`);
        e.bindAxis(outer, `(${alongColumns ? "r" : "c"} * ${outerSize})`);
        const count = Math.min(outerSize, outer.extent);
        text = joined(
          asked.map(
            ({ buffer, index, stride }) => code`{(const char *)(${e.at(buffer, index)}), ${stride * bytes}, ${count}}`,
          ),
          ", ",
        );
      });
      return code`const struct ahead ahead[] = {${text}, {(const char *)${anywhere}, 0, ${endless}}};`;
    },
  };
}
