// Training: what the worker reports of how a run went on inside, from its first step on.
import type { Landscape } from "./compare.ts";

/** The least value, the 5th, 25th, 50th, 75th and 95th of a hundred, and the largest. */
export const shares = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1] as const;

export const kinds = ["weights", "activations", "gradients"] as const;
export type Kind = (typeof kinds)[number];

/** How values are spread. */
export interface Spread {
  /** At each of `shares`. */
  readonly quantiles: readonly number[];
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export interface FilmLayer extends Readonly<Record<Kind, Spread>> {
  /** Length of the loss's slope in the weights of the layer. */
  readonly gradientNorm: number;
}

export interface FilmFrame {
  readonly step: number;
  readonly loss: number;
  readonly layers: readonly FilmLayer[];
}

/** A run taken again, and looked at on the way. */
export interface Film {
  readonly frames: readonly FilmFrame[];
  /** Rows that slopes and activations are of. */
  readonly rows: number;
  /** The step that it was to reach; the last frame stands before it where that would have taken too long. */
  readonly wanted: number;
  readonly landscape: Landscape;
}

export interface RateSearch {
  readonly rates: readonly number[];
  /** Smoothed losses. */
  readonly losses: readonly number[];
  readonly suggested: number | undefined;
  readonly highest: number | undefined;
}
