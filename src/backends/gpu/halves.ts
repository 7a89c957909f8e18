// Products of float16 numbers: their operands as bits, which GPUs with float16 support take as they are.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import { int, type Scalar, select } from "../../graph/scalar.ts";
import { halfOf } from "../analysis/halves.ts";

/** The bits of a float16 value, as an int32. Padding with zeros is preserved. */
function halfBitsOf(value: Scalar): Scalar | undefined {
  if (value.kind === "const") return value.value === 0 && !Object.is(value.value, -0) ? int(0) : undefined;
  if (value.kind === "select") {
    const [a, b] = [halfBitsOf(value.a), halfBitsOf(value.b)];
    return a && b && select(value.condition, a, b);
  }
  const half = halfOf(value);
  return half?.dtype === "float16" ? half.bits : undefined;
}

/** The product over the bits of its operands; undefined if one is not float16. */
export function ofHalves(kernel: ContractionKernel): ContractionKernel | undefined {
  if (kernel.dtype !== "float32") return undefined;
  const [a, b] = [halfBitsOf(kernel.a), halfBitsOf(kernel.b)];
  return a && b && { ...kernel, a, b };
}
