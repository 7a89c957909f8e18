// Prefetches what the epilogue of a contraction will touch while the sums of a tile are computed.
import { type Step, visitSteps } from "../analysis/steps.ts";
import { type Linear, linearKey, operands, type Value } from "../analysis/values.ts";
import type { Plan } from "./contractionPlan.ts";
import { endless } from "./contractionTile.ts";
import type { Expressions } from "./expressions.ts";

export interface Ahead {
  /** Lines of memory in one row of the tile. */
  readonly lines: number;
  readonly streams: number;
  /** Declares the list `ahead` for the tile at (r, c); `anywhere` is an address that may be read. */
  list(anywhere: string): string;
}

/** Less than this stays in the second cache by itself. */
const worthAsking = 256 * 1024;
const mostStreams = 6;
const lineBytes = 64;

export function aheadOf(e: Expressions, plan: Plan, steps: readonly Step[], bytes: number): Ahead | undefined {
  const [row, column] = [plan.rows.group.merged, plan.columns.group.merged];
  const alongColumns = plan.epilogueAlong === "columns";
  const [inner, outer] = alongColumns ? [column, row] : [row, column];
  const [innerSize, outerSize] = alongColumns ? [plan.width, plan.height] : [plan.height, plan.width];
  const streams = new Map<string, { readonly buffer: number; readonly index: Linear; readonly stride: number }>();
  const add = (buffer: number, index: Linear): void => {
    if (index.terms.some(({ atom }) => atom.kind !== "axis")) return;
    const strideAlong = (id: number): number =>
      index.terms.find(({ atom }) => atom.kind === "axis" && atom.axis.id === id)?.coefficient ?? 0;
    const stride = strideAlong(outer.id);
    if (strideAlong(inner.id) !== 1 || stride * bytes < lineBytes) return;
    const key = `${buffer}:${linearKey(index)}`;
    streams.set(key, { buffer, index, stride });
  };
  for (const step of steps) if (step.kind === "store") add(step.buffer, step.index);
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (value.kind === "load") add(value.buffer, value.index);
    else for (const operand of operands(value)) visit(operand);
  };
  visitSteps(steps, visit, () => undefined);
  const points = [...plan.batch, row, column].reduce((product, axis) => product * axis.extent, 1);
  if (streams.size === 0 || streams.size * points * bytes < worthAsking) return undefined;
  const asked = [...streams.values()].slice(0, mostStreams);
  // Rows that do not begin with a line end within one more.
  const even = [innerSize, ...asked.map(({ stride }) => stride)].every((size) => (size * bytes) % lineBytes === 0);
  return {
    lines: Math.ceil((innerSize * bytes) / lineBytes) + (even ? 0 : 1),
    streams: asked.length,
    list(anywhere) {
      let text = "";
      e.scope(() => {
        e.bindAxis(inner, `(${alongColumns ? "c" : "r"} * ${innerSize})`);
        e.bindAxis(outer, `(${alongColumns ? "r" : "c"} * ${outerSize})`);
        const count = Math.min(outerSize, outer.extent);
        text = asked
          .map(({ buffer, index, stride }) => `{(const char *)(${e.at(buffer, index)}), ${stride * bytes}, ${count}}`)
          .join(", ");
      });
      return `const struct ahead ahead[] = {${text}, {(const char *)${anywhere}, 0, ${endless}}};`;
    },
  };
}
