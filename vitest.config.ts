// How the tests run: Node, every *.test.ts beside the sources and under test/, one process per core.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    // A test that is about another backend says so; the rest need not wait for a C compiler.
    env: { HEBB_BACKEND: process.env["HEBB_BACKEND"] ?? "wasm" },
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default"],
  },
});
