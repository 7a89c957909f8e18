// Operands of a contraction as strided memory: takes strides from affine indices and merges contiguous axes.
import type { ElementType, HalfDType } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import type { Axis, Scalar } from "../../graph/scalar.ts";

/** A run of `extent` steps through memory. In elements. */
export interface Stride {
  readonly extent: number;
  readonly stride: number;
}

/** Elements of a buffer at offset + Σ axis · stride. */
export interface Operand {
  readonly buffer: number;
  readonly offset: number;
  /** What memory holds. */
  readonly dtype: ElementType | HalfDType;
  strideOf(axis: Axis): number;
}

/** Whether an index consists only of loop counters and constants; only then `stridesOf` can read it. */
export function isLinear(index: Scalar): boolean {
  switch (index.kind) {
    case "const":
    case "axis":
      return true;
    case "binary": {
      const { fn, a, b } = index;
      const combines = fn === "add" || fn === "sub" || (fn === "mul" && (a.kind === "const" || b.kind === "const"));
      return combines && isLinear(a) && isLinear(b);
    }
    default:
      return false;
  }
}

/** The strides of a linear index, by axis, and its constant. */
export function stridesOf(index: Scalar): { readonly strides: ReadonlyMap<number, number>; readonly offset: number } {
  const strides = new Map<number, number>();
  const visit = (part: Scalar, factor: number): number => {
    switch (part.kind) {
      case "const":
        return factor * part.value;
      case "axis":
        strides.set(part.axis.id, (strides.get(part.axis.id) ?? 0) + factor);
        return 0;
      case "binary":
        if (part.fn === "add") return visit(part.a, factor) + visit(part.b, factor);
        if (part.fn === "sub") return visit(part.a, factor) + visit(part.b, -factor);
        if (part.fn === "mul" && part.b.kind === "const") return visit(part.a, factor * part.b.value);
        if (part.fn === "mul" && part.a.kind === "const") return visit(part.b, factor * part.a.value);
        break;
      default:
        break;
    }
    throw new InternalError(`a linear index holds ${part.kind}`);
  };
  const offset = visit(index, 1);
  return { strides, offset };
}

/** The operand that a plain load with a linear index is; `dtype`: what its elements stand for. */
export function operandOf(value: Scalar, dtype: Operand["dtype"] = value.dtype): Operand | undefined {
  if (value.kind !== "load" || !isLinear(value.index)) return undefined;
  const { strides, offset } = stridesOf(value.index);
  return { buffer: value.buffer, offset, dtype, strideOf: ({ id }) => strides.get(id) ?? 0 };
}

/** The steps along axes, the first outermost; neighbours that step evenly together are joined. */
export function along(operand: Operand, axes: readonly Axis[]): Stride[] {
  const steps: Stride[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const stride = operand.strideOf(axis);
    const outer = steps.at(-1);
    if (outer !== undefined && outer.stride === stride * axis.extent) {
      steps[steps.length - 1] = { extent: outer.extent * axis.extent, stride };
    } else steps.push({ extent: axis.extent, stride });
  }
  return steps;
}

/** All offsets of the steps, the first step outermost. */
export function tableOf(steps: readonly Stride[]): number[] {
  let offsets = [0];
  for (const { extent, stride } of steps) {
    offsets = offsets.flatMap((offset) => Array.from({ length: extent }, (_, i) => offset + i * stride));
  }
  return offsets;
}
