// autocast: matrix products in 16-bit floats, sums and transcendental functions in float32.

import { loweredDType, withPrecision } from "../graph/apply.ts";
import type { HalfDType } from "../graph/dtype.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { refusePromises } from "./results.ts";
import type { Tensor } from "./tensor.ts";

export interface AutocastOptions {
  /** The dtype of matrix products. Default "bfloat16", which has the range of float32. */
  readonly dtype?: HalfDType;
  /** False disables autocast. Default true. */
  readonly enabled?: boolean;
}
const autocastKinds: OptionKinds<AutocastOptions> = { dtype: kind.halfDType, enabled: kind.boolean };

/**
 * Runs `body` with mixed precision: products (matmul, linear, convolutions, attention) take float32 operands as 16-bit floats; sums, means,
 * exponentials, logarithms and their composites (softmax, norms, losses) return float32. Parameters stay float32 and get float32
 * gradients. Call `backward` outside of it. Source: torch.autocast.
 */
export function autocast<T>(body: () => T, options: AutocastOptions = {}): T {
  checkKind("autocast", "the body", body, kind.func());
  const { dtype = "bfloat16", enabled = true } = checkOptions("autocast", options, autocastKinds);
  const result = withPrecision(enabled ? dtype : undefined, body);
  // autocast would already be off after an `await`.
  if (result instanceof Promise) refusePromises("autocast", result);
  return result;
}

/** The operand of a product, in the dtype that autocast gives it. */
export const lowered = (x: Tensor): Tensor => (loweredDType(x.dtype) === x.dtype ? x : x.to(loweredDType(x.dtype)));
