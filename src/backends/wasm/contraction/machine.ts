// The description of WebAssembly for the contraction planner: 16-byte vectors, and the 16 vector registers that V8 uses.
import { operandOf } from "../../analysis/operand.ts";
import { defaultCosts, type Machine } from "../../contraction/machine.ts";

/** Cycles per nanosecond, to convert times measured on WebAssembly. */
const cycles = 1 / defaultCosts.nanosecondsPerCycle;

export const machine: Machine = {
  operandOf,
  vectorBytes: 16,
  transposes: undefined,
  tile: { sums: 8, tallest: [4, 4], widest: 6, even: false },
  dot: { sums: 8, tallest: 2, widest: 4 },
  windowSums: 0,
  kBlocks: { longest: 512, wanted: 256, multiple: 4, uneven: false, dots: true },
  parts: {
    shortestSum: 2048,
    mostPieces: 512,
    piece: [4, 8],
    length: 768,
    most: Number.POSITIVE_INFINITY,
    outermost: false,
    tolerance: 4,
  },
  units: { rows: 64, columns: 32, of: "panels", enough: 16, nanoseconds: 500_000 / 26 },
  inPlace: { kind: "ruled", columnElements: 8192, fewRows: 8, apartSteps: 96, unevenSteps: 4096 },
  longestTable: Number.POSITIVE_INFINITY,
  epilogue: { doubles: false, columns: 4, rows: 4, rowMultiple: 4 },
  mostRowsInUnit: 0,
  firstCacheBytes: 32 * 1024,
  conflictBytes: 4096,
  costs: {
    ...defaultCosts,
    multiplyAdd: (4 / 27) * cycles,
    dotLatency: (4 * 4 * cycles) / 14,
    dotOverhead: 1,
    dotRest: 1,
    copied: 0.3 * cycles,
    transposed: 0.3 * cycles,
    gathered: 0.8 * cycles,
    divided: 0.3 * cycles,
    scattered: 1.5 * cycles,
    turned: 0.05 * cycles,
    // Not measured, and small compared with the rest.
    load: 0,
    latency: 0,
    packedAhead: 0,
    stored: 0,
    tile: 0,
    waiting: 0,
    acrossLanes: 0,
    farApart: 0,
    conflict: 0,
    miss: 0,
  },
};
