// The rooms whose faults cost most: the files to change, and the tests that must notice.

/** Figures of the code that the compiler and the backends generate for every operation. */
const programs = [
  "test/golden/programs.test.ts",
  "test/golden/programSizes.test.ts",
  "test/golden/programOperations.test.ts",
  "test/golden/programComposites.test.ts",
];

export const rooms = {
  graph: {
    files: ["src/graph"],
    tests: [
      "src/graph",
      "src/tensor/linalg",
      "src/tensor/fft",
      "src/tensor/values.test.ts",
      "src/tensor/ranks.test.ts",
      "src/tensor/indexPut.test.ts",
      "test/arguments",
      "test/transforms",
      "test/golden/ops.test.ts",
      "test/golden/parity.test.ts",
      "test/conformance/reference.test.ts",
      "test/gradients/differences.test.ts",
      ...programs,
    ],
  },
  compiler: {
    files: ["src/compiler"],
    tests: [
      "src/compiler",
      "test/golden/kernels.test.ts",
      "src/backends/reference/device.test.ts",
      "test/conformance/reference.test.ts",
      ...programs,
    ],
  },
  analysis: {
    files: ["src/backends/analysis"],
    tests: [
      "src/backends/analysis",
      "src/backends/windows.test.ts",
      "src/backends/wasm/loops.test.ts",
      "test/conformance/wasm.test.ts",
      ...programs,
    ],
  },
  contraction: {
    files: ["src/backends/contraction"],
    tests: ["src/backends/contraction", "test/contraction", "src/backends/wasm/contraction/emit.test.ts", ...programs],
  },
  optim: {
    files: ["src/optim"],
    tests: [
      "src/optim",
      "test/golden/optimizers.test.ts",
      "test/golden/wrapped.test.ts",
      "test/golden/gradScaler.test.ts",
    ],
  },
  split: {
    files: ["src/data/split.ts", "src/data/sampler.ts", "src/data/random.ts"],
    tests: ["src/data/split.test.ts", "src/data/sampler.test.ts", "src/data/random.test.ts"],
  },
  resume: {
    files: ["src/train/parts.ts", "src/train/progress.ts", "src/train/state.ts", "src/train/callbacks"],
    tests: [
      "src/train/callbacks",
      "src/train/parts.test.ts",
      "src/train/holdings.test.ts",
      "src/train/trainer.test.ts",
      "src/train/fit.test.ts",
    ],
  },
};
