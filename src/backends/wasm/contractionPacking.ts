// Packing: copies an operand into panels of a few rows or columns, k by k, so that tiles read memory sequentially.
import { canonical, flatAxes, unflatten } from "../../compiler/indexing.ts";
import type { LoopKernel } from "../../compiler/kernel.ts";
import { byteSize, type DType } from "../../graph/dtype.ts";
import { type Axis, add, axisValue, int, mul, newAxis, type Scalar } from "../../graph/scalar.ts";
import { replaceAxes } from "../analysis/contraction.ts";
import type { Stride } from "../analysis/operand.ts";
import { type EmitContext, highParam, lowParam, type Phase } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import type { FunctionBuilder } from "./module.ts";

/** A batch of matrices: element (o, k) at offset + Σ batch + o · outerStride + k · kStride. In elements of four bytes. */
interface Matrix {
  readonly buffer: number;
  readonly offset: number;
  readonly batch: readonly Stride[];
  readonly outerStride: number;
  readonly kStride: number;
}

/**
 * Where packed elements lie: the panels of a block of k together, so that what a unit of work reads is one run of memory.
 * Element k of lane l of panel p of batch b at place + ((b · blocks + k / depth) · panels + p) · depth · width + (k mod depth) · width + l.
 */
export interface PanelLayout {
  /** Rows or columns in a panel. */
  readonly width: number;
  readonly panels: number;
  readonly depth: number;
  readonly blocks: number;
  /** Where the panels begin in the shared scratch, in elements. */
  readonly place: number;
}

/** Elements of one batch. */
export const panelElements = ({ width, panels, depth, blocks }: Omit<PanelLayout, "place">): number =>
  width * panels * depth * blocks;

interface Packing {
  readonly name: string;
  readonly matrix: Matrix;
  readonly outer: number;
  readonly k: number;
  readonly layout: PanelLayout;
}

/** Measured: contiguous copies and transposes take about this long for each element, other strides longer. */
export const nanosecondsPerPacked = 0.3;
const nanosecondsPerGathered = 0.8;
/** Panels that one unit fills: those of narrow panels share the cache lines they are read from. */
const group = 4;

/** Packs a matrix in memory. Elements beyond its last row or column are zero. */
export function packMatrix(context: EmitContext, packing: Packing): Phase {
  const { matrix, outer, k, layout, name } = packing;
  const { width, panels, depth, blocks } = layout;
  const f = context.phase(`${name}, packed`);
  const groups = Math.ceil(panels / group);
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
    times(depth * matrix.kStride);
    f.i32(matrix.offset * bytes)
      .op("i32.add")
      .set(source);
    pushBase(f, context, context.sharedBuffer("float32"));
    f.get(unit).i32(groups).op("i32.div_u");
    times(panels * depth * width);
    f.get(first);
    times(depth * width);
    f.i32(layout.place * bytes)
      .op("i32.add")
      .set(target);
    f.i32(k - (blocks - 1) * depth)
      .i32(depth)
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
        .i32(panels)
        .get(last)
        .i32(panels)
        .op("i32.lt_u")
        .op("select")
        .set(last);
      f.loop((next) => {
        if (full === panels) panel.pack(width);
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
          .i32(depth * width * bytes)
          .op("i32.add")
          .set(target);
        f.get(first).i32(1).op("i32.add").tee(first).get(last).op("i32.lt_u").brIf(next);
      });
    };
    if (matrix.outerStride === 1 && width % 4 === 0 && full >= group) {
      if (full % group === 0 && full === panels) panel.copy(group);
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
  const each = contiguous ? nanosecondsPerPacked : nanosecondsPerGathered;
  return { fn: f, units: groups * blocks * batches, cost: batches * panelElements(layout) * each };
}

type Seven = [number, number, number, number, number, number, number];

/**
 * The same panels by loops that evaluate the expression: for anything that is not a matrix in memory. `batch` are the axes
 * it depends on. Lanes beyond the last column keep what the scratch held: nothing of them reaches a result.
 */
export function packExpression(
  context: EmitContext,
  packing: {
    readonly name: string;
    readonly value: Scalar;
    readonly batch: readonly Axis[];
    readonly outer: readonly Axis[];
    readonly k: readonly Axis[];
    readonly layout: PanelLayout;
    readonly dtype: DType;
  },
): Phase[] {
  const { name, value, batch, outer, k, layout, dtype } = packing;
  const { width, panels, depth, place } = layout;
  const extent = product(outer);
  const points = product(k);
  const buffer = context.sharedBuffer(dtype);
  const full = Math.floor(extent / width);
  const phases: Phase[] = [];
  /** Fills `lanes` of `count` panels from the first on, for blocks of k of one length. */
  const pack = (
    first: number,
    count: number,
    lanes: number,
    firstBlock: number,
    blocks: number,
    length: number,
  ): void => {
    if (count === 0 || lanes === 0 || blocks === 0) return;
    const [panel, lane, block, within] = [newAxis(count), newAxis(lanes), newAxis(blocks), newAxis(length)];
    const panelAt = add(axisValue(panel), int(first));
    const blockAt = add(axisValue(block), int(firstBlock));
    const replaced = new Map<number, Scalar>();
    const spread = (axes: readonly Axis[], flat: Scalar): void =>
      unflatten(
        flat,
        axes.map((axis) => axis.extent),
      ).forEach((part, dim) => {
        const axis = axes[dim];
        if (axis !== undefined) replaced.set(axis.id, part);
      });
    spread(outer, add(mul(panelAt, int(width)), axisValue(lane)));
    spread(k, add(mul(blockAt, int(depth)), axisValue(within)));
    const index = [
      mul(flatAxes(batch), int(panelElements(layout))),
      mul(blockAt, int(panels * depth * width)),
      mul(panelAt, int(depth * width)),
      mul(axisValue(within), int(width)),
      axisValue(lane),
    ].reduce(add, int(place));
    const kernel: LoopKernel = {
      kind: "loops",
      name: `${name}, packed`,
      axes: [...batch, block, panel, within, lane],
      body: [{ kind: "store", buffer, index: canonical(index), value: replaceAxes(value, replaced) }],
    };
    phases.push(...emitLoops(kernel, context).phases);
  };
  const wholeBlocks = Math.floor(points / depth);
  for (const [firstBlock, blocks, length] of [
    [0, wholeBlocks, depth],
    [wholeBlocks, layout.blocks - wholeBlocks, points - wholeBlocks * depth],
  ] as const) {
    pack(0, full, width, firstBlock, blocks, length);
    pack(full, panels - full, extent - full * width, firstBlock, blocks, length);
  }
  return phases;
}

const product = (axes: readonly Axis[]): number => axes.reduce((total, axis) => total * axis.extent, 1);

/** Pushes the address of element 0 of a buffer. */
function pushBase(f: FunctionBuilder, context: EmitContext, id: number): void {
  const { slot, byteOffset } = context.baseOf(id);
  context.pushSlot(f, slot);
  if (byteOffset !== 0) f.i32(byteOffset).op("i32.add");
}

const bytes = byteSize("float32");

/** Fills panels from the address in `source` on; `length` steps of k, in a local. */
class PanelPacking {
  private readonly f: FunctionBuilder;
  private readonly packing: Packing;
  private readonly source: number;
  private readonly target: number;
  private readonly length: number;
  private readonly from: number;
  private readonly to: number;
  private readonly end: number;

  constructor(f: FunctionBuilder, packing: Packing, source: number, target: number, length: number) {
    this.f = f;
    this.packing = packing;
    this.source = source;
    this.target = target;
    this.length = length;
    [this.from, this.to, this.end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  }

  /** One panel, of which `filled` entries exist; the others are zero. */
  pack(filled: number): void {
    const { matrix, layout } = this.packing;
    const whole = filled === layout.width && layout.width % 4 === 0;
    if (whole && matrix.outerStride === 1) this.copy(1);
    else if (whole && matrix.kStride === 1) this.turn();
    else this.gather(filled);
  }

  /** Runs `body(count)` for k in steps of `step`, a power of two, then one by one. */
  private alongK(step: number, body: (count: number) => void): void {
    const { f, from, to, end, length, packing } = this;
    const { layout, k } = packing;
    f.get(this.source).set(from).get(this.target).set(to);
    const even = (count: number): boolean => k % count === 0 && layout.depth % count === 0;
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
          this.advance(to, count * layout.width);
          f.br(again);
        });
      });
    }
  }

  private advance(pointer: number, elements: number): void {
    this.f
      .get(pointer)
      .i32(elements * bytes)
      .op("i32.add")
      .set(pointer);
  }

  /** Neighbours of a panel are contiguous: whole vectors are copied, of several panels at once. */
  copy(panels: number): void {
    const { f, from, to, packing } = this;
    const { matrix, layout } = packing;
    this.alongK(1, () => {
      for (let panel = 0; panel < panels; panel++) {
        for (let lane = 0; lane < layout.width; lane += 4) {
          f.get(to)
            .get(from)
            .memory("v128.load", (panel * layout.width + lane) * bytes)
            .memory("v128.store", (panel * layout.depth * layout.width + lane) * bytes);
        }
      }
      this.advance(from, matrix.kStride);
    });
  }

  /** Neighbours along k are contiguous: four by four blocks are transposed in registers. */
  private turn(): void {
    const { f, from, to, packing } = this;
    const { matrix, layout } = packing;
    const rows = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
    this.alongK(4, (count) => {
      for (let first = 0; first < layout.width; first += 4) {
        if (count === 1) {
          for (let lane = first; lane < first + 4; lane++) this.element(lane);
          continue;
        }
        rows.forEach((row, lane) => {
          this.pushRow((first + lane) * matrix.outerStride);
          f.memory("v128.load").set(row);
        });
        transpose(f, rows);
        rows.forEach((row, lane) => {
          f.get(to)
            .get(row)
            .memory("v128.store", (lane * layout.width + first) * bytes);
        });
      }
      this.advance(from, count);
    });
    for (const local of rows) f.release(local);
  }

  /** Any strides, or a panel that is not full: element by element. */
  private gather(filled: number): void {
    const { f, from, to, packing } = this;
    const { matrix, layout } = packing;
    this.alongK(1, () => {
      for (let lane = 0; lane < layout.width; lane++) {
        if (lane < filled) this.element(lane);
        else
          f.get(to)
            .i32(0)
            .memory("i32.store", lane * bytes);
      }
      this.advance(from, matrix.kStride);
    });
  }

  private element(lane: number): void {
    this.f.get(this.to);
    this.pushRow(lane * this.packing.matrix.outerStride);
    this.f.memory("i32.load").memory("i32.store", lane * bytes);
  }

  private pushRow(offset: number): void {
    this.f.get(this.from);
    if (offset !== 0) this.f.i32(offset * bytes).op("i32.add");
  }
}

/** Turns four vectors of four lanes: afterwards the first holds the first lanes, and so on. */
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
