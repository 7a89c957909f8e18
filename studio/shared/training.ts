// Training: the worker's reports on the internals of a run, from its first step on.
import type { Landscape } from "./compare.ts";

/** The minimum, the 5th, 25th, 50th, 75th and 95th percentiles, and the maximum. */
export const shares = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1] as const;

export const kinds = ["weights", "activations", "gradients"] as const;
export type Kind = (typeof kinds)[number];

/** The distribution of values. */
export interface Spread {
  /** At each of `shares`. */
  readonly quantiles: readonly number[];
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export interface FilmLayer extends Readonly<Record<Kind, Spread>> {
  /** The length of the gradient of the layer's weights. */
  readonly gradientNorm: number;
}

export interface FilmFrame {
  readonly step: number;
  readonly loss: number;
  readonly layers: readonly FilmLayer[];
}

/** A repeated run, with frames along the way. */
export interface Film {
  readonly frames: readonly FilmFrame[];
  /** The number of rows for slopes and activations. */
  readonly rows: number;
  /** The requested step; the last frame is earlier if the run would take too long. */
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
