// Contractions and untuned networks: the cases of bench/contractions.ts, as data that every peer can read.

export type Layout = "nn" | "tn" | "nt" | "tt";
/** Sums of int8 are int32, those of floats of 16 bits float32. */
export type ProductType = "float32" | "bfloat16" | "float16" | "int8";
export type ConvPart = "forward" | "input gradient" | "weight gradient";

/** One layer of a network; the names and the order of the numbers are PyTorch's. */
export type Layer =
  | readonly [kind: "linear", inputs: number, outputs: number]
  | readonly [kind: "relu" | "tanh" | "gelu" | "flatten" | "last" | "meanTime"]
  | readonly [kind: "norm" | "batchNorm1d" | "batchNorm2d", size: number]
  | readonly [kind: "maxPool", size: number]
  | readonly [
      kind: "conv1d" | "conv2d",
      inputs: number,
      outputs: number,
      kernel: number,
      stride: number,
      padding: number,
      groups: number,
    ]
  | readonly [kind: "rnn" | "lstm" | "gru", inputs: number, hidden: number]
  | readonly [kind: "encoder", width: number, heads: number, feedForward: number];

interface Named {
  readonly id: string;
  readonly title: string;
}

/** op(a) · op(b): [m, k] · [k, n], each stored transposed where the layout has a t; a batch of `batch` products. */
export interface Product extends Named {
  readonly kind: "product";
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly layout: Layout;
  readonly dtype: ProductType;
}

/** A 2-d convolution without bias of x [N, C, H, W] with w [O, C / groups, KH, KW], or one of its gradients. */
export interface Convolution extends Named {
  readonly kind: "conv";
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
  readonly part: ConvPart;
}

/** A training step: forward, cross-entropy, backward, update. */
export interface Network extends Named {
  readonly kind: "network";
  readonly x: readonly number[];
  readonly classes: number;
  readonly layers: readonly Layer[];
  readonly optimizer: "sgd" | "adam" | "adamw";
}

export type Shape = Product | Convolution | Network;

const layouts: Readonly<Record<Layout, string>> = { nn: "a·b", tn: "aᵀ·b", nt: "a·bᵀ", tt: "aᵀ·bᵀ" };

function product(
  m: number,
  k: number,
  n: number,
  layout: Layout = "nn",
  { batch = 1, dtype = "float32" }: { readonly batch?: number; readonly dtype?: ProductType } = {},
): Product {
  const narrow = dtype === "float32" ? "" : dtype;
  const size = m === k && k === n ? `${m}` : `${m}×${k}×${n}`;
  return {
    kind: "product",
    id: `product-${batch > 1 ? `${batch}-` : ""}${m}-${k}-${n}-${layout}${narrow && `-${narrow}`}`,
    title: `${batch > 1 ? `${batch} × ` : ""}${size}, ${layouts[layout]}${narrow && `, ${narrow}`}`,
    batch,
    m,
    k,
    n,
    layout,
    dtype,
  };
}

const each = <T, R>(values: readonly T[], make: (value: T) => R): R[] => values.map(make);
const everyLayout: readonly Layout[] = ["nn", "tn", "nt", "tt"];

const products: readonly Product[] = [
  ...[256, 512, 1024, 2048].flatMap((n) => each(["nn", "tn", "nt"] as const, (layout) => product(n, n, n, layout))),
  product(1024, 1024, 1024, "tt"),
  ...each(everyLayout, (layout) => product(127, 127, 127, layout)),
  ...each(everyLayout, (layout) => product(300, 77, 13, layout)),
  ...each(["nn", "nt"] as const, (layout) => product(1, 784, 128, layout)),
  ...each(everyLayout, (layout) => product(64, 3136, 128, layout)),
  ...each(everyLayout, (layout) => product(4096, 64, 64, layout)),
  product(64, 4096, 64, "tn"),
  product(1000, 2, 100),
  product(512, 512, 1),
  product(1, 512, 512),
  product(33, 65, 1023),
  product(1025, 31, 17, "nt"),
  ...each(["nn", "tn", "nt"] as const, (layout) => product(64, 64, 64, layout, { batch: 64 })),
  product(64, 32, 64, "nt", { batch: 64 }),
  product(37, 19, 53, "nn", { batch: 48 }),
  product(8, 8, 8, "nn", { batch: 512 }),
  product(1, 1024, 4096, "nt"),
  product(1, 4096, 4096, "nt"),
  // PyTorch takes half a minute for a large product of float16 without a library for it.
  ...each(["bfloat16", "float16", "int8"] as const, (dtype) => [
    ...each(dtype === "float16" ? [256] : [256, 1024, 2048], (n) => product(n, n, n, "nn", { dtype })),
    product(1, 1024, 4096, "nt", { dtype }),
    product(1, 4096, 4096, "nt", { dtype }),
  ]).flat(),
];

type Sizes = readonly [number, number, number, number];
interface Window {
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

function convolution(name: string, x: Sizes, w: Sizes, window: Window = {}): Convolution[] {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = window;
  return each(["forward", "input gradient", "weight gradient"] as const, (part) => ({
    kind: "conv",
    id: `conv-${name.replaceAll(" ", "-")}-${part.replace(" ", "-")}`,
    title: `${name}, [${x.join(", ")}] ∗ [${w.join(", ")}], ${part}`,
    x,
    w,
    stride,
    padding,
    dilation,
    groups,
    part,
  }));
}

const convolutions: readonly Convolution[] = [
  ...convolution("1×1", [16, 64, 28, 28], [128, 64, 1, 1]),
  ...convolution("3×3", [16, 32, 28, 28], [64, 32, 3, 3], { padding: 1 }),
  ...convolution("3×3 first layer", [64, 1, 28, 28], [16, 1, 3, 3], { padding: 1 }),
  ...convolution("3×3 late layer", [16, 128, 7, 7], [128, 128, 3, 3], { padding: 1 }),
  ...convolution("5×5 stride 2", [16, 16, 32, 32], [32, 16, 5, 5], { stride: 2, padding: 2 }),
  ...convolution("7×7 stride 2", [8, 3, 112, 112], [32, 3, 7, 7], { stride: 2, padding: 3 }),
  ...convolution("depthwise 3×3", [16, 64, 28, 28], [64, 1, 3, 3], { padding: 1, groups: 64 }),
  ...convolution("depthwise 5×5 stride 2", [8, 48, 29, 29], [48, 1, 5, 5], { stride: 2, padding: 2, groups: 48 }),
  ...convolution("grouped 3×3", [16, 64, 14, 14], [64, 16, 3, 3], { padding: 1, groups: 4 }),
  ...convolution("dilated 3×3", [16, 32, 28, 28], [32, 32, 3, 3], { padding: 2, dilation: 2 }),
  ...convolution("odd 3×3", [5, 13, 19, 23], [29, 13, 3, 3], { padding: 1 }),
];

const network = (
  id: string,
  title: string,
  x: readonly number[],
  layers: readonly Layer[],
  { classes, optimizer = "adam" }: { readonly classes: number; readonly optimizer?: Network["optimizer"] },
): Network => ({ kind: "network", id: `net-${id}`, title, x, layers, classes, optimizer });

const block = (inputs: number, outputs: number): Layer[] => [["linear", inputs, outputs], ["norm", outputs], ["gelu"]];

/** Sequences are [time, batch, features]. */
const networks: readonly Network[] = [
  network(
    "odd-mlp",
    "MLP 37→113→59→7, ReLU, SGD, batch 19",
    [19, 37],
    [["linear", 37, 113], ["relu"], ["linear", 113, 59], ["relu"], ["linear", 59, 7]],
    { classes: 7, optimizer: "sgd" },
  ),
  network(
    "deep-mlp",
    "MLP 301→77→77→77→77→13, tanh, Adam, batch 33",
    [33, 301],
    [
      ["linear", 301, 77],
      ["tanh"],
      ...Array.from({ length: 3 }, (): Layer[] => [["linear", 77, 77], ["tanh"]]).flat(),
      ["linear", 77, 13],
    ],
    { classes: 13 },
  ),
  network(
    "tall-mlp",
    "MLP 50→300→300→3, ReLU, AdamW, batch 1000",
    [1000, 50],
    [["linear", 50, 300], ["relu"], ["linear", 300, 300], ["relu"], ["linear", 300, 3]],
    { classes: 3, optimizer: "adamw" },
  ),
  network(
    "lstm",
    "LSTM 20→64 over 50 steps, batch 32, Adam",
    [50, 32, 20],
    [["lstm", 20, 64], ["last"], ["linear", 64, 5]],
    { classes: 5 },
  ),
  network(
    "lstm-odd",
    "two LSTM layers 11→51→51 over 50 steps, batch 7, Adam",
    [50, 7, 11],
    [["lstm", 11, 51], ["lstm", 51, 51], ["last"], ["linear", 51, 4]],
    { classes: 4 },
  ),
  network(
    "gru",
    "GRU 16→48 over 50 steps, batch 16, Adam",
    [50, 16, 16],
    [["gru", 16, 48], ["last"], ["linear", 48, 6]],
    { classes: 6 },
  ),
  network("rnn", "RNN 8→32 over 50 steps, batch 8, SGD", [50, 8, 8], [["rnn", 8, 32], ["last"], ["linear", 32, 3]], {
    classes: 3,
    optimizer: "sgd",
  }),
  network(
    "norm-gelu",
    "six × Linear 96, LayerNorm, GELU; AdamW, batch 50",
    [50, 96],
    [...Array.from({ length: 6 }, () => block(96, 96)).flat(), ["linear", 96, 10]],
    { classes: 10, optimizer: "adamw" },
  ),
  network(
    "norm-gelu-odd",
    "LayerNorm and GELU, 83→171→45→9, AdamW, batch 129",
    [129, 83],
    [...block(83, 171), ...block(171, 45), ["linear", 45, 9]],
    { classes: 9, optimizer: "adamw" },
  ),
  network(
    "strided",
    "strided convolutions 3→24→48→64 on 33×33, Adam, batch 20",
    [20, 3, 33, 33],
    [
      ["conv2d", 3, 24, 3, 2, 1, 1],
      ["relu"],
      ["conv2d", 24, 48, 5, 2, 2, 1],
      ["relu"],
      ["conv2d", 48, 64, 3, 2, 1, 1],
      ["relu"],
      ["flatten"],
      ["linear", 1600, 10],
    ],
    { classes: 10 },
  ),
  network(
    "separable",
    "depthwise and 1×1 convolutions with batch norm on 32×32, Adam, batch 16",
    [16, 3, 32, 32],
    [
      ["conv2d", 3, 32, 3, 2, 1, 1],
      ["batchNorm2d", 32],
      ["relu"],
      ["conv2d", 32, 32, 3, 1, 1, 32],
      ["batchNorm2d", 32],
      ["relu"],
      ["conv2d", 32, 64, 1, 1, 0, 1],
      ["batchNorm2d", 64],
      ["relu"],
      ["conv2d", 64, 64, 3, 2, 1, 64],
      ["batchNorm2d", 64],
      ["relu"],
      ["conv2d", 64, 96, 1, 1, 0, 1],
      ["relu"],
      ["maxPool", 8],
      ["flatten"],
      ["linear", 96, 10],
    ],
    { classes: 10 },
  ),
  network(
    "conv1d",
    "1-d convolutions 6→32→32 over 200 samples, Adam, batch 24",
    [24, 6, 200],
    [
      ["conv1d", 6, 32, 7, 2, 3, 1],
      ["relu"],
      ["conv1d", 32, 32, 5, 2, 2, 1],
      ["relu"],
      ["flatten"],
      ["linear", 1600, 8],
    ],
    { classes: 8 },
  ),
  network(
    "encoder",
    "two transformer encoder layers 60, 3 heads, 37 tokens, AdamW, batch 9",
    [37, 9, 60],
    [["encoder", 60, 3, 120], ["encoder", 60, 3, 120], ["meanTime"], ["linear", 60, 5]],
    { classes: 5, optimizer: "adamw" },
  ),
];

export const shapes: readonly Shape[] = [...products, ...convolutions, ...networks];

/** Additions and multiplications of one call; undefined for a network, which has too many parts. */
export function flopsOf(shape: Shape): number | undefined {
  if (shape.kind === "network") return undefined;
  if (shape.kind === "product") return 2 * shape.batch * shape.m * shape.k * shape.n;
  const { x, w, stride, padding, dilation } = shape;
  const out = (size: number, kernel: number): number =>
    Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  return 2 * x[0] * w[0] * out(x[2], w[2]) * out(x[3], w[3]) * w[1] * w[2] * w[3];
}
