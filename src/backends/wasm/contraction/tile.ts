// The multiplication: tiles of sums in registers, over blocks that fit the caches; the epilogue finishes each tile.
import type { ContractionKernel } from "../../../compiler/kernel.ts";
import { byteSize } from "../../../graph/dtype.ts";
import type { Stride } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import type { Plan } from "../../contraction/plan.ts";
import type { Source } from "../../contraction/sources.ts";
import { roundUp, type Units, unitsOf } from "../../contraction/tile.ts";
import { type EmitContext, highParam, lowParam, type Phase, scratchParam } from "../emitter.ts";
import type { FunctionBuilder } from "../module.ts";
import { EpilogueEmitter } from "./epilogue.ts";
import { EpilogueExpressions } from "./epilogueExpressions.ts";
import { machine } from "./machine.ts";
import { joined, type KLoop, MicroKernel, numberKinds, type Pointer, type TileType } from "./microKernel.ts";

/** The tiles of a contraction: rows come from `a`, one element each, and columns from `b`, in vectors. */
interface Tiles {
  readonly kernel: ContractionKernel;
  readonly dtype: TileType;
  readonly plan: Plan;
  readonly a: Source;
  readonly b: Source;
  /** Whether both sides are words of two numbers. */
  readonly areWords: boolean;
  /** Whether the epilogue is unrolled for each vector of a tile. */
  readonly isWrittenOut: boolean;
}

const vectorBytes = 16;
const productsPerNanosecond = 26;

export function emitTiles(context: EmitContext, tiles: Tiles): Phase {
  return new TileEmitter(context, tiles).emit();
}

class TileEmitter {
  readonly #context: EmitContext;
  readonly #tiles: Tiles;
  readonly #bytes: number;
  readonly #f: FunctionBuilder;
  readonly #emitter: EpilogueExpressions;
  readonly #epilogue: EpilogueEmitter;
  readonly #micro: MicroKernel;
  /** Columns per tile: whole vectors. */
  readonly #nr: number;
  readonly #k: KLoop;
  readonly #units: Units;
  readonly #cost: number;
  readonly #slotBytes: number;
  /** i32 locals. */
  readonly #at: {
    readonly aBase: number;
    readonly bBase: number;
    readonly row: number;
    readonly column: number;
    readonly bPanel: number;
    readonly slot: number;
  };

  constructor(context: EmitContext, tiles: Tiles) {
    const { kernel, dtype, plan, a, b } = tiles;
    const { m, n, mr, kc } = plan;
    this.#context = context;
    this.#tiles = tiles;
    this.#bytes = byteSize(dtype);
    const f = context.phase(kernel.name);
    this.#f = f;
    this.#emitter = new EpilogueExpressions(f, context, plan.epilogue);
    this.#epilogue = new EpilogueEmitter(f, this.#emitter, {
      statements: plan.epilogue,
      result: kernel.result,
      rows: m,
      columns: n,
      lanes: plan.epilogueLanes,
      writtenOut: tiles.isWrittenOut,
    });
    this.#nr = plan.kind === "dot" ? roundUp(plan.nr, plan.lanes) : plan.nr;
    const k = extentOf(kernel.k);
    const points = extentOf(plan.batch);
    const [rowPanels, columnPanels] = [Math.ceil(m.extent / mr), Math.ceil(n.extent / this.#nr)];
    const products = points * rowPanels * mr * roundUp(n.extent, plan.lanes) * k;
    this.#cost = products / productsPerNanosecond;
    const work = { points, rowPanels, columnPanels, mr, nr: this.#nr, allRows: false, nanoseconds: this.#cost };
    this.#units = unitsOf(work, machine.units);
    this.#slotBytes = mr * this.#nr * this.#bytes;
    const local = (): number => f.local("i32");
    const [aBase, bBase, row, column] = [local(), local(), local(), local()];
    this.#k = { steps: joined(kernel.k, a, b), kc, blocks: Math.ceil(k / kc), start: local() };
    this.#at = { aBase, bBase, row, column, bPanel: local(), slot: local() };
    this.#micro = new MicroKernel(f, dtype, this.#k, tiles.areWords);
  }

  emit(): Phase {
    const f = this.#f;
    const emitter = this.#emitter;
    const units = this.#units;
    const { a, b } = this.#tiles;
    // Sums between blocks of k are stored tile by tile, followed by room for one more tile.
    const slots = this.#k.blocks > 1 ? units.rows * units.columns : 0;
    this.#context.needScratch((slots + 1) * this.#slotBytes);

    const unit = f.local("i32");
    f.get(lowParam).set(unit);
    const body = (): void => {
      const [rowBlock, columnBlock] = [f.local("i32"), f.local("i32")];
      f.get(unit).i32(units.columnUnits).op("i32.rem_u").set(columnBlock);
      f.get(unit).i32(units.columnUnits).op("i32.div_u").i32(units.rowUnits).op("i32.rem_u").set(rowBlock);
      emitter.scope(() => {
        this.#bindBatch(unit, units.rowUnits * units.columnUnits);
        this.#base(a, this.#at.aBase);
        this.#base(b, this.#at.bBase);
        this.#epilogue.hoist();
        this.#block(rowBlock, columnBlock);
      });
      f.release(rowBlock);
      f.release(columnBlock);
    };
    if (units.count === 1) body();
    else {
      f.loop((again) => {
        body();
        f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_u").brIf(again);
      });
    }
    return { fn: f, units: units.count, cost: this.#cost };
  }

  /** Binds the batch axes of a unit to locals. */
  #bindBatch(unit: number, inner: number): void {
    const f = this.#f;
    let below = inner;
    for (const axis of [...this.#tiles.plan.batch].reverse()) {
      const local = f.local("i32");
      f.get(unit).i32(below).op("i32.div_u").i32(axis.extent).op("i32.rem_u").set(local);
      this.#emitter.bindAxis(axis, local);
      this.#batchLocals.set(axis.id, local);
      below *= axis.extent;
    }
  }
  readonly #batchLocals = new Map<number, number>();

  #base(source: Source, target: number): void {
    const f = this.#f;
    const bytes = this.#bytes;
    this.#emitter.pushBase(source.buffer);
    for (const axis of this.#tiles.plan.batch) {
      const [local, stride] = [this.#batchLocals.get(axis.id), source.batchStride(axis)];
      if (local !== undefined && stride !== 0)
        f.get(local)
          .i32(stride * bytes)
          .op("i32.mul")
          .op("i32.add");
    }
    f.i32(source.offset * bytes)
      .op("i32.add")
      .set(target);
  }

  /** Runs the body for counter = first … in steps, while it is below the pushed end. */
  #count(counter: number, step: number, pushEnd: () => void, body: () => void): void {
    const f = this.#f;
    f.block((done) => {
      f.loop((again) => {
        f.get(counter);
        pushEnd();
        f.op("i32.ge_u").brIf(done);
        body();
        f.get(counter).i32(step).op("i32.add").set(counter).br(again);
      });
    });
  }

  /** All tiles of a unit, one block of k at a time. */
  #block(rowBlock: number, columnBlock: number): void {
    const f = this.#f;
    const at = this.#at;
    const units = this.#units;
    const { kc, blocks, start } = this.#k;
    if (blocks === 1) {
      this.#panelsOf(rowBlock, columnBlock);
      return;
    }
    f.get(scratchParam)
      .i32(0)
      .i32(units.rows * units.columns * this.#slotBytes)
      .memoryFill();
    f.i32(0).set(start);
    this.#count(
      start,
      kc,
      () => f.i32(extentOf(this.#tiles.kernel.k)),
      () => {
        f.get(scratchParam).set(at.slot);
        this.#panelsOf(rowBlock, columnBlock);
        this.#move(at.aBase, this.#tiles.a.block);
        this.#move(at.bBase, this.#tiles.b.block);
      },
    );
  }

  #panelsOf(rowBlock: number, columnBlock: number): void {
    const at = this.#at;
    const units = this.#units;
    const nr = this.#nr;
    const { m, n, mr, kc } = this.#tiles.plan;
    const { rowUnits, columnUnits } = units;
    const rowsOuter = units.columns * nr * kc * this.#bytes <= machine.firstCacheBytes && this.#k.blocks === 1;
    const rows = (body: (height: number) => void): void =>
      this.#panels(
        { counter: at.row, block: rowBlock, blocks: rowUnits, each: units.rows * mr, total: m.extent, size: mr },
        body,
      );
    const columns = (body: (width: number) => void): void =>
      this.#panels(
        {
          counter: at.column,
          block: columnBlock,
          blocks: columnUnits,
          each: units.columns * nr,
          total: n.extent,
          size: nr,
        },
        (width) => {
          this.#panelAddress();
          body(width);
        },
      );
    const withRow = (height: number, body: (pointers: readonly Pointer[]) => void): void => {
      const pointers = this.#rowPointers(height);
      body(pointers);
      for (const local of new Set(pointers.map(({ local }) => local))) this.#f.release(local);
    };
    if (rowsOuter)
      rows((height) => withRow(height, (pointers) => columns((width) => this.#tile(height, width, pointers))));
    else columns((width) => rows((height) => withRow(height, (pointers) => this.#tile(height, width, pointers))));
  }

  /** The panels of one block: full ones in a loop, then the partial one, if it is in this block. */
  #panels({ counter, block, blocks, each, total, size }: PanelLoop, body: (size: number) => void): void {
    const f = this.#f;
    const left = total % size;
    const full = total - left;
    if (full > 0) {
      if (blocks === 1) f.i32(0).set(counter);
      else f.get(block).i32(each).op("i32.mul").set(counter);
      if (blocks === 1 && full === size) body(size);
      else {
        const end = f.local("i32");
        f.get(counter)
          .i32(each)
          .op("i32.add")
          .tee(end)
          .i32(full)
          .get(end)
          .i32(full)
          .op("i32.lt_u")
          .op("select")
          .set(end);
        this.#count(
          counter,
          size,
          () => f.get(end),
          () => body(size),
        );
        f.release(end);
      }
    }
    if (left > 0) {
      const rest = (): void => {
        f.i32(full).set(counter);
        body(left);
      };
      if (blocks === 1) rest();
      else
        f.get(block)
          .i32(blocks - 1)
          .op("i32.eq")
          .if(rest);
    }
  }

  /** Sets the address of the columns' panel. */
  #panelAddress(): void {
    const f = this.#f;
    const at = this.#at;
    this.#pushOuter(this.#tiles.b.outer, at.column, this.#nr);
    f.i32(this.#bytes).op("i32.mul").get(at.bBase).op("i32.add").set(at.bPanel);
  }

  /** Pushes the offset of a row or column, in elements. Packed panels have a stride of their own; `unit` is their width. */
  #pushOuter(steps: readonly Stride[], index: number, unit: number): void {
    const f = this.#f;
    const last = steps.at(-1);
    if (steps.length === 2 && last !== undefined && last.extent === unit && last.stride === 1) {
      const panelStride = steps[0]?.stride ?? 0;
      if (panelStride % unit === 0) {
        f.get(index)
          .i32(panelStride / unit)
          .op("i32.mul");
        return;
      }
    }
    this.#pushParts(steps, index);
  }

  #pushParts(steps: readonly Stride[], index: number): void {
    const f = this.#f;
    let below = 1;
    let pushed = false;
    for (let place = steps.length - 1; place >= 0; place--) {
      const { extent: size = 1, stride = 0 } = steps[place] ?? {};
      f.get(index);
      if (below > 1) f.i32(below).op("i32.div_u");
      if (place > 0) f.i32(size).op("i32.rem_u");
      f.i32(stride).op("i32.mul");
      if (pushed) f.op("i32.add");
      pushed = true;
      below *= size;
    }
    if (!pushed) f.i32(0);
  }

  /** A pointer and a constant offset for each row of a tile; evenly strided rows share a pointer. */
  #rowPointers(height: number): Pointer[] {
    const f = this.#f;
    const at = this.#at;
    const bytes = this.#bytes;
    const { mr } = this.#tiles.plan;
    const { outer } = this.#tiles.a;
    const last = outer.at(-1) ?? { extent: 1, stride: 0 };
    const even = last.stride >= 0 && (outer.length <= 1 || last.extent % mr === 0);
    if (even) {
      const pointer = f.local("i32");
      this.#pushOuter(outer, at.row, mr);
      f.i32(bytes).op("i32.mul").get(at.aBase).op("i32.add").set(pointer);
      return Array.from({ length: height }, (_, row) => ({ local: pointer, offset: row * last.stride * bytes }));
    }
    const index = f.local("i32");
    const pointers = Array.from({ length: height }, (_, row) => {
      const pointer = f.local("i32");
      f.get(at.row).i32(row).op("i32.add").set(index);
      this.#pushParts(outer, index);
      f.i32(bytes).op("i32.mul").get(at.aBase).op("i32.add").set(pointer);
      return { local: pointer, offset: 0 };
    });
    f.release(index);
    return pointers;
  }

  #tile(height: number, width: number, starts: readonly Pointer[]): void {
    const f = this.#f;
    const at = this.#at;
    const nr = this.#nr;
    const micro = this.#micro;
    const { plan, dtype } = this.#tiles;
    const { kc, blocks, start } = this.#k;
    const { add } = numberKinds[dtype];
    const vectors = Math.ceil((width * this.#bytes) / vectorBytes);
    const sums = Array.from({ length: height }, () => Array.from({ length: vectors }, () => f.local("v128")));
    for (const sum of sums.flat()) f.i32x4(0).set(sum);
    if (plan.kind === "dot")
      micro.dot(starts, { local: at.bPanel, width, stride: this.#tiles.b.outer.at(-1)?.stride ?? 0 }, sums);
    else micro.outer(starts, at.bPanel, sums);
    const lastOf = (extent: number, size: number, most: number): number =>
      size === most ? extent - (extent % most) - most : extent - size;
    const finish = (): void =>
      this.#epilogue.emit({
        rows: height,
        columns: width,
        sums,
        row: at.row,
        column: at.column,
        lastRow: lastOf(plan.m.extent, height, plan.mr),
        lastColumn: lastOf(plan.n.extent, width, nr),
        scratch: scratchParam,
        spillOffset: blocks > 1 ? this.#units.rows * this.#units.columns * this.#slotBytes : 0,
      });
    if (blocks === 1) finish();
    else {
      sums.flat().forEach((sum, place) => {
        f.get(at.slot)
          .memory("v128.load", vectorBytes * place)
          .get(sum)
          .op(add)
          .set(sum);
      });
      f.get(start)
        .i32(kc * (blocks - 1))
        .op("i32.eq");
      f.if(finish, () => {
        sums.flat().forEach((sum, place) => {
          f.get(at.slot)
            .get(sum)
            .memory("v128.store", vectorBytes * place);
        });
      });
      f.get(at.slot).i32(this.#slotBytes).op("i32.add").set(at.slot);
    }
    for (const sum of sums.flat()) f.release(sum);
  }

  #move(pointer: number, elements: number): void {
    if (elements === 0) return;
    this.#f
      .get(pointer)
      .i32(elements * this.#bytes)
      .op("i32.add")
      .set(pointer);
  }
}

/** A loop over panels: `each` rows or columns per block, `total` in all, `size` per panel. */
interface PanelLoop {
  /** i32 locals. */
  readonly counter: number;
  readonly block: number;
  readonly blocks: number;
  readonly each: number;
  readonly total: number;
  readonly size: number;
}
