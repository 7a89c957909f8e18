// bfloat16 products with float32 sums: each lane takes two neighbours along k at once, on CPUs with an instruction for it.
import type { ContractionKernel } from "../../../compiler/kernel.ts";
import { bitcast, localValue, newLocal, type Scalar } from "../../../graph/scalar.ts";
import { extentOf } from "../../analysis/steps.ts";
import { inWords, type NarrowSide, type WordProduct, type WordRoom } from "../../contraction/words.ts";
import type { EmitContext } from "../emitter.ts";
import { needLanes } from "../lanes.ts";
import { storedOperandOf } from "./elements.ts";

/** Products with fewer rows or columns, or shorter sums, do not repay the cost of forming words. */
const fewestResults = 16;
const shortestSum = 16;

/** A bfloat16 side, as bits. */
function bitsOf(value: Scalar): NarrowSide | undefined {
  const operand = storedOperandOf(value);
  return operand?.dtype === "bfloat16" ? { operand, dtype: "uint16" } : undefined;
}

/**
 * The product over words of two bfloat16, or undefined. The planner and the packing treat it as int32; its results are the bits of
 * float32 sums.
 */
export function inPairs(kernel: ContractionKernel, { target }: EmitContext, room: WordRoom): WordProduct | undefined {
  if (!target.bfloat16Products || kernel.dtype !== "float32") return undefined;
  if (Math.min(extentOf(kernel.m), extentOf(kernel.n)) < fewestResults || extentOf(kernel.k) < shortestSum)
    return undefined;
  const bits = newLocal("int32");
  const value = bitcast(localValue(bits), "float32");
  const epilogue = [{ kind: "let", local: kernel.result, value } as const, ...kernel.epilogue];
  return inWords({ ...kernel, dtype: "int32", result: bits, epilogue }, room, bitsOf);
}

/** The name of `sums + two products of bfloat16 in each lane`, all as bits. Subnormals (below 2⁻¹²⁶) count as zero. */
export function needPairsDot(context: EmitContext, lanes: number): string {
  const name = `pairsDot${lanes}`;
  needLanes(context, lanes);
  context.helper(name, () => {
    const bits = 32 * lanes;
    const F = bits === 128 ? "__m128" : `__m${bits}`;
    const p = bits === 128 ? "_mm" : `_mm${bits}`;
    return `/* sums += two products of bfloat16 in each lane, as bits */
static inline I${lanes} ${name}(I${lanes} sums, I${lanes} a, I${lanes} b) {
  return (I${lanes})${p}_dpbf16_ps((${F})sums, (${F}bh)a, (${F}bh)b);
}
`;
  });
  return name;
}
