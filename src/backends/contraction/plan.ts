// The plan of a contraction, in the terms of matrix multiplication: C[m, n] = Σ_k A[m, k] · B[k, n] for each point of the batch.
import type { Axis } from "../../graph/scalar.ts";
import type { Operand } from "../analysis/operand.ts";
import type { Sides } from "./sides.ts";
import type { PaddingSkip } from "./skipPadding.ts";

/** What all plans have: tiles of mr · nr sums, which stay in registers over a block of k. */
export interface Tiling extends Sides {
  /** The merged rows and columns. */
  readonly m: Axis;
  readonly n: Axis;
  readonly mr: number;
  readonly nr: number;
  /** Lanes of a vector. */
  readonly lanes: number;
  /** Which of the two the epilogue's lanes run along; "none": it takes one element at a time. */
  readonly epilogueLanes: "m" | "n" | "none";
  /** Steps of k that a tile sums at once; the last block may be shorter. */
  readonly kc: number;
  /** Estimated cycles of all of it. */
  readonly cycles: number;
}

/** Columns are lanes, and each step of k adds an outer product: elements of a, broadcast, by vectors of b. */
export interface OuterPlan extends Tiling {
  readonly kind: "outer";
  /** Whether a is copied into panels as high as a tile, before all tiles. */
  readonly packA: boolean;
  /** The same for b, as wide as a tile; "inUnit": each unit takes all rows, and packs the columns that it needs while they are in the caches. */
  readonly packB: "no" | "ahead" | "inUnit";
  /** Which products with padding are left out, where a is read in place. */
  readonly skip: PaddingSkip | undefined;
}

/** Lanes run along k, and each sum is taken across them at the end. */
export interface DotPlan extends Tiling {
  readonly kind: "dot";
  readonly operands: readonly [a: Operand, b: Operand];
  /** Steps along k that are neighbours in memory. */
  readonly contiguous: number;
}

/** Columns are lanes, rows are rows of results that read the same vectors of an image. */
export interface WindowPlan extends Tiling {
  readonly kind: "window";
  readonly windows: Windows;
}

/** A window that slides over an image. */
export interface Windows {
  readonly image: Operand;
  readonly weights: Operand;
  readonly row: Axis;
  readonly column: Axis;
  readonly outer: readonly Axis[];
  /** How far into the image and the weights each product lies. */
  readonly products: readonly { readonly at: number; readonly weight: number }[];
}

export type Plan = OuterPlan | DotPlan | WindowPlan;
