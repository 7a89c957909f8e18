// Writes a contraction as WebAssembly: packs operands if that pays, multiplies tile by tile, and runs the epilogue on each tile.
import { flatAxes, visitScalar } from "../../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../../compiler/kernel.ts";
import { byteSize, type ElementType } from "../../../graph/dtype.ts";
import { type Axis, add, int, load, type Scalar } from "../../../graph/scalar.ts";
import { axesIn } from "../../analysis/axes.ts";
import { isMathFn } from "../../analysis/mathFn.ts";
import { isLinear, operandOf, stridesOf } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import { hasWindows } from "../../analysis/windows.ts";
import { planContraction } from "../../contraction/choose.ts";
import { eachScalar, type Group, mergedGroup } from "../../contraction/groups.ts";
import { asLoops, epilogueApart, inParts, type Scratch } from "../../contraction/kernels.ts";
import type { Plan } from "../../contraction/plan.ts";
import { type Side, usedBatch } from "../../contraction/sides.ts";
import { inPanels, inPlace, layoutElements, Places, type Source } from "../../contraction/sources.ts";
import { roundUp } from "../../contraction/tile.ts";
import { inWords, type WordProduct } from "../../contraction/words.ts";
import type { EmitContext, KernelCode, Phase } from "../emitter.ts";
import { emitLoops } from "../loops.ts";
import { machine } from "./machine.ts";
import { isTileType, type TileType } from "./microKernel.ts";
import { packPhases } from "./pack.ts";
import { emitTiles } from "./tile.ts";

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  const { dtype } = kernel;
  const points = extentOf([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
  if (points === 0 || !isTileType(dtype)) return emitLoops(asLoops(kernel), context);
  // For example depthwise convolutions: a single row does not make a tile.
  if (Math.min(extentOf(kernel.m), extentOf(kernel.n)) === 1) {
    const loops = asLoops(kernel);
    if (hasWindows(loops)) return emitLoops(loops, context);
  }
  return { phases: new Contraction(context, dtype).emit(kernel) };
}

/** If padding grows the rows or columns by more than this factor, the epilogue runs separately from the tiles. */
const mostPadding = 1.3;
/** Most operations of an epilogue that is unrolled for every vector of a tile. */
const mostWrittenOut = 12;

/** Products with fewer rows or columns are not formed into words. */
const fewestForWords = 4;

class Contraction {
  readonly #context: EmitContext;
  readonly #dtype: TileType;
  readonly #places: Places;
  readonly #scratch: Scratch;

  constructor(context: EmitContext, dtype: TileType) {
    this.#context = context;
    this.#dtype = dtype;
    this.#places = new Places(byteSize(dtype));
    const reserve = (elements: number): number => this.#places.reserve(elements);
    this.#scratch = { buffer: context.sharedBuffer(dtype), reserve };
  }

  emit(kernel: ContractionKernel): Phase[] {
    const phases: Phase[] = [];
    const words = this.#words(kernel);
    if (words !== undefined) {
      for (const copy of words.copies) phases.push(...emitLoops(copy, this.#context).phases);
      phases.push(...this.#multiply(words.kernel));
    } else {
      const a = this.#linear(kernel, kernel.a, kernel.m, phases);
      const b = this.#linear(kernel, kernel.b, kernel.n, phases);
      phases.push(...this.#multiply({ ...kernel, a, b }));
    }
    this.#context.needShared(this.#places.bytes);
    return phases;
  }

  /** Words of two 16-bit numbers, if there are enough rows and columns to pay for forming them. */
  #words(kernel: ContractionKernel): WordProduct | undefined {
    if (Math.min(extentOf(kernel.m), extentOf(kernel.n)) < fewestForWords) return undefined;
    const bufferOf = (dtype: ElementType): number => this.#context.sharedBuffer(dtype);
    const words = inWords(kernel, { count: 2, reserve: this.#scratch.reserve, bufferOf });
    this.#areWords = words !== undefined;
    return words;
  }
  #areWords = false;

  #multiply(kernel: ContractionKernel): Phase[] {
    const two =
      inParts(kernel, machine.parts, this.#scratch) ??
      (isFragmented(kernel) ? epilogueApart(kernel, this.#scratch) : undefined);
    if (two === undefined) return this.#tiles(kernel);
    return [...this.#multiply(two.first), ...emitLoops(two.finish, this.#context).phases];
  }

  /** The operand as a load with a linear index; any other expression is written out first. */
  #linear(kernel: ContractionKernel, value: Scalar, outer: readonly Axis[], phases: Phase[]): Scalar {
    if (value.dtype === this.#dtype && operandOf(value) !== undefined) return value;
    const { buffer } = this.#scratch;
    const used = axesIn(value);
    const kept = (axes: readonly Axis[]): Axis[] => axes.filter((axis) => used.has(axis.id));
    const [batch, own, k] = [kept(kernel.batch), kept(outer), kept(kernel.k)];
    const outerLast = isContiguousAlong(value, own.at(-1)) || !isContiguousAlong(value, k.at(-1));
    const axes = outerLast ? [...batch, ...k, ...own] : [...batch, ...own, ...k];
    const index = add(flatAxes(axes), int(this.#places.reserve(extentOf(axes))));
    const body: Statement[] = [{ kind: "store", buffer, index, value }];
    const loops: LoopKernel = { kind: "loops", name: `${kernel.name}, operand`, axes, body };
    phases.push(...emitLoops(loops, this.#context).phases);
    return load(buffer, index, this.#dtype);
  }

  #tiles(kernel: ContractionKernel): Phase[] {
    const plan = planContraction(kernel, machine, () => undefined);
    const phases: Phase[] = [];
    const packs = plan.kind === "outer" ? { a: plan.packA, b: plan.packB !== "no" } : { a: false, b: false };
    const a = this.#source(kernel, plan, plan.a, packs.a ? plan.mr : undefined, phases);
    const b = this.#source(kernel, plan, plan.b, packs.b ? plan.nr : undefined, phases);
    const isWrittenOut = isLight(plan.epilogue);
    phases.push(
      emitTiles(this.#context, { kernel, dtype: this.#dtype, plan, a, b, areWords: this.#areWords, isWrittenOut }),
    );
    return phases;
  }

  /** A side as the tiles read it: packed in panels of a width, or in place. */
  #source(kernel: ContractionKernel, plan: Plan, side: Side, width: number | undefined, phases: Phase[]): Source {
    if (width === undefined) return inPlace(side, kernel, plan.kc);
    const { kc } = plan;
    const count = Math.ceil(side.group.merged.extent / width);
    const blocks = Math.ceil(extentOf(kernel.k) / kc);
    const draft = { width, count, kc, blocks, batch: usedBatch(side, plan.batch) };
    const layout = { ...draft, place: this.#places.reserve(layoutElements(draft)) };
    phases.push(...packPhases(this.#context, { kernel, side, layout }));
    return inPanels(this.#scratch.buffer, layout, kernel.k);
  }
}

/** Whether tiles would be mostly padding, because the epilogue has uneven strides along rows or columns. */
function isFragmented({ m, n, epilogue }: ContractionKernel): boolean {
  const isFragment = ({ outer, merged: { extent } }: Group): boolean =>
    outer.length > 0 && roundUp(extent, 4) / extent > mostPadding;
  return isFragment(mergedGroup(m, epilogue)) || isFragment(mergedGroup(n, epilogue));
}

/** Whether the first load that depends on an axis is contiguous along it. */
function isContiguousAlong(value: Scalar, axis: Axis | undefined): boolean {
  if (axis === undefined || axis.extent < 2) return false;
  let found: number | undefined;
  visitScalar(value, (scalar) => {
    if (found !== undefined || scalar.kind !== "load" || !isLinear(scalar.index)) return;
    found = stridesOf(scalar.index).strides.get(axis.id);
  });
  return found === 1;
}

/** Whether an epilogue is short enough to unroll for each vector of a tile. */
function isLight(statements: readonly Statement[]): boolean {
  let weight = 0;
  eachScalar(statements, (scalar) => {
    if (scalar.dtype === "int32") return;
    if (scalar.kind === "unary" || scalar.kind === "binary") weight += isMathFn(scalar.fn) ? mostWrittenOut : 1;
    else if (scalar.kind === "load" || scalar.kind === "select") weight++;
  });
  return weight <= mostWrittenOut;
}
