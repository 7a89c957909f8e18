// The multiplication of packed panels: tiles of 4 × 8 sums in registers, blocks that stay in the caches.
import { byteSize } from "../../graph/dtype.ts";
import { panelColumns, panelRows } from "./contractionOperand.ts";
import { kBlock } from "./contractionPacking.ts";
import { type EmitContext, highParam, lowParam, type Phase, phaseParams, tableParam } from "./emitter.ts";
import type { FunctionBuilder } from "./module.ts";

const bytes = byteSize("float32");
/** Panels of rows and of columns in a block, a unit of work. */
const blockRows = 16;
const blockColumns = 16;
/** One k in each turn: V8 keeps the 8 sums in registers then (56 GFLOP/s measured); two and more make it spill (28). */
const unroll = 1;
/** Multiplications and additions in a nanosecond, about. */
const flopsPerNanosecond = 50;

export interface Tiles {
  readonly name: string;
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  /** Length of a panel, a multiple of 4. */
  readonly depth: number;
  /** Places in the shared scratch, in floats. */
  readonly left: number;
  readonly right: number;
  readonly result: number;
  /** Floats from one row of the result to the next. */
  readonly pitch: number;
}

/** result[b][row][column] = Σ_k left · right. A unit is a block of tiles with all of its k, so sums do not depend on threads. */
export function emitTiles(context: EmitContext, tiles: Tiles): Phase {
  const { batch, rows, columns, depth } = tiles;
  const [rowPanels, columnPanels] = [Math.ceil(rows / panelRows), Math.ceil(columns / panelColumns)];
  const [rowBlocks, columnBlocks] = [Math.ceil(rowPanels / blockRows), Math.ceil(columnPanels / blockColumns)];
  const f = context.module.function(`${context.module.functions.length}:${tiles.name}, tiles`, phaseParams);
  const local = (): number => f.local("i32");
  const [unit, base, row, rowEnd, column, columnEnd, firstRow, kStart] = [
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
  ];
  const [leftBatch, rightBatch, resultBatch, a, aEnd, b, c, length] = [
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
  ];
  f.get(tableParam)
    .memory("i32.load", 4 * context.sharedSlot)
    .set(base);
  f.get(lowParam).set(unit);
  const step = (counter: number, end: () => void, body: () => void, by = 1): void => {
    f.block((done) => {
      f.loop((again) => {
        f.get(counter);
        end();
        f.op("i32.ge_u").brIf(done);
        body();
        f.get(counter).i32(by).op("i32.add").set(counter).br(again);
      });
    });
  };
  step(
    unit,
    () => f.get(highParam),
    () => {
      const perBatch = rowBlocks * columnBlocks;
      const batchBase = (target: number, place: number, size: number): void => {
        f.get(unit)
          .i32(perBatch)
          .op("i32.div_u")
          .i32(size * bytes)
          .op("i32.mul")
          .get(base)
          .op("i32.add")
          .i32(place * bytes)
          .op("i32.add")
          .set(target);
      };
      batchBase(leftBatch, tiles.left, rowPanels * panelRows * depth);
      batchBase(rightBatch, tiles.right, columnPanels * panelColumns * depth);
      batchBase(resultBatch, tiles.result, rowPanels * panelRows * tiles.pitch);
      const range = (start: number, end: number, push: () => void, size: number, limit: number): void => {
        push();
        f.i32(size).op("i32.mul").tee(start).i32(size).op("i32.add").set(end);
        f.get(end)
          .i32(limit)
          .op("i32.gt_u")
          .if(() => f.i32(limit).set(end));
      };
      range(
        firstRow,
        rowEnd,
        () => f.get(unit).i32(perBatch).op("i32.rem_u").i32(columnBlocks).op("i32.div_u"),
        blockRows,
        rowPanels,
      );
      f.i32(0).set(kStart);
      step(
        kStart,
        () => f.i32(depth),
        () => {
          pushBlockLength(f, kStart, depth);
          f.set(length);
          range(column, columnEnd, () => f.get(unit).i32(columnBlocks).op("i32.rem_u"), blockColumns, columnPanels);
          step(
            column,
            () => f.get(columnEnd),
            () => {
              f.get(firstRow).set(row);
              step(
                row,
                () => f.get(rowEnd),
                () => {
                  const panelAddress = (
                    target: number,
                    batchBaseLocal: number,
                    index: number,
                    panels: number,
                    width: number,
                  ): void => {
                    f.get(index).get(length).op("i32.mul").get(kStart).i32(panels).op("i32.mul").op("i32.add");
                    f.i32(width * bytes)
                      .op("i32.mul")
                      .get(batchBaseLocal)
                      .op("i32.add")
                      .set(target);
                  };
                  panelAddress(a, leftBatch, row, rowPanels, panelRows);
                  panelAddress(b, rightBatch, column, columnPanels, panelColumns);
                  f.get(row)
                    .i32(panelRows * tiles.pitch * bytes)
                    .op("i32.mul")
                    .get(resultBatch)
                    .op("i32.add");
                  f.get(column)
                    .i32(panelColumns * bytes)
                    .op("i32.mul")
                    .op("i32.add")
                    .set(c);
                  f.get(length)
                    .i32(panelRows * bytes)
                    .op("i32.mul")
                    .get(a)
                    .op("i32.add")
                    .set(aEnd);
                  emitTile(f, { a, aEnd, b, c, kStart, pitch: tiles.pitch, single: depth <= kBlock });
                },
              );
            },
          );
        },
        kBlock,
      );
    },
  );
  return {
    fn: f,
    units: batch * rowBlocks * columnBlocks,
    cost: (2 * batch * rowPanels * panelRows * columnPanels * panelColumns * depth) / flopsPerNanosecond,
  };
}

/** Pushes how many k this block has: kBlock, or what is left. */
function pushBlockLength(f: FunctionBuilder, kStart: number, depth: number): void {
  if (depth <= kBlock) {
    f.i32(depth);
    return;
  }
  f.i32(kBlock).i32(depth).get(kStart).op("i32.sub");
  f.i32(depth).get(kStart).op("i32.sub").i32(kBlock).op("i32.gt_u").op("select");
}

interface Tile {
  readonly a: number;
  readonly aEnd: number;
  readonly b: number;
  readonly c: number;
  readonly kStart: number;
  readonly pitch: number;
  /** Whether there is only one block of k: then the result is never read back. */
  readonly single: boolean;
}

function emitTile(f: FunctionBuilder, { a, aEnd, b, c, kStart, pitch, single }: Tile): void {
  const sums = Array.from({ length: panelRows * 2 }, () => f.local("v128"));
  const [left, low, high] = [f.local("v128"), f.local("v128"), f.local("v128")];
  const place = (sum: number): number => (Math.floor(sum / 2) * pitch + (sum % 2) * 4) * bytes;
  const clear = (): void => {
    for (const sum of sums) f.f32x4(0).set(sum);
  };
  if (single) clear();
  else {
    f.get(kStart)
      .op("i32.eqz")
      .if(clear, () => {
        sums.forEach((sum, at) => {
          f.get(c).memory("v128.load", place(at)).set(sum);
        });
      });
  }
  f.loop((again) => {
    for (let k = 0; k < unroll; k++) {
      f.get(b)
        .memory("v128.load", k * panelColumns * bytes)
        .set(low);
      f.get(b)
        .memory("v128.load", (k * panelColumns + 4) * bytes)
        .set(high);
      for (let row = 0; row < panelRows; row++) {
        f.get(a)
          .memory("v128.load32_splat", (k * panelRows + row) * bytes)
          .set(left);
        for (const [half, factor] of [low, high].entries()) {
          const sum = sums[2 * row + half] as number;
          f.get(left).get(factor).op("f32x4.mul").get(sum).op("f32x4.add").set(sum);
        }
      }
    }
    f.get(b)
      .i32(unroll * panelColumns * bytes)
      .op("i32.add")
      .set(b);
    f.get(a)
      .i32(unroll * panelRows * bytes)
      .op("i32.add")
      .tee(a)
      .get(aEnd)
      .op("i32.lt_u")
      .brIf(again);
  });
  sums.forEach((sum, at) => {
    f.get(c).get(sum).memory("v128.store", place(at));
  });
  for (const local of [...sums, left, low, high]) f.release(local);
}
