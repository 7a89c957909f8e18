// Packing: a matrix copied into panels of 4 rows or 8 columns, k by k, padded with zeros, so that tiles read memory in order.
import { byteSize } from "../../graph/dtype.ts";
import type { Matrix } from "./contractionOperand.ts";
import { type EmitContext, highParam, lowParam, type Phase, phaseParams, tableParam } from "./emitter.ts";
import type { FunctionBuilder } from "./module.ts";

export interface Packing {
  readonly name: string;
  readonly matrix: Matrix;
  readonly batch: number;
  readonly outer: number;
  readonly k: number;
  /** k rounded up: the length of a panel. */
  readonly depth: number;
  readonly width: number;
  /** Where the panels begin in the shared scratch, in floats. */
  readonly place: number;
}

const bytes = byteSize("float32");
/** Measured: contiguous copies and transposes take about this long for each element, other strides longer. */
const nanosecondsPerElement = 0.25;
const nanosecondsPerGather = 0.8;

/** Products summed in registers before they are added to the result: keeps panels in the first cache, and long sums accurate. */
export const kBlock = 256;

/**
 * A unit is one panel of one block of k. Blocks lie one after the other, and in each the panels, so that what is multiplied
 * together lies together: spaced evenly, panels would fall on the same cache lines. Panel p of block j of batch b lies at
 * place + b · panels · depth · width + j · kBlock · panels · width + p · (length of block j) · width.
 */
export function emitPacking(context: EmitContext, packing: Packing): Phase {
  const { matrix, batch, outer, depth, width, name } = packing;
  const f = context.module.function(`${context.module.functions.length}:${name}, packed`, phaseParams);
  const panels = Math.ceil(outer / width);
  const blocks = Math.ceil(depth / kBlock);
  const [unit, panel, block, source, target] = ["i32", "i32", "i32", "i32", "i32"].map(() => f.local("i32")) as [
    number,
    number,
    number,
    number,
    number,
  ];
  f.get(lowParam).set(unit);
  f.block((done) => {
    f.loop((again) => {
      f.get(unit).get(highParam).op("i32.ge_u").brIf(done);
      f.get(unit).i32(panels).op("i32.rem_u").set(panel);
      f.get(unit).i32(panels).op("i32.div_u").i32(blocks).op("i32.rem_u").set(block);
      pushBatchOffset(f, unit, panels * blocks, matrix);
      pushBuffer(f, context, matrix.buffer);
      f.op("i32.add")
        .get(panel)
        .i32(width * matrix.outerStride * bytes)
        .op("i32.mul")
        .op("i32.add");
      f.get(block)
        .i32(kBlock * matrix.kStride * bytes)
        .op("i32.mul")
        .op("i32.add");
      f.i32(matrix.offset * bytes)
        .op("i32.add")
        .set(source);
      f.get(tableParam)
        .memory("i32.load", 4 * context.sharedSlot)
        .i32(packing.place * bytes)
        .op("i32.add");
      f.get(unit)
        .i32(panels * blocks)
        .op("i32.div_u")
        .i32(panels * depth * width * bytes)
        .op("i32.mul")
        .op("i32.add");
      f.get(block)
        .i32(kBlock * panels * width * bytes)
        .op("i32.mul")
        .op("i32.add")
        .set(target);
      const lengths = (k: number, length: number): void => {
        f.get(target)
          .get(panel)
          .i32(length * width * bytes)
          .op("i32.mul")
          .op("i32.add")
          .set(target);
        const pack = (filled: number): void =>
          packPanel(f, matrix, { source, target, k, depth: length, width, filled });
        if (outer % width === 0) pack(width);
        else
          f.get(panel)
            .i32(panels - 1)
            .op("i32.eq")
            .if(
              () => pack(outer % width),
              () => pack(width),
            );
      };
      const rest = (blocks - 1) * kBlock;
      if (blocks === 1) lengths(packing.k, depth);
      else
        f.get(block)
          .i32(blocks - 1)
          .op("i32.eq")
          .if(
            () => lengths(packing.k - rest, depth - rest),
            () => lengths(kBlock, kBlock),
          );
      f.get(unit).i32(1).op("i32.add").set(unit).br(again);
    });
  });
  const contiguous = matrix.outerStride === 1 || matrix.kStride === 1;
  return {
    fn: f,
    units: batch * panels * blocks,
    cost: batch * outer * packing.k * (contiguous ? nanosecondsPerElement : nanosecondsPerGather),
  };
}

/** Pushes the byte offset of the batch that a unit belongs to. */
export function pushBatchOffset(f: FunctionBuilder, unit: number, unitsPerBatch: number, matrix: Matrix): void {
  let inner = unitsPerBatch;
  f.i32(0);
  for (const { extent, stride } of [...matrix.batch].reverse()) {
    if (extent === 1) continue;
    f.get(unit)
      .i32(inner)
      .op("i32.div_u")
      .i32(extent)
      .op("i32.rem_u")
      .i32(stride * bytes)
      .op("i32.mul")
      .op("i32.add");
    inner *= extent;
  }
}

/** Pushes the address of element 0 of a buffer. */
export function pushBuffer(f: FunctionBuilder, context: EmitContext, id: number): void {
  const { placement } = context.buffer(id);
  if (placement.kind === "argument") f.get(tableParam).memory("i32.load", 4 * placement.slot);
  else f.i32(context.arenaBase + placement.byteOffset);
}

/** One panel of one block: where from and to (locals), and its sizes. */
interface Panel {
  readonly source: number;
  readonly target: number;
  readonly k: number;
  /** k and the zeros after it. */
  readonly depth: number;
  readonly width: number;
  /** How many of `width` entries exist; the others are zero. */
  readonly filled: number;
}

function packPanel(f: FunctionBuilder, matrix: Matrix, { source, target, k, depth, width, filled }: Panel): void {
  const from = f.local("i32");
  const to = f.local("i32");
  const end = f.local("i32");
  f.get(source).set(from).get(target).set(to);
  if (matrix.outerStride === 1 && filled === width) copyRows(f, from, to, end, k, matrix.kStride, width);
  else if (matrix.kStride === 1 && filled === width) transposeRows(f, from, to, end, k, matrix.outerStride, width);
  else gatherRows(f, from, to, end, k, matrix, width, filled);
  for (let place = k * width; place < depth * width; place += 4)
    f.get(target)
      .f32x4(0)
      .memory("v128.store", place * bytes);
  for (const local of [from, to, end]) f.release(local);
}

/** Runs `body(count)` for k in steps of `step`, then for the rest one by one; `body` handles `step` (or 1) of them. */
function alongK(
  f: FunctionBuilder,
  to: number,
  end: number,
  k: number,
  width: number,
  step: number,
  body: (count: number) => void,
): void {
  for (const count of [step, 1]) {
    const times = count === step ? Math.floor(k / step) : k % step;
    if (times === 0 || (count === 1 && step === 1)) continue;
    f.get(to)
      .i32(times * count * width * bytes)
      .op("i32.add")
      .set(end);
    f.loop((again) => {
      body(count);
      f.get(to).get(end).op("i32.lt_u").brIf(again);
    });
  }
}

function advance(f: FunctionBuilder, pointer: number, by: number): void {
  f.get(pointer).i32(by).op("i32.add").set(pointer);
}

/** Neighbours of a panel lie together in memory: whole vectors are copied. */
function copyRows(
  f: FunctionBuilder,
  from: number,
  to: number,
  end: number,
  k: number,
  kStride: number,
  width: number,
): void {
  alongK(f, to, end, k, width, 4, (count) => {
    for (let row = 0; row < count; row++) {
      for (let lane = 0; lane < width; lane += 4) {
        f.get(to)
          .get(from)
          .memory("v128.load", lane * bytes)
          .memory("v128.store", (row * width + lane) * bytes);
      }
      advance(f, from, kStride * bytes);
    }
    advance(f, to, count * width * bytes);
  });
}

/** Neighbours along k lie together: four by four blocks are turned in registers. */
function transposeRows(
  f: FunctionBuilder,
  from: number,
  to: number,
  end: number,
  k: number,
  outerStride: number,
  width: number,
): void {
  const rows = Array.from({ length: 4 }, () => f.local("v128"));
  const [r0, r1, r2, r3] = rows as [number, number, number, number];
  const pairs = Array.from({ length: 4 }, () => f.local("v128"));
  const [p0, p1, p2, p3] = pairs as [number, number, number, number];
  // One pointer for each group of four rows: constant offsets between rows may pass what an instruction can hold otherwise.
  alongK(f, to, end, k, width, 4, (count) => {
    for (let group = 0; group < width; group += 4) {
      if (count === 1) {
        for (let lane = 0; lane < 4; lane++) {
          f.get(to);
          pushRow(f, from, (group + lane) * outerStride * bytes);
          f.memory("f32.load").memory("f32.store", (group + lane) * bytes);
        }
        continue;
      }
      rows.forEach((row, lane) => {
        pushRow(f, from, (group + lane) * outerStride * bytes);
        f.memory("v128.load").set(row);
      });
      f.get(r0).get(r1).shuffle32(0, 4, 1, 5).set(p0);
      f.get(r2).get(r3).shuffle32(0, 4, 1, 5).set(p1);
      f.get(r0).get(r1).shuffle32(2, 6, 3, 7).set(p2);
      f.get(r2).get(r3).shuffle32(2, 6, 3, 7).set(p3);
      f.get(to)
        .get(p0)
        .get(p1)
        .shuffle32(0, 1, 4, 5)
        .memory("v128.store", group * bytes);
      f.get(to)
        .get(p0)
        .get(p1)
        .shuffle32(2, 3, 6, 7)
        .memory("v128.store", (width + group) * bytes);
      f.get(to)
        .get(p2)
        .get(p3)
        .shuffle32(0, 1, 4, 5)
        .memory("v128.store", (2 * width + group) * bytes);
      f.get(to)
        .get(p2)
        .get(p3)
        .shuffle32(2, 3, 6, 7)
        .memory("v128.store", (3 * width + group) * bytes);
    }
    advance(f, from, count * bytes);
    advance(f, to, count * width * bytes);
  });
  for (const local of [...rows, ...pairs]) f.release(local);
}

function pushRow(f: FunctionBuilder, from: number, offset: number): void {
  f.get(from);
  if (offset !== 0) f.i32(offset).op("i32.add");
}

/** Any strides, or a panel that is not full: element by element. */
function gatherRows(
  f: FunctionBuilder,
  from: number,
  to: number,
  end: number,
  k: number,
  matrix: Matrix,
  width: number,
  filled: number,
): void {
  alongK(f, to, end, k, width, 2, (count) => {
    for (let row = 0; row < count; row++) {
      for (let lane = 0; lane < width; lane++) {
        f.get(to);
        if (lane < filled) {
          pushRow(f, from, lane * matrix.outerStride * bytes);
          f.memory("f32.load");
        } else f.f32(0);
        f.memory("f32.store", (row * width + lane) * bytes);
      }
      advance(f, from, matrix.kStride * bytes);
    }
    advance(f, to, count * width * bytes);
  });
}
