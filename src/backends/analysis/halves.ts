// Recognises numbers that are converted from 16-bit floats: their bits, which backends may read in their own way.
import type { HalfDType } from "../../graph/dtype.ts";
import { valueOfBits } from "../../graph/halves.ts";
import type { Scalar } from "../../graph/scalar.ts";
import { ValueTable } from "./values.ts";

export interface Half {
  readonly dtype: HalfDType;
  /** An int32. */
  readonly bits: Scalar;
}

/** The 16-bit float that `valueOfBits` converted to this value. */
export function halfOf(value: Scalar): Half | undefined {
  const half = likelyHalf(value);
  if (half === undefined) return undefined;
  const values = new ValueTable(() => ({ length: 0, stored: false }));
  return values.of(valueOfBits(half.bits, half.dtype)) === values.of(value) ? half : undefined;
}

/** Taken from the last operation of `valueOfBits`: the shift of a bfloat16, or the sign of a float16. */
function likelyHalf(value: Scalar): Half | undefined {
  if (value.kind !== "bitcast" || value.x.kind !== "binary") return undefined;
  const { fn, a, b: sign } = value.x;
  if (fn === "shl") return { dtype: "bfloat16", bits: a };
  const isSigned = fn === "or" && sign.kind === "binary" && sign.a.kind === "binary";
  return isSigned ? { dtype: "float16", bits: sign.a.a } : undefined;
}
