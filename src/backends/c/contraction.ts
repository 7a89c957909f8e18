// Writes a contraction as C.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { EmitContext, KernelCode } from "./emitter.ts";
import { emitLoops } from "./loops.ts";
import { asLoops } from "./program.ts";

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  return emitLoops(asLoops(kernel), context);
}
