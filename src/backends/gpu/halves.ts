// Products of float16 numbers: their operands as bits, which GPUs with float16 support take as they are.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { valueOfBits } from "../../graph/halves.ts";
import { int, type Scalar, select } from "../../graph/scalar.ts";
import { ValueTable } from "../analysis/values.ts";

/** The bits of a float16 value, as an int32. Padding with zeros is preserved. */
export function halfBitsOf(value: Scalar): Scalar | undefined {
  if (value.kind === "const") return value.value === 0 && !Object.is(value.value, -0) ? int(0) : undefined;
  if (value.kind === "select") {
    const [a, b] = [halfBitsOf(value.a), halfBitsOf(value.b)];
    return a && b && select(value.condition, a, b);
  }
  const bits = signedPartOf(value);
  if (bits === undefined) return undefined;
  const values = new ValueTable(() => ({ length: 0, stored: false }));
  return values.of(valueOfBits(bits, "float16")) === values.of(value) ? bits : undefined;
}

/** The bits passed to `valueOfBits`, if it made the value: its last operation takes the sign from them. */
function signedPartOf(value: Scalar): Scalar | undefined {
  if (value.kind !== "bitcast" || value.x.kind !== "binary" || value.x.fn !== "or") return undefined;
  const { b: sign } = value.x;
  return sign.kind === "binary" && sign.a.kind === "binary" ? sign.a.a : undefined;
}

/** The product over the bits of its operands; undefined if one is not float16. */
export function ofHalves(kernel: ContractionKernel): ContractionKernel | undefined {
  if (kernel.dtype !== "float32") return undefined;
  const [a, b] = [halfBitsOf(kernel.a), halfBitsOf(kernel.b)];
  return a && b && { ...kernel, a, b };
}
