// The machine description for contraction plans: vectors, registers, caches, and costs.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { PaddedDim } from "../analysis/padding.ts";
import type { Plan } from "./plan.ts";
import type { Reads } from "./sides.ts";

/** The dimensions of a buffer that are padded with zeros, as far as that is known. */
export type PaddingOf = (buffer: number) => readonly PaddedDim[] | undefined;

/** Sums in registers. */
export interface TileLimits {
  /** Vectors of sums that leave room for the factors of one step of k. */
  readonly sums: number;
  /** Rows of a tile that is one vector wide, and of a wider one. */
  readonly tallest: readonly [one: number, wider: number];
  /** Vectors in a row of a tile of few rows. */
  readonly widest: number;
  /** Whether tiles share rows and columns evenly; otherwise all but the last are as large as they can be. */
  readonly even: boolean;
}

/** Where sums over k are interrupted, so that what a tile reads stays in the caches. */
export interface KBlocks {
  /** Sums of no more steps are not interrupted. */
  readonly longest: number;
  readonly wanted: number;
  /** A block is a multiple of so many steps. */
  readonly multiple: number;
  /** Whether sums whose steps are not even can be interrupted too, and those with lanes along k. */
  readonly uneven: boolean;
  readonly dots: boolean;
}

/** Which long sums of few results are cut into parts, for threads to share and to be accurate. */
export interface PartLimits {
  readonly shortestSum: number;
  /** Results, in pieces of so many rows and columns, that are units enough. */
  readonly mostPieces: number;
  readonly piece: readonly [rows: number, columns: number];
  readonly length: number;
  readonly most: number;
  /** Whether only the outermost axis of k is cut: parts are then apart in memory. */
  readonly outermost: boolean;
  /** The count of parts may differ from the wanted one by this factor; by default a cut has to come closer to it than none. */
  readonly tolerance: number | undefined;
}

/** The block of tiles that is one unit of work. */
export interface UnitLimits {
  readonly rows: number;
  readonly columns: number;
  /** What these count. */
  readonly of: "elements" | "panels";
  /** No more units than this are made by cutting blocks. */
  readonly enough: number;
  /** A unit of less estimated time is not cut. */
  readonly nanoseconds: number;
}

/**
 * How it is decided which operands are read in place. "estimated": all ways are estimated. "ruled": those that a rule names, because tiles
 * read any rows in place, at a price that no estimate has been made of.
 */
type InPlaceRule =
  | {
      readonly kind: "estimated";
      readonly plans: (kernel: ContractionKernel, machine: Machine, paddingOf: PaddingOf) => readonly Plan[];
    }
  | {
      readonly kind: "ruled";
      /** Contiguous columns of no more elements, or for no more rows. */
      readonly columnElements: number;
      readonly fewRows: number;
      /** Rows of no more steps of k that are apart in memory, or at no more uneven places. */
      readonly apartSteps: number;
      readonly unevenSteps: number;
    };

/** How the epilogue's vectors run over a tile. */
interface EpilogueLimits {
  /** Whether float64 values can be lanes. */
  readonly doubles: boolean;
  /** Fewer columns, or rows, are not lanes; rows only in tiles whose height is a multiple of this. */
  readonly columns: number;
  readonly rows: number;
  readonly rowMultiple: number;
}

/** Estimated cycles. One Zen 4 core is the default. */
interface Costs {
  readonly nanosecondsPerCycle: number;
  /** A product of vectors, added to a sum; loading a vector; and a step of k at least, where sums are few and wait for themselves. */
  readonly multiplyAdd: number;
  readonly load: number;
  readonly latency: number;
  /** Converting what was loaded, where memory holds another type than the product's. */
  readonly converted: number;
  /** The same with lanes along k; what such a step costs beside, and more where the last lanes are not full, as factors. */
  readonly dotLatency: number;
  readonly dotOverhead: number;
  readonly dotRest: number;
  /** Packing one element: copied in order, transposed, gathered, gathered from a place that is divided out first. */
  readonly copied: number;
  readonly transposed: number;
  readonly gathered: number;
  readonly divided: number;
  /** The same for what is packed before all tiles: written to memory, and read again. */
  readonly packedAhead: number;
  /** Storing one element: in vectors, one by one, and what turning a tile adds. */
  readonly stored: number;
  readonly scattered: number;
  readonly turned: number;
  /** Entering one tile, and its epilogue; and a vector of sums that waits in memory for the next block of k. */
  readonly tile: number;
  readonly waiting: number;
  /** The sum across the lanes of one vector. */
  readonly acrossLanes: number;
  /** An element of rows in place that are far apart. */
  readonly farApart: number;
  /** A cache line that others have evicted because they lie in the same set, and one that does not fit the first cache. */
  readonly conflict: number;
  readonly miss: number;
  /** A load that crosses cache lines, and entering a tile of windows. */
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
  /** Whether packing transposes squares of this many elements in registers; undefined: it does not. */
  readonly transposes: number | undefined;
  readonly tile: TileLimits;
  /** Sums of a tile with lanes along k, its rows and columns. */
  readonly dot: { readonly sums: number; readonly tallest: number; readonly widest: number };
  /** Sums of a tile of windows. */
  readonly windowSums: number;
  readonly kBlocks: KBlocks;
  readonly parts: PartLimits;
  readonly units: UnitLimits;
  readonly inPlace: InPlaceRule;
  /** Longer tables of offsets, as of the steps along k, are not worth their memory. */
  readonly longestTable: number;
  readonly epilogue: EpilogueLimits;
  /** Up to this many rows, a unit may take all of them and pack its columns by itself; 0: never. */
  readonly mostRowsInUnit: number;
  readonly firstCacheBytes: number;
  /** Addresses so far apart lie in one set of the first cache. */
  readonly conflictBytes: number;
  readonly costs: Costs;
}
