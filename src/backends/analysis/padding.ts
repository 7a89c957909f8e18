// Finds which part of a buffer is zero padding, from the kernel that wrote it.
import type { Kernel, Statement } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import type { Axis, Scalar } from "../../graph/scalar.ts";
import { isLinear, type Operand, stridesOf } from "./operand.ts";

/** A dimension of a buffer. Elements whose place in it is not from `first` up to `end` are 0. */
export interface PaddedDim {
  readonly stride: number;
  readonly extent: number;
  readonly first: number;
  readonly end: number;
}

/** The dimensions of a buffer that the kernel pads with zeros, outermost first; undefined if none are known. */
export function paddedDims(kernel: Kernel, buffer: number, length: number): readonly PaddedDim[] | undefined {
  if (kernel.kind !== "loops") return undefined;
  const lets = new Map<number, Scalar>();
  let found: { readonly axes: readonly Axis[]; readonly index: Scalar; readonly value: Scalar } | undefined;
  let stores = 0;
  const walk = (body: readonly Statement[], axes: readonly Axis[]): void => {
    for (const statement of body) {
      if (statement.kind === "let") lets.set(statement.local.id, statement.value);
      else if (statement.kind === "for") walk(statement.body, [...axes, ...statement.axes]);
      else if ("buffer" in statement && statement.buffer === buffer) {
        stores++;
        if (statement.kind === "store" && !statement.accumulate) found = { ...statement, axes };
      }
    }
  };
  walk(kernel.body, kernel.axes);
  if (found === undefined || stores !== 1 || !isLinear(found.index)) return undefined;
  const { strides, offset } = stridesOf(found.index);
  const steps = found.axes
    .filter(({ extent }) => extent > 1)
    .map(({ id, extent }) => ({ id, extent, stride: strides.get(id) ?? 0 }))
    .sort((a, b) => b.stride - a.stride);
  // The whole buffer, each element once.
  let elements = 1;
  for (const { stride, extent } of [...steps].reverse()) {
    if (stride !== elements) return undefined;
    elements *= extent;
  }
  if (offset !== 0 || elements !== length) return undefined;
  const value = found.value.kind === "local" ? lets.get(found.value.local.id) : found.value;
  if (value?.kind !== "select" || value.b.kind !== "const" || value.b.value !== 0) return undefined;
  const bounds = new Map<number, { first: number; end: number }>();
  narrowTo(value.condition, bounds);
  const dims = steps.map(({ id, extent, stride }): PaddedDim => {
    const { first, end } = bounds.get(id) ?? { first: 0, end: extent };
    return { stride, extent, first: Math.max(0, first), end: Math.min(extent, end) };
  });
  return dims.some(({ first, end, extent }) => first > 0 || end < extent) ? dims : undefined;
}

/** Narrows the bounds of single axes by a condition. Its other parts may only add zeros, so they are ignored. */
function narrowTo(condition: Scalar, bounds: Map<number, { first: number; end: number }>): void {
  if (condition.kind !== "binary") return;
  const { fn, a, b } = condition;
  if (fn === "and") {
    narrowTo(a, bounds);
    narrowTo(b, bounds);
    return;
  }
  if (b.kind !== "const" || !isLinear(a)) return;
  const { strides, offset } = stridesOf(a);
  const [only, ...others] = [...strides].filter(([, stride]) => stride !== 0);
  if (only === undefined || others.length > 0 || only[1] !== 1) return;
  const limit = b.value - offset;
  const known = bounds.get(only[0]) ?? { first: 0, end: Number.POSITIVE_INFINITY };
  bounds.set(only[0], known);
  if (fn === "ge" || fn === "gt") known.first = Math.max(known.first, fn === "ge" ? limit : limit + 1);
  if (fn === "lt" || fn === "le") known.end = Math.min(known.end, fn === "lt" ? limit : limit + 1);
}

/** Where a walk through a buffer is in each of its dimensions: an offset `start` and a stride for each axis. */
export interface Walk {
  readonly start: readonly number[];
  stepOf(axis: Axis): readonly number[];
}

/** The walk of an operand along axes; undefined where it does not stay within each dimension. */
export function walkOf(operand: Operand, axes: readonly Axis[], dims: readonly PaddedDim[]): Walk | undefined {
  const split = (distance: number): number[] => {
    let left = distance;
    return dims.map(({ stride }) => {
      const places = Math.floor(left / stride);
      left -= places * stride;
      return places;
    });
  };
  const start = split(operand.offset);
  const steps = new Map<number, readonly number[]>();
  const last = [...start];
  for (const axis of axes) {
    const stride = operand.strideOf(axis);
    if (stride < 0) return undefined;
    const step = split(stride);
    steps.set(axis.id, step);
    step.forEach((places, dim) => {
      last[dim] = at(last, dim) + places * (axis.extent - 1);
    });
  }
  if (operand.offset < 0 || last.some((place, dim) => place >= at(dims, dim).extent)) return undefined;
  const none = dims.map(() => 0);
  return { start, stepOf: (axis) => steps.get(axis.id) ?? none };
}
