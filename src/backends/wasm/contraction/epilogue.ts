// The epilogue of a contraction on a finished tile: in lanes along rows or columns, the remainder element by element.
import { rewrite } from "../../../compiler/indexing.ts";
import type { Statement } from "../../../compiler/kernel.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  type Local,
  localValue,
  newAxis,
  newLocal,
  type Scalar,
} from "../../../graph/scalar.ts";
import { replaceAxes } from "../../analysis/axes.ts";
import type { FunctionBuilder, ValueType } from "../module.ts";
import type { EpilogueExpressions } from "./epilogueExpressions.ts";
import { transpose } from "./pack.ts";

export interface Epilogue {
  readonly statements: readonly Statement[];
  readonly result: Local;
  readonly rows: Axis;
  readonly columns: Axis;
  /** The dim of a tile that becomes lanes. */
  readonly lanes: "m" | "n" | "none";
  /** Whether it is unrolled for each vector of a tile; otherwise a loop. */
  readonly writtenOut: boolean;
}

/** A finished tile. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** sums[row][vector]: v128 locals. The epilogue may overwrite them. */
  readonly sums: readonly (readonly number[])[];
  /** i32 locals: the tile's first row and column. */
  readonly row: number;
  readonly column: number;
  /** The largest values of `row` and `column`. */
  readonly lastRow: number;
  readonly lastColumn: number;
  /** Scratch for the sums: an i32 local with an address, and an offset in bytes. */
  readonly scratch: number;
  readonly spillOffset: number;
}

const vectorBytes = 16;

export class EpilogueEmitter {
  readonly #f: FunctionBuilder;
  readonly #emitter: EpilogueExpressions;
  readonly #epilogue: Epilogue;

  constructor(f: FunctionBuilder, emitter: EpilogueExpressions, epilogue: Epilogue) {
    this.#f = f;
    this.#emitter = emitter;
    this.#epilogue = epilogue;
  }

  /** Hoists what all tiles share out of the loops over them. */
  hoist(): void {
    const { statements, rows, columns, result, lanes } = this.#epilogue;
    this.#emitter.hoistStatements(statements, [rows, columns], result, lanes !== "none");
  }

  emit(tile: Tile): void {
    const { lanes } = this.#epilogue;
    if (lanes === "n") {
      const vectors = Math.floor(tile.columns / 4);
      this.#vectors(tile, "n", tile.rows, vectors);
      this.#elements(tile, 0, 4 * vectors);
    } else if (lanes === "m") {
      const groups = Math.floor(tile.rows / 4);
      for (let group = 0; group < groups; group++) {
        const vectors = tile.sums[4 * group]?.length ?? 0;
        for (let vector = 0; vector < vectors; vector++) {
          transpose(
            this.#f,
            tile.sums.slice(4 * group, 4 * group + 4).map((row) => row[vector] ?? 0),
          );
        }
      }
      this.#vectors(tile, "m", groups, tile.columns);
      this.#elements(tile, 4 * groups, 0);
    } else this.#elements(tile, 0, 0);
  }

  /** The sums as vectors: of one row and four columns, or after a transposition of one column and four rows. */
  #vectors(tile: Tile, lanes: "m" | "n", outer: number, inner: number): void {
    if (outer * inner === 0) return;
    const at = (row: number, vector: number): number => tile.sums[row]?.[vector] ?? 0;
    const cells =
      lanes === "n"
        ? grid(outer, inner).map(([i, v]) => ({ sum: at(i, v), row: i, column: 4 * v }))
        : grid(outer, inner).map(([g, j]) => ({ sum: at(4 * g + (j % 4), Math.floor(j / 4)), row: 4 * g, column: j }));
    if (this.#epilogue.writtenOut || cells.length === 1) this.#writeOut(tile, lanes, cells);
    else this.#loop(tile, lanes, cells);
  }

  #writeOut(tile: Tile, lanes: "m" | "n", cells: readonly Cell[]): void {
    const emitter = this.#emitter;
    const epilogue = this.#epilogue;
    const spans = (dim: "m" | "n", last: number): Axis | undefined =>
      lanes === dim ? newAxis(last + 4) : last > 0 ? newAxis(last + 1) : undefined;
    const rows = spans("m", tile.lastRow);
    const columns = spans("n", tile.lastColumn);
    emitter.scope(() => {
      this.#bind(rows, tile.row, lanes === "m");
      this.#bind(columns, tile.column, lanes === "n");
      const statements = cells.flatMap(({ sum, row, column }) => {
        const local = newLocal(epilogue.result.dtype);
        emitter.bindResult(local, sum);
        return this.#instance(add(valueOf(rows), int(row)), add(valueOf(columns), int(column)), local);
      });
      emitter.emitStatements(statements);
      emitter.endLanes();
    });
  }

  /** Processes one vector at a time, through memory. */
  #loop(tile: Tile, lanes: "m" | "n", cells: readonly Cell[]): void {
    const f = this.#f;
    const emitter = this.#emitter;
    const epilogue = this.#epilogue;
    const columnMajor = lanes === "m";
    const ordered = columnMajor ? [...cells].sort((a, b) => a.column - b.column || a.row - b.row) : cells;
    ordered.forEach(({ sum }, place) => {
      f.get(tile.scratch)
        .get(sum)
        .memory("v128.store", tile.spillOffset + vectorBytes * place);
    });
    const [row, column, from, end] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    const sum = f.local("v128");
    const count = (pick: (cell: Cell) => number): number => new Set(ordered.map(pick)).size;
    const outerCount = columnMajor ? count((cell) => cell.column) : count((cell) => cell.row);
    const innerCount = ordered.length / outerCount;
    const [outer, inner, outerStart, innerStart] = columnMajor
      ? [column, row, tile.column, tile.row]
      : [row, column, tile.row, tile.column];
    f.get(tile.scratch).set(from);
    f.get(outerStart).set(outer);
    f.get(outer).i32(outerCount).op("i32.add").set(end);
    const innerEnd = f.local("i32");
    f.loop((again) => {
      f.get(innerStart)
        .tee(inner)
        .i32(4 * innerCount)
        .op("i32.add")
        .set(innerEnd);
      f.loop((next) => {
        emitter.scope(() => {
          f.get(from).memory("v128.load", tile.spillOffset).set(sum);
          const [rows, columns] = [newAxis(epilogue.rows.extent), newAxis(epilogue.columns.extent)];
          this.#bind(rows, row, lanes === "m");
          this.#bind(columns, column, lanes === "n");
          const local = newLocal(epilogue.result.dtype);
          emitter.bindResult(local, sum);
          emitter.emitStatements(this.#instance(axisValue(rows), axisValue(columns), local));
          emitter.endLanes();
        });
        f.get(from).i32(vectorBytes).op("i32.add").set(from);
        f.get(inner).i32(4).op("i32.add").tee(inner).get(innerEnd).op("i32.lt_u").brIf(next);
      });
      f.get(outer).i32(1).op("i32.add").tee(outer).get(end).op("i32.lt_u").brIf(again);
    });
    for (const local of [row, column, from, end, innerEnd, sum]) f.release(local);
  }

  /** Processes element by element, from `firstRow` and `firstColumn` on. */
  #elements(tile: Tile, firstRow: number, firstColumn: number): void {
    const f = this.#f;
    const emitter = this.#emitter;
    const epilogue = this.#epilogue;
    if (firstRow >= tile.rows || firstColumn >= tile.columns) return;
    const type = scalarTypes[epilogue.result.dtype as keyof typeof scalarTypes];
    const size = type.bytes;
    const firstVector = Math.floor((firstColumn * size) / vectorBytes);
    const pitch = (tile.sums[0]?.length ?? 0) - firstVector;
    for (let i = firstRow; i < tile.rows; i++) {
      for (let v = 0; v < pitch; v++) {
        f.get(tile.scratch)
          .get(tile.sums[i]?.[firstVector + v] ?? 0)
          .memory("v128.store", tile.spillOffset + vectorBytes * ((i - firstRow) * pitch + v));
      }
    }
    const [row, column, from, rowEnd, columnEnd, rowFrom] = Array.from({ length: 6 }, () => f.local("i32")) as Six;
    const sum = f.local(type.value);
    f.get(tile.scratch).set(rowFrom);
    f.get(tile.row)
      .i32(firstRow)
      .op("i32.add")
      .tee(row)
      .i32(tile.rows - firstRow)
      .op("i32.add")
      .set(rowEnd);
    f.loop((again) => {
      f.get(rowFrom).set(from);
      f.get(tile.column)
        .i32(firstColumn)
        .op("i32.add")
        .tee(column)
        .i32(tile.columns - firstColumn)
        .op("i32.add")
        .set(columnEnd);
      f.loop((next) => {
        emitter.scope(() => {
          f.get(from).memory(type.load, tile.spillOffset).set(sum);
          const [rows, columns] = [newAxis(epilogue.rows.extent), newAxis(epilogue.columns.extent)];
          emitter.bindAxis(rows, row);
          emitter.bindAxis(columns, column);
          const local = newLocal(epilogue.result.dtype);
          emitter.bindResult(local, sum);
          emitter.emitStatements(this.#instance(axisValue(rows), axisValue(columns), local));
        });
        f.get(from).i32(size).op("i32.add").set(from);
        f.get(column).i32(1).op("i32.add").tee(column).get(columnEnd).op("i32.lt_u").brIf(next);
      });
      f.get(rowFrom)
        .i32(vectorBytes * pitch)
        .op("i32.add")
        .set(rowFrom);
      f.get(row).i32(1).op("i32.add").tee(row).get(rowEnd).op("i32.lt_u").brIf(again);
    });
    for (const local of [row, column, from, rowEnd, columnEnd, rowFrom, sum]) f.release(local);
  }

  #bind(axis: Axis | undefined, local: number, lanes: boolean): void {
    if (axis === undefined) return;
    if (lanes) this.#emitter.bindLanes(axis, local);
    else this.#emitter.bindAxis(axis, local);
  }

  /** The statements at one position, with a local of their own for the result. */
  #instance(row: Scalar, column: Scalar, result: Local): Statement[] {
    const { statements, rows, columns, result: original } = this.#epilogue;
    const locals = new Map<Local, Local>([[original, result]]);
    const at = new Map<number, Scalar>([
      [rows.id, row],
      [columns.id, column],
    ]);
    const done = new Map<Scalar, Scalar>();
    const placed = (value: Scalar): Scalar =>
      rewrite(
        replaceAxes(value, at),
        (part) => {
          const renamed = part.kind === "local" ? locals.get(part.local) : undefined;
          return renamed === undefined ? undefined : localValue(renamed);
        },
        done,
      );
    return statements.map((statement): Statement => {
      if (statement.kind === "let") {
        const value = placed(statement.value);
        const local = newLocal(statement.local.dtype);
        locals.set(statement.local, local);
        return { kind: "let", local, value };
      }
      return statement.kind === "store"
        ? { ...statement, index: placed(statement.index), value: placed(statement.value) }
        : statement;
    });
  }
}

interface Cell {
  readonly sum: number;
  readonly row: number;
  readonly column: number;
}

type Six = [number, number, number, number, number, number];

const scalarTypes = {
  float32: { value: "f32", load: "f32.load", bytes: 4 },
  int32: { value: "i32", load: "i32.load", bytes: 4 },
  float64: { value: "f64", load: "f64.load", bytes: 8 },
} as const satisfies Record<string, { value: ValueType; load: string; bytes: number }>;

const valueOf = (axis: Axis | undefined): Scalar => (axis === undefined ? int(0) : axisValue(axis));

const grid = (outer: number, inner: number): (readonly [number, number])[] =>
  Array.from({ length: outer * inner }, (_, place) => [Math.floor(place / inner), place % inner] as const);
