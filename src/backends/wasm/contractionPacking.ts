// Packing: an operand copied into panels of a few rows or columns, k by k, so that tiles read memory in order.
import { canonical, flatAxes, rewrite, unflatten } from "../../compiler/indexing.ts";
import type { LoopKernel } from "../../compiler/kernel.ts";
import { byteSize, type DType } from "../../graph/dtype.ts";
import { type Axis, add, axisValue, int, mul, newAxis, type Scalar } from "../../graph/scalar.ts";
import type { Stride } from "./contractionOperand.ts";
import { type EmitContext, highParam, lowParam, type Phase, phaseParams, tableParam } from "./emitter.ts";
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

interface Packing {
  readonly name: string;
  readonly matrix: Matrix;
  readonly outer: number;
  readonly k: number;
  readonly width: number;
  /** Where the panels begin in the shared scratch, in elements. */
  readonly place: number;
}

/** Measured: contiguous copies and transposes take about this long for each element, other strides longer. */
export const nanosecondsPerPacked = 0.3;
const nanosecondsPerGathered = 0.8;

/** Panel p of batch b lies at place + (b · panels + p) · k · width; a unit is one panel. What is beyond the matrix is zero. */
export function packMatrix(context: EmitContext, packing: Packing): Phase {
  const { matrix, outer, k, width, name } = packing;
  const bytes = 4;
  const f = context.module.function(`${context.module.functions.length}:${name}, packed`, phaseParams);
  const panels = Math.ceil(outer / width);
  const [unit, panel, source, target] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(lowParam).set(unit);
  f.block((done) => {
    f.loop((again) => {
      f.get(unit).get(highParam).op("i32.ge_u").brIf(done);
      f.get(unit).i32(panels).op("i32.rem_u").set(panel);
      pushBase(f, context, matrix.buffer);
      let inner = panels;
      for (const { extent, stride } of [...matrix.batch].reverse()) {
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
      f.get(panel)
        .i32(width * matrix.outerStride * bytes)
        .op("i32.mul")
        .op("i32.add");
      f.i32(matrix.offset * bytes)
        .op("i32.add")
        .set(source);
      f.get(tableParam).memory("i32.load", 4 * context.sharedSlot);
      f.get(unit)
        .i32(k * width * bytes)
        .op("i32.mul")
        .op("i32.add")
        .i32(packing.place * bytes)
        .op("i32.add")
        .set(target);
      const last = outer - (panels - 1) * width;
      if (panels === 1 || last === width) packPanel(f, packing, source, target, last);
      else {
        f.get(panel)
          .i32(panels - 1)
          .op("i32.eq")
          .if(
            () => packPanel(f, packing, source, target, last),
            () => packPanel(f, packing, source, target, width),
          );
      }
      f.get(unit).i32(1).op("i32.add").set(unit).br(again);
    });
  });
  const units = panels * matrix.batch.reduce((product, { extent }) => product * extent, 1);
  const contiguous = matrix.outerStride === 1 || matrix.kStride === 1;
  const each = contiguous ? nanosecondsPerPacked : nanosecondsPerGathered;
  return { fn: f, units, cost: units * width * k * each };
}

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
    readonly width: number;
    readonly place: number;
    readonly dtype: DType;
  },
): Phase[] {
  const { name, value, batch, outer, k, width, place, dtype } = packing;
  const extent = product(outer);
  const panels = Math.ceil(extent / width);
  const buffer = context.sharedBuffer(dtype);
  const full = Math.floor(extent / width);
  const phases: Phase[] = [];
  const pack = (first: number, count: number, lanes: number): void => {
    if (count === 0 || lanes === 0) return;
    const [panel, lane] = [newAxis(count), newAxis(lanes)];
    const ks = k.map((axis) => newAxis(axis.extent));
    const at = add(mul(add(axisValue(panel), int(first)), int(width)), axisValue(lane));
    const replaced = new Map<number, Scalar>();
    unflatten(
      at,
      outer.map((axis) => axis.extent),
    ).forEach((part, dim) => {
      const axis = outer[dim];
      if (axis !== undefined) replaced.set(axis.id, part);
    });
    k.forEach((axis, dim) => {
      const inner = ks[dim];
      if (inner !== undefined) replaced.set(axis.id, axisValue(inner));
    });
    const panelSize = product(k) * width;
    const index = [
      mul(flatAxes(batch), int(panels * panelSize)),
      mul(add(axisValue(panel), int(first)), int(panelSize)),
      mul(flatAxes(ks), int(width)),
      axisValue(lane),
    ].reduce(add, int(place));
    const kernel: LoopKernel = {
      kind: "loops",
      name: `${name}, packed`,
      axes: [...batch, panel, ...ks, lane],
      body: [{ kind: "store", buffer, index: canonical(index), value: replaceAxes(value, replaced) }],
    };
    phases.push(...emitLoops(kernel, context).phases);
  };
  pack(0, full, width);
  pack(full, panels - full, extent - full * width);
  return phases;
}

const product = (axes: readonly Axis[]): number => axes.reduce((total, axis) => total * axis.extent, 1);

/** The expression with axes replaced, indices in canonical form. */
export function replaceAxes(value: Scalar, by: ReadonlyMap<number, Scalar>): Scalar {
  const done = new Map<Scalar, Scalar>();
  const replace = (scalar: Scalar): Scalar =>
    rewrite(
      scalar,
      (part) => {
        if (part.kind === "axis") return by.get(part.axis.id);
        return part.kind === "load" ? { ...part, index: canonical(replace(part.index)) } : undefined;
      },
      done,
    );
  return replace(value);
}

/** Pushes the address of element 0 of a buffer. */
function pushBase(f: FunctionBuilder, context: EmitContext, id: number): void {
  const { placement } = context.buffer(id);
  if (placement.kind === "argument") f.get(tableParam).memory("i32.load", 4 * placement.slot);
  else f.i32(context.arenaBase + placement.byteOffset);
}

const bytes = byteSize("float32");

/** Copies one panel of which `filled` of `width` entries exist; the others are zero. */
function packPanel(f: FunctionBuilder, packing: Packing, source: number, target: number, filled: number): void {
  const { matrix, k, width } = packing;
  const [from, to, end] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(source).set(from).get(target).set(to);
  const whole = filled === width && width % 4 === 0;
  if (whole && matrix.outerStride === 1) copyRows(f, from, to, end, k, matrix.kStride, width);
  else if (whole && matrix.kStride === 1) transposeRows(f, from, to, end, k, matrix.outerStride, width);
  else gatherRows(f, from, to, end, k, matrix, width, filled);
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
  const whole = Math.floor(k / step);
  const parts = [
    { count: step, times: whole },
    { count: 1, times: k - whole * step },
  ];
  for (const { count, times } of parts) {
    if (times === 0) continue;
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
  const rows = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
  alongK(f, to, end, k, width, 4, (count) => {
    for (let group = 0; group < width; group += 4) {
      if (count === 1) {
        for (let lane = 0; lane < 4; lane++) {
          f.get(to);
          pushRow(f, from, (group + lane) * outerStride * bytes);
          f.memory("i32.load").memory("i32.store", (group + lane) * bytes);
        }
        continue;
      }
      rows.forEach((row, lane) => {
        pushRow(f, from, (group + lane) * outerStride * bytes);
        f.memory("v128.load").set(row);
      });
      transpose(f, rows);
      rows.forEach((row, lane) => {
        f.get(to)
          .get(row)
          .memory("v128.store", (lane * width + group) * bytes);
      });
    }
    advance(f, from, count * bytes);
    advance(f, to, count * width * bytes);
  });
  for (const local of rows) f.release(local);
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
          f.memory("i32.load");
        } else f.i32(0);
        f.memory("i32.store", (row * width + lane) * bytes);
      }
      advance(f, from, matrix.kStride * bytes);
    }
    advance(f, to, count * width * bytes);
  });
}
