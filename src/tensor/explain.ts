// The cost of a compiled program in words: kernels, bytes moved, FLOPs and, if measured, time.

import { indexRange } from "../compiler/indexing.ts";
import type { Instruction, Program } from "../compiler/kernel.ts";
import { pointsOf, visitKernel, visitStores } from "../compiler/lower.ts";
import { byteSize } from "../graph/dtype.ts";
import type { Scalar } from "../graph/scalar.ts";

export interface KernelCost {
  readonly name: string;
  /** Bytes of the buffers that the kernel touches, or of the parts that it can reach. */
  readonly bytes: number;
  /** Multiplications and additions of a contraction; for other kernels the points visited. */
  readonly flops: number;
}

export function kernelCost(kernel: Instruction, program: Program): KernelCost {
  if (kernel.kind === "repeat") {
    const costs = kernel.body.map((inner) => kernelCost(inner, program));
    const total = (of: (cost: KernelCost) => number): number =>
      kernel.steps * costs.reduce((sum, cost) => sum + of(cost), 0);
    return {
      name: `${kernel.name} × ${kernel.steps}`,
      bytes: total(({ bytes }) => bytes),
      flops: total(({ flops }) => flops),
    };
  }
  const reached = new Map<number, Map<string, number>>();
  const reach = (buffer: number, index: Scalar): void => {
    const { min, max } = indexRange(index);
    reached.set(
      buffer,
      (reached.get(buffer) ?? new Map<string, number>()).set(`${min}:${max}`, Math.max(0, max - min + 1)),
    );
  };
  visitKernel(kernel, (scalar) => {
    if (scalar.kind === "load") reach(scalar.buffer, scalar.index);
  });
  visitStores(kernel, ({ buffer, index }) => reach(buffer, index));
  let bytes = 0;
  for (const [id, ranges] of reached) {
    const buffer = program.buffers[id];
    const elements = [...ranges.values()].reduce((sum, count) => sum + count, 0);
    if (buffer !== undefined) bytes += Math.min(elements, buffer.length) * byteSize(buffer.dtype);
  }
  const points = pointsOf(kernel);
  return { name: kernel.name, bytes, flops: kernel.kind === "contraction" ? 2 * points : points };
}

function quantity(value: number, unit: string): string {
  for (const [size, prefix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= size) return `${(value / size).toFixed(1)} ${prefix}${unit}`;
  }
  return `${value} ${unit}`;
}

/** "12 kernels, 1.2 MB moved, 0.4 MB peak", and a line for each kernel; slowest first when nanoseconds are given. */
export function describeProgram(program: Program, nanoseconds?: readonly number[]): string {
  const costs = program.kernels.map((kernel) => kernelCost(kernel, program));
  const bytes = costs.reduce((sum, cost) => sum + cost.bytes, 0);
  const flops = costs.reduce((sum, cost) => sum + cost.flops, 0);
  const head = `${costs.length} ${costs.length === 1 ? "kernel" : "kernels"}, ${quantity(flops, "FLOP")}, ${quantity(bytes, "B")} moved, ${quantity(program.arenaBytes, "B")} arena`;
  const rows = costs.map((cost, place) => ({ cost, time: nanoseconds?.[place] }));
  if (nanoseconds !== undefined) rows.sort((a, b) => (b.time ?? 0) - (a.time ?? 0));
  const lines = rows.map(({ cost, time }) => {
    const work = `${quantity(cost.flops, "FLOP")}, ${quantity(cost.bytes, "B")}`;
    if (time === undefined) return `  ${cost.name}: ${work}`;
    return `  ${(time / 1000).toFixed(1).padStart(9)} µs  ${cost.name}: ${work}, ${(cost.flops / Math.max(time, 1)).toFixed(1)} GFLOP/s, ${(cost.bytes / Math.max(time, 1)).toFixed(1)} GB/s`;
  });
  return [head, ...lines].join("\n");
}
