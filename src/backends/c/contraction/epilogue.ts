// The epilogue of a contraction over finished tiles: a loop in lanes along the columns, or along the rows of transposed tiles.
import type { ContractionKernel } from "../../../compiler/kernel.ts";
import { byteSize } from "../../../graph/dtype.ts";
import { Dependence } from "../../analysis/cost.ts";
import { convert, storedIn } from "../../analysis/steps.ts";
import { ValueTable } from "../../analysis/values.ts";
import type { Plan } from "../../contraction/plan.ts";
import { roundUp } from "../../contraction/tile.ts";
import type { EmitContext } from "../emitter.ts";
import { Expressions } from "../expressions.ts";
import { needLanes, vectorType } from "../lanes.ts";
import { holdsDoubles, laneModel } from "../loops.ts";
import type { Range } from "../nests.ts";
import { Statements } from "../statements.ts";
import { type FusedEpilogue, fusedEpilogueOf } from "./fusedEpilogue.ts";
import { needTurn } from "./pack.ts";
import { type Prefetch, prefetchOf } from "./prefetch.ts";

export interface Epilogue {
  readonly e: Expressions;
  readonly ahead: Prefetch | undefined;
  /** The same epilogue inside the tiles, if it is short enough. */
  readonly fused: FusedEpilogue | undefined;
  /** Writes the loop over the sums at `tile`: column c of tiles, starting at row `firstRow`, at most `rows` rows. */
  write(firstRow: string, rows: number): void;
}

/** Elements transposed at once; they fit the L1 cache. */
const turnedElements = 4096;

export function epilogueOf(context: EmitContext, kernel: ContractionKernel, plan: Plan, tileWidth: number): Epilogue {
  const { dtype } = kernel;
  const stored = storedIn(plan.epilogue);
  const table = new ValueTable((buffer) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) }));
  const steps = convert(plan.epilogue, table, undefined);
  table.opaque(kernel.result);
  const { m: row, n: column } = plan;
  const axes = [...plan.batch, row, column];
  const doubles = dtype === "float64" || holdsDoubles(axes, steps);
  const model = laneModel(context.target, doubles);
  const e = new Expressions(context, table);
  const { out } = e;
  const alongColumns = plan.epilogueLanes === "n";
  const [inner, outer] = alongColumns ? [column, row] : [row, column];
  let lanes = model.lanes;
  while (lanes > 4 && inner.extent <= lanes / 2) lanes /= 2;
  needLanes(context, lanes);
  const dependence = new Dependence(axes, steps, model);
  const statements = new Statements(e, dependence, lanes, false, [kernel.result.id]);
  const V = vectorType(dtype, lanes);
  /** `size` points from `start`, cut off at `count`. */
  const range = (count: number, start: string, size: number): Range => {
    if (count <= size) return { start: "0", end: `${count}`, count };
    if (count % size === 0) return { start, end: `${start} + ${size}`, count: size };
    const end = `(${start} + ${size} < ${count} ? ${start} + ${size} : ${count})`;
    return { start, end: out.define("long", "e", end), count: undefined };
  };
  /** `sums`: the expression that loads the lanes at these rows and columns of the tile. */
  const loop = (rows: Range, columns: Range, sums: (row: string, column: string) => string): void =>
    statements.loop(outer, alongColumns ? rows : columns, () => {
      statements.hoist(steps, [inner]);
      statements.laneLoop(inner, alongColumns ? columns : rows, steps, () => {
        const [r, c] = [`(${e.axisName(row)} - ${rows.start})`, `(${e.axisName(column)} - ${columns.start})`];
        e.bindLocal(kernel.result, out.define(V, "r", sums(r, c)), true);
        statements.emitSteps(steps);
      });
    });
  /** Lanes along the rows: the tile is transposed first, a few rows at a time. */
  const turned = (rows: Range, columns: Range, most: number): void => {
    needTurn(context);
    const size = Math.min(roundUp(most, 16), Math.max(16, Math.floor(turnedElements / tileWidth / 16) * 16));
    out.line(`float turned[${roundUp(tileWidth, 16) * size}] __attribute__((aligned(64)));`);
    const part = (own: Range): void => {
      const count = own.count ?? `${own.end} - ${own.start}`;
      out.block(`for (long i = 0; i < ${count}; i += 16) for (long j = 0; j < ${tileWidth}; j += 16)`, () =>
        out.line(
          `turn16(tile + (${own.start} - ${rows.start} + i) * ${tileWidth} + j, ${tileWidth}, 16, 16, turned + j * ${size} + i, ${size}, 16);`,
        ),
      );
      loop(own, columns, (r, c) => `${V}_load(turned + ${c} * ${size} + ${r})`);
    };
    if (most <= size) return part(rows);
    out.block(`for (long s = ${rows.start}; s < ${rows.end}; s += ${size})`, () =>
      e.scope(() => {
        const end = out.define("long", "e", `s + ${size} < ${rows.end} ? s + ${size} : ${rows.end}`);
        part({ start: "s", end, count: undefined });
      }),
    );
  };
  const [m, n] = [row.extent, column.extent];
  const write = (firstRow: string, height: number): void => {
    const [rows, columns] = [range(m, firstRow, height), range(n, `c * ${plan.nr}`, plan.nr)];
    statements.hoist(steps, [row, column]);
    if (alongColumns) loop(rows, columns, (r, c) => `${V}_load(tile + ${r} * ${tileWidth} + ${c})`);
    else if (dtype === "float32" && lanes === 16) turned(rows, columns, Math.min(m, height));
    else loop(rows, columns, (r, c) => `${V}_gather(tile + ${r} * ${tileWidth} + ${c}, iota${lanes} * ${tileWidth})`);
  };
  const ahead = plan.kind === "dot" ? undefined : prefetchOf(e, plan, steps, byteSize(dtype));
  const fused =
    plan.kind === "dot" || (doubles && dtype === "float32")
      ? undefined
      : fusedEpilogueOf(e, { kernel, plan, steps, dependence });
  return { e, ahead, fused, write };
}
