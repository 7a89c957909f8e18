// What a run launches: loops over time are unrolled, however many steps they have.
import { expect, it } from "vitest";
import { emitProgram } from "../../src/backends/webgpu/executable.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import { tiledAttention } from "../../src/graph/ops/attention.ts";
import { inputNode } from "../conformance/run.ts";

it("programs may have more launches than a call has room for arguments", () => {
  const [length, tiles] = [256, { queries: 1, keys: 1, together: 1 }];
  const given = () => inputNode({ shape: [1, length, 2], dtype: "float32" });
  const node = tiledAttention(given(), given(), given(), { scale: 1, isCausal: false }, tiles);
  const { program } = compileGraph("attention", [{ node }]);
  const { launches, shaders } = emitProgram(program, { kind: "processor" });
  expect(launches.length).toBeGreaterThan(2 * length ** 2);
  expect(shaders.length).toBeLessThan(30);
});
