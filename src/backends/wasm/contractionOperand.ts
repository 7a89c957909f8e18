// Operands of a contraction as matrices in memory: strides read off affine indices, axes that stride together taken as one.
import { InternalError } from "../../graph/errors.ts";
import type { Axis, Scalar } from "../../graph/scalar.ts";

/** A register tile: 4 rows by 8 columns keep 8 sums in V8's 16 vector registers, with room for the factors. */
export const panelRows = 4;
export const panelColumns = 8;

export interface BatchStride {
  readonly extent: number;
  readonly stride: number;
}

/** A batch of matrices in a buffer: element (o, k) of batch b at offset + Σ b·stride + o·outerStride + k·kStride. In elements. */
export interface Matrix {
  readonly buffer: number;
  readonly offset: number;
  /** The batch axes, first outermost. */
  readonly batch: readonly BatchStride[];
  readonly outerStride: number;
  readonly kStride: number;
}

/** The value of an affine index at given counters (0 where none is given). */
function evaluate(index: Scalar, at: ReadonlyMap<number, number>): number {
  switch (index.kind) {
    case "const":
      return index.value;
    case "axis":
      return at.get(index.axis.id) ?? 0;
    case "binary": {
      const [a, b] = [evaluate(index.a, at), evaluate(index.b, at)];
      if (index.fn === "add") return a + b;
      if (index.fn === "sub") return a - b;
      if (index.fn === "mul") return a * b;
      break;
    }
    default:
      break;
  }
  throw new InternalError(`an affine index holds ${index.kind}`);
}

const isPlain = (index: Scalar): boolean =>
  index.kind === "const" ||
  index.kind === "axis" ||
  (index.kind === "binary" && ["add", "sub", "mul"].includes(index.fn) && isPlain(index.a) && isPlain(index.b));

/** Strides along groups of axes: those of the first group one by one, those of the second and third as one each; and the offset. */
export function stridesAlong(
  index: Scalar,
  [batch, outer, k]: readonly [readonly Axis[], readonly Axis[], readonly Axis[]],
): readonly [readonly BatchStride[], number, number, number] | undefined {
  if (!isPlain(index)) return undefined;
  const offset = evaluate(index, new Map());
  const strideOf = (axis: Axis): number => evaluate(index, new Map([[axis.id, 1]])) - offset;
  const outerStride = joined(outer, strideOf);
  const kStride = joined(k, strideOf);
  if (outerStride === undefined || kStride === undefined) return undefined;
  return [
    batch.map((axis) => ({ extent: axis.extent, stride: axis.extent === 1 ? 0 : strideOf(axis) })),
    outerStride,
    kStride,
    offset,
  ];
}

/** The one stride of axes that step evenly through memory together; undefined when they do not. */
function joined(axes: readonly Axis[], strideOf: (axis: Axis) => number): number | undefined {
  let inner: { stride: number; span: number } | undefined;
  for (let place = axes.length - 1; place >= 0; place--) {
    const axis = axes[place] as Axis;
    if (axis.extent === 1) continue;
    const stride = strideOf(axis);
    if (inner !== undefined && stride !== inner.span) return undefined;
    inner = { stride: inner?.stride ?? stride, span: stride * axis.extent };
  }
  return inner?.stride ?? 0;
}
