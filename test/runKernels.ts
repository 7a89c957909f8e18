// Runs kernels written by hand on the reference backend, which defines what they mean.
import { createReferenceDevice } from "../src/backends/reference/index.ts";
import type { Kernel } from "../src/compiler/kernel.ts";
import { elementTypeOf, type TypedArray } from "../src/graph/dtype.ts";

/** What each buffer holds afterwards, as numbers. */
export function runKernels(kernels: readonly Kernel[], arrays: readonly TypedArray[]): number[][] {
  const device = createReferenceDevice();
  const blocks = arrays.map((data) => {
    const block = device.allocate(data.byteLength);
    device.write(block, data);
    return { block, dtype: elementTypeOf(data), length: data.length };
  });
  const executable = device.compile({
    name: "test",
    buffers: blocks.map(({ dtype, length }, id) => ({
      id,
      name: `b${id}`,
      dtype,
      length,
      placement: { kind: "argument", slot: id },
    })),
    kernels,
    checks: [],
    argumentCount: arrays.length,
    windowCount: 0,
    arenaBytes: 0,
  });
  executable.run(blocks.map(({ block }) => block));
  const results = blocks.map(({ block, dtype, length }) => [...device.read(block, dtype, length)]);
  device.close();
  return results;
}
