// Contractions: operands are packed into panels, multiplied tile by tile, and the epilogue runs over the result.

import { flatAxes, isAffine, rewrite } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { type Axis, add, axisValue, int, load, localValue, mul, newLocal, type Scalar } from "../../graph/scalar.ts";
import { type Matrix, panelColumns, panelRows, stridesAlong } from "./contractionOperand.ts";
import { emitPacking } from "./contractionPacking.ts";
import { emitTiles } from "./contractionTile.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import { asLoops } from "./program.ts";
import { extentOf } from "./steps.ts";

/** Below this many products, packing costs more than it saves. */
const smallestPacked = 24_000;
const floatBytes = 4;
const alignment = 16;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  const [batch, m, n, k] = [kernel.batch, kernel.m, kernel.n, kernel.k].map(extentOf) as [
    number,
    number,
    number,
    number,
  ];
  if (kernel.dtype !== "float32" || batch * m * n * k < smallestPacked || k < 3 || (m < 3 && n < 8))
    return emitLoops(asLoops(kernel), context);
  return new Contraction(kernel, context).emit();
}

/** One side of the product, with the axes it keeps. */
interface Side {
  readonly value: Scalar;
  readonly outer: readonly Axis[];
  readonly width: number;
}

class Contraction {
  private readonly kernel: ContractionKernel;
  private readonly context: EmitContext;
  /** Floats of shared scratch given out so far. */
  private used = 0;

  constructor(kernel: ContractionKernel, context: EmitContext) {
    this.kernel = kernel;
    this.context = context;
  }

  emit(): KernelCode {
    const { kernel } = this;
    const [batch, m, n, k] = [kernel.batch, kernel.m, kernel.n, kernel.k].map(extentOf) as [
      number,
      number,
      number,
      number,
    ];
    // The wider panel goes along the dim that wastes less of it.
    const tiles = (rows: number, columns: number): number => roundUp(rows, panelRows) * roundUp(columns, panelColumns);
    const swapped = tiles(n, m) * 1.25 < tiles(m, n);
    const [rowAxes, columnAxes] = swapped ? [kernel.n, kernel.m] : [kernel.m, kernel.n];
    const rows = swapped ? n : m;
    const columns = swapped ? m : n;
    const depth = roundUp(k, 4);
    const left: Side = { value: swapped ? kernel.b : kernel.a, outer: rowAxes, width: panelRows };
    const right: Side = { value: swapped ? kernel.a : kernel.b, outer: columnAxes, width: panelColumns };
    const phases: Phase[] = [];
    const leftPanels = this.pack(left, rows, depth, phases);
    const rightPanels = this.pack(right, columns, depth, phases);
    const pitch = roundUp(columns, panelColumns);
    const result = this.reserve(batch * roundUp(rows, panelRows) * pitch);
    phases.push(
      emitTiles(this.context, {
        name: kernel.name,
        batch,
        rows,
        columns,
        depth,
        left: leftPanels,
        right: rightPanels,
        result,
        pitch,
      }),
    );
    phases.push(...this.epilogue(result, rowAxes, columnAxes, roundUp(rows, panelRows) * pitch, pitch));
    this.context.needShared(this.used * floatBytes);
    return { phases };
  }

  /** A place in the shared scratch, in floats from its start. */
  private reserve(floats: number): number {
    const place = this.used;
    this.used += roundUp(floats, alignment);
    return place;
  }

  /** Packs one side; returns where its panels begin. */
  private pack(side: Side, outer: number, depth: number, phases: Phase[]): number {
    const { kernel, context } = this;
    const batch = extentOf(kernel.batch);
    const matrix = this.plainMatrix(side) ?? this.unfold(side, phases);
    const place = this.reserve(batch * roundUp(outer, side.width) * depth);
    phases.push(
      emitPacking(context, {
        name: kernel.name,
        matrix,
        batch,
        outer,
        k: extentOf(kernel.k),
        depth,
        width: side.width,
        place,
      }),
    );
    return place;
  }

  /** The operand as a matrix in memory, if it is one: a plain load whose outer and k axes each have one stride. */
  private plainMatrix({ value, outer }: Side): Matrix | undefined {
    if (value.kind !== "load" || value.dtype !== "float32" || !isAffine(value.index)) return undefined;
    const { batch, k } = this.kernel;
    const strides = stridesAlong(value.index, [batch, outer, k]);
    if (strides === undefined) return undefined;
    const [batchStrides, outerStride, kStride] = strides;
    return { buffer: value.buffer, offset: strides[3], batch: batchStrides, outerStride, kStride };
  }

  /** Anything else is written out first as the matrix it stands for, its innermost dim the one that is contiguous in memory. */
  private unfold({ value, outer }: Side, phases: Phase[]): Matrix {
    const { kernel, context } = this;
    const sizes = { batch: extentOf(kernel.batch), outer: extentOf(outer), k: extentOf(kernel.k) };
    const place = this.reserve(sizes.batch * sizes.outer * sizes.k);
    const buffer = context.sharedBuffer("float32");
    const outerLast = isContiguousAlong(value, outer.at(-1)) || !isContiguousAlong(value, kernel.k.at(-1));
    const axes = outerLast ? [...kernel.batch, ...kernel.k, ...outer] : [...kernel.batch, ...outer, ...kernel.k];
    const store: Statement = { kind: "store", buffer, index: add(flatAxes(axes), int(place)), value };
    const loops: LoopKernel = { kind: "loops", name: `${kernel.name}, unfolded`, axes, body: [store] };
    phases.push(...emitLoops(loops, context).phases);
    return {
      buffer,
      offset: place,
      batch: [{ extent: sizes.batch, stride: sizes.outer * sizes.k }],
      outerStride: outerLast ? 1 : sizes.k,
      kStride: outerLast ? sizes.outer : 1,
    };
  }

  /** The epilogue over the finished products, as a loop over the axes of the result. */
  private epilogue(
    result: number,
    rowAxes: readonly Axis[],
    columnAxes: readonly Axis[],
    batchPitch: number,
    pitch: number,
  ): readonly Phase[] {
    const { kernel, context } = this;
    const buffer = context.sharedBuffer("float32");
    const place = add(
      add(mul(flatAxes(kernel.batch), int(batchPitch)), mul(flatAxes(rowAxes), int(pitch))),
      add(flatAxes(columnAxes), int(result)),
    );
    const local = newLocal("float32");
    const named = (value: Scalar): Scalar =>
      rewrite(value, (scalar) =>
        scalar.kind === "local" && scalar.local === kernel.result ? localValue(local) : undefined,
      );
    const body: Statement[] = [
      { kind: "let", local, value: load(buffer, place, "float32") },
      ...kernel.epilogue.map((statement): Statement => {
        if (statement.kind === "let") return { ...statement, value: named(statement.value) };
        return statement.kind === "store"
          ? { ...statement, index: named(statement.index), value: named(statement.value) }
          : statement;
      }),
    ];
    return emitLoops(
      { kind: "loops", name: `${kernel.name}, epilogue`, axes: [...kernel.batch, ...rowAxes, ...columnAxes], body },
      context,
    ).phases;
  }
}

/** Whether neighbours along an axis are neighbours in memory, for the first load of an expression. */
function isContiguousAlong(value: Scalar, axis: Axis | undefined): boolean {
  if (axis === undefined || axis.extent < 2) return false;
  let index: Scalar | undefined;
  const find = (scalar: Scalar): void => {
    if (index !== undefined) return;
    switch (scalar.kind) {
      case "load":
        index = scalar.index;
        break;
      case "unary":
      case "cast":
      case "bitcast":
        find(scalar.x);
        break;
      case "binary":
        find(scalar.a);
        find(scalar.b);
        break;
      case "select":
        find(scalar.a);
        find(scalar.b);
        break;
      default:
        break;
    }
  };
  find(value);
  if (index === undefined) return false;
  const moved = rewrite(index, (scalar) =>
    scalar.kind === "axis" && scalar.axis === axis ? add(axisValue(axis), int(1)) : undefined,
  );
  const strides = stridesAlong(index, [[axis], [], []]);
  return strides !== undefined && moved !== index && strides[0][0]?.stride === 1;
}
