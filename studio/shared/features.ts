// Inputs computed from the two of the plane: squares, the product, sines.
import * as say from "../texts/en/names.ts";

export const featureNames = ["xx", "yy", "xy", "sinx", "siny"] as const;
export type FeatureName = (typeof featureNames)[number];

interface Feature {
  readonly title: string;
  /** The code in terms of x and y. */
  readonly code: string;
  readonly of: (x: number, y: number) => number;
}

export const features: Readonly<Record<FeatureName, Feature>> = {
  xx: { title: "x₁²", code: "x * x", of: (x) => x * x },
  yy: { title: "x₂²", code: "y * y", of: (_, y) => y * y },
  xy: { title: "x₁x₂", code: "x * y", of: (x, y) => x * y },
  sinx: { title: say.sinX, code: "Math.sin(Math.PI * x)", of: (x) => Math.sin(Math.PI * x) },
  siny: { title: say.sinX2, code: "Math.sin(Math.PI * y)", of: (_, y) => Math.sin(Math.PI * y) },
};

/** Rows [x, y] with the computed inputs: [x, y, …]. */
export function derived(rows: ArrayLike<number>, names: readonly FeatureName[]): Float32Array {
  const width = 2 + names.length;
  const all = new Float32Array((rows.length / 2) * width);
  for (let row = 0; row < rows.length / 2; row++) {
    const [x, y] = [rows[2 * row] ?? 0, rows[2 * row + 1] ?? 0];
    all.set([x, y, ...names.map((name) => features[name].of(x, y))], row * width);
  }
  return all;
}
