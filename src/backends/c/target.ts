// The vector capabilities of the processor that the emitted C depends on.
import { byteSize, type ElementType } from "../../graph/dtype.ts";

export type VectorSet = "avx512" | "avx2" | "neon" | "portable";

export interface Target {
  readonly vectors: VectorSet;
  /** Bytes of one vector register. */
  readonly vectorBytes: number;
  /** Vector registers. */
  readonly registers: number;
  /** Whether one instruction multiplies and adds with a single rounding. */
  readonly fusedMultiplyAdd: boolean;
  /** Whether one instruction adds two bfloat16 products to each float32. */
  readonly bfloat16Products: boolean;
}

export const targets: Readonly<Record<VectorSet, Target>> = {
  avx512: { vectors: "avx512", vectorBytes: 64, registers: 32, fusedMultiplyAdd: true, bfloat16Products: false },
  avx2: { vectors: "avx2", vectorBytes: 32, registers: 16, fusedMultiplyAdd: true, bfloat16Products: false },
  neon: { vectors: "neon", vectorBytes: 16, registers: 32, fusedMultiplyAdd: true, bfloat16Products: false },
  portable: { vectors: "portable", vectorBytes: 16, registers: 16, fusedMultiplyAdd: false, bfloat16Products: false },
};

/** The target of a compiler with these predefined macros. */
export function targetOf(macros: ReadonlySet<string>): Target {
  const has = (...names: string[]): boolean => names.every((name) => macros.has(name));
  if (has("__AVX512F__", "__AVX512DQ__", "__AVX512VL__", "__AVX512BW__"))
    return { ...targets.avx512, bfloat16Products: has("__AVX512BF16__") };
  if (has("__AVX2__", "__FMA__")) return targets.avx2;
  if (has("__ARM_NEON", "__aarch64__")) return targets.neon;
  return targets.portable;
}

/** Lanes of a full vector. */
export const vectorLanes = (dtype: ElementType, { vectorBytes }: Target): number => vectorBytes / byteSize(dtype);
