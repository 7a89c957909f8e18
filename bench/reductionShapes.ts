// The cases of bench/reductions.ts: sums in every direction, of every size.

export interface Reduction {
  readonly id: string;
  readonly of:
    | "sum"
    | "variance"
    | "tanh"
    | "softmax"
    | "layerNorm"
    | "batchNorm"
    | "layerNorm slopes"
    | "batchNorm slopes";
  readonly shape: readonly number[];
  readonly dims: readonly number[];
}

const reduction = (of: Reduction["of"], shape: readonly number[], dims: readonly number[]): Reduction => ({
  id: `${of}-${shape.join("x")}-${dims.join("")}`,
  of,
  shape,
  dims,
});

const sums: readonly (readonly [shape: readonly number[], dims: readonly number[]])[] = [
  ...[1e3, 1e4, 1e5, 1e6, 1e7].map((n) => [[n], [0]] as const),
  // The last dim.
  [[32, 32], [1]],
  [[64, 784], [1]],
  [[1024, 128], [1]],
  [[64, 16384], [1]],
  [[4, 1e6], [1]],
  [[1e5, 10], [1]],
  // The first, as in the gradient of a bias.
  [[32, 32], [0]],
  [[64, 128], [0]],
  [[64, 2048], [0]],
  [[1024, 128], [0]],
  [[4096, 512], [0]],
  [[16384, 64], [0]],
  [[16384, 100], [0]],
  [[1e6, 10], [0]],
  [[1e5, 3], [0]],
  // Middle dims, and several.
  [[16, 64, 32], [1]],
  [[64, 1024, 64], [1]],
  [
    [64, 16, 28, 28],
    [0, 2, 3],
  ],
  [
    [16, 128, 7, 7],
    [0, 2, 3],
  ],
  [
    [128, 3, 64, 64],
    [0, 2, 3],
  ],
  [
    [64, 5000, 5],
    [0, 2],
  ],
  [
    [100, 100, 100],
    [0, 1],
  ],
  [
    [100, 100, 100],
    [0, 1, 2],
  ],
];

export const reductions: readonly Reduction[] = [
  ...sums.map(([shape, dims]) => reduction("sum", shape, dims)),
  ...sums
    .filter((_, i) => i % 3 === 0)
    .flatMap(([shape, dims]) => [reduction("variance", shape, dims), reduction("tanh", shape, dims)]),
  ...(["", " slopes"] as const).flatMap((what) => [
    reduction(`layerNorm${what}`, [1024, 128], [1]),
    reduction(`layerNorm${what}`, [512, 768], [1]),
    reduction(`layerNorm${what}`, [100_000, 10], [1]),
    reduction(`batchNorm${what}`, [64, 256], [0]),
    reduction(`batchNorm${what}`, [32, 32, 28, 28], [0, 2, 3]),
    reduction(`batchNorm${what}`, [64, 128, 7, 7], [0, 2, 3]),
  ]),
  reduction("softmax", [1024, 1000], [1]),
  reduction("softmax", [1000, 1024], [0]),
];
