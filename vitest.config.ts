// How the tests run: Node, every *.test.ts beside the sources and under test/, one process per core.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { builtSources } from "./test/suite/builtSources.ts";
import { LongestFirst } from "./test/suite/longestFirst.ts";

export default defineConfig({
  plugins: process.env["HEBB_TEST_BUILT"] === "1" ? [builtSources] : [],
  test: {
    environment: "node",
    // A test that is about another backend says so; the rest need not wait for a C compiler.
    env: { HEBB_BACKEND: process.env["HEBB_BACKEND"] ?? "wasm" },
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: "forks",
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    // Compilers make much garbage that is dead at once: a larger nursery halves what collecting it costs.
    execArgv: ["--max-semi-space-size=64"],
    globalSetup: ["test/suite/folder.ts"],
    sequence: { sequencer: LongestFirst },
    reporters: ["default"],
  },
});
