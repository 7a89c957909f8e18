// Products of one- or two-byte numbers: neighbours along k form 32-bit words, and one instruction sums the products of a word. Integer
// sums are int32 and wrap, so they are exact in any order.
import { flatAxes } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel } from "../../compiler/kernel.ts";
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  cast,
  int,
  load,
  mul,
  newAxis,
  type Scalar,
  select,
} from "../../graph/scalar.ts";
import { type Operand, operandOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { roundUp } from "./tile.ts";

/** How words are formed, and the memory for those that are not already in memory. */
export interface WordRoom {
  /** Neighbours along k per word. */
  readonly count: 2 | 4;
  /** Reserves this many words and returns their offset. */
  reserve(words: number): number;
  /** The reserved memory as a buffer of a type. */
  bufferOf(dtype: ElementType): number;
  /** The memory of a buffer as words, if tiles can read it that way. */
  wordsOf?(buffer: number): number;
}

/** An int32 product of words, and the loops that form the words first. */
export interface WordProduct {
  readonly kernel: ContractionKernel;
  readonly copies: readonly LoopKernel[];
}

/** Padding to whole words may lengthen a side by this factor; beyond it, words do not pay. */
const mostFilling = 2;

type NarrowType = "int8" | "uint8" | "int16" | "uint16";

/** A side in memory whose elements are converted to int32. uint16 stands for the bits of floats. */
export interface NarrowSide {
  readonly operand: Operand;
  readonly dtype: NarrowType;
}

/** A plain load of one- or two-byte integers, converted to int32. */
function narrowSideOf(value: Scalar): NarrowSide | undefined {
  if (value.kind !== "cast" || value.dtype !== "int32") return undefined;
  const { dtype } = value.x;
  if (dtype !== "int8" && dtype !== "uint8" && dtype !== "int16") return undefined;
  const operand = operandOf(value.x);
  return operand && { operand, dtype };
}

/** Undefined if a side is not narrow memory, or has uneven steps. */
export function inWords(kernel: ContractionKernel, room: WordRoom, sideOf = narrowSideOf): WordProduct | undefined {
  const [a, b] = [sideOf(kernel.a), sideOf(kernel.b)];
  if (a === undefined || b === undefined) return undefined;
  const axis = axisOfWords(kernel, [a.operand, b.operand], room.count);
  if (axis === undefined) return undefined;
  const words: WordAxis = { axis, by: newAxis(Math.ceil(axis.extent / room.count)) };
  const [left, right] = [wordsOf(kernel, a, words, room), wordsOf(kernel, b, words, room)];
  if (left === undefined || right === undefined) return undefined;
  const k = kernel.k.map((other) => (other === axis ? words.by : other));
  return {
    kernel: { ...kernel, a: left.value, b: right.value, k },
    copies: [left.copy, right.copy].filter((copy) => copy !== undefined),
  };
}

/** The axis of k whose neighbours form words, and the axis of the words. */
interface WordAxis {
  readonly axis: Axis;
  readonly by: Axis;
}

/** The axis with the least padding. Among equal ones, one that is contiguous on both sides is preferred, then the outermost. */
function axisOfWords({ k }: ContractionKernel, operands: readonly Operand[], count: number): Axis | undefined {
  const filling = ({ extent }: Axis): number => roundUp(extent, count) / extent;
  const isRun = (axis: Axis): boolean =>
    filling(axis) === 1 && operands.every((operand) => operand.strideOf(axis) === 1);
  const [best] = k
    .filter(({ extent }) => extent > 1)
    .sort((one, other) => filling(one) - filling(other) || Number(isRun(other)) - Number(isRun(one)));
  return best !== undefined && filling(best) <= mostFilling ? best : undefined;
}

/** The memory that axes reach, in steps of `step` elements. */
interface Dim {
  readonly step: number;
  extent: number;
  readonly axes: Axis[];
}

/** The memory that axes reach, as dims that do not overlap, widest step first. A window and its position share one dim. */
function dimsOf(operand: Operand, axes: readonly Axis[]): Dim[] | undefined {
  const dims: Dim[] = [];
  for (const axis of axes.toSorted((one, other) => operand.strideOf(one) - operand.strideOf(other))) {
    const { extent } = axis;
    const stride = operand.strideOf(axis);
    if (stride < 0) return undefined;
    if (stride === 0) continue;
    const [inner] = dims;
    if (inner === undefined || stride >= inner.step * inner.extent)
      dims.unshift({ step: stride, extent, axes: [axis] });
    else if (stride % inner.step === 0) {
      inner.extent += (extent - 1) * (stride / inner.step);
      inner.axes.push(axis);
    } else return undefined;
  }
  return dims;
}

/** A side as a load of words, and the loops that form them if they are not already in memory. */
interface WordSide {
  readonly value: Scalar;
  readonly copy?: LoopKernel;
}

function wordsOf(
  kernel: ContractionKernel,
  { operand, dtype }: NarrowSide,
  { axis, by }: WordAxis,
  room: WordRoom,
): WordSide | undefined {
  const { count } = room;
  const others = [...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k].filter((other) => other !== axis);
  const dims = dimsOf(operand, others);
  if (dims === undefined) return undefined;
  const apart = operand.strideOf(axis);
  const isRun = apart === 1 && axis.extent % count === 0;
  const memory = byteSize(dtype) * count === 4 ? room.wordsOf?.(operand.buffer) : undefined;
  if (
    isRun &&
    memory !== undefined &&
    [operand.offset, ...dims.map(({ step }) => step)].every((at) => at % count === 0)
  ) {
    const steps = others.map((other): Step => [other, operand.strideOf(other) / count]);
    return { value: load(memory, placeOf([...steps, [by, 1]], operand.offset / count), "int32") };
  }
  // Words of contiguous neighbours stay in the same order. Others take the position of their first element among the dims.
  const before = isRun ? -1 : dims.findIndex(({ step }) => step < apart);
  const place = before < 0 ? dims.length : before;
  const spread = dims.map(({ extent }) => newAxis(extent));
  const axes = spread.toSpliced(place, 0, by);
  const first = room.reserve(extentOf(axes));
  const strideAt = (dim: number): number => extentOf(axes.slice(dim + 1));
  const to = dims.flatMap((dim, at) =>
    dim.axes.map((other): Step => [other, (operand.strideOf(other) / dim.step) * strideAt(at < place ? at : at + 1)]),
  );
  const value = load(room.bufferOf("int32"), placeOf([...to, [by, strideAt(place)]], first), "int32");
  const from = dims.map(({ step }, at): Step => [spread[at] ?? by, step]);
  const element = (k: Step, part = 0): Scalar =>
    load(operand.buffer, placeOf([...from, k], operand.offset + part * apart), dtype);
  const name = `${kernel.name}, words`;
  if (isRun) {
    const within = newAxis(axis.extent);
    const stored = count === 4 || dtype === "uint16" ? dtype : "int16";
    const all = [...spread, within];
    const index = add(flatAxes(all), int(first * count));
    const body = [
      { kind: "store", buffer: room.bufferOf(stored), index, value: cast(element([within, 1]), stored) } as const,
    ];
    return { value, copy: { kind: "loops", name, axes: all, body } };
  }
  const parts = Array.from({ length: Math.min(count, axis.extent) }, (_, part): Scalar => {
    const number = cast(element([by, count * apart], part), "int32");
    if ((by.extent - 1) * count + part < axis.extent) return partOfWord(number, dtype, part, count);
    // The last word is padded with zeros.
    const step = add(mul(axisValue(by), int(count)), int(part));
    return partOfWord(select(binary("lt", step, int(axis.extent)), number, int(0)), dtype, part, count);
  });
  const word = parts.reduce((sum, part) => binary("or", sum, part));
  const body = [
    { kind: "store", buffer: room.bufferOf("int32"), index: add(flatAxes(axes), int(first)), value: word } as const,
  ];
  return { value, copy: { kind: "loops", name, axes, body } };
}

/** The bits of a number at its position in a word. */
function partOfWord(number: Scalar, dtype: NarrowType, part: number, count: number): Scalar {
  const bits = 32 / count;
  // The bits above the last part are shifted out, and unsigned numbers have none.
  const own =
    part === count - 1 || dtype === "uint8" || dtype === "uint16" ? number : binary("and", number, int(2 ** bits - 1));
  return part === 0 ? own : binary("shl", own, int(bits * part));
}

type Step = readonly [axis: Axis, step: number];

const placeOf = (steps: readonly Step[], first: number): Scalar =>
  steps.reduce((sum, [axis, step]) => add(sum, mul(axisValue(axis), int(step))), int(first));
