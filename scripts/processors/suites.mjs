// The suites of scripts/processors.mjs, as test files and examples.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export const suites = {
  training: ["test/processors/training.test.ts"],
  contractions: ["src/backends/c/contraction/emit.test.ts", "src/backends/contraction/skipPadding.test.ts"],
  sums: ["test/sums.test.ts"],
  conformance: ["test/conformance/wasm.test.ts", "test/conformance/conformance.test.ts"],
  gradients: ["test/gradients/gradients.test.ts"],
  examples: readdirSync(`${root}/examples`)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => `examples/${name}`),
};
