// The launches of a run: loops over time are unrolled, whatever their number of steps.
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { emitProgram } from "../../src/backends/webgpu/executable.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import { tiledAttention } from "../../src/graph/ops/attention.ts";
import { inputNode, Runner, valueOf } from "../conformance/run.ts";
import { webgpuDevice } from "./dawn.ts";

it("programs may have more launches than a call can take as arguments", () => {
  const [length, tiles] = [256, { queries: 1, keys: 1, together: 1 }];
  const given = () => inputNode({ shape: [1, length, 2], dtype: "float32" });
  const node = tiledAttention(given(), given(), given(), { scale: 1, isCausal: false }, tiles);
  const { program } = compileGraph("attention", [{ node }]);
  const { launches, shaders } = emitProgram(program, { kind: "processor" });
  expect(launches.length).toBeGreaterThan(2 * length ** 2);
  expect(shaders.length).toBeLessThan(30);
});

it("a run of many launches makes many submissions", async () => {
  const card = await webgpuDevice();
  if (card === undefined) return;
  const [length, tiles] = [24, { queries: 1, keys: 1, together: 1 }];
  const values = [1, 2, 3].map((pace) =>
    valueOf(
      "float32",
      [1, length, 2],
      Array.from({ length: 2 * length }, (_, place) => Math.sin(pace * place)),
    ),
  );
  const inputs = values.map(inputNode);
  const [query, key, value] = inputs;
  if (!query || !key || !value) throw new Error("no inputs");
  const node = tiledAttention(query, key, value, { scale: 1, isCausal: false }, tiles);
  const [expected] = new Runner(createReferenceDevice(), inputs, [node]).run(values);
  const { globals } = createRequire(import.meta.url)("webgpu") as {
    globals: { GPUQueue: typeof GPUQueue; GPUComputePassEncoder: typeof GPUComputePassEncoder };
  };
  const [queue, pass] = [globals.GPUQueue.prototype, globals.GPUComputePassEncoder.prototype];
  const [submit, dispatch] = [queue.submit, pass.dispatchWorkgroups];
  let [launches, most] = [0, 0];
  queue.submit = function (this: GPUQueue, ...buffers) {
    [most, launches] = [Math.max(most, launches), 0];
    return submit.apply(this, buffers);
  };
  pass.dispatchWorkgroups = function (this: GPUComputePassEncoder, ...groups) {
    launches++;
    return dispatch.apply(this, groups);
  };
  const [found] = await new Runner(card, inputs, [node]).runLater(values);
  queue.submit = submit;
  pass.dispatchWorkgroups = dispatch;
  card.close();
  expect(most).toBe(1024);
  for (const [place, right] of expected?.data.entries() ?? []) expect(found?.data[place]).toBeCloseTo(right, 5);
});
