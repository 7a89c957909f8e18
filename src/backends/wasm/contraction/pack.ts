// Packing: copies an operand into panels of a few rows or columns, k by k, so that tiles read memory sequentially.
import { byteSize } from "../../../graph/dtype.ts";
import type { Stride } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import { type Packing, packLoops } from "../../contraction/packLoops.ts";
import { kSteps, outerSteps } from "../../contraction/sides.ts";
import { layoutElements, type PanelLayout } from "../../contraction/sources.ts";
import { type EmitContext, highParam, lowParam, type Phase } from "../emitter.ts";
import { emitLoops } from "../loops.ts";
import type { FunctionBuilder } from "../module.ts";
import { machine } from "./machine.ts";

/** A batch of matrices: element (o, k) at offset + Σ batch + o · outerStride + k · kStride, in elements of four bytes. */
interface Matrix {
  readonly buffer: number;
  readonly offset: number;
  readonly batch: readonly Stride[];
  readonly outerStride: number;
  readonly kStride: number;
}

/** A matrix to pack. */
interface MatrixPacking {
  readonly name: string;
  readonly matrix: Matrix;
  readonly outer: number;
  readonly k: number;
  readonly layout: PanelLayout;
}

/** Panels per unit: narrow panels share the cache lines they are read from. */
const group = 4;

export function packPhases(context: EmitContext, packing: Packing): Phase[] {
  const { kernel, side, layout } = packing;
  const { operand, group } = side;
  const [outer, k] = [outerSteps(side), kSteps(side, kernel)];
  if (operand === undefined || byteSize(kernel.dtype) !== bytes || outer.length > 1 || k.length > 1)
    return packLoops(packing, context.sharedBuffer(kernel.dtype), "anything").flatMap((loops) => [
      ...emitLoops(loops, context).phases,
    ]);
  const matrix: Matrix = {
    buffer: operand.buffer,
    offset: operand.offset,
    batch: layout.batch.map((axis): Stride => ({ extent: axis.extent, stride: operand.strideOf(axis) })),
    outerStride: outer[0]?.stride ?? 0,
    kStride: k[0]?.stride ?? 0,
  };
  const whole = { name: kernel.name, matrix, outer: extentOf(group.inner), k: extentOf(kernel.k), layout };
  return [packMatrix(context, whole)];
}

/** Packs a matrix in memory. Elements beyond its last row or column are zero. */
function packMatrix(context: EmitContext, packing: MatrixPacking): Phase {
  const { matrix, outer, k, layout, name } = packing;
  const { width, count, kc, blocks } = layout;
  const f = context.phase(`${name}, packed`);
  const groups = Math.ceil(count / group);
  const [unit, first, last, block, source, target, length] = Array.from({ length: 7 }, () => f.local("i32")) as Seven;
  const times = (factor: number): FunctionBuilder =>
    f
      .i32(factor * bytes)
      .op("i32.mul")
      .op("i32.add");
  f.get(lowParam).set(unit);
  f.loop((again) => {
    f.get(unit).i32(groups).op("i32.rem_u").i32(group).op("i32.mul").set(first);
    f.get(unit).i32(groups).op("i32.div_u").i32(blocks).op("i32.rem_u").set(block);
    pushBase(f, context, matrix.buffer);
    let inner = groups * blocks;
    for (const { extent, stride } of [...matrix.batch].reverse()) {
      f.get(unit).i32(inner).op("i32.div_u").i32(extent).op("i32.rem_u");
      times(stride);
      inner *= extent;
    }
    f.get(first);
    times(width * matrix.outerStride);
    f.get(block);
    times(kc * matrix.kStride);
    f.i32(matrix.offset * bytes)
      .op("i32.add")
      .set(source);
    pushBase(f, context, context.sharedBuffer("float32"));
    f.get(unit).i32(groups).op("i32.div_u");
    times(count * kc * width);
    f.get(first);
    times(kc * width);
    f.i32(layout.place * bytes)
      .op("i32.add")
      .set(target);
    f.i32(k - (blocks - 1) * kc)
      .i32(kc)
      .get(block)
      .i32(blocks - 1)
      .op("i32.eq")
      .op("select")
      .set(length);
    const panel = new PanelPacking(f, packing, source, target, length);
    const full = Math.floor(outer / width);
    const each = (): void => {
      f.get(first)
        .i32(group)
        .op("i32.add")
        .tee(last)
        .i32(count)
        .get(last)
        .i32(count)
        .op("i32.lt_u")
        .op("select")
        .set(last);
      f.loop((next) => {
        if (full === count) panel.pack(width);
        else if (full === 0) panel.pack(outer);
        else
          f.get(first)
            .i32(full)
            .op("i32.eq")
            .if(
              () => panel.pack(outer % width),
              () => panel.pack(width),
            );
        f.get(source)
          .i32(width * matrix.outerStride * bytes)
          .op("i32.add")
          .set(source);
        f.get(target)
          .i32(kc * width * bytes)
          .op("i32.add")
          .set(target);
        f.get(first).i32(1).op("i32.add").tee(first).get(last).op("i32.lt_u").brIf(next);
      });
    };
    if (matrix.outerStride === 1 && width % 4 === 0 && full >= group) {
      if (full % group === 0 && full === count) panel.copy(group);
      else
        f.get(first)
          .i32(full - group)
          .op("i32.le_s")
          .if(() => panel.copy(group), each);
    } else each();
    f.get(unit).i32(1).op("i32.add").tee(unit).get(highParam).op("i32.lt_u").brIf(again);
  });
  const batches = matrix.batch.reduce((product, { extent }) => product * extent, 1);
  const contiguous = matrix.outerStride === 1 || matrix.kStride === 1;
  const { copied, gathered, nanosecondsPerCycle } = machine.costs;
  const each = (contiguous ? copied : gathered) * nanosecondsPerCycle;
  return { fn: f, units: groups * blocks * batches, cost: layoutElements(layout) * each };
}

type Seven = [number, number, number, number, number, number, number];

/** Pushes the address of element 0 of a buffer. */
function pushBase(f: FunctionBuilder, context: EmitContext, id: number): void {
  const { slot, byteOffset } = context.baseOf(id);
  context.pushSlot(f, slot);
  if (byteOffset !== 0) f.i32(byteOffset).op("i32.add");
}

const bytes = byteSize("float32");

/** Fills panels from the address in `source`; `length` is a local with the steps of k. */
class PanelPacking {
  readonly #f: FunctionBuilder;
  readonly #packing: MatrixPacking;
  readonly #source: number;
  readonly #target: number;
  readonly #length: number;
  readonly #from: number;
  readonly #to: number;
  readonly #end: number;

  constructor(f: FunctionBuilder, packing: MatrixPacking, source: number, target: number, length: number) {
    this.#f = f;
    this.#packing = packing;
    this.#source = source;
    this.#target = target;
    this.#length = length;
    [this.#from, this.#to, this.#end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  }

  /** Packs one panel with `filled` rows or columns; the others are zero. */
  pack(filled: number): void {
    const { matrix, layout } = this.#packing;
    const whole = filled === layout.width && layout.width % 4 === 0;
    if (whole && matrix.outerStride === 1) this.copy(1);
    else if (whole && matrix.kStride === 1) this.#turn();
    else this.#gather(filled);
  }

  /** Runs `body(count)` for k in steps of `step`, a power of two, then one by one. */
  #alongK(step: number, body: (count: number) => void): void {
    const f = this.#f;
    const from = this.#from;
    const to = this.#to;
    const end = this.#end;
    const length = this.#length;
    const packing = this.#packing;
    const { layout, k } = packing;
    f.get(this.#source).set(from).get(this.#target).set(to);
    const even = (count: number): boolean => k % count === 0 && layout.kc % count === 0;
    for (const count of step === 1 ? [1] : [step, 1]) {
      if (count === 1 && step > 1 && even(step)) continue;
      f.get(to).get(length);
      if (step > 1) f.i32(count === step ? -step : step - 1).op("i32.and");
      f.i32(layout.width * bytes)
        .op("i32.mul")
        .op("i32.add")
        .set(end);
      f.block((done) => {
        f.loop((again) => {
          f.get(to).get(end).op("i32.ge_u").brIf(done);
          body(count);
          this.#advance(to, count * layout.width);
          f.br(again);
        });
      });
    }
  }

  #advance(pointer: number, elements: number): void {
    this.#f
      .get(pointer)
      .i32(elements * bytes)
      .op("i32.add")
      .set(pointer);
  }

  /** The panel's neighbours are contiguous in memory: copies whole vectors, of several panels at once. */
  copy(panels: number): void {
    const f = this.#f;
    const from = this.#from;
    const to = this.#to;
    const packing = this.#packing;
    const { matrix, layout } = packing;
    this.#alongK(1, () => {
      for (let panel = 0; panel < panels; panel++) {
        for (let lane = 0; lane < layout.width; lane += 4) {
          f.get(to)
            .get(from)
            .memory("v128.load", (panel * layout.width + lane) * bytes)
            .memory("v128.store", (panel * layout.kc * layout.width + lane) * bytes);
        }
      }
      this.#advance(from, matrix.kStride);
    });
  }

  /** Neighbours along k are contiguous in memory: transposes 4 × 4 blocks in registers. */
  #turn(): void {
    const f = this.#f;
    const from = this.#from;
    const to = this.#to;
    const packing = this.#packing;
    const { matrix, layout } = packing;
    const rows = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
    this.#alongK(4, (count) => {
      for (let first = 0; first < layout.width; first += 4) {
        if (count === 1) {
          for (let lane = first; lane < first + 4; lane++) this.#element(lane);
          continue;
        }
        rows.forEach((row, lane) => {
          this.#pushRow((first + lane) * matrix.outerStride);
          f.memory("v128.load").set(row);
        });
        transpose(f, rows);
        rows.forEach((row, lane) => {
          f.get(to)
            .get(row)
            .memory("v128.store", (lane * layout.width + first) * bytes);
        });
      }
      this.#advance(from, count);
    });
    for (const local of rows) f.release(local);
  }

  /** Any strides, or a partial panel: element by element. */
  #gather(filled: number): void {
    const f = this.#f;
    const from = this.#from;
    const to = this.#to;
    const packing = this.#packing;
    const { matrix, layout } = packing;
    this.#alongK(1, () => {
      for (let lane = 0; lane < layout.width; lane++) {
        if (lane < filled) this.#element(lane);
        else
          f.get(to)
            .i32(0)
            .memory("i32.store", lane * bytes);
      }
      this.#advance(from, matrix.kStride);
    });
  }

  #element(lane: number): void {
    this.#f.get(this.#to);
    this.#pushRow(lane * this.#packing.matrix.outerStride);
    this.#f.memory("i32.load").memory("i32.store", lane * bytes);
  }

  #pushRow(offset: number): void {
    this.#f.get(this.#from);
    if (offset !== 0) this.#f.i32(offset * bytes).op("i32.add");
  }
}

/** Transposes four vectors of four lanes: afterwards the first holds the first lanes, and so on. */
export function transpose(f: FunctionBuilder, rows: readonly number[]): void {
  const [r0 = 0, r1 = 0, r2 = 0, r3 = 0] = rows;
  const [p0, p1, p2, p3] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
  f.get(r0).get(r1).shuffle32(0, 4, 1, 5).set(p0);
  f.get(r2).get(r3).shuffle32(0, 4, 1, 5).set(p1);
  f.get(r0).get(r1).shuffle32(2, 6, 3, 7).set(p2);
  f.get(r2).get(r3).shuffle32(2, 6, 3, 7).set(p3);
  f.get(p0).get(p1).shuffle32(0, 1, 4, 5).set(r0);
  f.get(p0).get(p1).shuffle32(2, 3, 6, 7).set(r1);
  f.get(p2).get(p3).shuffle32(0, 1, 4, 5).set(r2);
  f.get(p2).get(p3).shuffle32(2, 3, 6, 7).set(r3);
  for (const local of [p0, p1, p2, p3]) f.release(local);
}
