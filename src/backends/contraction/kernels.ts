// A contraction as other kernels: as plain loops, split along k, or with a separate epilogue.
import { flatAxes } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../graph/scalar.ts";
import { replaceAxes } from "../analysis/axes.ts";
import { isLinear, stridesOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import type { PartLimits } from "./machine.ts";

/** A contraction as plain loops, in the memory order of the result. */
export function asLoops(kernel: ContractionKernel): LoopKernel {
  const store = kernel.epilogue.find((statement) => statement.kind === "store");
  const strides = store?.kind === "store" && isLinear(store.index) ? stridesOf(store.index).strides : undefined;
  const strideOf = (axis: Axis): number => Math.abs(strides?.get(axis.id) ?? 0);
  const axes = [...kernel.batch, ...kernel.m, ...kernel.n];
  return {
    kind: "loops",
    name: kernel.name,
    axes: strides === undefined ? axes : axes.sort((a, b) => strideOf(b) - strideOf(a)),
    body: [
      {
        kind: "reduce",
        local: kernel.result,
        combine: "sum",
        axes: kernel.k,
        value: binary("mul", kernel.a, kernel.b),
      },
      ...kernel.epilogue,
    ],
  };
}

/** Memory that passes results from one kernel to the next. */
export interface Scratch {
  readonly buffer: number;
  /** Reserves this many elements and returns their offset. */
  reserve(elements: number): number;
}

/** A contraction, and the loops that finish its results in the scratch. */
interface InTwo {
  readonly first: ContractionKernel;
  readonly finish: LoopKernel;
}

export const resultAxes = ({ batch, m, n }: ContractionKernel): readonly Axis[] => [...batch, ...m, ...n];

/** The axis of k to split and the number of parts, if there are few results and the sums are long. */
function partsOf(
  kernel: ContractionKernel,
  limits: PartLimits,
): { readonly axis: Axis; readonly count: number } | undefined {
  const k = extentOf(kernel.k);
  const [rows, columns] = limits.piece;
  const pieces =
    extentOf(kernel.batch) * Math.ceil(extentOf(kernel.m) / rows) * Math.ceil(extentOf(kernel.n) / columns);
  if (k < limits.shortestSum || pieces > limits.mostPieces) return undefined;
  const target = Math.min(limits.most, k / limits.length);
  const distance = (count: number): number => Math.abs(Math.log(count / target));
  let best: { readonly axis: Axis; readonly count: number } | undefined;
  for (const axis of kernel.k) {
    if (axis.extent === 1) continue;
    for (let count = 2; count <= Math.min(axis.extent, limits.most); count++) {
      if (axis.extent % count !== 0) continue;
      if (best === undefined || distance(count) < distance(best.count)) best = { axis, count };
    }
    if (limits.outermost || (best !== undefined && distance(best.count) < Math.log(2))) break;
  }
  const farthest = limits.tolerance === undefined ? distance(1) : Math.log(limits.tolerance);
  return best !== undefined && distance(best.count) < farthest ? best : undefined;
}

/** Sums over parts of an axis of k, then sums of the parts; undefined if the sums are short or many. */
export function inParts(kernel: ContractionKernel, limits: PartLimits, scratch: Scratch): InTwo | undefined {
  const parts = partsOf(kernel, limits);
  if (parts === undefined) return undefined;
  const { axis, count } = parts;
  const [part, within, from] = [newAxis(count), newAxis(axis.extent / count), newAxis(count)];
  const by = new Map([[axis.id, add(mul(axisValue(part), int(within.extent)), axisValue(within))]]);
  const results = resultAxes(kernel);
  const place = scratch.reserve(count * extentOf(results));
  const index = (at: Axis): Scalar =>
    add(add(mul(axisValue(at), int(extentOf(results))), flatAxes(results)), int(place));
  const sum: Statement = {
    kind: "reduce",
    local: kernel.result,
    combine: "sum",
    axes: [from],
    value: load(scratch.buffer, index(from), kernel.dtype),
    parts: true,
  };
  return {
    first: {
      ...intoScratch(kernel, scratch, index(part)),
      batch: [part, ...kernel.batch],
      k: kernel.k.map((other) => (other === axis ? within : other)),
      a: replaceAxes(kernel.a, by),
      b: replaceAxes(kernel.b, by),
    },
    finish: finishing(kernel, "sum of parts", sum),
  };
}

/** Writes out the results, with the epilogue as a loop over them. */
export function epilogueApart(kernel: ContractionKernel, scratch: Scratch): InTwo {
  const results = resultAxes(kernel);
  const index = add(flatAxes(results), int(scratch.reserve(extentOf(results))));
  const value = load(scratch.buffer, index, kernel.dtype);
  const read: Statement = { kind: "let", local: kernel.result, value };
  return { first: intoScratch(kernel, scratch, index), finish: finishing(kernel, "epilogue", read) };
}

/** The contraction, storing its results at an index of the scratch. */
function intoScratch(kernel: ContractionKernel, { buffer }: Scratch, index: Scalar): ContractionKernel {
  const result = newLocal(kernel.dtype);
  return { ...kernel, result, epilogue: [{ kind: "store", buffer, index, value: localValue(result) }] };
}

const finishing = (kernel: ContractionKernel, what: string, result: Statement): LoopKernel => ({
  kind: "loops",
  name: `${kernel.name}, ${what}`,
  axes: resultAxes(kernel),
  body: [result, ...kernel.epilogue],
});
