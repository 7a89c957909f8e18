// The description of a CPU for the contraction planner, for compiled C.
import { estimatedPlans } from "../../contraction/estimate.ts";
import { defaultCosts, type Machine } from "../../contraction/machine.ts";
import { type Target, targets, type VectorSet } from "../target.ts";
import { storedOperandOf } from "./elements.ts";

function machineOf({ vectorBytes, registers }: Target): Machine {
  const many = registers >= 32;
  const wide = vectorBytes === 64;
  return {
    operandOf: storedOperandOf,
    vectorBytes,
    transposes: wide ? 16 : undefined,
    tile: { sums: many ? 28 : 12, tallest: [24, 14], widest: 8, even: true },
    dot: { sums: many ? 24 : 8, tallest: many ? 4 : 2, widest: Number.POSITIVE_INFINITY },
    windowSums: many ? 24 : 10,
    kBlocks: { longest: 512, wanted: 512, multiple: 1, uneven: true, dots: false },
    parts: {
      shortestSum: 2048,
      mostPieces: 32 * 1024,
      piece: [1, 1],
      length: 2048,
      most: 32,
      outermost: true,
      tolerance: undefined,
    },
    units: { rows: 168, columns: 128, of: "elements", enough: 64, nanoseconds: 4000 },
    inPlace: { kind: "estimated", plans: estimatedPlans },
    longestTable: 8192,
    epilogue: { doubles: true, columns: 0, rows: 8, rowMultiple: 1 },
    mostRowsInUnit: 320,
    firstCacheBytes: 32 * 1024,
    conflictBytes: 4096,
    costs: defaultCosts,
  };
}

export const machines: Readonly<Record<VectorSet, Machine>> = {
  avx512: machineOf(targets.avx512),
  avx2: machineOf(targets.avx2),
  neon: machineOf(targets.neon),
  portable: machineOf(targets.portable),
};
