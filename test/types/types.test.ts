// A wrong product of shapes must fail to compile, with a readable message.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

it("Tensor<[32, 784]> × Tensor<[512, 10]> is a compile-time error that says which sizes differ", () => {
  const tsc = path("../../node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(
    process.execPath,
    [tsc, "-p", path("wrong/tsconfig.json"), "--pretty", "false"],
    {
      encoding: "utf8",
    },
  );
  expect(status).not.toBe(0);
  expect(stdout).toContain("mismatch.ts(5,");
  expect(stdout).toContain("matmul: inner sizes differ");
  expect(stdout).toContain("784 (last of the left) must equal 512 (first of the right)");
  // Only this file is wrong: the rest of the library compiles.
  expect(stdout.split("\n").filter((line) => /\berror TS\d+/.test(line))).toHaveLength(1);
});
