// The machine description for contraction plans: vectors, registers, caches, and costs.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { PaddedDim } from "../analysis/padding.ts";
import type { Plan } from "./plan.ts";
import type { Reads } from "./sides.ts";

/** The dimensions along which a buffer is padded with zeros, if known. */
export type PaddingOf = (buffer: number) => readonly PaddedDim[] | undefined;

/** Limits of a tile of sums in registers. */
export interface TileLimits {
  /** Vectors of sums. They leave room for the factors of one step of k. */
  readonly sums: number;
  /** Maximum rows of a tile one vector wide, and of a wider one. */
  readonly tallest: readonly [one: number, wider: number];
  /** Maximum vectors per row of a tile with few rows. */
  readonly widest: number;
  /** Whether tiles share rows and columns evenly; otherwise all but the last are as large as possible. */
  readonly even: boolean;
}

/** How sums over k are split into blocks, so that the inputs of a tile stay in the caches. */
export interface KBlocks {
  /** Longer sums are split into blocks. */
  readonly longest: number;
  readonly wanted: number;
  /** The steps of a block are a multiple of this. */
  readonly multiple: number;
  /** Whether sums with uneven steps can be split too, and those with lanes along k. */
  readonly uneven: boolean;
  readonly dots: boolean;
}

/** Which long sums of few results are split into parts, for parallelism and accuracy. */
export interface PartLimits {
  readonly shortestSum: number;
  /** Products with more results than this, counted in pieces of rows × columns, have enough units without a split. */
  readonly mostPieces: number;
  readonly piece: readonly [rows: number, columns: number];
  readonly length: number;
  readonly most: number;
  /** Whether only the outermost axis of k is split: the parts are then separate in memory. */
  readonly outermost: boolean;
  /** The largest factor between the wanted and the actual number of parts; by default a split must be closer to it than no split. */
  readonly tolerance: number | undefined;
}

/** The block of tiles in one work unit. */
export interface UnitLimits {
  readonly rows: number;
  readonly columns: number;
  /** The unit of these counts. */
  readonly of: "elements" | "panels";
  /** Blocks are not cut into more units than this. */
  readonly enough: number;
  /** Units with less estimated time are not cut. */
  readonly nanoseconds: number;
}

/**
 * How to decide which operands to read in place. "estimated": estimates every combination. "ruled": uses the combinations of a rule, for
 * tiles that can read any rows in place at a cost that is not modelled.
 */
type InPlaceRule =
  | {
      readonly kind: "estimated";
      readonly plans: (kernel: ContractionKernel, machine: Machine, paddingOf: PaddingOf) => readonly Plan[];
    }
  | {
      readonly kind: "ruled";
      /** Most elements of contiguous columns to read in place, unless there are few rows. */
      readonly columnElements: number;
      readonly fewRows: number;
      /** Most steps of k of rows to read in place, if they are apart in memory, or unevenly spaced. */
      readonly apartSteps: number;
      readonly unevenSteps: number;
    };

/** Limits on the vectors of an epilogue. */
interface EpilogueLimits {
  /** Whether float64 values can be vectorised. */
  readonly doubles: boolean;
  /** Minimum columns, or rows, to use them as lanes; rows only in tiles with a height that is a multiple of `rowMultiple`. */
  readonly columns: number;
  readonly rows: number;
  readonly rowMultiple: number;
}

/** Estimated cycles; the defaults are for one Zen 4 core. */
interface Costs {
  readonly nanosecondsPerCycle: number;
  /** A multiply-add of vectors; loading a vector; and the minimum per step of k, for tiles with so few sums that latency dominates. */
  readonly multiplyAdd: number;
  readonly load: number;
  readonly latency: number;
  /** Converting a loaded vector, if its type in memory differs from the product's. */
  readonly converted: number;
  /** The latency with lanes along k; and as factors, the overhead per step, and the cost of partially filled last lanes. */
  readonly dotLatency: number;
  readonly dotOverhead: number;
  readonly dotRest: number;
  /** Packing one element: copied in order, transposed, gathered, or gathered from an index that needs divisions. */
  readonly copied: number;
  readonly transposed: number;
  readonly gathered: number;
  readonly divided: number;
  /** Extra cost of packing ahead of all tiles: the panels go through memory. */
  readonly packedAhead: number;
  /** Storing one element: in vectors, or one by one; and the extra cost of transposing a tile. */
  readonly stored: number;
  readonly scattered: number;
  readonly turned: number;
  /** Entering one tile, with its epilogue; and one vector of sums held in memory until the next block of k. */
  readonly tile: number;
  readonly waiting: number;
  /** Summing the lanes of one vector. */
  readonly acrossLanes: number;
  /** One element of rows that are far apart and read in place. */
  readonly farApart: number;
  /** A cache line evicted by a set conflict, and one that does not fit the L1 cache. */
  readonly conflict: number;
  readonly miss: number;
  /** A load across cache lines, and entering a tile of windows. */
  readonly unalignedLoad: number;
  readonly windowTile: number;
}

export const defaultCosts: Costs = {
  nanosecondsPerCycle: 0.27,
  multiplyAdd: 0.5,
  load: 0.5,
  latency: 4,
  converted: 0.5,
  dotLatency: 4,
  dotOverhead: 1.15,
  dotRest: 1.15,
  copied: 0.2,
  transposed: 0.45,
  gathered: 1.6,
  divided: 4.8,
  packedAhead: 0.2,
  stored: 0.25,
  scattered: 1.6,
  turned: 0.6,
  tile: 30,
  waiting: 1,
  acrossLanes: 5,
  farApart: 0.12,
  conflict: 2.5,
  miss: 1.5,
  unalignedLoad: 2,
  windowTile: 40,
};

export interface Machine extends Reads {
  readonly vectorBytes: number;
  /** Size of the squares that packing transposes in registers; undefined: it transposes none. */
  readonly transposes: number | undefined;
  readonly tile: TileLimits;
  /** Maximum sums of a tile with lanes along k, and its rows and columns. */
  readonly dot: { readonly sums: number; readonly tallest: number; readonly widest: number };
  /** Maximum sums of a tile of windows. */
  readonly windowSums: number;
  readonly kBlocks: KBlocks;
  readonly parts: PartLimits;
  readonly units: UnitLimits;
  readonly inPlace: InPlaceRule;
  /** Longest table of offsets, for example of the steps along k, that is worth its memory. */
  readonly longestTable: number;
  readonly epilogue: EpilogueLimits;
  /** Maximum rows for a unit that takes all rows and packs its own columns; 0: never. */
  readonly mostRowsInUnit: number;
  readonly firstCacheBytes: number;
  /** Addresses this far apart share a set of the L1 cache. */
  readonly conflictBytes: number;
  readonly costs: Costs;
}
