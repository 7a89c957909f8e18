// The plan of a contraction, in the terms of matrix multiplication: C[m, n] = Σ_k A[m, k] · B[k, n] for each point of the batch.
import type { Axis } from "../../graph/scalar.ts";
import type { Operand } from "../analysis/operand.ts";
import type { Sides } from "./sides.ts";
import type { PaddingSkip } from "./skipPadding.ts";

/** Common to all plans: tiles of mr · nr sums that stay in registers over a block of k. */
export interface Tiling extends Sides {
  /** The merged rows and columns. */
  readonly m: Axis;
  readonly n: Axis;
  readonly mr: number;
  readonly nr: number;
  /** Lanes per vector. */
  readonly lanes: number;
  /** Which of the two axes the epilogue vectorises; "none": it takes one element at a time. */
  readonly epilogueLanes: "m" | "n" | "none";
  /** Steps of k that a tile sums at once; the last block may be shorter. */
  readonly kc: number;
  /** Estimated total cycles. */
  readonly cycles: number;
}

/** Columns are lanes. Each step of k adds an outer product: broadcast elements of a times vectors of b. */
export interface OuterPlan extends Tiling {
  readonly kind: "outer";
  /** Whether a is packed into panels as high as a tile, ahead of all tiles. */
  readonly packA: boolean;
  /** The same for b, as wide as a tile. "inUnit": each unit takes all rows and packs its columns while they are in the caches. */
  readonly packB: "no" | "ahead" | "inUnit";
  /** The products with padding to skip, if a is read in place. */
  readonly skip: PaddingSkip | undefined;
}

/** Lanes run along k; each sum is reduced across its lanes at the end. */
export interface DotPlan extends Tiling {
  readonly kind: "dot";
  readonly operands: readonly [a: Operand, b: Operand];
  /** Steps along k that are contiguous in memory. */
  readonly contiguous: number;
}

/** Columns are lanes; rows are rows of results that read the same vectors of an image. */
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
  /** The offset of each product in the image and the weights. */
  readonly products: readonly { readonly at: number; readonly weight: number }[];
}

export type Plan = OuterPlan | DotPlan | WindowPlan;
