// The workloads, their peers, and our targets.

export interface Workload {
  /** The peers' name for it. */
  readonly id: string;
  /** W1 … W9, which `--only` selects. */
  readonly group: string;
  readonly title: string;
  /** How to show the seconds of one step: the unit, and the figure. */
  readonly unit: "µs" | "ms" | "GFLOP/s";
  /** A multiply-add counts as two operations; only for matmul. */
  readonly flops?: number;
  readonly peers: readonly PeerName[];
  /** Peers whose first result may differ from ours by more than 1e-4 relative, with the reason. */
  readonly inexact?: string;
}

export type PeerName =
  | "hebb c"
  | "hebb wasm"
  | "hebb wasm (Node 24)"
  | "jax-js"
  | "brain.js"
  | "tfjs-wasm"
  | "onnxruntime-web"
  | "onnxruntime-node"
  | "PyTorch 1.13"
  | "PyTorch 2"
  | "JAX";

/** Our own figures; the first one is compared with the others. */
export const ours: readonly PeerName[] = ["hebb c", "hebb wasm", "hebb wasm (Node 24)"];
const python: readonly PeerName[] = ["PyTorch 1.13", "PyTorch 2"];
const trainers: readonly PeerName[] = [...ours, "jax-js", "tfjs-wasm", ...python, "JAX"];
const everyone: readonly PeerName[] = [...trainers, "onnxruntime-web", "onnxruntime-node"];

const layouts = { nn: "a·b", tn: "aᵀ·b", nt: "a·bᵀ" } as const;
const matmuls: readonly Workload[] = [256, 512, 1024, 2048].flatMap((n) =>
  (["nn", "tn", "nt"] as const).map(
    (layout): Workload => ({
      id: `matmul-${n}-${layout}`,
      group: "W1",
      title: `matmul ${n}, ${layouts[layout]}`,
      unit: "GFLOP/s",
      flops: 2 * n ** 3,
      // tfjs-wasm takes a quarter of a minute for one large transposed product.
      peers: layout !== "nn" && n > 1024 ? everyone.filter((peer) => peer !== "tfjs-wasm") : everyone,
    }),
  ),
);

export const workloads: readonly Workload[] = [
  ...matmuls,
  {
    id: "tiny",
    group: "W2",
    title: "tiny MLP step: 2→8→8→1, tanh, SGD, batch 32",
    unit: "µs",
    peers: [...trainers, "brain.js"],
    inexact: "brain.js updates after every sample, 32 times a step, with squared errors",
  },
  {
    id: "mlp",
    group: "W3",
    title: "MNIST MLP step: 784→128→64→10, ReLU, Adam, batch 64",
    unit: "µs",
    peers: [...trainers, "brain.js"],
  },
  {
    id: "cnn",
    group: "W4",
    title: "small CNN step: conv 16, conv 32, dense 128, Adam, batch 64",
    unit: "ms",
    peers: trainers,
  },
  {
    id: "wide",
    group: "W5",
    title: "wide MLP step: 1024→2048→2048→1000, momentum, batch 256",
    unit: "ms",
    peers: trainers,
  },
  {
    id: "gpt",
    group: "W6",
    title: "small GPT step: 4 layers × 128, context 64, AdamW, batch 16",
    unit: "ms",
    peers: trainers,
  },
  {
    id: "infer-mlp",
    group: "W7",
    title: "inference, batch 1, MNIST MLP",
    unit: "µs",
    peers: [...everyone, "brain.js"],
  },
  { id: "infer-cnn", group: "W7", title: "inference, batch 1, small CNN", unit: "µs", peers: everyone },
  {
    id: "chain",
    group: "W9",
    title: "sum(tanh(1.5x + 0.25) · sigmoid(x)), 4 Mi floats",
    unit: "ms",
    peers: trainers,
    inexact: "jax-js and tfjs-wasm add in one float32 running sum",
  },
];

/** From a fresh process to the end of the first training step. */
export const startups: readonly { readonly id: string; readonly title: string; readonly network: "tiny" | "mlp" }[] = [
  { id: "start-tiny", title: "start to first trained step, tiny MLP", network: "tiny" },
  { id: "start-mlp", title: "start to first trained step, MNIST MLP", network: "mlp" },
];

/** A target: our figure against a peer's in the same run, or against a fixed figure. Ratios above 1 mean that we are faster. */
export interface Target {
  /** The backend of ours that must meet it. */
  readonly own: PeerName;
  readonly workloads: RegExp;
  readonly text: string;
  readonly threads: 1 | 2;
  readonly against:
    | { readonly kind: "peer"; readonly peers: readonly PeerName[]; readonly atLeast: number }
    | { readonly kind: "gflops"; readonly atLeast: number }
    | { readonly kind: "scaling"; readonly atLeast: number }
    | { readonly kind: "seconds"; readonly atMost: number };
}

function versus(
  own: PeerName,
  workload: string,
  peers: readonly PeerName[],
  atLeast: number,
  threads: 1 | 2 = 1,
): Target {
  const name = peers.length === 1 ? peers[0] : peers.some((peer) => !python.includes(peer)) ? "peer" : "PyTorch";
  return {
    own,
    workloads: new RegExp(`^${workload}$`),
    text: `${own}, ${workload}, ${threads === 1 ? "1 thread" : "2 threads"}: at least ${atLeast} × the best ${name}`,
    threads,
    against: { kind: "peer", peers, atLeast },
  };
}

const both = [1, 2] as const;
const native = (workload: string, peers: readonly PeerName[], atLeast: number): Target[] =>
  both.map((threads) => versus("hebb c", workload, peers, atLeast, threads));
const wasm = (workload: string, peers: readonly PeerName[], atLeast: number): Target =>
  versus("hebb wasm", workload, peers, atLeast);

export const targets: readonly Target[] = [
  ...native("matmul-.*", [...python, "JAX"], 0.9),
  ...native("tiny", python, 50),
  ...native("tiny", ["JAX"], 8),
  ...native("mlp", python, 1.5),
  ...native("mlp", ["JAX"], 1),
  ...native("cnn", python, 2),
  ...native("wide", [...python, "JAX"], 1),
  ...native("gpt", python, 1.5),
  ...native("chain", ["JAX"], 1),
  ...native("infer-.*", [...python, "onnxruntime-web", "onnxruntime-node"], 1),
  {
    own: "hebb c",
    workloads: /^start-/,
    text: "hebb c, start to first trained step, warm cache: under 0.4 s",
    threads: 1,
    against: { kind: "seconds", atMost: 0.4 },
  },
  {
    own: "hebb wasm",
    workloads: /^matmul-/,
    text: "hebb wasm, matmul: at least 50 GFLOP/s on one thread",
    threads: 1,
    against: { kind: "gflops", atLeast: 50 },
  },
  {
    own: "hebb wasm",
    workloads: /^matmul-/,
    text: "hebb wasm, matmul: two threads at least 1.6 × one",
    threads: 2,
    against: { kind: "scaling", atLeast: 1.6 },
  },
  wasm("tiny", python, 20),
  wasm("mlp", ["jax-js"], 1.7),
  wasm("cnn", ["jax-js"], 40),
  wasm("wide", ["jax-js"], 1.5),
  wasm("gpt", ["jax-js"], 2),
  wasm("chain", ["jax-js"], 5),
  wasm("infer-mlp", ["onnxruntime-web"], 1),
  wasm("infer-cnn", ["onnxruntime-web"], 1),
  {
    own: "hebb wasm",
    workloads: /^start-/,
    text: "hebb wasm, start to first trained step: under 0.3 s",
    threads: 1,
    against: { kind: "seconds", atMost: 0.3 },
  },
];
