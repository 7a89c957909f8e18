// Contractions: normalised, then multiplied tile by tile, with the epilogue applied to each tile.
import { flatAxes } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../graph/scalar.ts";
import {
  asLoops,
  axesIn,
  contiguity,
  eachScalar,
  type Group,
  hasFloat64,
  isContiguousAlong,
  joined,
  mergedGroup,
  mergeStatements,
  replaceAxes,
} from "../analysis/contraction.ts";
import { along, type Operand, operandOf, type Stride } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { hasWindows } from "../analysis/windows.ts";
import type { LaneDim } from "./contractionEpilogue.ts";
import { nanosecondsPerPacked, packExpression, packMatrix, panelElements } from "./contractionPacking.ts";
import { type Blocking, blockingOf, emitTiles, type Side, type TileType } from "./contractionTile.ts";
import type { EmitContext, KernelCode, Phase } from "./emitter.ts";
import { emitLoops } from "./loops.ts";

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  const { dtype } = kernel;
  const points = extentOf([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
  if (points === 0 || dtype === "uint8" || dtype === "bool") return emitLoops(asLoops(kernel), context);
  // As in depthwise convolutions: a row alone is no tile.
  if (Math.min(extentOf(kernel.m), extentOf(kernel.n)) === 1) {
    const loops = asLoops(kernel);
    if (hasWindows(loops)) return emitLoops(loops, context);
  }
  const contraction = new Contraction(context, dtype);
  return { phases: contraction.emit(kernel) };
}

/** Sums longer than this with few results are cut into parts, which threads can share. */
const longestSum = 2048;
const fewTiles = 512;
const partLength = 768;
/** More rows or columns of padding than this share, and the epilogue runs apart from the tiles. */
const mostPadding = 1.3;

const nanosecondsPerProduct = 1 / 27;
/** With lanes along k, by the rows of a tile. */
const nanosecondsPerDot = 1 / 14;
/** Stores that are not contiguous along the lanes, by element. */
const nanosecondsPerElement = 1.5;
const nanosecondsPerTurned = 0.05;
/** Columns are read where they are if all of them fit the first cache, or if few rows ask for them. */
const directElements = 8192;
const directRows = 8;
/** Rows are read where they are if so many steps of k touch different cache lines, or fewer. */
const scatteredDepth = 96;
const longestDirect = 4096;

const alignment = 64;
const heavyFunctions: ReadonlySet<string> = new Set([
  "exp",
  "expm1",
  "log",
  "log1p",
  "sin",
  "cos",
  "tan",
  "atan",
  "tanh",
  "sigmoid",
  "erf",
  "pow",
  "atan2",
]);
const mostWrittenOut = 12;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** One side of the product. */
interface Factor {
  readonly value: Scalar;
  readonly operand: Operand;
  /** The axes it keeps: one after merging in the epilogue, these where it is read. */
  readonly outer: readonly Axis[];
}

interface Plan {
  readonly left: Factor;
  readonly right: Factor;
  readonly height: number;
  readonly width: number;
  readonly lanes: LaneDim;
  readonly packLeft: boolean;
  readonly packRight: boolean;
  /** See `Tiling`. */
  readonly dots: boolean;
  readonly cost: number;
  readonly rows: Axis;
  readonly columns: Axis;
}

class Contraction {
  private readonly context: EmitContext;
  private readonly dtype: TileType;
  private readonly bytes: number;
  /** Bytes of shared scratch given out so far. */
  private used = 0;

  constructor(context: EmitContext, dtype: TileType) {
    this.context = context;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
  }

  emit(kernel: ContractionKernel): Phase[] {
    const phases: Phase[] = [];
    const a = this.linear(kernel, kernel.a, kernel.m, phases);
    const b = this.linear(kernel, kernel.b, kernel.n, phases);
    phases.push(...this.multiply({ ...kernel, a, b }));
    this.context.needShared(this.used);
    return phases;
  }

  private multiply(kernel: ContractionKernel): Phase[] {
    const parts = partsOf(kernel);
    if (parts !== undefined) return this.inParts(kernel, parts.axis, parts.count);
    const m = mergedGroup(kernel.m, kernel.epilogue);
    const n = mergedGroup(kernel.n, kernel.epilogue);
    const padding = (group: Group, size: number): number => roundUp(group.merged.extent, size) / group.merged.extent;
    const fragmented = (group: Group): boolean => group.outer.length > 0 && padding(group, 4) > mostPadding;
    if (fragmented(m) || fragmented(n)) return this.epilogueApart(kernel);
    return this.tiles(kernel, m, n);
  }

  /** A place in the shared scratch, in elements of the kernel's dtype. */
  private reserve(elements: number): number {
    const place = this.used / this.bytes;
    this.used += roundUp(elements * this.bytes, alignment);
    return place;
  }

  // ---- into plain form

  /** The operand as a load with a linear index: what is anything else is written out first. */
  private linear(kernel: ContractionKernel, value: Scalar, outer: readonly Axis[], phases: Phase[]): Scalar {
    if (value.dtype === this.dtype && operandOf(value) !== undefined) return value;
    const used = axesIn(value);
    const kept = (axes: readonly Axis[]): Axis[] => axes.filter((axis) => used.has(axis.id));
    const [batch, own, k] = [kept(kernel.batch), kept(outer), kept(kernel.k)];
    const outerLast = isContiguousAlong(value, own.at(-1)) || !isContiguousAlong(value, k.at(-1));
    const axes = outerLast ? [...batch, ...k, ...own] : [...batch, ...own, ...k];
    const place = this.reserve(extentOf(axes));
    const index = add(flatAxes(axes), int(place));
    const buffer = this.context.sharedBuffer(this.dtype);
    const body: Statement[] = [{ kind: "store", buffer, index, value }];
    const loops: LoopKernel = { kind: "loops", name: `${kernel.name}, operand`, axes, body };
    phases.push(...emitLoops(loops, this.context).phases);
    return load(buffer, index, this.dtype);
  }

  /** Sums over parts of an axis first, then of the parts. */
  private inParts(kernel: ContractionKernel, axis: Axis, count: number): Phase[] {
    const { context } = this;
    const [part, within] = [newAxis(count), newAxis(axis.extent / count)];
    const by = new Map([[axis.id, add(mul(axisValue(part), int(within.extent)), axisValue(within))]]);
    const results = [...kernel.batch, ...kernel.m, ...kernel.n];
    const place = this.reserve(count * extentOf(results));
    const buffer = context.sharedBuffer(this.dtype);
    const index = (at: Axis): Scalar =>
      add(add(mul(axisValue(at), int(extentOf(results))), flatAxes(results)), int(place));
    const partial = newLocal(kernel.dtype);
    const phases = this.multiply({
      ...kernel,
      batch: [part, ...kernel.batch],
      k: kernel.k.map((other) => (other === axis ? within : other)),
      a: replaceAxes(kernel.a, by),
      b: replaceAxes(kernel.b, by),
      result: partial,
      epilogue: [{ kind: "store", buffer, index: index(part), value: localValue(partial) }],
    });
    const from = newAxis(count);
    const sum: Statement = {
      kind: "reduce",
      local: kernel.result,
      combine: "sum",
      axes: [from],
      value: load(buffer, index(from), this.dtype),
      parts: true,
    };
    const loops: LoopKernel = {
      kind: "loops",
      name: `${kernel.name}, sum of parts`,
      axes: results,
      body: [sum, ...kernel.epilogue],
    };
    return [...phases, ...emitLoops(loops, context).phases];
  }

  /** The results are written out, and the epilogue is a loop over them. */
  private epilogueApart(kernel: ContractionKernel): Phase[] {
    const { context } = this;
    const results = [...kernel.batch, ...kernel.m, ...kernel.n];
    const place = this.reserve(extentOf(results));
    const buffer = context.sharedBuffer(this.dtype);
    const index = add(flatAxes(results), int(place));
    const whole = newLocal(kernel.dtype);
    const phases = this.multiply({
      ...kernel,
      result: whole,
      epilogue: [{ kind: "store", buffer, index, value: localValue(whole) }],
    });
    const read: Statement = { kind: "let", local: kernel.result, value: load(buffer, index, this.dtype) };
    const loops: LoopKernel = {
      kind: "loops",
      name: `${kernel.name}, epilogue`,
      axes: results,
      body: [read, ...kernel.epilogue],
    };
    return [...phases, ...emitLoops(loops, context).phases];
  }

  // ---- tiles

  private tiles(kernel: ContractionKernel, m: Group, n: Group): Phase[] {
    const { context } = this;
    const batch = [...kernel.batch, ...m.outer, ...n.outer].filter((axis) => axis.extent !== 1);
    const epilogue = mergeStatements(kernel.epilogue, [m, n]);
    const [a, b] = [operandOf(kernel.a), operandOf(kernel.b)];
    if (a === undefined || b === undefined) return emitLoops(asLoops(kernel), context).phases as Phase[];
    const left: Factor = { value: kernel.a, operand: a, outer: m.inner };
    const right: Factor = { value: kernel.b, operand: b, outer: n.inner };
    const plans = [
      this.plan(kernel, batch, epilogue, left, right, m.merged, n.merged),
      this.plan(kernel, batch, epilogue, right, left, n.merged, m.merged),
    ];
    const plan = plans.reduce((best, other) => (other.cost < best.cost ? other : best));
    const even = (packed: boolean, { operand }: Factor): boolean => packed || along(operand, kernel.k).length <= 1;
    const blocking = blockingOf(extentOf(kernel.k), even(plan.packLeft, plan.left) && even(plan.packRight, plan.right));
    const phases: Phase[] = [];
    const leftSide = this.side(kernel, batch, plan.left, plan.packLeft ? plan.height : undefined, blocking, phases);
    const rightSide = this.side(kernel, batch, plan.right, plan.packRight ? plan.width : undefined, blocking, phases);
    const tiles = emitTiles(context, {
      name: kernel.name,
      dtype: this.dtype,
      batch,
      left: leftSide.side,
      right: rightSide.side,
      k: joined(kernel.k, leftSide.strideOf, rightSide.strideOf),
      blocking,
      height: plan.height,
      width: plan.width,
      dots: plan.dots,
      epilogue: {
        statements: epilogue,
        result: kernel.result,
        rows: plan.rows,
        columns: plan.columns,
        lanes: plan.lanes,
        writtenOut: isLight(epilogue),
      },
    });
    return [...phases, tiles];
  }

  /** What it would cost with these rows and columns. */
  private plan(
    kernel: ContractionKernel,
    batch: readonly Axis[],
    epilogue: readonly Statement[],
    left: Factor,
    right: Factor,
    rows: Axis,
    columns: Axis,
  ): Plan {
    const lanes = 16 / this.bytes;
    const k = extentOf(kernel.k);
    const rightSteps = along(right.operand, right.outer);
    const contiguous = rightSteps.length === 0 || (rightSteps.length === 1 && rightSteps[0]?.stride === 1);
    const few = rows.extent <= directRows;
    const dots =
      few && rightSteps.length === 1 && !contiguous && this.alongK(kernel, left) && this.alongK(kernel, right);
    const packRight = (!dots && !contiguous) || (!few && k * columns.extent > directElements);
    const [height, width] = dots ? [Math.min(rows.extent, 2), 4] : this.tileSize(rows.extent, columns.extent);
    const packLeft = !dots && columns.extent > 2 * width && this.isScattered(kernel, left, k);
    const depends = ({ operand }: Factor): number => extentOf(batch.filter((axis) => operand.strideOf(axis) !== 0));
    const products = extentOf(batch) * roundUp(rows.extent, height) * roundUp(columns.extent, lanes) * k;
    let cost = products * (dots ? nanosecondsPerDot / height : nanosecondsPerProduct);
    if (packRight) cost += depends(right) * k * roundUp(columns.extent, width) * nanosecondsPerPacked;
    if (packLeft) cost += depends(left) * k * roundUp(rows.extent, height) * nanosecondsPerPacked;
    const results = extentOf(batch) * rows.extent * columns.extent;
    const [alongRows, alongColumns] = [contiguity(epilogue, rows), contiguity(epilogue, columns)];
    let dim: LaneDim = "none";
    if (this.dtype !== "float64" && !hasFloat64(epilogue)) {
      const canRows = height % 4 === 0 && rows.extent >= 4;
      const canColumns = columns.extent >= 4;
      if (canColumns && (alongColumns >= alongRows || !canRows)) dim = "columns";
      else if (canRows) dim = "rows";
    }
    const best = dim === "columns" ? alongColumns : dim === "rows" ? alongRows : 0;
    if (dim === "rows") cost += results * nanosecondsPerTurned;
    cost += results * (1 - best) * nanosecondsPerElement;
    return { left, right, height, width, lanes: dim, packLeft, packRight, dots, cost, rows, columns };
  }

  /** Whether k is one run of neighbours in memory, and rows or columns step forwards evenly. */
  private alongK(kernel: ContractionKernel, { operand, outer }: Factor): boolean {
    const [steps, outerSteps] = [along(operand, kernel.k), along(operand, outer)];
    return (
      this.bytes === 4 &&
      steps.length === 1 &&
      steps[0]?.stride === 1 &&
      outerSteps.length <= 1 &&
      (outerSteps[0]?.stride ?? 0) >= 0
    );
  }

  /** Sums, and the factors of one k, fill the 16 registers that V8 has: eight vectors of sums, six of few rows. */
  private tileSize(rows: number, columns: number): readonly [number, number] {
    const lanes = 16 / this.bytes;
    const height = Math.min(rows, 4);
    const vectors = height === 1 ? 6 : height === 2 ? 4 : 2;
    return [height, Math.min(vectors, Math.ceil(columns / lanes)) * lanes];
  }

  /** Whether reading rows where they are would touch a cache line for each step of a long k, or needs too many pointers. */
  private isScattered(kernel: ContractionKernel, { operand }: Factor, k: number): boolean {
    const steps = along(operand, kernel.k);
    if (steps.length > 1 && k > longestDirect) return true;
    return k > scatteredDepth && Math.abs(steps.at(-1)?.stride ?? 0) > 1;
  }

  /** An operand where the tiles read it, and its strides along k. */
  private side(
    kernel: ContractionKernel,
    batch: readonly Axis[],
    factor: Factor,
    pack: number | undefined,
    blocking: Blocking,
    phases: Phase[],
  ): { readonly side: Side; readonly strideOf: (axis: Axis) => number } {
    const { operand, outer, value } = factor;
    if (pack === undefined) {
      const side: Side = {
        buffer: operand.buffer,
        offset: operand.offset,
        batch: batch.map((axis) => operand.strideOf(axis)),
        outer: along(operand, outer),
        block: blocking.depth * (along(operand, kernel.k)[0]?.stride ?? 0),
      };
      return { side, strideOf: (axis) => operand.strideOf(axis) };
    }
    const { context, dtype } = this;
    const used = batch.filter((axis) => operand.strideOf(axis) !== 0);
    const k = extentOf(kernel.k);
    const panels = Math.ceil(extentOf(outer) / pack);
    const { depth, blocks } = blocking;
    const size = panelElements({ width: pack, panels, depth, blocks });
    const place = this.reserve(extentOf(used) * size);
    const layout = { width: pack, panels, depth, blocks, place };
    const [outerSteps, kSteps] = [along(operand, outer), along(operand, kernel.k)];
    if (this.bytes === 4 && outerSteps.length <= 1 && kSteps.length <= 1) {
      const matrix = {
        buffer: operand.buffer,
        offset: operand.offset,
        batch: used.map((axis): Stride => ({ extent: axis.extent, stride: operand.strideOf(axis) })),
        outerStride: outerSteps[0]?.stride ?? 0,
        kStride: kSteps[0]?.stride ?? 0,
      };
      phases.push(packMatrix(context, { name: kernel.name, matrix, outer: extentOf(outer), k, layout }));
    } else {
      phases.push(
        ...packExpression(context, {
          name: kernel.name,
          value,
          batch: used,
          outer,
          k: kernel.k,
          layout,
          dtype,
        }),
      );
    }
    const strides = new Map<number, number>();
    let stride = size;
    for (const axis of [...used].reverse()) {
      strides.set(axis.id, stride);
      stride *= axis.extent;
    }
    stride = pack;
    for (const axis of [...kernel.k].reverse()) {
      strides.set(axis.id, stride);
      stride *= axis.extent;
    }
    const strideOf = (axis: Axis): number => strides.get(axis.id) ?? 0;
    const side: Side = {
      buffer: context.sharedBuffer(dtype),
      offset: place,
      batch: batch.map(strideOf),
      outer: [
        { extent: panels, stride: depth * pack },
        { extent: pack, stride: 1 },
      ],
      block: panels * depth * pack,
    };
    return { side, strideOf };
  }
}

/** The axis of k to cut and into how many parts, where there are few results and the sums are long. */
function partsOf(kernel: ContractionKernel): { readonly axis: Axis; readonly count: number } | undefined {
  const k = extentOf(kernel.k);
  const tiles = extentOf(kernel.batch) * Math.ceil(extentOf(kernel.m) / 4) * Math.ceil(extentOf(kernel.n) / 8);
  if (k < longestSum || tiles > fewTiles) return undefined;
  const target = k / partLength;
  let best: { axis: Axis; count: number } | undefined;
  const distance = (count: number): number => Math.abs(Math.log(count / target));
  for (const axis of kernel.k) {
    for (let count = 2; count <= axis.extent; count++) {
      if (axis.extent % count !== 0) continue;
      if (best === undefined || distance(count) < distance(best.count)) best = { axis, count };
    }
    // The outermost axis alone: parts are then apart in memory.
    if (best !== undefined && distance(best.count) < Math.log(2)) break;
  }
  return best !== undefined && distance(best.count) < Math.log(4) ? best : undefined;
}

/** Whether an epilogue is short enough to be written out for each vector of a tile. */
function isLight(statements: readonly Statement[]): boolean {
  let weight = 0;
  eachScalar(statements, (scalar) => {
    if (scalar.dtype === "int32") return;
    if (scalar.kind === "unary" || scalar.kind === "binary")
      weight += heavyFunctions.has(scalar.fn) ? mostWrittenOut : 1;
    else if (scalar.kind === "load" || scalar.kind === "select") weight++;
  });
  return weight <= mostWrittenOut;
}
