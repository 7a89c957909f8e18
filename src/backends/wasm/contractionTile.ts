// The multiplication: tiles of sums in registers, over blocks that stay in the caches, each finished by the epilogue.
import type { Axis } from "../../graph/scalar.ts";
import type { KStep } from "../analysis/contraction.ts";
import type { Stride } from "../analysis/operand.ts";
import { type Epilogue, EpilogueEmitter } from "./contractionEpilogue.ts";
import { EpilogueExpressions } from "./contractionExpressions.ts";
import { transpose } from "./contractionPacking.ts";
import { type EmitContext, highParam, lowParam, type Phase, scratchParam } from "./emitter.ts";
import type { FunctionBuilder, MemoryOpcode } from "./module.ts";
import type { PlainOpcode } from "./opcodes.ts";

export type TileType = "float32" | "float64" | "int32";

/** Where one operand lies. In elements. */
export interface Side {
  readonly buffer: number;
  readonly offset: number;
  /** Strides along the batch axes of the kernel. */
  readonly batch: readonly number[];
  /** Steps along rows or columns; packed panels are steps of their own. */
  readonly outer: readonly Stride[];
  /** From one block of k to the next. */
  readonly block: number;
}

/** result[batch][row][column] = Σ_k left · right. Rows are one element each, columns vectors. */
export interface Tiling {
  readonly name: string;
  readonly dtype: TileType;
  readonly batch: readonly Axis[];
  readonly left: Side;
  readonly right: Side;
  /** Outermost first; steps that both sides take evenly are one. */
  readonly k: readonly KStep[];
  readonly blocking: Blocking;
  /** The size of a tile. */
  readonly height: number;
  readonly width: number;
  /** Lanes run along k, which both sides step through one by one: for few rows, so that nothing needs packing. */
  readonly dots: boolean;
  readonly epilogue: Epilogue;
}

interface NumberKind {
  readonly bytes: number;
  readonly splat: MemoryOpcode;
  readonly mul: PlainOpcode;
  readonly add: PlainOpcode;
}

export const numberKinds: Readonly<Record<TileType, NumberKind>> = {
  float32: { bytes: 4, splat: "v128.load32_splat", mul: "f32x4.mul", add: "f32x4.add" },
  int32: { bytes: 4, splat: "v128.load32_splat", mul: "i32x4.mul", add: "i32x4.add" },
  float64: { bytes: 8, splat: "v128.load64_splat", mul: "f64x2.mul", add: "f64x2.add" },
};

const vectorBytes = 16;
/** Products of a sum are added in blocks of about so many: keeps panels in the first cache, and long sums accurate. */
const kBlock = 256;
const longestBlock = 512;
/** The largest block of tiles, in panels. */
const blockRows = 64;
const blockColumns = 32;
/** Multiplications in a unit of work, at least, before blocks are made smaller so that there are more of them. */
const smallestUnit = 250_000;
const enoughUnits = 16;
/** Panels of columns that fit the first cache beside the rest: then rows are the outer loop. */
const firstCacheBytes = 32_768;
const productsPerNanosecond = 26;

/** How a sum is cut: `blocks` of `depth` products each, the last maybe fewer. */
export interface Blocking {
  readonly depth: number;
  readonly blocks: number;
}

/** Only where k is one even step for both sides can it be cut. */
export function blockingOf(k: number, even: boolean): Blocking {
  if (!even || k <= longestBlock) return { depth: k, blocks: 1 };
  const depth = roundUp(Math.ceil(k / Math.round(k / kBlock)), 4);
  return { depth, blocks: Math.ceil(k / depth) };
}

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

export function emitTiles(context: EmitContext, tiling: Tiling): Phase {
  return new TileEmitter(context, tiling).emit();
}

class TileEmitter {
  private readonly context: EmitContext;
  private readonly tiling: Tiling;
  private readonly kind: NumberKind;
  private readonly f: FunctionBuilder;
  private readonly emitter: EpilogueExpressions;
  private readonly epilogue: EpilogueEmitter;
  private readonly rows: number;
  private readonly columns: number;
  /** In one block of k, and how many of them. */
  private readonly depth: number;
  private readonly kBlocks: number;
  private readonly rowPanels: number;
  private readonly columnPanels: number;
  private readonly unitRows: number;
  private readonly unitColumns: number;
  private readonly slotBytes: number;
  /** i32 locals. */
  private readonly at: {
    readonly leftBase: number;
    readonly rightBase: number;
    readonly row: number;
    readonly column: number;
    readonly kStart: number;
    readonly rightPanel: number;
    readonly slot: number;
  };

  constructor(context: EmitContext, tiling: Tiling) {
    this.context = context;
    this.tiling = tiling;
    this.kind = numberKinds[tiling.dtype];
    const f = context.phase(tiling.name);
    this.f = f;
    this.emitter = new EpilogueExpressions(f, context, tiling.epilogue.statements);
    this.epilogue = new EpilogueEmitter(f, this.emitter, tiling.epilogue);
    this.rows = tiling.epilogue.rows.extent;
    this.columns = tiling.epilogue.columns.extent;
    const k = extent(tiling.k);
    this.kBlocks = tiling.blocking.blocks;
    this.depth = tiling.blocking.depth;
    this.rowPanels = Math.ceil(this.rows / tiling.height);
    this.columnPanels = Math.ceil(this.columns / tiling.width);
    const batch = tiling.batch.reduce((product, axis) => product * axis.extent, 1);
    let [unitRows, unitColumns] = [Math.min(blockRows, this.rowPanels), Math.min(blockColumns, this.columnPanels)];
    const units = (): number =>
      batch * Math.ceil(this.rowPanels / unitRows) * Math.ceil(this.columnPanels / unitColumns);
    const work = (): number => unitRows * unitColumns * tiling.height * tiling.width * k;
    while (units() < enoughUnits && work() >= 2 * smallestUnit && unitRows * unitColumns > 1) {
      if (unitColumns >= unitRows && unitColumns > 1) unitColumns = Math.ceil(unitColumns / 2);
      else if (unitRows > 1) unitRows = Math.ceil(unitRows / 2);
      else break;
    }
    this.unitRows = unitRows;
    this.unitColumns = unitColumns;
    this.slotBytes = tiling.height * tiling.width * this.kind.bytes;
    const local = (): number => f.local("i32");
    this.at = {
      leftBase: local(),
      rightBase: local(),
      row: local(),
      column: local(),
      kStart: local(),
      rightPanel: local(),
      slot: local(),
    };
  }

  emit(): Phase {
    const { f, tiling, emitter } = this;
    const rowBlocks = Math.ceil(this.rowPanels / this.unitRows);
    const columnBlocks = Math.ceil(this.columnPanels / this.unitColumns);
    const batch = tiling.batch.reduce((product, axis) => product * axis.extent, 1);
    const units = batch * rowBlocks * columnBlocks;
    // Sums between blocks of k lie tile by tile, then comes room for one tile more.
    const slots = this.kBlocks > 1 ? this.unitRows * this.unitColumns : 0;
    this.context.needScratch((slots + 1) * this.slotBytes);

    const unit = f.local("i32");
    f.get(lowParam).set(unit);
    const body = (): void => {
      const [rowBlock, columnBlock] = [f.local("i32"), f.local("i32")];
      f.get(unit).i32(columnBlocks).op("i32.rem_u").set(columnBlock);
      f.get(unit).i32(columnBlocks).op("i32.div_u").i32(rowBlocks).op("i32.rem_u").set(rowBlock);
      emitter.scope(() => {
        this.bindBatch(unit, rowBlocks * columnBlocks);
        this.base(tiling.left, this.at.leftBase);
        this.base(tiling.right, this.at.rightBase);
        this.epilogue.hoist();
        this.block(rowBlock, rowBlocks, columnBlock, columnBlocks);
      });
      f.release(rowBlock);
      f.release(columnBlock);
    };
    if (units === 1) body();
    else {
      f.loop((again) => {
        body();
        f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_u").brIf(again);
      });
    }
    const { height } = tiling;
    const lanes = vectorBytes / this.kind.bytes;
    const products = batch * this.rowPanels * height * Math.ceil(this.columns / lanes) * lanes * extent(tiling.k);
    return { fn: f, units, cost: products / productsPerNanosecond };
  }

  /** The batch axes of a unit, in locals. */
  private bindBatch(unit: number, inner: number): void {
    const { f } = this;
    let below = inner;
    for (const axis of [...this.tiling.batch].reverse()) {
      if (axis.extent === 1) continue;
      const local = f.local("i32");
      f.get(unit).i32(below).op("i32.div_u").i32(axis.extent).op("i32.rem_u").set(local);
      this.emitter.bindAxis(axis, local);
      this.batchLocals.set(axis.id, local);
      below *= axis.extent;
    }
  }
  private readonly batchLocals = new Map<number, number>();

  private base(side: Side, target: number): void {
    const { f, tiling, kind } = this;
    this.emitter.pushBase(side.buffer);
    tiling.batch.forEach((axis, place) => {
      const [local, stride] = [this.batchLocals.get(axis.id), side.batch[place] ?? 0];
      if (local !== undefined && stride !== 0)
        f.get(local)
          .i32(stride * kind.bytes)
          .op("i32.mul")
          .op("i32.add");
    });
    f.i32(side.offset * kind.bytes)
      .op("i32.add")
      .set(target);
  }

  /** Runs the body for counter = first … in steps, while it is below the local or number. */
  private count(counter: number, step: number, pushEnd: () => void, body: () => void): void {
    const { f } = this;
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

  /** All tiles of a unit, block of k by block of k. */
  private block(rowBlock: number, rowBlocks: number, columnBlock: number, columnBlocks: number): void {
    const { f, tiling, at, kBlocks, depth } = this;
    if (kBlocks === 1) {
      this.tiles(rowBlock, rowBlocks, columnBlock, columnBlocks);
      return;
    }
    f.get(scratchParam)
      .i32(0)
      .i32(this.unitRows * this.unitColumns * this.slotBytes)
      .memoryFill();
    f.i32(0).set(at.kStart);
    this.count(
      at.kStart,
      depth,
      () => f.i32(extent(tiling.k)),
      () => {
        f.get(scratchParam).set(at.slot);
        this.tiles(rowBlock, rowBlocks, columnBlock, columnBlocks);
        this.move(at.leftBase, tiling.left.block);
        this.move(at.rightBase, tiling.right.block);
      },
    );
  }

  private tiles(rowBlock: number, rowBlocks: number, columnBlock: number, columnBlocks: number): void {
    const { tiling, at } = this;
    const rowsOuter =
      this.unitColumns * tiling.width * this.depth * this.kind.bytes <= firstCacheBytes && this.kBlocks === 1;
    const rows = (body: (height: number) => void): void =>
      this.panels(at.row, rowBlock, rowBlocks, this.unitRows * tiling.height, this.rows, tiling.height, body);
    const columns = (body: (width: number) => void): void =>
      this.panels(
        at.column,
        columnBlock,
        columnBlocks,
        this.unitColumns * tiling.width,
        this.columns,
        tiling.width,
        (width) => {
          this.panelAddress();
          body(width);
        },
      );
    if (rowsOuter) {
      rows((height) => {
        const pointers = this.rowPointers(height);
        columns((width) => this.tile(height, width, pointers));
        for (const local of new Set(pointers.map(({ local }) => local))) this.f.release(local);
      });
    } else {
      columns((width) =>
        rows((height) => {
          const pointers = this.rowPointers(height);
          this.tile(height, width, pointers);
          for (const local of new Set(pointers.map(({ local }) => local))) this.f.release(local);
        }),
      );
    }
  }

  /** The panels of one block: the full ones in a loop, then the one that is left over, if it is in this block. */
  private panels(
    counter: number,
    block: number,
    blocks: number,
    perBlock: number,
    total: number,
    size: number,
    body: (size: number) => void,
  ): void {
    const { f } = this;
    const left = total % size;
    const full = total - left;
    if (full > 0) {
      if (blocks === 1) f.i32(0).set(counter);
      else f.get(block).i32(perBlock).op("i32.mul").set(counter);
      if (blocks === 1 && full === size) body(size);
      else {
        const end = f.local("i32");
        f.get(counter)
          .i32(perBlock)
          .op("i32.add")
          .tee(end)
          .i32(full)
          .get(end)
          .i32(full)
          .op("i32.lt_u")
          .op("select")
          .set(end);
        this.count(
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

  /** The first address of the columns' panel. */
  private panelAddress(): void {
    const { f, at, tiling, kind } = this;
    this.pushOuter(tiling.right.outer, at.column, tiling.width);
    f.i32(kind.bytes).op("i32.mul").get(at.rightBase).op("i32.add").set(at.rightPanel);
  }

  /** Pushes the offset, in elements, of a row or column; `unit` divides it where panels are steps of their own. */
  private pushOuter(steps: readonly Stride[], index: number, unit: number): void {
    const { f } = this;
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
    this.pushParts(steps, index);
  }

  private pushParts(steps: readonly Stride[], index: number): void {
    const { f } = this;
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

  /** For each row of a tile a pointer and a constant offset; rows that step evenly share a pointer. */
  private rowPointers(height: number): Pointer[] {
    const { f, at, tiling, kind } = this;
    const steps = tiling.left.outer;
    const last = steps.at(-1) ?? { extent: 1, stride: 0 };
    const even = last.stride >= 0 && (steps.length <= 1 || last.extent % tiling.height === 0);
    if (even) {
      const pointer = f.local("i32");
      this.pushOuter(steps, at.row, tiling.height);
      f.i32(kind.bytes).op("i32.mul").get(at.leftBase).op("i32.add").set(pointer);
      return Array.from({ length: height }, (_, row) => ({ local: pointer, offset: row * last.stride * kind.bytes }));
    }
    const index = f.local("i32");
    const pointers = Array.from({ length: height }, (_, row) => {
      const pointer = f.local("i32");
      f.get(at.row).i32(row).op("i32.add").set(index);
      this.pushParts(steps, index);
      f.i32(kind.bytes).op("i32.mul").get(at.leftBase).op("i32.add").set(pointer);
      return { local: pointer, offset: 0 };
    });
    f.release(index);
    return pointers;
  }

  private tile(height: number, width: number, starts: readonly Pointer[]): void {
    const { f, at, tiling, kind, kBlocks } = this;
    const vectors = Math.ceil((width * kind.bytes) / vectorBytes);
    const sums = Array.from({ length: height }, () => Array.from({ length: vectors }, () => f.local("v128")));
    for (const sum of sums.flat()) f.i32x4(0).set(sum);
    if (tiling.dots) this.multiplyAlong(starts, sums, width);
    else this.multiply(starts, sums, vectors);
    const finish = (): void =>
      this.epilogue.emit({
        rows: height,
        columns: width,
        sums,
        row: at.row,
        column: at.column,
        lastRow:
          height === tiling.height ? this.rows - (this.rows % tiling.height) - tiling.height : this.rows - height,
        lastColumn:
          width === tiling.width ? this.columns - (this.columns % tiling.width) - tiling.width : this.columns - width,
        scratch: scratchParam,
        spillOffset: kBlocks > 1 ? this.unitRows * this.unitColumns * this.slotBytes : 0,
      });
    if (kBlocks === 1) finish();
    else {
      sums.flat().forEach((sum, place) => {
        f.get(at.slot)
          .memory("v128.load", vectorBytes * place)
          .get(sum)
          .op(kind.add)
          .set(sum);
      });
      f.get(at.kStart)
        .i32(this.depth * (kBlocks - 1))
        .op("i32.eq");
      f.if(finish, () => {
        sums.flat().forEach((sum, place) => {
          f.get(at.slot)
            .get(sum)
            .memory("v128.store", vectorBytes * place);
        });
      });
      f.get(at.slot).i32(this.slotBytes).op("i32.add").set(at.slot);
    }
    for (const sum of sums.flat()) f.release(sum);
  }

  // ---- the sum over k

  /**
   * Loops over k with one point in each turn: V8 moves the loads of a turn together, and those of more points than one
   * leave too few of its 16 registers for the sums (measured: 56 GFLOP/s with one point, 38 with four).
   */
  private multiply(starts: readonly Pointer[], sums: readonly (readonly number[])[], vectors: number): void {
    const { f, at, tiling, kind } = this;
    const { k } = tiling;
    const moving = new Map<number, number>();
    const rowLocals = [...new Set(starts.map(({ local }) => local))];
    for (const local of [...rowLocals, at.rightPanel]) {
      const copy = f.local("i32");
      f.get(local).set(copy);
      moving.set(local, copy);
    }
    const rightPointer = moving.get(at.rightPanel) ?? at.rightPanel;
    const leftPointers = starts.map(({ local, offset }) => ({ local: moving.get(local) ?? local, offset }));
    const advance = (left: number, right: number): void => {
      for (const local of rowLocals) this.move(moving.get(local) ?? local, left);
      this.move(rightPointer, right);
    };
    const factor = f.local("v128");
    const columns = Array.from({ length: vectors }, () => f.local("v128"));
    const point = (): void => {
      columns.forEach((column, vector) => {
        f.get(rightPointer)
          .memory("v128.load", vector * vectorBytes)
          .set(column);
      });
      leftPointers.forEach(({ local, offset }, row) => {
        f.get(local).memory(kind.splat, offset).set(factor);
        columns.forEach((column, vector) => {
          const sum = sums[row]?.[vector] ?? 0;
          f.get(factor).get(column).op(kind.mul).get(sum).op(kind.add).set(sum);
        });
      });
    };
    /** Emits the loops from `place` on, after which the pointers are `extent` steps further. */
    const loops = (place: number): void => {
      const step = k[place];
      if (step === undefined) return point();
      const inner = k[place + 1];
      const counter = f.local("i32");
      this.pushTimes(step);
      f.set(counter);
      f.loop((again) => {
        loops(place + 1);
        advance(
          step.left - (inner?.left ?? 0) * (inner?.extent ?? 0),
          step.right - (inner?.right ?? 0) * (inner?.extent ?? 0),
        );
        f.get(counter).i32(1).op("i32.sub").tee(counter).brIf(again);
      });
      f.release(counter);
    };
    loops(0);
    for (const local of [factor, ...columns, ...moving.values()]) f.release(local);
  }

  /** Four columns at a time, each with sums in lanes along k, which are added up in the end. */
  private multiplyAlong(starts: readonly Pointer[], sums: readonly (readonly number[])[], width: number): void {
    const { f, at, tiling, kind } = this;
    const between = (tiling.right.outer.at(-1)?.stride ?? 0) * kind.bytes;
    const [left, right, counter] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const partial = sums.map(() => [0, 1, 2, 3].map(() => f.local("v128")));
    for (const local of partial.flat()) f.i32x4(0).set(local);
    f.get(starts[0]?.local ?? 0).set(left);
    f.get(at.rightPanel).set(right);
    const factors = starts.map(() => f.local("v128"));
    const column = f.local("v128");
    const loop = (loading: MemoryOpcode, step: number): void => {
      f.loop((again) => {
        starts.forEach(({ offset }, row) => {
          f.get(left)
            .memory(loading, offset)
            .set(factors[row] ?? 0);
        });
        for (let place = 0; place < width; place++) {
          f.get(right)
            .memory(loading, place * between)
            .set(column);
          partial.forEach((row, at) => {
            const sum = row[place] ?? 0;
            f.get(factors[at] ?? 0)
              .get(column)
              .op(kind.mul)
              .get(sum)
              .op(kind.add)
              .set(sum);
          });
        }
        this.move(left, step);
        this.move(right, step);
        f.get(counter).i32(1).op("i32.sub").tee(counter).brIf(again);
      });
    };
    const step = tiling.k[0] ?? { extent: 1, left: 0, right: 0 };
    this.pushTimes(step);
    f.i32(2)
      .op("i32.shr_u")
      .tee(counter)
      .if(() => loop("v128.load", 4));
    this.pushTimes(step);
    f.i32(3)
      .op("i32.and")
      .tee(counter)
      .if(() => loop("v128.load32_zero", 1));
    partial.forEach((row, at) => {
      transpose(f, row);
      const [a = 0, b = 0, c = 0, d = 0] = row;
      f.get(a).get(b).op(kind.add).get(c).get(d).op(kind.add).op(kind.add);
      f.set(sums[at]?.[0] ?? 0);
    });
    for (const local of [left, right, counter, column, ...factors, ...partial.flat()]) f.release(local);
  }

  private move(pointer: number, elements: number): void {
    if (elements === 0) return;
    this.f
      .get(pointer)
      .i32(elements * this.kind.bytes)
      .op("i32.add")
      .set(pointer);
  }

  /** How often a step of k is taken: the last block of k may be shorter. */
  private pushTimes(step: KStep): void {
    const { f, at, depth, kBlocks } = this;
    if (kBlocks === 1) {
      f.i32(step.extent);
      return;
    }
    const last = step.extent - (kBlocks - 1) * depth;
    if (last === depth) f.i32(depth);
    else
      f.i32(last)
        .i32(depth)
        .get(at.kStart)
        .i32(depth * (kBlocks - 1))
        .op("i32.eq")
        .op("select");
  }
}

interface Pointer {
  readonly local: number;
  readonly offset: number;
}

const extent = (steps: readonly { readonly extent: number }[]): number =>
  steps.reduce((product, step) => product * step.extent, 1);
